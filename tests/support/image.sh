#!/usr/bin/env bash
# image.sh: makes the images that tests and the quick start run, from Debian's own packages, as OCI
# archives below build/images/. One that is there already is kept.
#
#   image.sh build NAME...            python busybox bare configured
#   image.sh import SOCKET NAME...    builds what is missing, then imports into containerd
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

# debian_sources: the machine's own apt source files that carry its release; other sources are left out.
debian_sources() {
    local codename
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    grep -lsE "^(deb |Suites:).*[[:space:]]$codename([[:space:]]|\$)" \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources || true
}

layer_python() {
    local sources
    packages_install image
    mapfile -t sources < <(debian_sources)
    [ ${#sources[@]} -gt 0 ] || die "no apt source of this machine carries its own release"
    mmdebstrap --quiet --mode=root --variant=essential --format=tar \
        --include=python3,python-is-python3,ca-certificates,bash,coreutils \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --skip=output/dev,output/mknod \
        "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$1" "${sources[@]}"
}

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

main() {
    local verb=${1:-} socket='' name
    shift || true
    case $verb in
        build) ;;
        import)
            socket=${1:?the socket of containerd}
            shift
            ;;
        *) die "use: build NAME... | import SOCKET NAME..." ;;
    esac
    for name in "$@"; do
        exec 9>"/tmp/sandkeep-image.lock"
        flock 9
        build "$name"
        exec 9>&-
        [ -z "$socket" ] || import "$socket" "$name"
    done
}

main "$@"
