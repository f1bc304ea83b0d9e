#!/usr/bin/env bash
# quickstart.sh: from a fresh Debian 12 machine to a Python program in a sandbox. Root.
#
#   deploy/quickstart.sh           # install, build, start; again: only what is missing
#   deploy/quickstart.sh --stop    # end the sandboxes, stop, remove all state that was made
#
# Everything it makes lies below /var/lib/sandkeep and /run/sandkeep, in containerd's namespace "sandkeep", and in
# the packet filter's table "sandkeep". Installed packages, the build folder and net.ipv4.ip_forward=1 stay.
set -euo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../tests/support/lib.sh"

STATE=/var/lib/sandkeep
RUN=/run/sandkeep
MARK=$STATE/.quickstart
CONFIG=$STATE/sandkeepd.json
BUILD=$SK_ROOT/build/release
IMAGE=docker.io/library/python:3.11
LISTEN=127.0.0.1:7463
# The defaults of network_name, and of the node's own address in network_ipv4_pool.
NETWORK=sandkeep
GATEWAY=10.231.0.1/32

step() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
recorded() { cat "$RUN/$1" 2>/dev/null || true; }
alive() { [ -n "$(recorded "$1")" ] && ! process_gone "$(recorded "$1")"; }
ctr_here() { ctr --address "$(cat "$STATE/containerd_socket")" --namespace sandkeep "$@"; }

require() {
    [ "$(id -u)" = 0 ] || die "run this as root"
    [ ! -e "$STATE" ] || [ -e "$MARK" ] || die "$STATE belongs to a Sandkeep that was installed by other means"
}

# background NAME COMMAND...: outlives this script and its terminal; pid below $RUN, log below $STATE.
background() {
    local name=$1
    shift
    setsid nohup "$@" >>"$STATE/$name.log" 2>&1 </dev/null &
    echo $! >"$RUN/$name.pid"
}

# --- up ---------------------------------------------------------------------

build() {
    step "building (build/release)"
    cd "$SK_ROOT"
    [ -e "$BUILD/build.ninja" ] || cmake --preset release >"$STATE/build.log" || die "cmake failed: $STATE/build.log"
    ninja -C "$BUILD" sandkeepd sandkeep sandkeep-guest >&2
}

# One that runs already is used as it is; its socket stands where every containerd's does.
containerd_up() {
    local socket=/run/containerd/containerd.sock
    if [ -S "$socket" ] && timeout 5 ctr --address "$socket" version >/dev/null 2>&1; then
        echo "$socket" >"$STATE/containerd_socket"
        return 0
    fi
    echo "$STATE/containerd/sock" >"$STATE/containerd_socket"
    alive containerd.pid && return 0
    step "starting containerd, as none runs here"
    mkdir -p "$STATE/containerd"
    containerd_config "$STATE" >"$STATE/containerd.toml"
    background containerd containerd --config "$STATE/containerd.toml"
    wait_for 30 containerd_answers || die "containerd does not answer: $STATE/containerd.log"
}
containerd_answers() { ctr_here version >/dev/null; }

# pull: true when a registry answered and the image is here. One that has not resolved the name after
# 20 s counts as out of reach.
pull() {
    local puller
    ctr_here images pull "$IMAGE" >"$STATE/pull.log" 2>&1 &
    puller=$!
    wait_for 20 resolved_or_over "$puller" && grep -q resolved "$STATE/pull.log" && wait "$puller" && return 0
    kill "$puller" 2>/dev/null || true
    wait "$puller" 2>/dev/null || true
    return 1
}
resolved_or_over() { process_gone "$1" || grep -q resolved "$STATE/pull.log"; }

image_up() {
    [ -z "$(ctr_here images list -q "name==$IMAGE")" ] || return 0
    step "getting the image python:3.11"
    echo "$IMAGE" >"$STATE/image"
    pull && return 0
    say "No registry can be reached: building python:3.11 from Debian's own python3 packages instead."
    "$SK_ROOT/tests/support/image.sh" import "$(cat "$STATE/containerd_socket")" python
}

configure() {
    [ ! -e "$CONFIG" ] || return 0
    (
        umask 077
        cat >"$CONFIG" <<JSON
{
  // Made by deploy/quickstart.sh; every setting with its default stands in config/sandkeepd.json.
  "node_id": "local",
  "listen": ["$LISTEN"],
  "api_keys": ["$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"],
  "guest_path": "$BUILD/sandkeep-guest",
  "containerd_socket": "$(cat "$STATE/containerd_socket")"
}
JSON
    )
}
api_key() { sed -n 's/.*"api_keys": \["\(.*\)"\].*/\1/p' "$CONFIG"; }

daemon_up() {
    alive sandkeepd.pid && return 0
    step "starting sandkeepd on $LISTEN"
    hugetlb_mount >"$RUN/hugetlb"
    rm -f "$RUN/address"
    background sandkeepd "$BUILD/sandkeepd" --config "$CONFIG"
    wait_for 30 daemon_listens || die "sandkeepd does not listen: $STATE/sandkeepd.log"
}
daemon_listens() {
    ! process_gone "$(recorded sandkeepd.pid)" || die "sandkeepd ended: $(tail -n 3 "$STATE/sandkeepd.log")"
    [ -s "$RUN/address" ]
}

show() {
    local program='import os, platform
print("Hello from", platform.node(), "with Python", platform.python_version(), "on", len(os.sched_getaffinity(0)), "cpu")
print("6 * 7 =", 6 * 7)'
    export CWSANDBOX_BASE_URL="http://$LISTEN" CWSANDBOX_API_KEY
    CWSANDBOX_API_KEY=$(api_key)
    step "sandkeep run -- python --version"
    "$BUILD/sandkeep" run -- python --version
    step "sandkeep run -- python -c '...'"
    "$BUILD/sandkeep" run -- python -c "$program"
    step "for your shell; then use cwsandbox from Python as you know it:"
    echo "export CWSANDBOX_BASE_URL=$CWSANDBOX_BASE_URL"
    echo "export CWSANDBOX_API_KEY=$CWSANDBOX_API_KEY"
    step "the node's status page: http://127.0.0.1:7464/"
}

up() {
    require
    step "packages"
    packages_install run build
    mkdir -p "$STATE" "$RUN"
    chmod 700 "$STATE"
    touch "$MARK"
    build
    containerd_up
    image_up
    configure
    daemon_up
    show
}

# --- --stop -----------------------------------------------------------------

end_sandboxes() {
    local id
    alive sandkeepd.pid || return 0
    export CWSANDBOX_BASE_URL="http://$LISTEN" CWSANDBOX_API_KEY
    CWSANDBOX_API_KEY=$(api_key)
    for id in $("$BUILD/sandkeep" ls --json | grep -oE '"local-[a-z0-9]+"' | tr -d '"' | sort -u); do
        say "ending $id"
        "$BUILD/sandkeep" rm "$id" || true
    done
    wait_for 30 no_containers || die "sandboxes remain: $(ctr_here containers list -q | tr '\n' ' ')"
}
no_containers() { [ -z "$(ctr_here containers list -q)" ]; }

stop() {
    require
    [ -e "$MARK" ] || {
        say "nothing to stop"
        return 0
    }
    step "ending sandboxes"
    end_sandboxes
    step "stopping sandkeepd"
    [ -z "$(recorded sandkeepd.pid)" ] || stop_process "$(recorded sandkeepd.pid)" 20 || say "sandkeepd had to be killed"
    if alive containerd.pid; then
        step "stopping containerd"
        stop_process "$(recorded containerd.pid)" 20 || say "containerd had to be killed"
    elif containerd_answers 2>/dev/null; then
        [ ! -e "$STATE/image" ] || ctr_here images remove "$(cat "$STATE/image")" >/dev/null
        ctr_here namespaces remove sandkeep >/dev/null 2>&1 || true
    fi
    network_end "$NETWORK" "$RUN" "$GATEWAY"
    [ ! -s "$RUN/hugetlb" ] || umount "$(cat "$RUN/hugetlb")" || say "hugetlb stays mounted: in use"
    find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name sandkeep -exec rmdir {} + 2>/dev/null || true
    rm -rf "$RUN" "$STATE"
    step "stopped; packages and $SK_ROOT/build stay"
}

case ${1:-} in
    '') up ;;
    --stop) stop ;;
    *) die "use: quickstart.sh [--stop]" ;;
esac
