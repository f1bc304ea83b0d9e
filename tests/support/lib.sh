# shellcheck shell=bash
# lib.sh: what the shell programs of this tree share. Sourced, never run.

# SK_CONTAINERD_BIN: a folder with the containerd, ctr and shim to test with, instead of the machine's own.
[ -z "${SK_CONTAINERD_BIN:-}" ] || export PATH=$SK_CONTAINERD_BIN:$PATH

SK_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$(basename "$0"): $*"
    exit 1
}

# debian_codename, debian_sources: this machine's release, and its own apt source files that carry it; 1 when there is none.
debian_codename() { (. /etc/os-release && echo "$VERSION_CODENAME"); }
debian_sources() {
    local found
    found=$(grep -lsE "^(deb |Suites:).*[[:space:]]$(debian_codename)([[:space:]]|\$)" \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources || true)
    [ -n "$found" ] || { say "no apt source of this machine carries its own release" && return 1; }
    echo "$found"
}

# The hugetlb controller as version 1, for crun on hybrid machines: a mount of the machine that all nodes of tests share,
# unless it was there before any of them. hugetlb_take USER, hugetlb_drop USER.
HUGETLB_USERS=/run/lock/sandkeep-hugetlb
hugetlb_take() {
    (
        flock 9
        mkdir -p "$HUGETLB_USERS"
        local mounted
        mounted=$(hugetlb_mount)
        [ -z "$mounted" ] || echo "$mounted" >"$HUGETLB_USERS/.mounted"
        [ ! -e "$HUGETLB_USERS/.mounted" ] || touch "$HUGETLB_USERS/$1"
    ) 9>/run/lock/sandkeep-hugetlb.lock
}

hugetlb_drop() {
    (
        flock 9
        rm -f "$HUGETLB_USERS/$1"
        if [ -e "$HUGETLB_USERS/.mounted" ] && [ -z "$(ls "$HUGETLB_USERS")" ]; then
            umount "$(cat "$HUGETLB_USERS/.mounted")" || exit 0
            rm -f "$HUGETLB_USERS/.mounted"
        fi
        rmdir "$HUGETLB_USERS" 2>/dev/null || true
    ) 9>/run/lock/sandkeep-hugetlb.lock
}

# packages SECTION...: the names listed in deploy/packages.txt under these sections.
packages() {
    local section
    for section in "$@"; do
        awk -v want="[$section]" '/^\[/ { on = ($0 == want); next } on && /^[^#]/' "$SK_ROOT/deploy/packages.txt"
    done
}

# packages_install SECTION...: installs those that are missing; silent and quick when none is.
packages_install() {
    local missing=() name
    for name in $(packages "$@"); do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q '^install ok installed' ||
            command -v "$name" >/dev/null || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null || die "apt-get update failed"
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || die "apt-get install failed"
}

# wait_for SECONDS COMMAND...: runs the command until it succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@" 2>/dev/null; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.1
    done
}

process_gone() { ! kill -0 "$1" 2>/dev/null || [ "$(process_state "$1")" = Z ]; }
process_state() { awk '/^State:/ { print $2 }' "/proc/$1/status" 2>/dev/null; }

# stop_process PID SECONDS: SIGTERM, then SIGKILL; 1 when it had to be killed.
stop_process() {
    kill -TERM "$1" 2>/dev/null || return 0
    wait_for "$2" process_gone "$1" && return 0
    kill -KILL "$1" 2>/dev/null || true
    wait_for 10 process_gone "$1" || true
    return 1
}

# containerd_config DIR: prints the configuration of a private containerd living below DIR.
containerd_config() {
    cat <<TOML
version = 2
root = "$1/containerd/root"
state = "$1/containerd/state"
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.restart",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "$1/containerd/sock"
[debug]
  level = "info"
TOML
}

# cgroup_v1: true on hosts with the legacy or the hybrid hierarchy.
cgroup_v1() { [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; }

# hugetlb_mount: crun wants every controller that the kernel knows to be mounted; prints what was
# mounted, for hugetlb_unmount. Hosts with only cgroup v2 need nothing.
hugetlb_mount() {
    local dir=/sys/fs/cgroup/hugetlb
    cgroup_v1 || return 0
    awk '$1 == "hugetlb" && $4 == 1 { found = 1 } END { exit !found }' /proc/cgroups || return 0
    # Not /proc/self/cgroup: a hierarchy with groups left in it lives on unmounted.
    ! awk '$3 == "cgroup" && $4 ~ /(^|,)hugetlb(,|$)/ { found = 1 } END { exit !found }' /proc/mounts || return 0
    mkdir -p "$dir"
    mount -t cgroup -o hugetlb cgroup "$dir"
    echo "$dir"
}

# own_network COMMAND...: runs it in a network of its own, with loopback alone, so that nothing it does to
# networks touches the machine's. SK_HOST_NETWORK=1: on the machine's, all the same.
own_network() {
    [ -z "${SK_OWN_NETWORK:-}${SK_HOST_NETWORK:-}" ] || exec "$@"
    # shellcheck disable=SC2016 # the inner shell's
    SK_OWN_NETWORK=1 exec unshare --net -- sh -c 'ip link set lo up && exec "$@"' sh "$@"
}

# network_links NAME: links of the daemon whose network has that name.
network_links() { ip -o link show 2>/dev/null | grep -oE "^[0-9]+: $1[0-9]+" | cut -d' ' -f2 || true; }

# network_end NAME RUN_DIR ADDRESS...: takes down what daemons leave in force when they end: the edge,
# sandboxes' networks, rules, and the addresses of the node that sandboxes know.
network_end() {
    local name=$1 run=$2 it
    it=$(cat "$run/edge/pid" 2>/dev/null || true)
    [ "$(readlink "/proc/${it:-none}/cwd")" != "$run/edge" ] || stop_process "$it" 5 || true
    find "$run/net" -mindepth 1 -maxdepth 1 -type f ! -name '*.id*' -exec umount -l {} \; 2>/dev/null || true
    umount -l "$run/net" 2>/dev/null || true
    rm -rf "$run/net"
    for it in $(network_links "$name"); do ip link delete "$it" 2>/dev/null || true; done
    nft delete table inet "$name" 2>/dev/null || true
    for it in "${@:3}"; do ip address delete "$it" dev lo 2>/dev/null || true; done
}
