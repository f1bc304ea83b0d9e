#!/usr/bin/env bash
# format.sh: every C file is laid out as .clang-format says.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror
