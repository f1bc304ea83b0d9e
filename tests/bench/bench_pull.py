#!/usr/bin/env python3
"""bench_pull.py BUILD [MIB [LAYERS [ROUNDS]]]: one image from a local registry, by Sandkeep and by what people use.

A row is "pulls/what <tab> value": seconds of each round, then MiB. The ways take turns within a round; what a way has
stored is removed and synced before the next begins.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/support/registry")]

from nodes import Node  # noqa: E402
from registries import Registry, without_proxies  # noqa: E402
import zoo  # noqa: E402

NAMESPACE = "bench"


def row(name, *values):
    print("\t".join([f"pulls/{name}", *(f"{value:.3f}" for value in values)]), flush=True)


def layer(size, seed):
    """Half of it noise, half of it text: what a layer of programs shrinks to."""
    piece = 64 * 1024
    words = (b"import sys, os  # the quick brown fox jumps over the lazy dog %d\n" % seed) * (piece // 48)
    files = []
    for number in range(size // zoo.MIB):
        noise = zoo.noise(zoo.MIB // 2, seed * 10_000 + number)
        data = b"".join(noise[at:at + piece] + words[:piece] for at in range(0, len(noise), piece))
        files.append(zoo.entry(f"layer-{seed}/file-{number}", data))
    return zoo.tar(*files)


def push(registry, megabytes, layers):
    """The image's name; its size, unpacked and as fetched, goes to the rows."""
    made = zoo.image([layer(megabytes // layers * zoo.MIB, n) for n in range(layers)])
    row("unpacked-mib", megabytes // layers * layers)
    row("fetched-mib", sum(len(made.blobs[name]) for name in made.layers) / zoo.MIB)
    return registry.push(made, "bench/image:1")


class Ways:
    """Each pulls the image and, afterwards, forgets it."""

    def __init__(self, node, name, scratch):
        self.node, self.name, self.scratch = node, name, scratch
        self.ctr = ["ctr", "--address", str(node.folder / "containerd/sock"), "--namespace"]
        self.storage = f"containers-storage:[overlay@{scratch}/storage+{scratch}/run]bench/image:1"

    def run(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                              env=without_proxies() | self.node.env)
        assert done.returncode == 0, (command, done.stderr[-2000:])

    def skopeo(self, target):
        self.run("skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false",
                 f"docker://{self.name}", target)

    def sandkeep(self):
        self.run(self.node.build / "sandkeep", "image", "pull", self.name)

    def ctr_pull(self):
        self.run(*self.ctr, NAMESPACE, "images", "pull", "--plain-http", self.name)

    def skopeo_storage(self):
        self.skopeo(self.storage)

    def skopeo_oci(self):
        self.skopeo(f"oci:{self.scratch}/layout:1")

    def forget(self):
        """A namespace that knew a blob would spare the next way its fetch."""
        for namespace in ("sandkeep", NAMESPACE):
            subprocess.run([*self.ctr, namespace, "images", "rm", "--sync", self.name], capture_output=True, check=True)
        if (self.scratch / "storage").exists():
            self.run("skopeo", "--insecure-policy", "delete", self.storage)
        subprocess.run(["umount", "-R", "-l", str(self.scratch / "storage/overlay")], capture_output=True, check=False)
        for folder in ("storage", "run", "layout"):
            shutil.rmtree(self.scratch / folder, ignore_errors=True)
        os.sync()


def memory(node, field):
    """MiB of the daemon."""
    status = pathlib.Path(f"/proc/{node.pid()}/status").read_text(encoding="utf-8")
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


def timed(node, ways, name):
    """Seconds, and the daemon's memory at most."""
    pathlib.Path(f"/proc/{node.pid()}/clear_refs").write_text("5")  # VmHWM begins anew
    began = time.monotonic()
    getattr(ways, name)()
    return time.monotonic() - began, memory(node, "VmHWM")


def measure(node, ways, rounds):
    names = ["sandkeep", "ctr_pull", "skopeo_storage", "skopeo_oci"]
    seconds, grown = {name: [] for name in names}, []
    ways.forget()
    idle = memory(node, "VmRSS")  # before any pull: what a first one leaves counts for the next
    for number in range(rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            took, most = timed(node, ways, name)
            seconds[name].append(took)
            grown += [most - idle] if name == "sandkeep" else []
            ways.forget()
    for name in names:
        row(name, *seconds[name])
    row("grown-mib", *grown)


def main():
    build, *numbers = sys.argv[1:]
    megabytes, layers, rounds = [int(number) for number in numbers] + [1024, 10, 3][len(numbers):]
    with tempfile.TemporaryDirectory(prefix="skb.") as folder:
        scratch = pathlib.Path(folder)
        registry = Registry(scratch / "registry")
        try:
            name = push(registry, megabytes, layers)
            config = scratch / "config.json"
            config.write_text(json.dumps({"log_level": "warn", "registries": {registry.host: {"plain_http": True}}}))
            node = Node("crun", build, config, images="busybox")
            try:
                measure(node, Ways(node, name, scratch), rounds)
            finally:
                subprocess.run([str(ROOT / "tests/support/node.sh"), "down"], env=os.environ | node.env, check=True)
        finally:
            registry.stop()


if __name__ == "__main__":
    main()
