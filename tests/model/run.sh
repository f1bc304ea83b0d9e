#!/usr/bin/env bash
# run.sh [--full]: checks lifecycle.pml with spin. Each line of `checks` is a size that has to hold; each of
# `mutants` a mistake put into the model, which has to be found, else the model proves nothing.
set -euo pipefail
cd "$(dirname "$0")"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# check NAME WANTED OPTIONS...: the model with these definitions has 0 errors or some.
check() {
    local name=$1 wanted=$2 found
    shift 2
    mkdir "$WORK/$name"
    (
        cd "$WORK/$name"
        cp "$OLDPWD/lifecycle.pml" .
        spin -a "$@" lifecycle.pml >spin.log
        "${CC:-cc}" -O1 -w -DSAFETY -DNOFAIR -DCOLLAPSE -DMEMLIM=2000 -o pan pan.c
        ./pan -m100000 >pan.log
    )
    grep -q 'max search depth too small\|Search not completed.*memory' "$WORK/$name/pan.log" && wanted=a-larger-search
    found=$(awk '/errors: [0-9]+/ { print ($NF > 0) ? "faulty" : "sound" }' "$WORK/$name/pan.log")
    awk -v name="$name" '/states, stored$/ { printf "%s: %s states\n", name, $1 }' "$WORK/$name/pan.log"
    [ "$found" = "$wanted" ] && return
    echo "$name: $found, not $wanted"
    [ ! -e "$WORK/$name/lifecycle.pml.trail" ] || (cd "$WORK/$name" && spin -t -g -p "$@" lifecycle.pml | tail -n 120)
    exit 1
}

check restarts sound -DBOXES=1 -DCRASHES=2 -DFAULTS=0
check faults sound -DBOXES=1 -DCRASHES=1 -DFAULTS=1
if [ "${1:-}" = --full ]; then
    check faults-and-restarts sound -DBOXES=1 -DCRASHES=2 -DFAULTS=2
    check two-sandboxes sound -DBOXES=2 -DCRASHES=0 -DFAULTS=0
fi

for mistake in EFFECT_BEFORE_INTENT CLOSING_FORGOTTEN LATE_MEMBER_MISSED NO_COLLECTION ANSWERED_TOO_EARLY; do
    check "$mistake" faulty -DBOXES=1 -DCRASHES=1 -DFAULTS=1 "-D$mistake"
done
