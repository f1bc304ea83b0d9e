#!/usr/bin/env bash
# run.sh [PART...]: installs what the tests need, builds, runs all of them. The last line says
# "N passed, N failed, N skipped". Root. Logs: build/test-logs/PART.log.
#
# Parts, in the order below, after the build: one lane takes the first that nobody has taken, the other the last, until
# none is left. What only computes is niced.
#   lint unit e2e-kills e2e e2e-images e2e-network e2e-runc e2e-fake e2e-oldest e2e-newest
#   deploy model fuzz tsan asan tidy clang
# And, only when it is named, since it takes ten minutes where the processor has no KVM to give:
#   machine
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support/lib.sh"
cd "$SK_ROOT"

SELF=$SK_ROOT/tests/run.sh
LOGS=$SK_ROOT/build/test-logs
PARTS='lint unit e2e-kills e2e e2e-images e2e-network e2e-runc e2e-fake e2e-oldest e2e-newest
    deploy model fuzz tsan asan tidy clang'
NAMED_PARTS='machine'
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
# one_or_skip NAME COMMAND...: the same; 77 says that it cannot run here.
one_or_skip() {
    local status=0
    "${@:2}" || status=$?
    case $status in
        0) echo "ok: $1" && count 1 0 0 ;;
        77) echo "skipped: $1" && count 0 0 1 ;;
        *) echo "NOT OK: $1" && count 0 1 0 ;;
    esac
}
# count PASSED FAILED SKIPPED: adds to the part's own counts.
count() { echo "$1 $2 $3" >>"$COUNTS"; }

# compile PRESET [TARGET...]: by one at a time.
compile() {
    mkdir -p build
    (flock 8 && cmake --preset "$1" >/dev/null && cmake --build --preset "$1" ${2:+--target "${@:2}"}) 8>"build/$1.lock"
}

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

# venv NAME: a virtual environment with what tests/e2e/NAME.txt lists; made by one at a time.
venv() {
    local dir=$SK_ROOT/build/venv-$1 list=tests/e2e/$1.txt lock
    exec {lock}>"$dir.lock"
    flock "$lock"
    if ! cmp -s "$list" "$dir/installed" || grep -qE '^[a-z]+$' "$list"; then
        [ -x "$dir/bin/pip" ] || python3 -m venv "$dir" >&2
        "$dir/bin/pip" install --quiet --upgrade -r "$list" >&2
        cp "$list" "$dir/installed"
    fi
    exec {lock}>&-
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
    one metrics python3 tests/lint/metrics.py
    one format tests/lint/format.sh
    one shellcheck tests/lint/shell.sh
    one cppcheck tests/lint/cppcheck.sh build/dev
    one failpoints tests/lint/failpoints.sh
    one 'man pages' tests/lint/man.sh build/dev
    one 'what the manuals name is there' python3 tests/lint/docs.py build/dev
    one 'proto drift' "$(venv requirements)" tests/lint/proto_drift.py
}
part_unit() { suites build/dev; }
# The end-to-end tests on crun, in parts of about the same length.
E2E_NETWORK=(test_network)
E2E_IMAGES=(test_images test_torture_images test_kill_pull test_reflection test_fleet)
E2E_KILLS=(test_kill_matrix test_restart test_gc test_leaks test_soak test_drain test_containerd_gone test_hostile)
# Run on the fake drivers alone: other runtimes would add nothing.
E2E_FAKES=(test_web test_peers test_audit_full test_cli_verbs test_cli_hostile test_peers_hostile)
part_e2e-network() { e2e_of "${E2E_NETWORK[@]}"; }
part_e2e-images() { e2e_of "${E2E_IMAGES[@]}"; }
part_e2e-kills() { e2e_of "${E2E_KILLS[@]}"; }
part_e2e() {
    local name others=()
    for name in "${E2E_NETWORK[@]}" "${E2E_IMAGES[@]}" "${E2E_KILLS[@]}"; do others+=("--ignore-glob=$name*"); done
    for name in "${E2E_FAKES[@]}"; do others+=("--ignore=$name.py"); done
    sdk_tests requirements --runtime=crun "${others[@]}"
}
# e2e_of BEGINNING...: the files whose names begin like that.
e2e_of() {
    local files
    mapfile -t files < <(cd tests/e2e && for name in "$@"; do compgen -G "$name*.py"; done | sort)
    [ ${#files[@]} -ge $# ] || die "no tests begin with one of $*"
    sdk_tests requirements --runtime=crun "${files[@]}"
}
part_e2e-runc() { sdk_tests requirements --runtime=runc test_sdk_basics.py test_isolation.py test_other_client.py \
    test_network_smoke.py; }
# With sanitizers, of which anything said is a test that fails (tests/e2e/sanitizers.py).
part_e2e-fake() {
    compile asan sandkeepd sandkeep sandkeep-guest
    sdk_tests requirements --runtime=fake --build="$SK_ROOT/build/asan" test_sdk_basics.py test_errors.py \
        test_unimplemented.py test_images_cli.py test_network_api.py test_network_services.py test_cli_network.py \
        test_tenants.py test_keys.py test_doctor.py "${E2E_FAKES[@]/%/.py}"
}
part_e2e-oldest() { sdk_tests requirements-oldest test_sdk_basics.py; }
part_e2e-newest() { sdk_tests requirements-newest test_sdk_basics.py; }
part_clang() { one 'clang builds everything' compile clang; }
part_tidy() {
    compile clang
    one clang-tidy tests/lint/tidy.sh build/clang
}
part_asan() { compile asan && suites build/asan -L 'unit|contract'; }
part_tsan() {
    compile tsan
    TSAN_OPTIONS="suppressions=$SK_ROOT/tests/support/tsan.supp" suites build/tsan -L unit \
        -R 'bridge|loop|store|client|server|rpc|mailbox|stream|http|registry|audit|trace'
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

part_deploy() {
    one 'recipes of deploy/' tests/deploy/recipes.sh build/dev build_depends haproxy_recipe haproxy_paths image
    one_or_skip 'the manifest, by Kubernetes own types' tests/deploy/recipes.sh build/dev kubernetes
    one 'the Debian package, installed, used, purged' tests/deploy/package.sh
    one_or_skip 'the image, built, and run beside a containerd' tests/deploy/image.sh
}
part_machine() {
    local out status=0
    out=$(mktemp)
    tests/machine/machine.sh | tee "$out" || status=$?
    tail -n 1 "$out" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' >>"$COUNTS"
    rm -f "$out"
    return "$status"
}
part_model() { one 'model of the lifecycle' tests/model/run.sh; }

# --- running them -----------------------------------------------------------

# run_part NAME: output to its log, one line of summary, the log's tail when it failed.
run_part() {
    local began=$SECONDS passed failed skipped status=0
    export COUNTS=$LOGS/$1.count
    : >"$COUNTS"
    # A shell of its own, so that `set -e` holds inside and an early end is seen here.
    nice -n "$(niceness "$1")" "$SELF" --part "$1" >"$LOGS/$1.log" 2>&1 9>&- || status=$?
    read -r passed failed skipped < <(total "$COUNTS")
    if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
        count 0 1 0
        failed=1
    fi
    printf '%-12s %5s passed %4s failed %4s skipped  %4s s\n' "$1" "$passed" "$failed" "$skipped" $((SECONDS - began))
    [ "$failed" = 0 ] || excerpt "$LOGS/$1.log"
}

# unrun PART...: those of which nothing was counted.
unrun() {
    local name
    for name in "$@"; do
        [ "$(total "$LOGS/$name.count")" != '0 0 0' ] || echo "$name"
    done
}

# excerpt LOG: the lines that name faults, then the end, without what compilers and linkers put into one line.
excerpt() {
    {
        grep -m 40 -nE 'error:|FAILED|ERROR|NOT OK|runtime error|Sanitizer' "$1" || true
        echo ...
        tail -n 20 "$1"
    } | cut -c 1-300 | sed 's/^/    /'
}

# total FILE...: the sums of what they count; a missing one has counted nothing.
total() { cat "$@" /dev/null 2>/dev/null | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }'; }

# Those that wait for nobody leave the processors to those that do.
niceness() { case $1 in clang | tidy | asan | tsan | fuzz | model) echo 10 ;; *) echo 0 ;; esac; }

# take first|last: the next part that nobody has taken; 1 when there is none. Both lanes call this.
take() {
    local names
    {
        flock 8
        read -r -a names <"$LOGS/parts" || true
        [ ${#names[@]} -gt 0 ] || return 1
        case $1 in
            first) echo "${names[0]}" && names=("${names[@]:1}") ;;
            last) echo "${names[-1]}" && unset 'names[-1]' ;;
        esac
        echo "${names[*]}" >"$LOGS/parts"
    } 8>"$LOGS/parts.lock"
}

# lane first|last: runs parts until all are taken.
lane() {
    local name
    while name=$(take "$1"); do run_part "$name"; done
}

main() {
    local wanted=" $* " passed failed skipped name parts=()
    [ "$(id -u)" = 0 ] || die "run this as root: the tests start containers"
    for name in "$@"; do
        declare -F "part_$name" >/dev/null || die "no part is called $name: $PARTS $NAMED_PARTS"
    done
    for name in $PARTS; do
        [ $# -gt 0 ] && [[ $wanted != *" $name "* ]] || parts+=("$name")
    done
    for name in $NAMED_PARTS; do
        [[ $wanted != *" $name "* ]] || parts+=("$name")
    done
    packages_install run build image package test
    mkdir -p build
    exec 9>build/tests.lock
    flock -n 9 || die "tests run in this tree already"
    rm -rf "$LOGS"
    mkdir -p "$LOGS"
    say "building (build/dev)"
    compile dev >"$LOGS/build.log" 2>&1 || {
        excerpt "$LOGS/build.log"
        echo "0 passed, 1 failed, 0 skipped"
        exit 1
    }
    echo "${parts[*]}" >"$LOGS/parts"
    lane last &
    lane first
    wait
    read -r passed failed skipped < <(total "$LOGS"/*.count)
    for name in $(unrun "${parts[@]}"); do
        say "$name has not run"
        failed=$((failed + 1))
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

case ${1:-} in
    # How this program calls itself.
    --part) "part_$2" ;;
    *) main "$@" ;;
esac
