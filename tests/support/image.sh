#!/usr/bin/env bash
# image.sh: makes the images that tests and the quick start run, from Debian's own packages, as OCI
# archives below build/images/. One that is there already is kept.
#
#   image.sh build NAME...            python busybox bare configured; debian: what deploy/container begins with
#   image.sh import SOCKET NAME...    builds what is missing, then imports into containerd
#   image.sh seed ROOT NAME...        makes ROOT what such an import leaves in containerd's root, before its first start
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

umask 022
IMAGES=${SK_IMAGES:-$SK_ROOT/build/images}
NAMESPACE=${SK_NAMESPACE:-sandkeep}

# reference NAME: the image's full name in containerd.
reference() {
    case $1 in
        python) echo docker.io/library/python:3.11 ;;
        busybox) echo docker.io/library/busybox:latest ;;
        debian) echo docker.io/library/debian:bookworm-slim ;;
        bare | configured) echo "sandkeep.test/$1:latest" ;;
        *) die "no image is called $1" ;;
    esac
}

digest() { sha256sum "$1" | cut -d' ' -f1; }

# blob FILE DIR: moves FILE among the blobs of the OCI layout DIR; prints its digest and size.
blob() {
    local sum
    sum=$(digest "$1")
    mv "$1" "$2/blobs/sha256/$sum"
    echo "$sum $(stat -c %s "$2/blobs/sha256/$sum")"
}

architecture() { dpkg --print-architecture; }

# archive LAYER CONFIG REFERENCE OUT: packs one layer and the config object into an OCI archive.
archive() {
    local layout sum size config config_size manifest manifest_size
    layout=$WORK/layout
    mkdir -p "$layout/blobs/sha256"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    read -r sum size < <(blob "$1" "$layout")
    printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$(architecture)" "$2" "$sum" >"$layout/config"
    read -r config config_size < <(blob "$layout/config" "$layout")
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"%s","digest":"sha256:%s","size":%s}]}' \
        application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json "$config" \
        "$config_size" application/vnd.oci.image.layer.v1.tar "$sum" "$size" >"$layout/manifest"
    read -r manifest manifest_size < <(blob "$layout/manifest" "$layout")
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"%s"}}]}' \
        application/vnd.oci.image.manifest.v1+json "$manifest" "$manifest_size" "$3" >"$layout/index.json"
    tar -C "$layout" -cf "$4.tmp" oci-layout index.json blobs
    mv "$4.tmp" "$4"
}

# debian_root OUT VARIANT PACKAGES: a root file system without manuals and translations, as a tar.
debian_root() {
    local sources
    packages_install image
    sources=$(debian_sources)
    # shellcheck disable=SC2086 # a list of words
    mmdebstrap --quiet --mode=root --variant="$2" --format=tar --include="$3" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --skip=output/dev,output/mknod \
        "$(debian_codename)" "$1" $sources
}

layer_python() { debian_root "$1" essential python3,python-is-python3,ca-certificates,bash,coreutils; }

# Much as debian:bookworm-slim is, with this machine's sources of packages.
layer_debian() { debian_root "$1" minbase usr-is-merged; }

# pack_root DIR OUT: a root file system as a layer.
pack_root() {
    tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$2" .
}

layer_busybox() {
    local root applet
    packages_install image
    root=$WORK/root
    mkdir -p "$root"/{bin,etc,root,tmp,usr,var,proc,sys,dev,srv/app}
    ln -s ../bin "$root/usr/bin"
    chmod 1777 "$root/tmp"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for applet in $("$root/bin/busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/srv/app:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\nworker:x:1000:\nextra:x:1234:worker\n' >"$root/etc/group"
    pack_root "$root" "$1"
}

# One program and nothing else: no shell, no /etc, no /tmp.
layer_bare() {
    local root
    packages_install image
    root=$WORK/root
    mkdir -p "$root"
    cp "$(command -v busybox)" "$root/busybox"
    pack_root "$root" "$1"
}

layer_configured() { layer_busybox "$1"; }

config_of() {
    local path='"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'
    case $1 in
        debian) echo "{\"Env\":[$path],\"Cmd\":[\"bash\"]}" ;;
        python) echo "{\"Env\":[$path,\"LANG=C.UTF-8\"],\"Cmd\":[\"python3\"]}" ;;
        busybox) echo "{\"Env\":[$path],\"Cmd\":[\"sh\"]}" ;;
        bare) echo '{}' ;;
        # Everything a config can say, labels that other containerd clients obey among it.
        configured) echo "{\"User\":\"worker:extra\",\"WorkingDir\":\"/srv/app\",\"Env\":[$path,\"FROM_IMAGE=yes\",\"BOTH=image\"],\"Entrypoint\":[\"/bin/sh\",\"-c\"],\"Cmd\":[\"exit 7\"],\"Labels\":{\"containerd.io/restart.status\":\"running\",\"containerd.io/restart.loguri\":\"binary:///bin/false\",\"io.containerd.runc.v2.group\":\"stolen\",\"io.kubernetes.cri.sandbox-id\":\"stolen\"}}" ;;
    esac
}

build() {
    local name=$1 ref out
    ref=$(reference "$name")
    out=$IMAGES/$name.tar
    [ ! -s "$out" ] || return 0
    mkdir -p "$IMAGES"
    say "building $ref from Debian's packages"
    WORK=$(mktemp -d "$IMAGES/.work.XXXXXX")
    trap 'rm -rf "$WORK"' EXIT
    "layer_$name" "$WORK/layer.tar"
    archive "$WORK/layer.tar" "$(config_of "$name")" "$ref" "$out"
    rm -rf "$WORK"
}

import() {
    ctr --address "$1" --namespace "$NAMESPACE" images import "$IMAGES/$2.tar" >/dev/null
}

build_alone() {
    exec 9>"/tmp/sandkeep-image.lock"
    flock 9
    build "$1"
    exec 9>&-
}

# import_private DIR NAME...: by a containerd below DIR, which ends. What imports leave is collected with a lease's end.
import_private() {
    local dir=$1 name ctr
    ctr=(timeout 60 ctr --address "$dir/containerd/sock" --namespace "$NAMESPACE")
    mkdir -p "$dir/containerd"
    containerd_config "$dir" >"$dir/containerd.toml"
    containerd --config "$dir/containerd.toml" >"$dir/log" 2>&1 9>&- </dev/null &
    # shellcheck disable=SC2064 # these, now
    trap "kill $! 2>/dev/null || true; rm -rf '$dir'" EXIT
    wait_for 60 "${ctr[@]}" version >/dev/null || die "containerd does not answer: $(tail -n 5 "$dir/log")"
    for name in "${@:2}"; do import "$dir/containerd/sock" "$name"; done
    "${ctr[@]}" leases create --id collect >/dev/null
    "${ctr[@]}" leases delete --sync collect >/dev/null
    stop_process "$!" 60 || die "containerd does not end"
}

# seed ROOT NAME...: an import reads, hashes and unpacks; one is made for all who start, and copied. Blobs and what
# images consist of never change: they are linked. The databases are each one's own.
seed() {
    local root=$1 kept made work how=-a
    shift
    kept=$IMAGES/root-$(tr ' ' - <<<"$*")
    exec 9>"$IMAGES/seed.lock"
    flock 9
    made=$(echo "$NAMESPACE" && containerd --version && cd "$IMAGES" && stat -c '%n %s %Y' "${@/%/.tar}")
    if [ "$(cat "$kept/made" 2>/dev/null)" != "$made" ]; then
        rm -rf "$kept"
        mkdir "$kept"
        work=$(mktemp -d /tmp/ski.XXXXXX) # short, because of the socket
        import_private "$work" "$@"
        mv "$work/containerd/root" "$kept/root"
        rm -f "$kept/root/io.containerd.grpc.v1.introspection/uuid" # each has its own
        rm -rf "$work"
        echo "$made" >"$kept/made"
    fi
    mkdir -p "$root"
    [ "$(stat -c %d "$kept/root")" != "$(stat -c %d "$root")" ] || how=-al
    cp "$how" "$kept/root/." "$root"
    find "$root" -name '*.db' -path '*/io.containerd.*' -prune -printf '%P\0' |
        (cd "$kept/root" && xargs -0 cp -a --remove-destination --parents -t "$root")
    exec 9>&-
}

main() {
    local verb=${1:-} where='' name
    shift || true
    case $verb in
        build) ;;
        import | seed)
            where=${1:?the socket of containerd, or its root}
            shift
            ;;
        *) die "use: build NAME... | import SOCKET NAME... | seed ROOT NAME..." ;;
    esac
    for name in "$@"; do
        build_alone "$name"
        [ "$verb" != import ] || import "$where" "$name"
    done
    [ "$verb" != seed ] || [ $# = 0 ] || seed "$where" "$@"
}

main "$@"
