#!/usr/bin/env bash
# package.sh: the Debian package, from its build to its purge, in a Debian of its own below /tmp: built, judged by
# lintian, installed beside nothing but what it depends on and recommends, used, removed, installed again, purged.
# With a DEB: all but the build. All of it happens in namespaces of its own (mounts, processes, network), so nothing is left when it ends. Root.
set -euo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

CGROUP=sandkeep-package-$$
check() { say "ok: $*"; }
inside() { chroot "$ROOT/" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"; }

# --- the root file system -----------------------------------------------------

# What the package asks for, without versions, the first of alternatives.
wanted() {
    dpkg-deb -f "$DEB" Depends Recommends | sed 's/^[A-Za-z]*: *//' | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g' | sort -u
}

debootstrap_root() {
    local sources
    sources=$(debian_sources)
    # Not libcap2-bin and the like, which only systemd wants: what the package needs is what it says.
    # shellcheck disable=SC2086 # a list of words
    mmdebstrap --quiet --mode=root --variant=minbase --include="$(wanted | paste -sd,)" \
        --skip=output/dev,output/mknod "$(debian_codename)" "$ROOT" $sources
}

# Every path with its kind, mode, owner and content, but for what containerd, dpkg and programs' caches write.
listing() {
    (
        cd "$ROOT/"
        find . -xdev \( -path ./old -o -path ./var/lib/containerd -o -path ./etc/cni -o -path ./run -o -path ./tmp -o -path ./var/log -o -path ./var/cache \
            -o -path ./var/lib/dpkg -o -path ./proc -o -path ./sys -o -path ./dev \) -prune -o \
            \( -type f -printf '%p %m %U:%G ' -exec sha256sum {} \; -o ! -type f -printf '%p %y %m %U:%G %l\n' \) |
            sed 's/  .*//' | sort
    )
}

# --- inside the namespaces -------------------------------------------------------

mounts() {
    mount --make-rprivate /
    mount --bind "$ROOT" "$ROOT"
    hugetlb_mount >/dev/null
    mount -t proc proc "$ROOT/proc"
    mount --rbind /sys "$ROOT/sys"
    mount --rbind /dev "$ROOT/dev"
    mount -t tmpfs run "$ROOT/run"
    ip link set lo up
}

# The new root in the place of the machine's, which stays below /old: runtimes want / to be a mount.
change_root() {
    mkdir "$ROOT/old"
    cd "$ROOT"
    pivot_root . old
    cd /
    hash -r
    WORK=/old$WORK
    ROOT=
}

containerd_up() {
    inside containerd >"$WORK/containerd.log" 2>&1 &
    wait_for 60 inside ctr version >/dev/null || die "containerd does not answer: $(tail -n 5 "$WORK/containerd.log")"
}

# As its unit starts it.
daemon_up() {
    local command
    command=$(sed -n 's/^ExecStart=//p' "$ROOT/lib/systemd/system/sandkeepd.service")
    rm -f "$ROOT/run/sandkeep/address"
    # shellcheck disable=SC2086 # a list of words
    inside $command >>"$WORK/daemon.log" 2>&1 &
    wait_for 60 test -s "$ROOT/run/sandkeep/address" || die "sandkeepd does not listen: $(tail -n 5 "$WORK/daemon.log")"
}

daemon_down() {
    local pid
    pid=$(cat "$ROOT/var/lib/sandkeep/lock")
    stop_process "$pid" 60 || die "sandkeepd did not end by SIGTERM"
}

containers() { inside ctr --namespace sandkeep containers list -q; }
tasks_running() { inside ctr --namespace sandkeep tasks list | grep -c RUNNING; }

left_on_the_node() {
    containers | sed 's/^/container /'
    inside ctr namespaces list -q | grep -x sandkeep | sed 's/^/namespace of containerd /' || true
    network_links sandkeep | sed 's/^/link /'
    inside nft list tables | grep -w sandkeep || true
    ip -o address show dev lo | grep -o 'inet 10\.231[^ ]*' || true
    find /sys/fs/cgroup -mindepth 1 -type d -path "*/$CGROUP*" | sed 's/^/cgroup /'
    awk -v dir="$ROOT/run/sandkeep" 'index($5, dir) == 1 { print "mount " $5 }' /proc/self/mountinfo
    find "$ROOT/run/sandkeep" "$ROOT/var/lib/sandkeep" "$ROOT/etc/sandkeep" 2>/dev/null || true
    grep -lax haproxy /proc/[0-9]*/comm 2>/dev/null | sed 's/^/process /' || true
}

install_it() {
    inside dpkg --install /tmp/sandkeep.deb >"$WORK/dpkg.log" 2>&1 || die "dpkg: $(cat "$WORK/dpkg.log")"
}

use_it() {
    inside sandkeepd --check-config
    [ "$(stat -c %a:%U:%G "$ROOT/etc/sandkeep/sandkeepd.json")" = 640:root:root ] || die "the configuration is for all to read"
    daemon_up
    check "the daemon runs by its unit's command, without any setting made"
    inside sandkeep image import /tmp/busybox.tar >/dev/null
    [ "$(inside sandkeep run --no-stdin --image busybox -- echo hello)" = hello ] || die "a sandbox does not say hello"
    inside sandkeep run --no-stdin --keep --timeout 3600 --image busybox -- true
    [ "$(tasks_running)" = 1 ] || die "no sandbox is kept"
    check "a sandbox was made by the command line, by root, without a key"
    manuals
}

manuals() {
    local file
    for file in usr/share/man/man1/sandkeep.1.gz usr/share/man/man8/sandkeepd.8.gz usr/share/man/man5/sandkeepd.json.5.gz \
        usr/share/bash-completion/completions/sandkeep usr/share/bash-completion/completions/sandkeepd; do
        [ -s "$ROOT/$file" ] || die "the package has no $file"
    done
    check "manuals and completion are there"
}

remove_it() {
    daemon_down
    inside dpkg --remove sandkeep >"$WORK/dpkg.log" 2>&1 || die "dpkg: $(cat "$WORK/dpkg.log")"
    [ ! -e "$ROOT/usr/bin/sandkeepd" ] || die "the program is still there"
    [ -e "$ROOT/etc/sandkeep/sandkeepd.json" ] || die "a removal took the configuration away"
    [ -e "$ROOT/var/lib/sandkeep/node_id" ] || die "a removal took state away"
    [ "$(tasks_running)" = 1 ] || die "a removal ended a sandbox"
    check "a removal leaves the configuration, the state and the sandbox that runs"
}

come_back() {
    install_it
    daemon_up
    inside sandkeep ls | grep -qi running || die "the sandbox is not known any more: $(inside sandkeep ls)"
    check "installed again, the daemon knows its sandbox"
    # As a purge of what was removed long ago would meet a daemon that was put there by other means.
    inside sh /var/lib/dpkg/info/sandkeep.postrm purge 2>>"$WORK/dpkg.log"
    inside sandkeep ls | grep -qi running || die "a purge beside a daemon that runs ended its sandbox"
    [ -e "$ROOT/etc/sandkeep/sandkeepd.json" ] || die "a purge beside a daemon that runs took its configuration"
    check "a purge leaves a daemon that runs alone"
    daemon_down
    inside dpkg --remove sandkeep >"$WORK/dpkg.log" 2>&1
}

# In a file of its own, so that this cgroup is nobody else's; a purge must find it, and not take a comment's word.
settings() {
    cat >"$ROOT/etc/sandkeep/conf.d/cgroup.json" <<JSON
/* "containerd_namespace": "k8s.io" is where the pods are */
{"cgroup_parent":
  "$CGROUP"} // not "state_dir": "/srv"
JSON
}

# Others' things beside ours: a container in our namespace, a link by our name, a file on a file system of its own.
others_up() {
    local image
    image=$(inside ctr --namespace sandkeep images list -q | grep -m 1 busybox)
    inside ctr --namespace sandkeep containers create "$image" others-1
    ip link add sandkeep7 type bridge
    echo theirs >"$ROOT/var/lib/sandkeep/theirs"
}

others_down() {
    inside ctr --namespace sandkeep containers delete others-1
    ip link delete sandkeep7
    umount "$ROOT/var/lib/sandkeep"
    rmdir "$ROOT/var/lib/sandkeep"
}

purge_beside_others() {
    local state=$ROOT/var/lib/sandkeep
    mkdir -m 700 "$state"
    mount -t tmpfs state "$state"
    install_it
    settings
    use_it
    daemon_down
    others_up
    inside dpkg --remove sandkeep >"$WORK/dpkg.log" 2>&1 || die "dpkg: $(cat "$WORK/dpkg.log")"
    inside dpkg --purge sandkeep >"$WORK/dpkg.log" 2>&1 || die "dpkg: $(cat "$WORK/dpkg.log")"
    [ "$(containers)" = others-1 ] || die "with others in the namespace a purge leaves there: $(containers)"
    [ "$(network_links sandkeep)" = sandkeep7 ] || die "a purge leaves of links: $(network_links sandkeep)"
    mountpoint -q "$state" || die "a purge took a mount away"
    [ "$(ls -A "$state")" = theirs ] || die "a purge leaves in a mount: $(ls -A "$state")"
    check "a purge takes only the daemon's own, from among others' containers, links and files"
    others_down
}

purge_it() {
    local left
    inside dpkg --purge sandkeep >"$WORK/dpkg.log" 2>&1 || die "dpkg: $(cat "$WORK/dpkg.log")"
    left=$(left_on_the_node)
    [ -z "$left" ] || die "a purge leaves:"$'\n'"$left"
    check "a purge ends the sandbox and leaves nothing of the daemon on the node"
    listing >"$WORK/after"
    diff "$WORK/before" "$WORK/after" >&2 || die "a purge leaves the file system as above"
    check "after a purge the file system is what it was before the installation"
}

lives() {
    mounts
    cp "$DEB" "$ROOT/tmp/sandkeep.deb"
    cp "$SK_ROOT/build/images/busybox.tar" "$ROOT/tmp/"
    change_root
    listing >"$WORK/before"
    containerd_up
    purge_beside_others
    install_it
    check "dpkg installs it beside what it depends on"
    settings
    use_it
    remove_it
    come_back
    purge_it
}

# --- outside ------------------------------------------------------------------

clean() {
    find /sys/fs/cgroup -mindepth 1 -depth -type d -path "*/$CGROUP*" -exec rmdir {} + 2>/dev/null || true
    rm -rf --one-file-system "$WORK"
}

main() {
    packages_install image package
    DEB=${1:-}
    if [ -z "$DEB" ]; then
        DEB=$("$SK_ROOT/deploy/package.sh" --lint)
        check "built, and lintian has nothing to say"
    fi
    "$SK_ROOT/tests/support/image.sh" build busybox
    WORK=$(mktemp -d /tmp/skpkg.XXXXXX)
    chmod 755 "$WORK"
    ROOT=$WORK/root
    trap clean EXIT
    debootstrap_root
    export DEB WORK ROOT CGROUP
    unshare --mount --net --pid --fork --kill-child "$0" --lives || die "see above; daemon: $(tail -n 3 "$WORK/daemon.log" 2>/dev/null)"
}

case ${1:-} in
    --lives) lives ;;
    -*) die "use: package.sh [DEB]" ;;
    *) main "$@" ;;
esac
