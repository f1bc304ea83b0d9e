#!/usr/bin/env bash
# recipes.sh BUILD PART...: what deploy/ says to others' programs is what these understand: the Kubernetes manifest, read
# strictly into Kubernetes' own types (by way of the Go proxy; exit 77 without Go), and its configuration by the daemon;
# the balancer's recipe by HAProxy; the image's recipe against the package's control file.
#
# The image itself is built by image.sh.
set -euo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
BUILD=$(realpath "${1:?the build folder}")
shift
cd "$SK_ROOT"
WORK=$(mktemp -d /tmp/skrecipes.XXXXXX)
trap 'rm -rf "$WORK"' EXIT

kubernetes() {
    command -v go >/dev/null || {
        say "skipped: no Go here to read the manifest with Kubernetes' own types"
        exit 77
    }
    mkdir "$WORK/config"
    (cd tests/deploy/kubernetes && go run . "$SK_ROOT/deploy/kubernetes/sandkeep.yaml" "$WORK/config")
    # The certificate and the runtime are the node's: any will do here.
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout "$WORK/tls.key" -out "$WORK/tls.crt" 2>/dev/null
    chmod 600 "$WORK/tls.key"
    sed -e "s,/etc/sandkeep/tls,$WORK," -e "s,/usr/bin/runc,$(command -v runc)," "$WORK/config/sandkeepd.json" >"$WORK/sandkeepd.json"
    chmod 600 "$WORK/sandkeepd.json"
    "$BUILD/sandkeepd" --config "$WORK/sandkeepd.json" --check-config
    grep -q '"network_forbidden": \["10\.0\.0\.0/8"' "$WORK/sandkeepd.json" || die "the manifest lets sandboxes reach the cluster"
    # Whoever forgets to replace the key must not run a node that everybody has it of.
    ! "$BUILD/sandkeepd" --config "$WORK/config/keys.json" --check-config 2>"$WORK/told" || die "the manifest's key is a key"
    grep -q 'api_keys\[0\]' "$WORK/told" || die "the manifest's key is not told of: $(cat "$WORK/told")"
}

haproxy_recipe() {
    mkdir -p "$WORK/run"
    grep -qE '^    user [a-z]+$' deploy/haproxy/fleet.cfg || die "deploy/haproxy/fleet.cfg stays root"
    sed "s,/run/haproxy,$WORK/run," deploy/haproxy/fleet.cfg >"$WORK/fleet.cfg"
    haproxy -c -q -f "$WORK/fleet.cfg"
}

# Calls that begin with an id, of all services that are served, are known to the balancer; all it knows exist.
haproxy_paths() {
    python3 tests/deploy/fleet_paths.py
}

# What the package recommends is in the image, and so is what the manifest names as the runtime; but for pigz, which
# containerd starts, on the node.
image() {
    local name
    for name in $(sed -n '/^Recommends:/,/^[A-Z]/p' deploy/debian/control | sed -n 's/^ \([a-z0-9]*\).*/\1/p' | grep -vx pigz) runc; do
        grep -qE "apt-get install .*\\b$name\\b" deploy/container/Dockerfile || die "deploy/container/Dockerfile leaves out $name"
    done
}

# What the build needs is said to Debian, too; cmocka is for tests alone.
build_depends() {
    local name
    for name in $(packages build | grep -E -- '-dev$|protoc-c' | grep -vE 'cmocka|libc6'); do
        grep -qE "^ ${name}[ ,]" deploy/debian/control || die "deploy/debian/control does not ask for $name"
    done
}

for part in "$@"; do
    case $part in
        kubernetes | build_depends | haproxy_recipe | haproxy_paths | image) "$part" ;;
        *) die "there is no part $part" ;;
    esac
done
