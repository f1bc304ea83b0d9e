#!/usr/bin/env bash
# run.sh [PART...]: installs what the tests need, builds, runs all of them. The last line says
# "N passed, N failed, N skipped". Root. Logs: build/test-logs/PART.log.
#
# Parts, in two lanes that run side by side:
#   lint unit e2e e2e-runc e2e-fake e2e-oldest e2e-newest       (lane 1, after the build)
#   clang tidy asan tsan fuzz model                             (lane 2, niced)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support/lib.sh"
cd "$SK_ROOT"

SELF=$SK_ROOT/tests/run.sh
LOGS=$SK_ROOT/build/test-logs
LANE_1='lint unit e2e e2e-runc e2e-fake e2e-oldest e2e-newest'
LANE_2='clang tidy asan tsan fuzz model'
FUZZ_SECONDS=${FUZZ_SECONDS:-10}
export SK_LOGS=$LOGS/nodes

# --- the parts: each prints what it does; its counts come from what its runners print ---

# one NAME COMMAND...: one check that is one test.
one() {
    local name=$1
    shift
    if "$@"; then
        echo "ok: $name"
        count 1 0 0
    else
        echo "NOT OK: $name"
        count 0 1 0
    fi
}
# count PASSED FAILED SKIPPED: adds to the part's own counts.
count() { echo "$1 $2 $3" >>"$COUNTS"; }

compile() { cmake --preset "$1" >/dev/null && cmake --build --preset "$1"; }

# suites BUILD_DIR CTEST_OPTION...: runs ctest and counts cmocka's tests, and the programs that died.
suites() {
    local out status=0
    out=$(mktemp)
    ctest --test-dir "$1" --verbose --timeout 300 "${@:2}" >"$out" 2>&1 || status=$?
    cat "$out"
    awk -v status="$status" '
        /\[  PASSED  \] [0-9]+ test/ { passed += number($0) }
        /\[  FAILED  \] [0-9]+ test/ { failed += number($0) }
        /\[  SKIPPED \] [0-9]+ test/ { skipped += number($0) }
        /\*\*\*Skipped/ { skipped++ }
        /tests failed out of/ { for (i = 1; i < NF; i++) if ($(i + 1) == "tests" && $(i + 2) == "failed") dead = $i }
        function number(line) { match(line, /\] [0-9]+/); return substr(line, RSTART + 2, RLENGTH - 2) + 0 }
        END {
            if (dead > failed) failed = dead
            if (status && !failed) failed = 1
            print passed + 0, failed + 0, skipped + 0
        }' "$out" >>"$COUNTS"
    rm -f "$out"
}

# venv NAME: a virtual environment with what tests/e2e/NAME.txt lists.
venv() {
    local dir=$SK_ROOT/build/venv-$1 list=tests/e2e/$1.txt
    if ! cmp -s "$list" "$dir/installed" || grep -qE '^[a-z]+$' "$list"; then
        [ -x "$dir/bin/pip" ] || python3 -m venv "$dir" >&2
        "$dir/bin/pip" install --quiet --upgrade -r "$list" >&2
        cp "$list" "$dir/installed"
    fi
    echo "$dir/bin/python"
}

# sdk_tests REQUIREMENTS PYTEST_ARGUMENT...
sdk_tests() {
    local python out status=0
    python=$(venv "$1")
    out=$(mktemp)
    (cd tests/e2e && "$python" -m pytest -p no:cacheprovider -q -rfE --tb=short --color=no "${@:2}") 2>&1 |
        tee "$out" || status=$?
    tail -n 1 "$out" | awk -v status="$status" '
        {
            gsub(/,/, "")
            for (i = 1; i < NF; i++) n[$(i + 1)] = $i
            failed = n["failed"] + n["error"] + n["errors"]
            if (status && !failed) failed = 1
            print n["passed"] + 0, failed + 0, n["skipped"] + 0
        }' >>"$COUNTS"
    rm -f "$out"
}

part_lint() {
    one layers python3 tests/lint/layers.py
    one format tests/lint/format.sh
    one shellcheck tests/lint/shell.sh
    one cppcheck tests/lint/cppcheck.sh build/dev
    one failpoints tests/lint/failpoints.sh
    one 'proto drift' "$(venv requirements)" tests/lint/proto_drift.py
}
part_unit() { suites build/dev; }
part_e2e() { sdk_tests requirements --runtime=crun; }
part_e2e-runc() { sdk_tests requirements --runtime=runc test_sdk_basics.py test_isolation.py test_other_client.py \
    test_network_smoke.py; }
part_e2e-fake() { sdk_tests requirements --runtime=fake test_sdk_basics.py test_errors.py test_unimplemented.py test_images_cli.py \
    test_network_api.py test_network_services.py test_cli_network.py; }
part_e2e-oldest() { sdk_tests requirements-oldest test_sdk_basics.py; }
part_e2e-newest() { sdk_tests requirements-newest test_sdk_basics.py; }
part_clang() { one 'clang builds everything' compile clang; }
part_tidy() { one clang-tidy tests/lint/tidy.sh build/clang; }
part_asan() { compile asan && suites build/asan -L 'unit|contract'; }
part_tsan() {
    compile tsan
    TSAN_OPTIONS="suppressions=$SK_ROOT/tests/support/tsan.supp" suites build/tsan -L unit \
        -R 'bridge|loop|store|client|server|rpc|mailbox|stream|http|registry'
}
part_fuzz() {
    local targets target
    mapfile -t targets < <(basename -s .c tests/fuzz/fuzz_*.c)
    cmake --preset fuzz >/dev/null
    cmake --build --preset fuzz --target "${targets[@]}"
    for target in "${targets[@]}"; do
        mkdir -p "build/fuzz/corpus/$target"
        one "$target" "build/fuzz/tests/$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 \
            -print_final_stats=1 -artifact_prefix="$LOGS/" "build/fuzz/corpus/$target"
    done
}

part_model() { one 'model of the lifecycle' tests/model/run.sh; }

# --- running them -----------------------------------------------------------

# run_part NAME: output to its log, one line of summary, the log's tail when it failed.
run_part() {
    local began=$SECONDS passed failed skipped status=0
    export COUNTS=$LOGS/$1.count
    : >"$COUNTS"
    # A shell of its own, so that `set -e` holds inside and an early end is seen here.
    "$SELF" --part "$1" >"$LOGS/$1.log" 2>&1 || status=$?
    read -r passed failed skipped < <(total "$COUNTS")
    if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
        count 0 1 0
        failed=1
    fi
    printf '%-12s %5s passed %4s failed %4s skipped  %4s s\n' "$1" "$passed" "$failed" "$skipped" $((SECONDS - began))
    [ "$failed" = 0 ] || excerpt "$LOGS/$1.log"
}

# excerpt LOG: the lines that name faults, then the end, without what compilers and linkers put into one line.
excerpt() {
    {
        grep -nE 'error:|FAILED|ERROR|NOT OK|runtime error|Sanitizer' "$1" | head -n 40
        echo ...
        tail -n 20 "$1"
    } | cut -c 1-300 | sed 's/^/    /'
}

total() { cat "$@" /dev/null | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }'; }

# lane WANTED PART...: those of the parts that are wanted, one after the other.
lane() {
    local name
    for name in "${@:2}"; do
        case " $1 " in *" $name "*) run_part "$name" ;; esac
    done
}

# shellcheck disable=SC2086 # lists of words
lane_1() { lane "$1" $LANE_1; }
# shellcheck disable=SC2086
lane_2() { lane "$1" $LANE_2; }

main() {
    local wanted="${*:-$LANE_1 $LANE_2}" passed failed skipped name
    [ "$(id -u)" = 0 ] || die "run this as root: the tests start containers"
    for name in $wanted; do
        declare -F "part_$name" >/dev/null || die "no part is called $name: $LANE_1 $LANE_2"
    done
    packages_install run build image test
    rm -rf "$LOGS"
    mkdir -p "$LOGS"
    say "building (build/dev)"
    compile dev >"$LOGS/build.log" 2>&1 || {
        excerpt "$LOGS/build.log"
        echo "0 passed, 1 failed, 0 skipped"
        exit 1
    }
    nice -n 10 "$SELF" --lane2 "$wanted" &
    lane_1 "$wanted"
    wait
    read -r passed failed skipped < <(total "$LOGS"/*.count)
    [ $((passed + failed)) -gt 0 ] || failed=1
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

case ${1:-} in
    # How this program calls itself.
    --part) "part_$2" ;;
    --lane2) lane_2 "$2" ;;
    *) main "$@" ;;
esac
