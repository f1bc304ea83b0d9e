#!/usr/bin/env bash
# shell.sh: shellcheck over every shell program.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z '*.sh' .ci/run 'deploy/completion/*' | xargs -0 -r shellcheck -x
