#!/usr/bin/env bash
# cppcheck.sh BUILD_DIR: warnings, performance and portability findings of cppcheck are errors.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/dev}
mkdir -p "$build/cppcheck"
# cppcheck 2.10 knows no __VA_OPT__ and takes the member "op" of "grpc_op op = {.op = …}" for the variable.
# cli/process.c: the verb runs its loop to the end before what it lent goes out of scope.
git ls-files 'orchestrator/*.c' 'drivers/*.c' 'config/*.c' >"$build/cppcheck/files"
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --cppcheck-build-dir="$build/cppcheck" -j "$(nproc)" -D_GNU_SOURCE '-D__VA_OPT__(...)=+0,' -I orchestrator -I . \
    --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro \
    --suppress=unmatchedSuppression --suppress=legacyUninitvar \
    --suppress=autoVariables:orchestrator/cli/process.c --file-list="$build/cppcheck/files"
