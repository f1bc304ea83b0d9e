#!/usr/bin/env bash
# man.sh BUILD: the pages of the manual that the build has made are set without a complaint, name every key and
# every verb, and have a NAME that apropos finds.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?which build?}
if ! command -v man >/dev/null || ! command -v groff >/dev/null; then
    echo "man.sh: skipped: man-db and groff are not installed"
    exit 77
fi
failed=0
complain() {
    echo "man.sh: $*" >&2
    failed=1
}
page() { LC_ALL=C.UTF-8 MANWIDTH=200 man -l "$build/man/$1" | col -bx; }

for name in sandkeep.1 sandkeepd.8 sandkeepd.json.5; do
    said=$(LC_ALL=C.UTF-8 man --warnings -l "$build/man/$name" 2>&1 >/dev/null)
    [ -z "$said" ] || complain "$name: $said"
    lexgrog "$build/man/$name" >/dev/null || complain "$name: has no NAME that apropos can read"
done
keys=$(page sandkeepd.json.5)
for key in $("$build/sandkeepd" --print-config | sed -n 's/^  "\([a-z0-9_]*\)": .*/\1/p'); do
    grep -q "^ *$key\b" <<<"$keys" || complain "sandkeepd.json.5: says nothing of $key"
done
verbs=$(page sandkeep.1)
while read -r verb; do
    grep -q "^ *sandkeep $verb" <<<"$verbs" || complain "sandkeep.1: says nothing of $verb"
done < <("$build/sandkeep" --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p')
exit $failed
