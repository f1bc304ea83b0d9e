"""Layers that are unpacked before those below them come to the same files as those that wait for their turn."""
import json
import os
import pathlib
import re
import stat
import subprocess
import tarfile

import pytest

import images
from images import ctr, zoo
from nodes import whole_lines

pytestmark = pytest.mark.real
NOTE = {"SCHILY.xattr.user.note": "kept"}
CAPABLE = {"SCHILY.xattr.security.capability": "\x01\0\0\x02\0\x04" + 14 * "\0"}
# What nobody gave a time has that of its unpacking.
NOW = 1_600_000_000


def listed(name, **fields):
    return zoo.folder(name, mtime=1000, **fields)


def file(name, text=b"", **fields):
    return zoo.entry(name, text, mtime=2000, **fields)


def layer(*entries):
    return zoo.tar(*entries)


def lowest(seed):
    """What the others go on top of."""
    return layer(listed("usr"), listed("tmp", mode=0o1777), listed("root", mode=0o700), listed("home/one", uid=7),
                 listed("noted", pax_headers=NOTE), listed("gone"), file("gone/a"), file("gone/b"),
                 listed("opaque"), file("opaque/below"), listed("link-to"), zoo.symlink("link", "link-to"),
                 listed("same"), file("noise", zoo.noise(48 * zoo.MIB, seed)))


# Layers that take their place as they are.
PLAIN = {
    "files": layer(file("usr/bin/sh", b"x", mode=0o4755), file("usr/plain", b"y" * 70_000, uid=12, gid=34),
                   zoo.hardlink("usr/other", "usr/plain"), zoo.symlink("usr/link", "/etc/../out"),
                   zoo.device("usr/null", 1, 3), zoo.entry("usr/pipe", type=tarfile.FIFOTYPE, mtime=2000)),
    "attributes": layer(file("fresh/able", b"z", pax_headers=CAPABLE), file("fresh/noted", pax_headers=NOTE),
                        listed("fresh/folder", mode=0o2770, gid=5, pax_headers=NOTE)),
    "whiteouts": layer(file(".wh.noise"), file("gone/.wh.a"), listed("same")),
    "opaque": layer(listed("opaque", mode=0o711), file("opaque/.wh..wh..opq"), file("opaque/above")),
    "opaque root": layer(file(".wh..wh..opq"), file("alone")),
    "modes": layer(listed("tmp", mode=0o1777), file("tmp/x"), listed("root", mode=0o700), file("root/y"),
                   listed("home", mode=0o710), listed("home/one", uid=7), file("home/one/z")),
    "deep": layer(file("a/b/c/d/e/f/g"), listed("a/b/c", mode=0o700)),
    "own root": layer(listed(".", mode=0o700, uid=9), listed("./dot"), file("./dot/file")),
}
# Layers that take after what is below them, or could.
TAKING_AFTER = {
    "implied": layer(file("tmp/in-tmp"), file("root/in-root")),
    "implied below": layer(file("home/one/in-one")),
    "implied attributes": layer(file("noted/file")),
    "implied, only opaque": layer(file("same/.wh..wh..opq")),
    "folder for a link": layer(listed("link"), file("link/file")),
    "hidden time": layer(listed("x"), zoo.symlink("x", "tmp"), file("tmp/again")),
}


def facts(path, found):
    """What can be told of one file; folders that were not listed were made at some time today."""
    data = path.lstat()
    names = sorted(os.listxattr(path, follow_symlinks=False))
    attributes = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    kind = stat.S_IFMT(data.st_mode)
    content = os.readlink(path) if kind == stat.S_IFLNK else path.read_bytes() if kind == stat.S_IFREG else b""
    when = data.st_mtime_ns if data.st_mtime < NOW else "today"
    same_file = sorted(str(name) for name, inode in found.items() if inode == data.st_ino)
    return (oct(data.st_mode), data.st_uid, data.st_gid, data.st_rdev, when, attributes, hash(content), same_file)


def tree(root):
    """Every name of one layer as it lies there, with what can be told of it."""
    paths = [root, *sorted(root.rglob("*"))]
    inodes = {path.relative_to(root): path.lstat().st_ino for path in paths if not path.is_dir() or path.is_symlink()}
    return {str(path.relative_to(root)): facts(path, inodes) for path in paths}


def chain_of(layers):
    """The name of the snapshot of these layers."""
    chain = zoo.digest(layers[0])
    for one in layers[1:]:
        chain = zoo.digest(f"{chain} {zoo.digest(one)}".encode())
    return chain


def trees(node, layers):
    """Each layer as it lies on the node, the topmost first."""
    ctr(node, "snapshots", "view", "look", chain_of(layers))
    try:
        mounts = ctr(node, "snapshots", "mounts", "/nowhere", "look")
    finally:
        ctr(node, "snapshots", "rm", "look")
    return [tree(pathlib.Path(one)) for one in re.search(r"lowerdir=([^,\s]+)", mounts)[1].split(":")]


def events(node, seen=0):
    """Lines of the daemon's log from there on."""
    lines = whole_lines(node.folder / "daemon.log")[seen:]
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture(scope="module")
def world():
    with images.a_world() as world:
        world.faulty.rate = 1024 * zoo.MIB
        yield world


@pytest.fixture(scope="module")
def in_turn(pytestconfig, world):
    with images.a_node(pytestconfig, world.config(image_layers_at_once=1, log_level="debug")) as node:
        yield node


@pytest.fixture(scope="module")
def ahead(pytestconfig, world):
    with images.a_node(pytestconfig, world.config(image_layers_at_once=9, log_level="debug")) as node:
        yield node


def lines_of_log(node):
    return len(whole_lines(node.folder / "daemon.log"))


def kept_ahead(node, seen):
    """How many layers lie there before their turn."""
    return len(steps(events(node, seen), "unpack_ahead", "keep"))


def pulled(node, name, layers):
    """(the layers as they lie there, what the log says of it)"""
    seen = lines_of_log(node)
    done = node.cli("image", "pull", name)
    assert done.returncode == 0, done.stderr
    found = trees(node, layers)
    assert images.loose(node) == []
    return found, events(node, seen)


def steps(said, flow, step):
    return [event for event in said if (event.get("flow"), event.get("step")) == (flow, step)]


@pytest.mark.parametrize("names", [PLAIN, TAKING_AFTER], ids=["plain", "taking after"])
def test_the_same_files(names, world, in_turn, ahead):
    layers = [lowest(len(names)), *names.values()]
    made = zoo.image(layers)
    name = world.add(f"odd-{len(names)}", made)
    expected, said = pulled(in_turn, name, layers)
    assert steps(said, "unpack_ahead", "apply") == []
    seen = lines_of_log(ahead)
    world.faulty.may_end = lambda: kept_ahead(ahead, seen) == len(names)
    found, said = pulled(ahead, world.name(f"lowest-last/odd-{len(names)}"), layers)
    assert len(steps(said, "unpack_ahead", "keep")) == len(names), "they were to be unpacked ahead"
    again = {event["layer"]: event for event in said if event.get("event") == "image.layer_again"}
    wanted = made.layers[1:] if names is TAKING_AFTER else []
    assert sorted(again) == sorted(wanted), again
    for name, one, other in zip(reversed(["lowest", *names]), expected, found):
        assert one == other, name


def test_an_empty_layer(world, in_turn, ahead):
    layers = [lowest(3), layer()]
    name = world.add("odd-empty", zoo.image(layers))
    assert pulled(in_turn, name, layers)[0] == pulled(ahead, name, layers)[0]


def test_a_layer_too_large_to_be_unpacked_ahead(pytestconfig, world):
    """It may not take much of the room ahead of its turn; in its turn it may."""
    layers = [lowest(4), layer(file("large", bytes(24 * zoo.MIB)))]
    name = world.add("odd-large", zoo.image(layers))
    with images.a_node(pytestconfig, world.config(image_max_bytes="100Mi", log_level="debug")) as node:
        found, said = pulled(node, name, layers)
        assert steps(said, "unpack_ahead", "keep") == []
        assert found[0]["large"]


def unpacked(node):
    """Bytes of all layers, done or under way. Files may go while they are counted."""
    where = node.folder / "containerd/root/io.containerd.snapshotter.v1.overlayfs"
    done = subprocess.run(["du", "-s", "-B1", str(where)], capture_output=True, text=True, check=False)
    return int(done.stdout.split()[0])


def test_what_is_ahead_has_half_the_room_in_all(pytestconfig, world):
    """However many layers there are, each as large as may be."""
    layers = [lowest(6), *(layer(file(f"zeros-{n}", bytes(zoo.MIB * 31 // 8))) for n in range(30))]
    world.faulty.add("odd-many", zoo.image(layers))
    seen = []
    config = world.config(image_max_bytes="64Mi", image_layers_at_once=9, log_level="debug")
    with images.a_node(pytestconfig, config) as node:
        before = unpacked(node)
        # That many, and seen on the disk.
        world.faulty.may_end = lambda: kept_ahead(node, 0) >= 8 and any(it > 24 * zoo.MIB for it in seen)
        pull = subprocess.Popen([node.build / "sandkeep", "image", "pull", world.name("lowest-last/odd-many")],
                                env=os.environ | node.env)
        while pull.poll() is None:
            seen.append(unpacked(node) - before)
        assert pull.returncode != 0
        assert kept_ahead(node, 0) >= 8
        assert images.loose(node) == []
    assert 24 * zoo.MIB < max(seen) < 100 * zoo.MIB, max(seen)


def test_a_layer_that_is_wrong_is_told_of_in_its_turn(world, ahead):
    layers = [lowest(5), layer(file("fine")), layer(file("wrong"))]
    told = [zoo.digest(one) for one in [*layers[:2], b"something else"]]
    name = world.add("odd-wrong", zoo.image(layers, diff_ids=told))
    done = ahead.cli("image", "pull", name)
    assert done.returncode != 0 and "is not what its image's config says" in done.stderr
    assert images.loose(ahead) == []
