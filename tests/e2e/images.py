"""Registries (tests/support/registry) beside a node that knows them, and what tests ask of images."""
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile

import grpc

from conftest import start_node, stop_node
from nodes import ROOT, TERMINAL, pb, wait_until

sys.path.insert(0, str(ROOT / "tests/support/registry"))

import faulty  # noqa: E402
import hostile  # noqa: E402, F401
import registries  # noqa: E402
import zoo  # noqa: E402

LOGIN = {"username": faulty.USER, "password": faulty.PASSWORD}
# A second login that the registries do not know.
STRANGER = {"username": "stranger", "password": "wrong horse"}
STORE = {"robot": LOGIN, "stranger": STRANGER, "text": json.dumps(LOGIN), "nested": {"deep": json.dumps(LOGIN)},
         "no-login": {"token": "x"}}


class World:
    """One bad registry and its second host; real ones when they are asked for."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.faulty, self.other = faulty.Faulty(), faulty.Faulty()
        self.faulty.other = self.other.host
        self.made = 0
        self._real = None
        self.secrets = self.folder / "secrets.json"
        self.secrets.touch(0o600)
        self.secrets.write_text(json.dumps({"vault": STORE}))

    @property
    def real(self):
        if not self._real:
            (self.folder / "real").mkdir()
            self._real = registries.Registries(self.folder / "real")
        return self._real

    def close(self):
        self.faulty.close()
        self.other.close()
        if self._real:
            self._real.close()

    def config(self, real=False, **keys):
        """Keys of a node that knows the registries."""
        known = {world.host: {"plain_http": True, "trusted_hosts": [self.other.host]}
                 for world in (self.faulty, self.other)}
        known |= self.real.config() if real else {}
        return {"registries": known | keys.pop("registries", {}), "secret_stores": str(self.secrets)} | keys

    def name(self, repository, tag="1"):
        """An image of the bad registry: "BEHAVIOUR/IMAGE"."""
        return f"{self.faulty.host}/{repository}:{tag}"

    def add(self, name, image):
        """A good image of one's own; its full name."""
        self.faulty.add(name, image)
        return self.name(f"ok/{name}")

    def fresh(self, behaviour):
        """A good image that is nowhere yet, not even in parts: (its repository, its full name)."""
        self.made += 1
        name = f"fresh-{self.made}"
        shell, noise = zoo.busybox(), zoo.tar(zoo.entry("noise", zoo.noise(100_000, self.made)))
        # A shell that no other image has had: the registry is asked for every layer.
        self.faulty.add(name, zoo.image([shell, noise], compress=lambda layer: self.own_gzip(name, layer)))
        return f"{behaviour}/{name}", self.name(f"{behaviour}/{name}")

    @staticmethod
    def own_gzip(name, layer):
        blob, media_type = zoo.zipped(layer)
        # An empty member at the end, with the name in its header.
        return blob + b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + name.encode() + b"\0\x03\0" + bytes(8), media_type

    def counters(self, repository):
        return self.faulty.count(repository)


@contextlib.contextmanager
def a_world():
    with tempfile.TemporaryDirectory(prefix="skr.") as folder:
        world = World(folder)
        try:
            yield world
        finally:
            world.close()


@contextlib.contextmanager
def a_node(pytestconfig, config, images="busybox", tidy=True):
    """A node with these keys; ends with a look at what is left of images, unless the test has done that."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        node = start_node(pytestconfig, config=file.name, images=images)
    try:
        yield node
        node.end_all()
        if tidy:
            forget(node)
    finally:
        stop_node(node)


def forget(node, seconds=90):
    """What failed pulls kept goes when the daemon starts anew; nothing else may be there."""
    assert alive(node), "the daemon has died"
    restart(node)
    node.clean(seconds)


def alive(node):
    return pathlib.Path(f"/proc/{node.pid()}/exe").exists()


def restart(node):
    node.sh("daemon", "stop")
    node.sh("daemon", "start")
    wait_until(lambda: answering(node), 20, "the daemon serves")


def answering(node):
    with contextlib.suppress(grpc.RpcError):
        return [node.list()]
    return None


def ctr(node, *args, timeout=60):
    command = ["ctr", "--address", str(node.folder / "containerd/sock"), "--namespace", "sandkeep", *args]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout).stdout


def stored(node):
    """Names of the images on the node."""
    return ctr(node, "images", "list", "-q").split()


def drop(node, *names):
    """Removes images behind the daemon's back."""
    for name in names:
        if name in stored(node):
            ctr(node, "images", "rm", "--sync", name)


def login(registry, path="robot", store="vault", **fields):
    """image_pull_credentials of a container."""
    source = pb.SecretSource(store_name=store, path=path, **fields)
    return {"image_pull_credentials": pb.ImagePullCredentials(registry=registry, credentials=source)}


def make(node, image, *command, **fields):
    """A sandbox of the image, as far as the answer to its create."""
    return node.create(*command, image=image, **fields)


def run(node, image, *command, seconds=60, **fields):
    """A sandbox of the image that has reached RUNNING."""
    return node.reach(make(node, image, *command, **fields), {pb.STATE_RUNNING}, seconds)


def fail(node, image, seconds=60, **fields):
    """The reason why a sandbox of the image cannot be made."""
    ended = node.reach(make(node, image, **fields), TERMINAL, seconds)
    return reason_of(ended)


def reason_of(ended):
    """Of a sandbox that FAILED before it ran; one line that a person can read."""
    assert ended.status.state == pb.STATE_FAILED, ended.status
    reason = ended.status.state_reason
    assert reason and "\n" not in reason and reason.isprintable() and len(reason) < 1000, repr(reason)
    return reason


def loose(node):
    """What of images is there without an image, kept or not."""
    return [line for line in node.inventory() if line.startswith(("blob ", "ingest ", "image snapshot ", "lease "))]
