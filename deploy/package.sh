#!/usr/bin/env bash
# package.sh: builds sandkeep_VERSION_ARCH.deb from this tree, in build/package/ or SK_PACKAGE_DIR, which it empties
# first. Needs no root; with root it installs what the build needs. What is not tracked by git goes in too, but for
# build/.
#
#   deploy/package.sh                 # the package; prints its path
#   deploy/package.sh --lint          # and what lintian says of it: exit 1 if that is anything
#   deploy/package.sh --no-install    # what the build needs is there, or missed by dpkg-buildpackage
set -euo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../tests/support/lib.sh"

OUT=${SK_PACKAGE_DIR:-$SK_ROOT/build/package}
SOURCE=$OUT/source

# The tree in a folder of its own, so that the build leaves nothing in this one.
copy_tree() {
    mkdir -p "$SOURCE"
    tar -C "$SK_ROOT" --exclude=./build --exclude=./.git --exclude='__pycache__' -cf - . | tar -C "$SOURCE" -xf -
    rm -rf "$SOURCE/debian"
    cp -r "$SOURCE/deploy/debian" "$SOURCE/debian"
}

build() {
    cd "$SOURCE"
    DEB_BUILD_OPTIONS="nocheck noautodbgsym ${DEB_BUILD_OPTIONS:-}" dpkg-buildpackage -b -us -uc >"$OUT/build.log" 2>&1 || {
        grep -aE 'error:|Error ' "$OUT/build.log" | cut -c 1-300 | head -n 40 >&2
        die "the build failed: $OUT/build.log"
    }
}

[ "$(id -u)" != 0 ] || [ "${1:-}" = --no-install ] || packages_install build package
rm -rf "$OUT"
copy_tree
build
cd "$OUT"
rm -rf "$SOURCE"
if [ "${1:-}" = --lint ]; then
    lintian -EvIL +pedantic --fail-on error,warning,info,pedantic --allow-root "$OUT"/sandkeep_*.changes >&2
fi
echo "$OUT"/sandkeep_*.deb
