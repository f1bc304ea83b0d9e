#!/usr/bin/env bash
# machine.sh [DEB [PART...]]: the Debian package on a whole machine: systemd as the first process, cgroups of version 2 alone,
# Debian's own kernel, containerd, crun and runc, booted by qemu without any network. inside.sh is what runs there.
# Root. The last line says "N passed, N failed, N skipped".
#
# With KVM where the processor gives it, else emulated, which takes minutes. build/machine/base.img is kept for as long
# as what it is made of stays the same: remove it for newer packages.
set -euo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

HERE=$SK_ROOT/tests/machine
OUT=$SK_ROOT/build/machine
BOOT_S=600
RUN_S=1800

skip() {
    say "SKIPPED: $*"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

# --- the machine ----------------------------------------------------------------------------------

# Runs inside.sh, and is off when that has ended.
unit() {
    cat <<'UNIT'
[Unit]
Description=The tests
After=containerd.service
RequiresMountsFor=/mnt
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
ExecStart=/mnt/inside.sh
StandardOutput=file:/dev/ttyS1
StandardError=inherit
[Install]
WantedBy=multi-user.target
UNIT
}

# What the package depends on and recommends is in it already: there is no network to fetch that from.
base_packages() {
    echo systemd systemd-sysv dbus udev kmod linux-image-cloud-amd64 initramfs-tools
    echo containerd crun runc haproxy nftables iproute2 pigz ca-certificates procps busybox-static
    dpkg-deb -f "$DEB" Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g'
}

# What base.img is made of.
base_key() { { unit && base_packages && declare -f base_image; } | sha256sum; }

base_image() {
    local root=$WORK/root sources
    mkdir -p "$OUT"
    exec {BASE_LOCK}>"$OUT/lock"
    flock "$BASE_LOCK"
    [ "$(cat "$OUT/base.made" 2>/dev/null)" != "$(base_key)" ] || return 0
    rm -f "$OUT/base.made"
    sources=$(debian_sources)
    say "a machine of Debian's packages"
    # shellcheck disable=SC2046,SC2086 # lists of words
    mmdebstrap --quiet --mode=root --variant=minbase --skip=output/dev,output/mknod \
        --include="$(printf '%s\n' $(base_packages) | sort -u | paste -sd,)" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' "$(debian_codename)" "$root" $sources
    echo machine >"$root/etc/hostname"
    printf '127.0.0.1 localhost machine\n' >"$root/etc/hosts"
    printf '/dev/vda / ext4 defaults 0 1\n/dev/vdb /mnt ext4 ro,nofail 0 0\n' >"$root/etc/fstab"
    unit >"$root/etc/systemd/system/inside.service"
    # Not the haproxy of the distribution: the daemon starts its own.
    chroot "$root" systemctl --quiet enable inside.service
    chroot "$root" systemctl --quiet mask haproxy.service apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service
    cp "$(ls "$root"/boot/vmlinuz-*)" "$OUT/vmlinuz"
    cp "$(ls "$root"/boot/initrd.img-*)" "$OUT/initrd"
    mkfs.ext4 -q -d "$root" -E lazy_itable_init=1 "$OUT/base.img.new" 4G
    mv "$OUT/base.img.new" "$OUT/base.img"
    base_key >"$OUT/base.made"
    rm -rf --one-file-system "$root"
}

# What is of this tree, on a disk of its own.
payload() {
    local dir=$WORK/payload
    mkdir "$dir"
    cp "$DEB" "$dir/sandkeep.deb"
    echo "$PARTS" >"$dir/parts"
    cp "$HERE/inside.sh" "$SK_ROOT/build/images/busybox.tar" "$dir/"
    mkfs.ext4 -q -d "$dir" "$WORK/payload.img" 128M
}

# --- booting it -----------------------------------------------------------------------------------

# /dev/kvm alone says little: where the processor has no such thing, others stand in for it that run no ordinary kernel.
accelerators() {
    if [ -w /dev/kvm ] && grep -qwE 'svm|vmx' /proc/cpuinfo; then echo kvm; fi
    echo tcg
}

boot() {
    local how=(-accel 'tcg,thread=multi,tb-size=512' -cpu max)
    [ "$1" != kvm ] || how=(-accel kvm -cpu host)
    : >"$WORK/said"
    qemu-system-x86_64 "${how[@]}" -smp 2 -m 3072 -nodefaults -no-user-config -no-reboot -display none -snapshot \
        -kernel "$OUT/vmlinuz" -initrd "$OUT/initrd" -append 'root=/dev/vda rw console=ttyS0 panic=-1 quiet' \
        -drive file="$OUT/base.img",if=virtio,format=raw,cache=unsafe \
        -drive file="$WORK/payload.img",if=virtio,format=raw,readonly=on \
        -device virtio-rng-pci -nic none -serial file:"$WORK/console" -serial file:"$WORK/said" \
        >"$WORK/qemu" 2>&1 </dev/null {BASE_LOCK}>&- &
    QEMU=$!
}

has_begun() { grep -q '^# ' "$WORK/said" || process_gone "$QEMU"; }
has_ended() { grep -q '^machine: done' "$WORK/said" || process_gone "$QEMU"; }

# boots HOW: until inside.sh runs.
boots() {
    boot "$1"
    wait_for "$BOOT_S" has_begun || true
    grep -q '^# ' "$WORK/said" && return 0
    say "with $1 it does not boot: $(tail -qn 3 "$WORK/qemu" "$WORK/console" 2>/dev/null | tr -d '\r' | cut -c 1-300)"
    stop_process "$QEMU" 1 || true
    return 1
}

counted() {
    local passed failed
    tr -d '\r' <"$WORK/said"
    passed=$(grep -c '^ok: ' "$WORK/said" || true)
    failed=$(grep -c '^NOT OK: ' "$WORK/said" || true)
    if ! grep -q '^machine: done' "$WORK/said"; then
        say "it did not come to its end: $(tail -n 5 "$WORK/console" | tr -d '\r' | cut -c 1-300)"
        failed=$((failed + 1))
    fi
    echo "$passed passed, $failed failed, 0 skipped"
    [ "$failed" = 0 ]
}

clean() {
    [ -z "${QEMU:-}" ] || stop_process "$QEMU" 1 || true
    rm -rf --one-file-system "$WORK"
}

main() {
    local how booted=
    [ "$(dpkg --print-architecture)" = amd64 ] || skip "the machine that is booted here is an amd64 one"
    packages_install image package machine
    WORK=$(mktemp -d /tmp/skmachine.XXXXXX)
    trap clean EXIT
    DEB=${1:-$(SK_PACKAGE_DIR=$WORK/package "$SK_ROOT/deploy/package.sh")}
    PARTS=${*:2}
    "$SK_ROOT/tests/support/image.sh" build busybox
    base_image
    payload
    for how in $(accelerators); do
        if boots "$how"; then
            booted=$how
            break
        fi
    done
    if [ -z "$booted" ]; then
        say "NOT OK: qemu boots no machine within $BOOT_S s"
        echo "0 passed, 1 failed, 0 skipped"
        exit 1
    fi
    say "booted ($booted)"
    wait_for "$RUN_S" has_ended || true
    counted
}

main "$@"
