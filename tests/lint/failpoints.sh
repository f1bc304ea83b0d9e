#!/usr/bin/env bash
# failpoints.sh: a release build holds no failpoint (orchestrator/loop/failpoint.h); one for tests does, or this
# would look at nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

for preset in dev release; do
    cmake --preset "$preset" >/dev/null
    cmake --build --preset "$preset" --target libsk_loop.a >/dev/null
    nm "build/$preset/libsk_loop.a" >"build/$preset/libsk_loop.names"
done
grep -q sk_failpoint_pass build/dev/libsk_loop.names || { echo "the dev preset has no failpoints" && exit 1; }
if grep sk_failpoint_pass build/release/libsk_loop.names || grep -a SANDKEEP_FAILPOINT build/release/libsk_loop.a; then
    echo "the release preset has failpoints"
    exit 1
fi
