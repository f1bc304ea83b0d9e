#!/usr/bin/env bash
# containerd.sh: a private containerd for tests of the driver alone.
#
#   containerd.sh up DIR [IMAGE...]     starts it below DIR, imports images (default: busybox, configured)
#   containerd.sh stop DIR | start DIR  containerd itself, its containers go on
#   containerd.sh down DIR              ends all, exit 1 and a list when anything is left behind
#
# SK_NAMESPACE is the containerd namespace (default sandkeep); its name is also that of the cgroup.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

export SK_NAMESPACE=${SK_NAMESPACE:-sandkeep}

ctr_private() { timeout 30 ctr --address "$DIR/containerd/sock" --namespace "$SK_NAMESPACE" "$@"; }

start() {
    setsid containerd --config "$DIR/containerd.toml" >>"$DIR/containerd.log" 2>&1 </dev/null &
    echo $! >"$DIR/containerd.pid"
    wait_for 60 ctr_private version >/dev/null || die "containerd does not answer: $(tail -n 5 "$DIR/containerd.log")"
}

stop() { stop_process "$(cat "$DIR/containerd.pid")" 60; }

up() {
    local images=("$@")
    [ $# -gt 0 ] || images=(busybox configured)
    mkdir -p "$DIR/containerd"
    containerd_config "$DIR" >"$DIR/containerd.toml"
    hugetlb_take "$SK_NAMESPACE"
    start
    "$SK_ROOT/tests/support/image.sh" import "$DIR/containerd/sock" "${images[@]}"
}

objects() {
    ctr_private tasks list -q | sed 's/^/task /'
    ctr_private containers list -q | sed 's/^/container /'
    ctr_private snapshots list | awk 'NR > 1 && $NF != "Committed" { print "snapshot " $1 }'
}

host_leftovers() {
    pgrep -af -- "containerd-shim.* -namespace $SK_NAMESPACE " | sed 's/^/process /' || true
    awk -v dir="$DIR/" 'index($2, dir) == 1 { print "mount " $2 }' /proc/mounts
    find /sys/fs/cgroup -mindepth 2 -type d -path "*/$SK_NAMESPACE/*" 2>/dev/null | sed 's/^/cgroup /'
}

nothing_left() { [ -z "$(host_leftovers)" ]; }

# Ends by force what a failed test left, so that the machine is tidy for the next one.
sweep() {
    local id
    for id in $(ctr_private tasks list -q); do
        ctr_private tasks kill -s SIGKILL "$id" || true
        ctr_private tasks delete -f "$id" || true
    done
    for id in $(ctr_private containers list -q); do ctr_private containers delete "$id" || true; done
} >/dev/null 2>&1

down() {
    local left
    kill -CONT "$(cat "$DIR/containerd.pid")" 2>/dev/null || true # a test may have failed while it was stopped
    left=$(objects) || left='objects that containerd does not list'
    [ -z "$left" ] || sweep
    stop || true
    # A shim of a busy machine takes its time.
    wait_for 60 nothing_left || left+=$'\n'$(host_leftovers)
    host_leftovers | awk '$1 == "process" { print $2 }' | xargs -r kill -KILL 2>/dev/null || true
    host_leftovers | awk '$1 == "mount" { print $2 }' | xargs -r umount -l 2>/dev/null || true
    find /sys/fs/cgroup -depth -type d \( -name "$SK_NAMESPACE" -o -path "*/$SK_NAMESPACE/*" \) \
        -exec rmdir {} + 2>/dev/null || true
    hugetlb_drop "$SK_NAMESPACE"
    rm -rf "$DIR" "/run/containerd/runc/$SK_NAMESPACE"
    [ -z "$left" ] || die "left behind:"$'\n'"$left"
}

main() {
    local verb=${1:-}
    DIR=$(realpath "${2:?a folder}")
    shift 2
    case $verb in
        up) up "$@" ;;
        start) start ;;
        stop) stop ;;
        down) down ;;
        *) die "use: up|start|stop|down DIR" ;;
    esac
}

main "$@"
