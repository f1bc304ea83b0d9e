#!/usr/bin/env bash
# image.sh: deploy/container/Dockerfile, really built (by buildah, from a Debian made here, as no registry is asked), and
# what it makes run as deploy/kubernetes/sandkeep.yaml does: beside a containerd of the node, with the manifest's own
# configuration and init container, with mounts like its. All of it in namespaces of its own and in one folder below /tmp. Root.
# Exit 77: nothing can be built here; it says why.
set -euo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
cd "$SK_ROOT"

MANIFEST=deploy/kubernetes/sandkeep.yaml
CGROUP=${CGROUP:-sandkeep-image-$$}
check() { say "ok: $*"; }
store() { buildah --root "$WORK/store" --runroot "$WORK/runroot" --storage-driver "$DRIVER" "$@"; }
skip() {
    say "skipped: $*"
    exit 77
}

# --- the image -----------------------------------------------------------------

# How apt is told here to reach its sources; the sources themselves are in the base.
apt_settings() { apt-config dump | grep -E '^Acquire::(http|https|ftp|Check-|Retries|ForceIP)' || true; }

base() {
    local id container
    tests/support/image.sh build debian
    for DRIVER in overlay vfs none; do
        [ "$DRIVER" != none ] || skip "buildah can store nothing here: $(tail -n 1 "$WORK/told")"
        id=$(store pull --quiet "oci-archive:$SK_ROOT/build/images/debian.tar" 2>"$WORK/told") ||
            grep -qiE 'mount|permitted|namespace|driver' "$WORK/told" || die "buildah does not read the base: $(cat "$WORK/told")"
        [ -n "$id" ] &&
            container=$(store from --pull-never "$id" 2>"$WORK/told") && break
    done
    store run --isolation chroot "$container" true 2>"$WORK/told" || skip "buildah can run nothing here: $(tail -n 1 "$WORK/told")"
    store rm "$container" >/dev/null
    store tag "$id" docker.io/library/debian:bookworm-slim
}

build() {
    apt_settings >"$WORK/apt"
    store build --isolation chroot --network host --pull-never --format docker \
        --volume "$WORK/apt:/etc/apt/apt.conf.d/99machine:ro" \
        --file deploy/container/Dockerfile --tag sandkeep . >"$WORK/build.log" 2>&1 || die "the build: $(tail -n 30 "$WORK/build.log")"
    IMAGE=$(store mount "$(store from --pull-never localhost/sandkeep)")
    check "the recipe builds"
}

said() { store inspect --type image --format "$1" localhost/sandkeep; }

# What it tells of itself, and that it holds no more than what it is for.
judge() {
    local version found
    version=$(sed -n 's/^project(sandkeep VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
    [ "$(said '{{index .Docker.Config.Labels "org.opencontainers.image.version"}}')" = "$version" ] || die "its label says another version than $version"
    ENTRYPOINT=$(said '{{range .Docker.Config.Entrypoint}}{{.}} {{end}}')
    HEALTH=$(said '{{range .Docker.Config.Healthcheck.Test}}{{.}} {{end}}')
    case $HEALTH in 'CMD '*) HEALTH=${HEALTH#CMD } ;; *) die "its health check needs a shell: $HEALTH" ;; esac
    found=$(cd "$IMAGE" && find . -xdev \( -name '*.deb' -o -name '*_Packages*' -o -path './var/cache/apt/*.bin' -o -path ./src -o -path ./debs \
        -o -name cc -o -name 'containerd*' -path '*/bin/*' \) -print)
    [ -z "$found" ] || die "the image holds what it does not need:"$'\n'"$found"
    check "it holds what it needs and no more, $(du -xsm "$IMAGE" | cut -f1) MB"
}

# --- the node ------------------------------------------------------------------

# Folders of the node, apart from the machine's, and how their mounts go between containerd and the pod.
node() {
    local dir
    mount --make-rprivate /
    hugetlb_mount >/dev/null
    mount -t proc proc /proc
    mount -t tmpfs run /run
    mkdir "$WORK/lib"
    mount --bind "$WORK/lib" /var/lib
    for dir in /run/sandkeep /var/lib/sandkeep /run/containerd /var/lib/containerd; do
        mkdir "$dir"
        mount --bind "$dir" "$dir"
        mount --make-shared "$dir"
    done
    ip link set lo up
}

containerd_up() {
    containerd_config "$WORK" | sed -e 's,^root = .*,root = "/var/lib/containerd",' -e 's,^state = .*,state = "/run/containerd",' \
        -e 's,^  address = .*,  address = "/run/containerd/containerd.sock",' >"$WORK/containerd.toml"
    containerd --config "$WORK/containerd.toml" >"$WORK/containerd.log" 2>&1 &
    wait_for 60 ctr version >/dev/null || die "containerd does not answer: $(tail -n 5 "$WORK/containerd.log")"
}

# --- the pod -------------------------------------------------------------------

# The part of the manifest from a line to another, without both and without its indentation.
manifest() { sed -n "/$1/,/$2/p" "$SK_ROOT/$MANIFEST" | sed '1d;$d' | sed "s/^ \{$3\}//"; }

settings() {
    local etc=$IMAGE/etc/sandkeep
    mkdir -p "$etc/tls"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout "$etc/tls/tls.key" -out "$etc/tls/tls.crt" 2>/dev/null
    manifest '^  sandkeepd.json: |$' '^---$' 4 >"$etc/sandkeepd.json"
    cat >"$etc/conf.d/keys.json" <<JSON
{"api_keys": ["$(openssl rand -hex 24)"],
 // Not the manifest's: a machine as small as may be, and a cgroup that is nobody else's.
 "reserved_cpu": "0", "reserved_memory": "0", "cgroup_parent": "$CGROUP"}
JSON
    chmod -R go= "$etc"
    cat /etc/resolv.conf >"$IMAGE/etc/resolv.conf"
}

# The manifest's mounts, and the image as the root.
pod() {
    local dir
    mount --bind "$IMAGE" "$IMAGE"
    cd "$IMAGE"
    mkdir -p run var/lib/sandkeep var/lib/containerd old
    mount -t tmpfs run run
    mkdir -p run/sandkeep run/containerd
    for dir in run/sandkeep var/lib/sandkeep run/containerd var/lib/containerd; do mount --rbind "/$dir" "$dir"; done
    mount --make-rprivate var/lib/sandkeep
    mount --make-rslave run/containerd
    mount --make-rslave var/lib/containerd
    mount -t proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    mount --bind "$WORK" tmp
    pivot_root . old
    cd /
    hash -r
    mount --make-rprivate /old
    umount -l /old
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -ec "$INIT"
    # shellcheck disable=SC2086 # a list of words
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin $ENTRYPOINT >>/tmp/daemon.log 2>&1 &
    DAEMON=$!
    wait_for 60 test -s /run/sandkeep/address || die "sandkeepd does not listen: $(tail -n 5 /tmp/daemon.log)"
    use
    stop_process "$DAEMON" 60 || die "sandkeepd did not end by SIGTERM"
}

use() {
    local id
    sandkeep image import /tmp/busybox.tar >/dev/null
    sandkeep run --no-stdin --keep --timeout 3600 --image busybox -- true
    id=$(sandkeep ls | awk 'NR == 2 { print $1 }')
    [ "$(sandkeep exec "$id" -- echo hello)" = hello ] || die "a sandbox does not say hello"
    check "a sandbox is made on the node's containerd, and a command runs in it"
    # shellcheck disable=SC2086
    $HEALTH >/dev/null || die "the image's health check fails while all is well"
    [ "$(sandkeep rm "$id")" = "$id" ] || die "it cannot be removed"
    check "its health check finds it well, and the sandbox is gone"
}

lives() {
    node
    containerd_up
    settings
    INIT=$(manifest '^            - |$' '^          volumeMounts:$' 14)
    [ -n "$INIT" ] || die "$MANIFEST has no init container where one is looked for"
    export INIT
    cp "$SK_ROOT/build/images/busybox.tar" "$WORK/"
    unshare --mount --propagation unchanged "$SK_ROOT/tests/deploy/image.sh" --pod
    [ -z "$(ctr --namespace sandkeep tasks list -q)" ] || die "containerd has tasks left"
    check "containerd has nothing of it left"
}

# --- outside -------------------------------------------------------------------

clean() {
    find /sys/fs/cgroup -mindepth 1 -depth -type d -path "*/$CGROUP*" -exec rmdir {} + 2>/dev/null || true
    store umount --all >/dev/null 2>&1 || true
    # One that was tried may be mounted still.
    umount -l "$WORK"/store/{overlay,vfs} 2>/dev/null || true
    rm -rf --one-file-system "$WORK"
}

main() {
    command -v buildah >/dev/null || skip "there is no buildah"
    packages_install image
    WORK=$(mktemp -d /tmp/skimage.XXXXXX)
    chmod 755 "$WORK"
    DRIVER=vfs
    trap clean EXIT
    base
    build
    judge
    tests/support/image.sh build busybox
    export WORK IMAGE CGROUP ENTRYPOINT HEALTH
    unshare --mount --net --pid --fork --kill-child "$SK_ROOT/tests/deploy/image.sh" --lives ||
        die "see above; daemon: $(tail -n 3 "$WORK/daemon.log" 2>/dev/null)"
}

case ${1:-} in
    --lives) lives ;;
    --pod) pod ;;
    '') main ;;
    *) die "use: image.sh" ;;
esac
