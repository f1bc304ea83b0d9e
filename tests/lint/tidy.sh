#!/usr/bin/env bash
# tidy.sh BUILD_DIR: clang-tidy with the checks of .clang-tidy; the guest included.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/clang}
git ls-files -z 'orchestrator/*.c' 'drivers/*.c' 'config/*.c' |
    xargs -0 -r -n 1 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>/dev/null
