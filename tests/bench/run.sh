#!/usr/bin/env bash
# run.sh [LIVES [EXECS]]: measures Sandkeep beside containerd, crun and runc, on one machine in one run, and
# writes tests/bench/RESULTS.md. Defaults: 60 lives, 1000 execs. Root; a release build; a quiet machine.
# run.sh --sessions: what sessions and idle sandboxes cost; writes that section of the file alone.
# run.sh --network [ROUNDS [ROUNDS_OF_TRAFFIC]]: networks of sandboxes beside the CNI bridge plugin; the same.
# run.sh --scrape [SANDBOXES]: what a scrape of the metrics costs; the same.
# run.sh --audit [ROUNDS [EXECS]]: what keys, the audit and metrics cost an exec; the same.
# run.sh --pull [MIB [LAYERS [ROUNDS]]]: an image from a local registry beside ctr and skopeo; the same.
set -euo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$SK_ROOT"

LIVES=${1:-60}
EXECS=${2:-1000}
BUILD=$SK_ROOT/build/release
BENCH=$BUILD/tests/sandkeep-bench
OUT=$SK_ROOT/tests/bench/RESULTS.md
BUSYBOX=docker.io/library/busybox:latest
PYTHON=docker.io/library/python:3.11
WORK=$(mktemp -d)
ROWS=$WORK/rows

finish() {
    [ -z "${SANDKEEP_NODE:-}" ] || tests/support/node.sh down || true
    rm -rf "$WORK"
}
trap finish EXIT

node_up() { eval "$(tests/support/node.sh up --runtime "$1" --build "$BUILD" --config "$WORK/config.json")"; }
node_down() {
    tests/support/node.sh down
    unset SANDKEEP_NODE
}

# rows PREFIX COMMAND...: runs the bench and files its rows as "PREFIX/name".
rows() { "${@:2}" | sed "s|^|$1/|" >>"$ROWS"; }

measure_sandkeep() {
    export SANDKEEP_ADDRESS=${CWSANDBOX_BASE_URL#http://}
    rows "$1/$2/sandkeep" "$BENCH" lives "$3" "$LIVES"
    rows "$1/$2/sandkeep" "$BENCH" execs "$3" "$EXECS"
}

# Many commands at a time, streams beside a bare pipe, files beside a piped archive, a log's way to its follower.
measure_flow() {
    rows "$1/$2/sandkeep" "$BENCH" many "$3" "$((EXECS * 2))" 5
    rows "$1/$2/sandkeep" "$BENCH" flows "$3" 512 5
    rows "$1/$2/sandkeep" "$BENCH" files "$3" 100
    rows "$1/$2/sandkeep" "$BENCH" follow "$PYTHON" 1000
    awk '/^VmHWM/ { printf "flow_rss_mib\t%.1f\n", $2 / 1024 }' "/proc/$SANDKEEP_PID/status" >>"$ROWS"
}

# A file through `ctr task exec` and tar, as `kubectl cp` does it. The third argument is the running task.
measure_copies() {
    local ctr="ctr --address $SANDKEEP_CONTAINERD_SOCKET --namespace bench" size name
    for size in 1024:1k 1048576:1m 33554432:32m; do
        name=${size#*:}
        head -c "${size%:*}" /dev/zero >"$WORK/bench"
        rows "$1/$2/ctr" "$BENCH" command "tar-write-$name" 10 '' '' bash -c \
            "tar -C $WORK -cf - bench | $ctr task exec --exec-id w$name\$BENCH_I $3 tar xf - -C /tmp"
        rows "$1/$2/ctr" "$BENCH" command "tar-read-$name" 10 '' '' bash -c \
            "$ctr task exec --exec-id r$name\$BENCH_I $3 tar cf - -C /tmp bench </dev/null >/dev/null"
    done
}

# The containerd calls of one create, from the daemon's own step times; median of their sum.
measure_steps() {
    python3 - "$SANDKEEP_LOG" "$1" >>"$ROWS" <<'PY'
import json, statistics, sys
wanted, sums, now = {"rootfs", "container", "task", "start"}, [], {}
for line in open(sys.argv[1], encoding="utf-8"):
    try:
        event = json.loads(line)
    except ValueError:
        continue
    if event.get("event") != "op.step" or event.get("step") not in wanted:
        continue
    now[event["step"]] = float(event["took_ms"])
    if event["step"] == "start" and len(now) == len(wanted):
        sums.append(sum(now.values()))
        now = {}
if sums:
    sums.sort()
    print(f"{sys.argv[2]}/calls\t{len(sums)}\t{sums[0]:.3f}\t{statistics.median(sums):.3f}\t"
          f"{sums[(len(sums) * 99 + 99) // 100 - 1]:.3f}")
PY
}

# What a person would run instead, with the same OCI runtime and image. The round's number is the id.
measure_ctr() {
    local n=$((LIVES / 2)) ctr="ctr --address $SANDKEEP_CONTAINERD_SOCKET --namespace bench"
    local make="$ctr run -d --runc-binary $1 $3 \$BENCH_I sleep 100000"
    local remove="$ctr container delete \$BENCH_I"
    SK_NAMESPACE=bench tests/support/image.sh import "$SANDKEEP_CONTAINERD_SOCKET" "$2"
    # shellcheck disable=SC2086 # $ctr is a command with options
    {
        rows "$1/$2/ctr" "$BENCH" command create "$n" '' "$ctr task delete -f \$BENCH_I >/dev/null; $remove" \
            $ctr run -d --runc-binary "$1" "$3" @ sleep 100000
        rows "$1/$2/ctr" "$BENCH" command stop "$n" "$make" "$remove" $ctr task delete -f @
        $ctr run -d --runc-binary "$1" "$3" held sleep 100000
        rows "$1/$2/ctr" "$BENCH" command exec "$n" '' '' $ctr task exec --exec-id @ held /bin/true
        [ "$1/$2" != crun/busybox ] || measure_copies "$1" "$2" held
        $ctr task delete -f held >/dev/null
        $ctr container delete held
    }
}

# bundle NAME: an OCI bundle of the image, made once.
bundle() {
    local dir=$WORK/bundle-$1 layer
    [ ! -e "$dir/config.json" ] || return 0
    mkdir -p "$dir/rootfs" "$dir/layout"
    tar -C "$dir/layout" -xf "build/images/$1.tar"
    layer=$(find "$dir/layout/blobs" -type f -size +100k)
    tar -C "$dir/rootfs" -xf "$layer"
    rm -rf "$dir/layout"
    (cd "$dir" && runc spec)
    python3 - "$dir/config.json" <<'PY'
import json, sys
config = json.load(open(sys.argv[1]))
config["process"] |= {"terminal": False, "args": ["sleep", "100000"]}
json.dump(config, open(sys.argv[1], "w"))
PY
}

# The OCI runtime alone: no containerd, no snapshot.
measure_runtime() {
    local n=$LIVES runtime="$1 --root $WORK/$1" dir=$WORK/bundle-$2
    bundle "$2"
    local make="$runtime run -d --bundle $dir \$BENCH_I >/dev/null 2>&1 </dev/null"
    # shellcheck disable=SC2086 # $runtime is a command with options
    {
        rows "$1/$2/cli" "$BENCH" command create "$n" '' "$runtime delete -f \$BENCH_I" \
            $runtime run -d --bundle "$dir" @ </dev/null 2>/dev/null
        rows "$1/$2/cli" "$BENCH" command stop "$n" "$make" '' $runtime delete -f @
        $runtime run -d --bundle "$dir" held </dev/null >/dev/null 2>&1
        rows "$1/$2/cli" "$BENCH" command exec "$n" '' '' $runtime exec held /bin/true
        $runtime delete -f held
    }
}

# Resident memory of the daemon 3 s after its start, nothing running.
measure_idle() {
    sleep 3
    awk '/^VmRSS/ { printf "idle_rss_mib\t%.1f\n", $2 / 1024 }' "/proc/$SANDKEEP_PID/status" >>"$ROWS"
}

# measure RUNTIME IMAGE_NAME IMAGE
measure() {
    say "measuring $1, $2"
    measure_sandkeep "$@"
    [ "$1/$2" != crun/busybox ] || measure_flow "$@"
    measure_ctr "$@"
    measure_runtime "$@"
}

facts() {
    cat <<FACTS
$(nproc) cores ($(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)), $(free -g | awk '/^Mem/ { print $2 }') GiB, Linux $(uname -r),
$(. /etc/os-release && echo "$PRETTY_NAME"), cgroup $(cgroup_v1 && echo 'v1/hybrid' || echo v2); $(containerd --version | awk '{ print "containerd", $3 }'),
$(runc --version | head -n 1 | sed 's/ version//'), $(crun --version | head -n 1 | sed 's/ version//'), sandkeep $(git describe --always --dirty 2>/dev/null || echo '').
FACTS
}

prepare() {
    [ "$(id -u)" = 0 ] || die "run this as root"
    packages_install run build image
    cmake --preset release >/dev/null
    ninja -C "$BUILD" sandkeepd sandkeep sandkeep-guest sandkeep-bench >&2
    tests/support/image.sh build busybox python
}

# section NAME: what the file has of it; '' is all before the first that has a run of its own.
section() { awk -v want="$1" '/^## (Sessions|Pulls|Network|Scrapes|Operators)$/ { now = $2 } now == want' "$OUT"; }

# replace NAME FILE: the file with one section anew, the others as they were.
replace() {
    local name
    for name in '' Sessions Pulls Network Scrapes Operators; do
        if [ "$name" = "$1" ]; then
            cat "$2" && echo
        else
            section "$name"
        fi
    done | cat -s | sed '${/^$/d}' >"$OUT.tmp"
    mv "$OUT.tmp" "$OUT"
    cat "$2"
}

# A python that has what the e2e tests need.
client() {
    local venv=build/venv-requirements
    [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r tests/e2e/requirements.txt >&2
    echo "$venv/bin/python"
}

# alone NAME SCRIPT TABLE ARGUMENT...: one section's run.
alone() {
    "$(client)" "tests/bench/$2" "$BUILD" "${@:4}" >"$ROWS"
    facts >"$WORK/facts"
    python3 "tests/bench/$3" "$ROWS" "$WORK/facts" >"$WORK/section"
    replace "$1" "$WORK/section"
}

sessions() {
    prepare
    alone Sessions bench_sessions.py table_sessions.py
}

pulls() {
    prepare
    packages_install test
    alone Pulls bench_pull.py table_pull.py "$@"
}

scrapes() {
    prepare
    alone Scrapes bench_scrape.py table_scrape.py "$@"
}

audits() {
    prepare
    alone Operators bench_audit.py table_audit.py "$@"
}

networks() {
    [ "$(id -u)" = 0 ] || die "run this as root"
    packages_install run build test
    cmake --preset release >/dev/null
    ninja -C "$BUILD" sandkeep-bench-network >&2
    rows network "$BUILD/tests/sandkeep-bench-network" "$@"
    facts >"$WORK/facts"
    python3 tests/bench/table_network.py "$ROWS" "$WORK/facts" >"$WORK/section"
    replace Network "$WORK/section"
}

main() {
    local runtime
    prepare
    echo '{"log_level": "debug"}' >"$WORK/config.json"
    for runtime in crun runc; do
        node_up "$runtime"
        [ "$runtime" != crun ] || measure_idle
        measure "$runtime" busybox "$BUSYBOX"
        measure_steps "$runtime/busybox/containerd"
        [ "$runtime" != crun ] || measure "$runtime" python "$PYTHON"
        node_down
    done
    facts >"$WORK/facts"
    python3 tests/bench/table.py "$ROWS" "$WORK/facts" >"$WORK/section"
    replace '' "$WORK/section"
}

# What is to be fetched is fetched before; nodes then have a network of their own.
if [ -z "${SK_OWN_NETWORK:-}${SK_HOST_NETWORK:-}" ]; then
    prepare
    client >/dev/null
    (own_network "tests/bench/run.sh" "$@")
    exit
fi

case ${1:-} in
    --sessions) sessions ;;
    --pull) pulls "${@:2}" ;;
    --network) networks "${@:2}" ;;
    --scrape) scrapes "${@:2}" ;;
    --audit) audits "${@:2}" ;;
    *) main ;;
esac
