"""Whatever lies about with this node's mark and without an owner goes; whatever is somebody else's stays."""
import base64
import contextlib
import json
import os
import pathlib
import subprocess

import pytest

from nodes import pb, wait_until
from settings import logged
from test_kill_matrix import LATE_SECONDS

pytestmark = pytest.mark.real
CGROUPS = pathlib.Path("/sys/fs/cgroup")
STATES = pathlib.Path("/run/containerd/runc")
SPEC = {"ociVersion": "1.0.2", "process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
        "root": {"path": "rootfs"}}


@pytest.fixture
def node(own_node):
    yield own_node
    own_node.end_all()
    own_node.clean(LATE_SECONDS)


def new_id(node_id):
    """An id as the node of that name would make it."""
    return f"{node_id}-{base64.b32encode(os.urandom(17)).decode().lower()[:26]}"


def ctr(node, namespace, *args):
    command = ["ctr", "--address", str(node.folder / "containerd/sock"), "--namespace", namespace, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def hierarchies():
    """The roots of all hierarchies of cgroups."""
    return [CGROUPS] if (CGROUPS / "cgroup.controllers").exists() else list(CGROUPS.iterdir())


class Plants:
    """Things made behind the node's back, and whether they are still there."""

    def __init__(self, node):
        self.node, self.there, self.undo = node, {}, []
        self.parent = node.env["SANDKEEP_CGROUP"]
        (node.folder / "spec.json").write_text(json.dumps(SPEC))

    def folder(self, kind, path, file=None):
        path.mkdir(parents=True)
        if file:
            (path / file).write_text("left")
        self.there[f"{kind} {path}"] = path.exists
        self.undo.append(lambda: subprocess.run(["rm", "-rf", str(path)], check=False))

    def cgroup(self, name):
        """In every hierarchy, one group below it, and a process in it."""
        process = subprocess.Popen(["sleep", "1000"])  # pylint: disable=consider-using-with
        paths = [root / self.parent / name for root in hierarchies()]
        for path in paths:
            (path / "below").mkdir(parents=True)
        for path in paths:
            if "cpuset" not in str(path):  # which takes nobody before it has been given cpus
                (path / "below/cgroup.procs").write_text(str(process.pid))
        self.there[f"cgroup {name}"] = lambda: any(path.exists() for path in paths)
        self.there[f"process in {name}"] = lambda: process.poll() is None
        self.undo += [process.kill, process.wait,
                      *[folder.rmdir for path in paths for folder in (path / "below", path)]]

    def container(self, namespace, name):
        ctr(self.node, namespace, "containers", "create", "--config", str(self.node.folder / "spec.json"), name)
        self.there[f"container {namespace}/{name}"] = lambda: name in ctr(self.node, namespace, "containers",
                                                                          "list", "-q").split()
        self.undo.append(lambda: ctr(self.node, namespace, "containers", "delete", name))

    def snapshot(self, namespace, name, owner):
        ctr(self.node, namespace, "snapshots", "prepare", name)
        if owner:
            ctr(self.node, namespace, "snapshots", "label", name, f"sandkeep.dev/sandbox={owner}")
        self.there[f"snapshot {namespace}/{name}"] = lambda: name in ctr(self.node, namespace, "snapshots", "list")
        self.undo.append(lambda: ctr(self.node, namespace, "snapshots", "rm", name))

    def mount(self, path):
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", str(path)], check=True)
        self.there[f"mount {path}"] = lambda: str(path) in pathlib.Path("/proc/mounts").read_text(encoding="utf-8")

    def left(self):
        return {what for what, is_there in self.there.items() if is_there()}

    def take_away(self):
        for undo in self.undo:
            undo()


def plant_ours(node):
    """One of each kind, none of which any record knows."""
    mine, lost = Plants(node), lambda: new_id(node.node_id)
    run, state = pathlib.Path(node.env["SANDKEEP_RUN"]), pathlib.Path(node.env["SANDKEEP_STATE"])
    mine.container("sandkeep", lost())
    name = lost()
    mine.snapshot("sandkeep", name, name)
    mine.cgroup(lost())
    mine.folder("runtime state", STATES / "sandkeep" / lost(), "state.json")
    mine.folder("log folder", state / "logs" / lost(), "1.log")
    name = lost()
    mine.folder("agent folder", run / "agent" / name, "sock")
    mine.folder("mounted files", run / "agent" / name / "files", "0")
    mine.mount(run / "agent" / name / "files")
    return mine


def plant_foreign(node, same):
    """What others have: other names, another node's, other namespaces; `same` is an id of ours elsewhere."""
    theirs, other = Plants(node), new_id("other")
    run, state = pathlib.Path(node.env["SANDKEEP_RUN"]), pathlib.Path(node.env["SANDKEEP_STATE"])
    theirs.container("elsewhere", same)
    theirs.snapshot("elsewhere", same, same)
    theirs.container("sandkeep", "somebodys")
    theirs.container("sandkeep", other)
    theirs.snapshot("sandkeep", "somebodys", None)
    theirs.cgroup("somebodys")
    theirs.cgroup(other)
    theirs.folder("runtime state", STATES / "elsewhere" / same, "state.json")
    theirs.folder("runtime state", STATES / "sandkeep" / other, "state.json")
    theirs.folder("log folder", state / "logs" / other)
    theirs.folder("agent folder", run / "agent" / other)
    return theirs


def test_only_what_is_ours_and_nobodys_goes(node):
    kept = node.running()
    node.sh("daemon", "kill")
    mine = plant_ours(node)
    theirs = plant_foreign(node, kept.sandbox_id)
    try:
        planted = mine.left(), theirs.left()
        assert planted[0] == set(mine.there) and planted[1] == set(theirs.there)
        node.sh("daemon", "start")
        wait_until(lambda: not mine.left(), 120, "what is nobody's is gone")
        assert theirs.left() == planted[1]
        assert node.output(kept, "echo lives").strip() == "lives"
        kinds = {"container", "cgroup", "runtime state", "log folder", "agent folder"}
        # Told after it is gone.
        wait_until(lambda: kinds <= {r["kind"] for r in logged(node, "gc.removed")}, 60, "what went is told")
        removed = logged(node, "gc.removed")
        assert all(r["id"].startswith(node.node_id + "-") for r in removed), removed
    finally:
        theirs.take_away()
        (STATES / "elsewhere").rmdir()


def sockets_of(pid):
    """Where the shim listens. The folder is that of every containerd on the machine, whose shims come and go."""
    held = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            held.add(os.readlink(link))
    lines = [line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]]
    return {words[7] for words in lines if f"socket:[{words[6]}]" in held and words[7:] and
            words[7].startswith("/run/containerd/s/")}


def test_a_killed_shim_leaves_no_socket(node):
    sandbox = node.running()
    shims = [line.split()[1] for line in node.sh("inventory").splitlines() if "containerd-shim" in line]
    assert len(shims) == 1
    ours = sockets_of(shims[0])
    assert ours
    os.kill(int(shims[0]), 9)
    node.reach(sandbox, {pb.STATE_FAILED})
    wait_until(lambda: not any(map(os.path.exists, ours)), LATE_SECONDS, "its socket is gone")


def test_what_is_below_a_running_sandbox(node):
    """A root file system that is not known as the sandbox's any more fails it, and the rest of it goes."""
    sandbox = node.running()
    ctr(node, "sandkeep", "snapshots", "label", sandbox.sandbox_id, "sandkeep.dev/sandbox=")
    ended = node.reach(sandbox, {pb.STATE_FAILED}, 120)
    assert "removed by somebody else" in ended.status.state_reason
