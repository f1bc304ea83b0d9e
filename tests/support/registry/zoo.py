"""Images made in memory: good ones, and those that nobody should have made.

zoo.image(layers, config) makes one of tar bytes; ZOO names recipes. An image is its blobs by digest and the bytes
that its name stands for. Nothing here touches a network.
"""
import gzip
import hashlib
import io
import json
import pathlib
import platform
import random
import subprocess
import tarfile
from dataclasses import dataclass, field

OCI = "application/vnd.oci.image."
INDEX, MANIFEST, CONFIG = OCI + "index.v1+json", OCI + "manifest.v1+json", OCI + "config.v1+json"
LAYER, LAYER_GZIP, LAYER_ZSTD = (OCI + "layer.v1.tar" + end for end in ("", "+gzip", "+zstd"))
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
IMAGE_SH = pathlib.Path(__file__).resolve().parents[1] / "image.sh"
IMAGES = pathlib.Path(__file__).resolve().parents[3] / "build/images"
MIB = 1024 * 1024


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Image:
    """What a name stands for: the bytes of an index or manifest, and every blob below it."""
    top: bytes
    media_type: str = MANIFEST
    blobs: dict = field(default_factory=dict)  # digest -> bytes; manifests below an index too
    types: dict = field(default_factory=dict)  # digest -> media type, of manifests alone
    layers: list = field(default_factory=list)  # digests of the blobs that are layers

    @property
    def digest(self):
        return digest(self.top)

    def keep(self, data, media_type=None):
        """Adds a blob; its descriptor."""
        name = digest(data)
        self.blobs[name] = data
        if media_type in (INDEX, MANIFEST):
            self.types[name] = media_type
        return {"mediaType": media_type, "digest": name, "size": len(data)}


def pack(value):
    return json.dumps(value, separators=(",", ":")).encode()


# --- layers ---

def entry(name, data=b"", **fields):
    """One member of a tar file: (TarInfo, bytes)."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o755
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def folder(name, **fields):
    return entry(name, type=tarfile.DIRTYPE, **fields)


def symlink(name, target):
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def hardlink(name, target):
    return entry(name, type=tarfile.LNKTYPE, linkname=target)


def device(name, major, minor, kind=tarfile.CHRTYPE):
    return entry(name, type=kind, devmajor=major, devminor=minor, mode=0o666)


def tar(*entries, pax=None):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=pax) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def noise(size, seed=0):
    """The same bytes for the same seed; nothing compresses them."""
    return random.Random(seed).randbytes(size)


def busybox():
    """The layer of image.sh's busybox: users root and worker, a shell."""
    path = IMAGES / "busybox.tar"
    if not path.exists():
        subprocess.run([IMAGE_SH, "build", "busybox"], check=True)
    with tarfile.open(path) as archive:
        index = json.load(archive.extractfile("index.json"))
        blob = lambda name: archive.extractfile("blobs/" + name.replace(":", "/")).read()
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        return blob(manifest["layers"][0]["digest"])


# --- images ---

def zipped(data):
    return gzip.compress(data, 1, mtime=0), LAYER_GZIP


def image(layers, config=None, *, compress=zipped, diff_ids=None, architecture=ARCHITECTURE, **top):
    """layers: tar bytes, lowest first. compress gives the blob and its media type; diff_ids replaces the true ones."""
    made = Image(b"")
    true_ids = [digest(layer) for layer in layers]
    settings = {"Env": [PATH], "Cmd": ["sh"]} | (config or {})
    body = {"architecture": architecture, "os": "linux", "config": settings,
            "rootfs": {"type": "layers", "diff_ids": true_ids if diff_ids is None else diff_ids}} | top
    config_at = made.keep(pack(body), CONFIG)
    descriptors = [made.keep(*compress(layer)) for layer in layers]
    made.layers = [layer["digest"] for layer in descriptors]
    made.top = pack({"schemaVersion": 2, "mediaType": MANIFEST, "config": config_at, "layers": descriptors})
    return made


def index(images):
    """One index of (image, architecture)."""
    made = Image(b"", INDEX)
    entries = []
    for below, architecture in images:
        made.blobs |= below.blobs
        made.types |= below.types
        entries.append(made.keep(below.top, below.media_type)
                       | {"platform": {"os": "linux", "architecture": architecture}})
    made.top = pack({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return made


def save(made, where, name="latest"):
    """As an OCI layout; skopeo reads it."""
    where = pathlib.Path(where)
    blobs = where / "blobs/sha256"
    blobs.mkdir(parents=True)
    (where / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    top = {"mediaType": made.media_type, "digest": made.digest, "size": len(made.top),
           "annotations": {"org.opencontainers.image.ref.name": name}}
    for key, data in (made.blobs | {made.digest: made.top}).items():
        (blobs / key.removeprefix("sha256:")).write_bytes(data)
    (where / "index.json").write_bytes(pack({"schemaVersion": 2, "manifests": [top]}))


def layered(*entries, **fields):
    """A shell, and one layer with these entries on top of it."""
    return image([busybox(), tar(*entries)], **fields)


def sized(megabytes, seed=0):
    """A shell, and so many MiB that nothing compresses."""
    return image([busybox(), tar(entry("noise", noise(megabytes * MIB, seed)))])


# --- the zoo ---

ZOO = {}


def recipe(make):
    ZOO[make.__name__.replace("_", "-")] = make
    return make


@recipe
def good():
    return image([busybox()])


@recipe
def many_layers():
    return image([busybox()] + [tar(entry(f"layer-{n}", str(n).encode())) for n in range(20)])


@recipe
def plain_tar():
    return image([busybox()], compress=lambda layer: (layer, LAYER))


@recipe
def both_platforms():
    other = image([tar(entry("other"))], architecture="s390x")
    return index([(other, "s390x"), (image([busybox()]), ARCHITECTURE)])


@recipe
def foreign():
    return image([busybox()], architecture="s390x")


@recipe
def foreign_index():
    return index([(image([busybox()], architecture="s390x"), "s390x")])


@recipe
def lying_index():
    """The index says this platform, the config says another."""
    return index([(image([busybox()], architecture="s390x"), ARCHITECTURE)])


@recipe
def nested():
    """A hundred indexes, each naming the next."""
    made = image([busybox()])
    for _ in range(100):
        made = index([(made, ARCHITECTURE)])
    return made


@recipe
def layers_10000():
    layer, media_type = zipped(tar(entry("one")))
    made = image([tar(entry("one"))])
    config = json.loads(made.blobs[json.loads(made.top)["config"]["digest"]])
    config["rootfs"]["diff_ids"] *= 10_000
    descriptor = made.keep(layer, media_type)
    made.top = pack({"schemaVersion": 2, "mediaType": MANIFEST, "config": made.keep(pack(config), CONFIG),
                     "layers": [descriptor] * 10_000})
    return made


@recipe
def too_few_diff_ids():
    return image([busybox(), tar(entry("two"))], diff_ids=[digest(busybox())])


@recipe
def too_many_diff_ids():
    return image([busybox()], diff_ids=[digest(busybox())] * 2)


@recipe
def wrong_diff_id():
    return image([busybox()], diff_ids=[digest(b"something else")])


@recipe
def bomb():
    """4 GiB of zeros in 4 MiB: gzip members one after the other are one stream."""
    size, piece = 4096 * MIB, 64 * MIB
    head = tarfile.TarInfo("zeros")
    head.size = size
    header = head.tobuf(tarfile.GNU_FORMAT)
    blob = gzip.compress(header, mtime=0) + gzip.compress(bytes(piece), mtime=0) * (size // piece)
    return image([b"bomb"], compress=lambda layer: (blob, LAYER_GZIP))


@recipe
def many_files():
    """300 000 empty files in one folder; they count as blocks nowhere."""
    head = entry("f/0000000")[0]
    block = bytearray(head.tobuf(tarfile.USTAR_FORMAT))
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as zipper:
        for number in range(300_000):
            block[2:9] = b"%07d" % number
            block[148:156] = b"        "
            block[148:156] = b"%06o\0 " % sum(block)
            zipper.write(block)
    return image([b"many"], compress=lambda layer: (out.getvalue(), LAYER_GZIP))


def lone():
    """A layer that no other image has: one whose content is unpacked already is not unpacked again."""
    return tar(entry("lone", noise(200_000, 5)))


@recipe
def not_gzip():
    return image([lone()], compress=lambda layer: (noise(10_000), LAYER_GZIP))


@recipe
def not_tar():
    return image([noise(10_000)])


@recipe
def cut_tar():
    return image([lone()[:100_000]])


@recipe
def cut_gzip():
    return image([lone()], compress=lambda layer: (zipped(layer)[0][:-1000], LAYER_GZIP))


@recipe
def windows_layer():
    return image([busybox()], compress=lambda layer: (layer, "application/vnd.microsoft.tar"))


@recipe
def config_is_text():
    made = image([busybox()])
    manifest = json.loads(made.top)
    manifest["config"] = made.keep(b"certainly {not} JSON", CONFIG)
    made.top = pack(manifest)
    return made


@recipe
def config_is_huge():
    return image([busybox()], {"Labels": {"long": "x" * 8 * MIB}})


@recipe
def negative_size():
    made = image([busybox()])
    manifest = json.loads(made.top)
    manifest["layers"][0]["size"] = -1
    made.top = pack(manifest)
    return made


@recipe
def endless_size():
    made = image([busybox()])
    manifest = json.loads(made.top)
    manifest["layers"] = [manifest["layers"][0] | {"size": 2 ** 62}] * 3
    made.top = pack(manifest)
    return made


@recipe
def deep_json():
    made = image([busybox()])
    made.top = made.top[:-1] + b',"annotations":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return made


@recipe
def odd_digest():
    made = image([busybox()])
    made.top = made.top.replace(made.layers[0].encode(), b"sha256:../../../../etc/passwd")
    return made
