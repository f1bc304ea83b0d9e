#!/usr/bin/env bash
# node.sh: a complete node of one's own: containerd, images, sandkeepd, a cgroup, free ports.
#
#   eval "$(node.sh up [--runtime crun|runc] [--fake] [--config FILE] [--build DIR] [--dir DIR] [--images 'A B'])"
#   node.sh daemon start|stop|kill       # the daemon alone; start keeps state and address
#   node.sh containerd start|stop|kill
#   node.sh inventory                    # what of the node exists on the host, one line each
#   node.sh down [--lax]                 # stop; exit 1 and a list when anything is left behind
#
# Each node has a network of its own (links, addresses, rules, ports), on whatever network it is started: the
# machine's, or that of the suite (tests/e2e/conftest.py).
#
# up prints export lines; the other verbs find the node by SANDKEEP_NODE, which is one of them.
# --config names a JSON object whose keys replace those of the node's own configuration.
# --lax: sandboxes that are still alive at `down` are ended without being counted as left behind.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

umask 022 # containerd's snapshots take it over: a root directory that only root may enter helps nobody

NAMESPACE=sandkeep
SHIM_SOCKETS=/run/containerd/s

names() { find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null || true; }
ctr_node() { timeout 30 ctr --address "$DIR/containerd/sock" --namespace "$NAMESPACE" "$@"; }
recorded() { cat "$DIR/$1" 2>/dev/null || true; }
fake() { [ "$(recorded drivers)" = fake ]; }

# --- starting ---------------------------------------------------------------

# start_marked NAME COMMAND...: in the background, in a session of its own, marked by SANDKEEP_MARK.
start_marked() {
    local name=$1
    shift
    SANDKEEP_MARK=$DIR setsid "$@" >>"$DIR/$name.log" 2>&1 </dev/null &
    echo $! >"$DIR/$name.pid"
}

containerd_start() {
    fake && return 0
    start_marked containerd containerd --config "$DIR/containerd.toml"
    wait_for 60 ctr_node version >/dev/null || die "containerd does not answer: $(tail -n 5 "$DIR/containerd.log")"
}

daemon_start() {
    # After a restart clients find the daemon where it was.
    rm -f "$DIR/run/address"
    # Registries that tests name are on loopback; on the machine's own network nothing else is to be reached.
    local guard
    guard=$(recorded build)/tests/libloopback.so
    [ -f "$guard" ] && [ -z "${SK_OWN_NETWORK:-}" ] || guard= # builds with sanitizers, too, have none
    LD_PRELOAD=${LD_PRELOAD:-}${LD_PRELOAD:+:}$guard start_marked daemon "$(recorded build)/sandkeepd" --config "$DIR/sandkeepd.json"
    wait_for 60 daemon_listens || die "sandkeepd does not listen: $(tail -n 5 "$DIR/daemon.log")"
    if [ ! -s "$DIR/address" ]; then
        cp "$DIR/run/address" "$DIR/address"
        configure "[\"$(recorded address)\"]"
    fi
}
daemon_listens() {
    process_gone "$(recorded daemon.pid)" && die "sandkeepd ended: $(tail -n 5 "$DIR/daemon.log")"
    [ -s "$DIR/run/address" ]
}

# configure LISTEN: writes the daemon's configuration, which holds the API key.
configure() {
    touch "$DIR/sandkeepd.json"
    chmod 600 "$DIR/sandkeepd.json"
    NODE_DIR=$DIR NODE_ID=$NODE_ID LISTEN=$1 "${SK_PYTHON:-python3}" - "$DIR/extra.json" >"$DIR/sandkeepd.json" <<'PY'
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["NODE_DIR"])
read = lambda name: (folder / name).read_text().strip()
config = {
    "node_id": os.environ["NODE_ID"],
    "listen": json.loads(os.environ["LISTEN"]),
    "http_listen": "127.0.0.1:0",
    "api_keys": [read("api_key")],
    "state_dir": str(folder / "state"),
    "run_dir": str(folder / "run"),
    "guest_path": read("build") + "/sandkeep-guest",
    "cgroup_parent": read("cgroup"),
    "drivers": read("drivers"),
    # Tests that stop daemons under calls mean them to be cut.
    "shutdown_timeout_s": 2,
    # However full the machine's disk is: images that tests rely on stay.
    "image_disk_high_percent": 100,
    # Tests run hundreds of sandboxes that do nothing, on small machines.
    "overcommit_cpu_percent": 1000000,
    "overcommit_memory_percent": 1000000,
}
config |= json.loads(read("network.json"))
if config["drivers"] == "containerd":
    config |= {"containerd_socket": str(folder / "containerd/sock"), "containerd_namespace": "sandkeep",
               "runtime": read("runtime")}
config |= json.loads(pathlib.Path(sys.argv[1]).read_text())
print(json.dumps(config, indent=2))
PY
}

# What nobody else's daemon on this network has: names, addresses, ports.
network_choose() {
    "${SK_PYTHON:-python3}" - "$NODE_ID" >"$DIR/network.json" <<'PY'
import json, socket, subprocess, sys

number = int(sys.argv[1][1:], 16)
said = subprocess.run(["ip", "-o", "-4", "address", "show", "dev", "lo"], check=True, stdout=subprocess.PIPE, text=True)


def pool(index):
    return f"10.{128 + index // 16}.{index % 16 * 16}."


def free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


pools = (pool((number + i) % 2048) for i in range(2048))
ports = (20000 + (number + i) % 100 * 100 for i in range(100))
first = next(port for port in ports if all(map(free, range(port, port + 100))))
print(json.dumps({
    "network_name": "n" + "".join("ghijklmnopqrstuv"[number >> 4 * i & 15] for i in range(7)),
    "network_ipv4_pool": next(name for name in pools if f" {name}1/" not in said.stdout) + "0/20",
    "network_log_group": number % 65535 + 1,
    "edge_ports": f"{first}-{first + 99}",
}))
PY
}

# The network's name, then the node's own addresses in its pools.
network_words() {
    "${SK_PYTHON:-python3}" - "$DIR/sandkeepd.json" <<'PY'
import ipaddress, json, sys

config = json.load(open(sys.argv[1], encoding="utf-8"))
pools = [config[key] for key in ("network_ipv4_pool", "network_ipv6_pool") if config.get(key)]
gateways = [ipaddress.ip_network(pool)[1] for pool in pools]
print(config["network_name"], *(f"{gateway}/{gateway.max_prefixlen}" for gateway in gateways))
PY
}

up() {
    local runtime=crun drivers=containerd extra='' build=$SK_ROOT/build/dev images='python busybox bare configured'
    DIR=''
    while [ $# -gt 0 ]; do
        case $1 in
            --fake) drivers=fake && shift && continue ;;
            --runtime) runtime=$2 ;;
            --config) extra=$2 ;;
            --build) build=$(realpath "$2") ;;
            --dir) DIR=$2 ;;
            --images) images=$2 ;;
            *) die "up: unknown option $1" ;;
        esac
        shift 2
    done
    [ -x "$build/sandkeepd" ] || die "no sandkeepd in $build: build first"
    # Short, because unix socket paths below it end at 107 bytes.
    [ -n "$DIR" ] && mkdir -p "$DIR" || DIR=$(mktemp -d /tmp/skn.XXXXXX)
    DIR=$(realpath "$DIR")
    NODE_ID=t$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')
    mkdir -p "$DIR"/{state,run,containerd}
    chmod 700 "$DIR" "$DIR/state"
    echo "$NODE_ID" >"$DIR/node_id"
    echo "sandkeep-$NODE_ID" >"$DIR/cgroup"
    echo "$drivers" >"$DIR/drivers"
    echo "$build" >"$DIR/build"
    command -v "$runtime" >"$DIR/runtime" || die "no $runtime on this machine"
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$DIR/api_key"
    { [ -n "$extra" ] && cat "$extra" || echo '{}'; } >"$DIR/extra.json"
    network_choose
    containerd_config "$DIR" >"$DIR/containerd.toml"
    names "$SHIM_SOCKETS" >"$DIR/shim_sockets.before"
    names /run/netns >"$DIR/netns.before"
    trap 'say "node.sh up failed; log: $DIR/daemon.log"' EXIT
    if ! fake; then
        # runc needs no such mount, but makes cgroups where there is one, which must not go before them.
        hugetlb_take "$NODE_ID"
        # shellcheck disable=SC2086 # a list of names
        "$SK_ROOT/tests/support/image.sh" seed "$DIR/containerd/root" $images
        containerd_start
    fi
    configure '["127.0.0.1:0"]'
    network_words >"$DIR/network"
    daemon_start
    trap - EXIT
    cat <<EXPORTS
export CWSANDBOX_BASE_URL=http://$(recorded address)
export CWSANDBOX_API_KEY=$(recorded api_key)
export SANDKEEP_NODE=$DIR
export SANDKEEP_STATE=$DIR/state
export SANDKEEP_RUN=$DIR/run
export SANDKEEP_CONFIG=$DIR/sandkeepd.json
export SANDKEEP_LOG=$DIR/daemon.log
export SANDKEEP_PID=$(recorded daemon.pid)
export SANDKEEP_CONTAINERD_SOCKET=$DIR/containerd/sock
export SANDKEEP_CGROUP=$(recorded cgroup)
EXPORTS
}

# --- what exists of the node, for `inventory` and for `down` ------------------

# Processes that carry the mark, name the folder, or sit in the node's cgroups. Patterns are read from
# standard input, else grep would find itself.
# shellcheck disable=SC2062 # the patterns are quoted
node_processes() {
    local pid
    {
        grep -lazxF --file=- /proc/[0-9]*/environ <<<"SANDKEEP_MARK=$DIR" || true
        grep -laF --file=- /proc/[0-9]*/cmdline <<<"$DIR/" || true
        grep -lE --file=- /proc/[0-9]*/cgroup <<<"/$CGROUP(/|\$)" || true
    } 2>/dev/null | cut -d/ -f3 | sort -nu | while read -r pid; do
        case $(process_state "$pid") in
            '' | Z) ;;
            *) echo "process $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-120)" ;;
        esac
    done 2>/dev/null
}

# But for the pinned namespaces, some of which are made ahead.
node_mounts() { mounts_below "$DIR" | grep -vE "^mount $DIR/run/net(/c?[0-9]+)?\$" || true; }
mounts_below() { awk -v dir="$1/" 'index($5, dir) == 1 { print "mount " $5 }' /proc/self/mountinfo; }

# New named network namespaces; unnamed ones live and die with their processes.
node_namespaces() {
    names /run/netns | grep -vxFf "$DIR/netns.before" | sed 's/^/netns /' || true
}

node_cgroups() {
    # Groups of others come and go meanwhile, which find reports as a failure.
    { find /sys/fs/cgroup -mindepth 2 -type d -path "*/$CGROUP/*" 2>/dev/null || true; } | sed 's/^/cgroup /'
}

# Shims listen below a folder that all containerds of the machine share: one of the node's sockets that
# nobody listens on is a leftover. Its name is the SHA-256 of containerd's socket, namespace and group. A daemon
# numbers its groups from the time of its start on, in ms (drivers/containerd/runtime.c).
node_sockets() {
    local stale=() name
    for name in $(names "$SHIM_SOCKETS" | grep -vxFf "$DIR/shim_sockets.before"); do
        grep -qF "$SHIM_SOCKETS/$name" /proc/net/unix || stale+=("$name")
    done
    [ ${#stale[@]} = 0 ] || "${SK_PYTHON:-python3}" - "$DIR" "$NAMESPACE" "$NODE_ID" "${stale[@]}" <<'PY'
import datetime, hashlib, json, re, sys

folder, namespace, node, *stale = sys.argv[1:]
LATE_MS, GROUPS_MAX = 10_000, 200  # how long after it says that it starts, and how many it makes
log = open(folder + "/daemon.log", encoding="utf-8", errors="replace").read()
groups = set(re.findall(node + "-[a-z2-7]{26}", log))
for line in log.splitlines():
    if '"daemon.starting"' in line:
        began = datetime.datetime.fromisoformat(json.loads(line)["time"].replace("Z", "+00:00"))
        first = int(began.timestamp() * 1000)
        groups |= {f"sk-{n}" for n in range(first, first + LATE_MS + GROUPS_MAX)}
ours = {hashlib.sha256(f"{folder}/containerd/sock/{namespace}/{g}".encode()).hexdigest() for g in groups}
print("".join(f"socket /run/containerd/s/{name}\n" for name in stale if name in ours), end="")
PY
    names "$DIR/run/agent" | sed 's/^/agent folder /'
}

# Networks that sandboxes have, and links that are nobody's.
node_places() {
    local file link
    fake && return 0
    for file in "$DIR"/run/net/*.id; do
        [ ! -s "$file" ] || echo "place on the network of $(cat "$file")"
    done
    for link in $(network_links "$NETWORK"); do
        [ -e "$DIR/run/net/${link#"$NETWORK"}" ] || echo "link $link"
    done
}

# What a daemon leaves in force until somebody takes it down.
network_left() {
    local address
    fake && return 0
    mounts_below "$DIR/run"
    nft list tables 2>/dev/null | sed -n "s/^table \(inet $NETWORK\)\$/nft table \1/p"
    for address in "${GATEWAYS[@]}"; do
        [ -z "$(ip -o address show dev lo to "$address")" ] || echo "address $address"
    done
}

# What OCI runtimes remember of the node's containers.
node_runtime_state() {
    {
        find /run/containerd/runc/"$NAMESPACE" /run/crun /run/runc -mindepth 1 -maxdepth 1 -name "$NODE_ID-*" \
            2>/dev/null || true
    } | sed 's/^/runtime state /'
}

# Objects in containerd beyond the images and what they hold.
node_objects() {
    fake && return 0
    ctr_node tasks list -q | sed 's/^/task /'
    ctr_node containers list -q | sed 's/^/container /'
    ctr_node leases list -q | sed 's/^/lease /'
    ctr_node snapshots list | awk 'NR > 1 && $NF != "Committed" { print "snapshot " $1 }'
    "${SK_PYTHON:-python3}" "$SK_ROOT/tests/support/loose.py" \
        timeout 30 ctr --address "$DIR/containerd/sock" --namespace "$NAMESPACE"
}

host_leftovers() {
    node_processes
    node_mounts
    node_namespaces
    node_cgroups
    node_sockets
    node_places
    node_runtime_state
}

# --- stopping ---------------------------------------------------------------

daemon_stop() {
    local pid
    pid=$(recorded daemon.pid)
    [ -n "$pid" ] || return 0
    stop_process "$pid" 60 || echo "process $pid sandkeepd did not end within 60 s of SIGTERM"
    rm -f "$DIR/daemon.pid"
}

daemon_kill() {
    kill -KILL "$(recorded daemon.pid)" 2>/dev/null || true
    wait_for 60 process_gone "$(recorded daemon.pid)"
    rm -f "$DIR/daemon.pid"
}

containerd_kill() {
    kill -KILL "$(recorded containerd.pid)" 2>/dev/null || true
    wait_for 60 process_gone "$(recorded containerd.pid)"
}

containerd_stop() {
    [ -z "$(recorded containerd.pid)" ] || stop_process "$(recorded containerd.pid)" 60 || true
}

# Ends whatever containers are left, so that the checks afterwards see only what resists.
end_containers() {
    local id
    fake && return 0
    for id in $(ctr_node tasks list -q); do
        ctr_node tasks kill -s SIGKILL -a "$id" || ctr_node tasks kill -s SIGKILL "$id" || true
        ctr_node tasks delete -f "$id" || true
    done
    for id in $(ctr_node containers list -q); do ctr_node containers delete "$id" || true; done
    for id in $(ctr_node snapshots list | awk 'NR > 1 && $NF != "Committed" { print $1 }'); do
        ctr_node snapshots rm "$id" || true
    done
} >/dev/null 2>&1

remove_cgroups() {
    find /sys/fs/cgroup -mindepth 1 -depth -type d \( -name "$CGROUP" -o -path "*/$CGROUP/*" \) \
        -exec rmdir {} + 2>/dev/null || true
}

# What was ended just now is still being taken away: the daemon gets the time for it.
objects_gone() { [ -z "$(node_objects)" ]; }
shims_gone() { [ "$(node_processes | grep -c containerd-shim)" = 0 ]; }
let_it_finish() {
    [ -n "$(recorded daemon.pid)" ] && ! process_gone "$(recorded daemon.pid)" || return 0
    [ -n "$(recorded containerd.pid)" ] && ! process_gone "$(recorded containerd.pid)" || return 0
    wait_for 60 objects_gone || return 0
    # One that serves nothing and does not end is ended by the daemon, which watches it first (strays.h, gc.h).
    wait_for 180 shims_gone || true
}

nothing_left() { [ -z "$(
    host_leftovers
    network_left
)" ]; }

down() {
    local left='' alive=''
    [ -d "$DIR" ] || die "down: no node at $DIR"
    [ "${1:-}" = --lax ] || let_it_finish
    left+=$(daemon_stop)
    if [ -n "$(recorded containerd.pid)" ] && ! process_gone "$(recorded containerd.pid)"; then
        # What core/gc and containerd's own collector still do has a few seconds to happen.
        [ "${1:-}" = --lax ] || alive=$(node_objects)
        end_containers
        [ "${1:-}" != --lax ] || rm -rf "$DIR/run/agent"
        containerd_stop
    fi
    [ "${1:-}" = --lax ] || left+=$'\n'$(node_places)
    fake || network_end "$NETWORK" "$DIR/run" "${GATEWAYS[@]}"
    wait_for 60 nothing_left || left+=$'\n'$(host_leftovers)$'\n'$(network_left)
    [ -z "$alive" ] || left+=$'\n'$alive
    if [ -n "$(tr -d '[:space:]' <<<"$left")" ]; then
        say "left behind by node $NODE_ID:"
        sed '/^$/d; s/^/  /' <<<"$left" >&2
        end_by_force
    fi
    [ -z "${SK_LOGS:-}" ] || keep_logs
    remove_cgroups
    hugetlb_drop "$NODE_ID"
    rm -rf "$DIR"
    [ -z "$(tr -d '[:space:]' <<<"$left")" ]
}

# The check has failed; the machine is still tidied for whoever comes next.
end_by_force() {
    local pid point
    for pid in $(node_processes | awk '{ print $2 }'); do kill -KILL "$pid" 2>/dev/null || true; done
    sleep 0.5
    for point in $(node_mounts | awk '{ print $2 }' | sort -r); do umount -l "$point" 2>/dev/null || true; done
    node_runtime_state | sed 's/^runtime state //' | xargs -r rm -rf
    node_sockets | sed -n 's/^socket //p' | xargs -r rm -f
}

keep_logs() {
    mkdir -p "$SK_LOGS"
    cp "$DIR/daemon.log" "$SK_LOGS/$NODE_ID-daemon.log" 2>/dev/null || true
    cp "$DIR/containerd.log" "$SK_LOGS/$NODE_ID-containerd.log" 2>/dev/null || true
}

# --- verbs ------------------------------------------------------------------

find_node() {
    DIR=${SANDKEEP_NODE:?no node: eval what 'node.sh up' printed}
    NODE_ID=$(recorded node_id)
    CGROUP=$(recorded cgroup)
    [ -n "$NODE_ID" ] || die "$DIR holds no node"
    read -r -a GATEWAYS <"$DIR/network"
    NETWORK=${GATEWAYS[0]}
    GATEWAYS=("${GATEWAYS[@]:1}")
}

main() {
    local verb=${1:-}
    shift || true
    [ "$verb" = up ] || find_node
    case "$verb ${1:-}" in
        up\ *) up "$@" ;;
        down\ *) down "$@" ;;
        'daemon start') daemon_start ;;
        'daemon stop') daemon_stop ;;
        'daemon kill') daemon_kill ;;
        'containerd start') containerd_start ;;
        'containerd stop') containerd_stop ;;
        'containerd kill') containerd_kill ;;
        inventory\ *)
            host_leftovers
            node_objects
            ;;
        *) die "use: up [options] | daemon|containerd start|stop|kill | inventory | down [--lax]" ;;
    esac
}

main "$@"
