#!/usr/bin/env bash
# cppcheck.sh BUILD_DIR: warnings, performance and portability findings of cppcheck are errors.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/dev}
mkdir -p "$build/cppcheck"
# Suppressed: what no C file of ours can mend (system headers), and what the compilers check better.
git ls-files 'orchestrator/*.c' 'drivers/*.c' 'config/*.c' >"$build/cppcheck/files"
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --cppcheck-build-dir="$build/cppcheck" -j "$(nproc)" -D_GNU_SOURCE -I orchestrator -I . \
    --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro \
    --suppress=unmatchedSuppression --file-list="$build/cppcheck/files"
