"""The daemon is killed at every step of every flow, before and after it, and nothing is lost or left.

A story is one sandbox's life as a client sees it. A dry run with SANDKEEP_FAILPOINT=list says which points
(orchestrator/loop/failpoint.h) each story passes; then the story is told again for each point to a daemon that
dies there. The next daemon has to bring it to its end, and checker.py has to find nothing wrong.
All cases share one node and its containerd. --matrix=full tries every point in every story.
"""
import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass, field

import grpc
import pytest

import checker
from conftest import start_node
from nodes import KEEP_ALIVE, TERMINAL, pb, wait_until

pytestmark = pytest.mark.real

# Containerd 1.6 keeps a shim for a create whose caller was killed; drivers/containerd/strays.h ends it later.
LATE = re.compile(r"containerd-shim|/run/containerd/s/")
# More than a minute of looks, and the time in which a shim counts as young.
LATE_SECONDS = 180
# Of sandkeep.records.v1.SessionState.
CLOSED = 3
# Passed by every start of the daemon, so only the story of a start can die there.
OF_THE_START = ("daemon.", "list.")


# --- stories ---

@dataclass
class Tale:
    """One sandbox, and what its client was told before the daemon died."""
    command: tuple = tuple(KEEP_ALIVE)
    fields: dict = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sandbox: object = None
    session: str = ""
    deleted: bool = False

    def create(self, node):
        """The first time, or the same again."""
        made = node.create(*self.command, request_id=self.request_id, timeout=60, **self.fields)
        assert self.sandbox in (None, made.sandbox_id), (self.sandbox, made.sandbox_id)
        self.sandbox = made.sandbox_id
        return made


def use(node, sandbox):
    """An exec and both file calls."""
    assert node.execute(sandbox, "/bin/echo", "here").stdout == b"here\n"
    where = {"sandbox_id": sandbox.sandbox_id, "path": "/tmp/kept"}
    node.stub.WriteFile(pb.WriteFileRequest(content=b"kept", **where), timeout=60)
    assert node.stub.ReadFile(pb.ReadFileRequest(**where), timeout=60).content == b"kept"


def delete(node, tale):
    """Made, used, deleted."""
    made = node.reach(tale.create(node), {pb.STATE_RUNNING})
    use(node, made)
    node.delete(made)
    tale.deleted = True
    node.reach(made, {pb.STATE_TERMINATED})


def wait_for_the_end(node, tale):
    """Made; it ends by itself."""
    node.reach(tale.create(node), TERMINAL)


class Unanswered(Exception):
    """The command line was not answered."""


def session_verb(node, *words):
    done = node.cli("session", *words)
    if done.returncode:
        raise Unanswered(done.stderr)
    return done.stdout.strip()


def in_a_session(node, tale):
    """A session is opened, a sandbox made in it, the session closed; told again, only what is missing is done."""
    if not tale.session:
        tale.session = session_verb(node, "open", "--lease", "600")
        tale.fields["tags"] = [f"sandkeep-session.{tale.session}"]
    made = node.reach(tale.create(node), TERMINAL | {pb.STATE_RUNNING, pb.STATE_TERMINATING})
    session_verb(node, "close", tale.session)
    node.reach(made, {pb.STATE_TERMINATED})


def come_and_go(node, tale):
    """The sandbox is there; the daemon starts and stops."""
    del tale
    node.sh("daemon", "stop")


@dataclass
class Story:
    """How it is told, and the state and the reason it ends with."""
    tell: object
    state: int
    reason: str = ""
    command: tuple = tuple(KEEP_ALIVE)
    fields: dict = field(default_factory=dict)
    exit_code: int = 0
    made_before: bool = False

    def tale(self):
        return Tale(self.command, dict(self.fields))


STORIES = {
    "delete": Story(delete, pb.STATE_TERMINATED, "deleted"),
    "lifetime": Story(wait_for_the_end, pb.STATE_TERMINATED, "lifetime", fields={"max_lifetime_seconds": 1}),
    "exit": Story(wait_for_the_end, pb.STATE_COMPLETED, command=("/bin/sh", "-c", "sleep 2; exit 3"),
                  exit_code=3),
    "session": Story(in_a_session, pb.STATE_TERMINATED, "session"),
    "failure": Story(wait_for_the_end, pb.STATE_FAILED, "/no/such", command=("/no/such",)),
    "start": Story(come_and_go, pb.STATE_TERMINATED, "deleted", made_before=True),
}


# --- the daemon, dying ---

def start(node, failpoint=None):
    """A new daemon instead of the one there is; it may die before it listens."""
    with contextlib.suppress(FileNotFoundError):
        node.sh("daemon", "kill")
    node.env.pop("SANDKEEP_FAILPOINT", None)
    if failpoint:
        node.env["SANDKEEP_FAILPOINT"] = failpoint
    with contextlib.suppress(subprocess.CalledProcessError):
        node.sh("daemon", "start")
    node.env.pop("SANDKEEP_FAILPOINT", None)


def process_state(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    return "X"


def daemon_state(node):
    try:
        return process_state(node.pid())
    except FileNotFoundError:
        return "X"


def dead(node):
    return daemon_state(node) in "XZ"


def tell(node, story, tale):
    """Tells the story to a daemon that may die; True when it came to its end."""
    try:
        story.tell(node, tale)
        return True
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), error
        return False
    except Unanswered:
        return False


def answering(node):
    with contextlib.suppress(grpc.RpcError):
        return [node.list()]
    return None


def bring_to_its_end(node, story, tale, works=True):
    """What every later daemon owes the story: one sandbox for its request id, usable while it runs, that ends."""
    wait_until(lambda: answering(node), 60, "the daemon serves")
    if story.tell is in_a_session:
        in_a_session(node, tale)
        assert checker.rows(node, "session")[tale.session].get(11) == CLOSED
    made = node.reach(tale.create(node), TERMINAL | {pb.STATE_RUNNING, pb.STATE_TERMINATING})
    if story.tell in (delete, come_and_go) and not tale.deleted and made.status.state == pb.STATE_RUNNING:
        if works:
            use(node, made)
        node.delete(made)
    ended = node.reach(made, TERMINAL)
    of_request = [key for key, row in checker.rows(node, "sandbox").items()
                  if row.get(3) == tale.request_id.encode()]
    assert of_request == [ended.sandbox_id]
    return ended


def check_the_end(story, ended):
    assert ended.status.state == story.state, ended.status
    assert story.reason in ended.status.state_reason, ended.status
    assert not story.exit_code or ended.status.exit_code == story.exit_code, ended.status


def begin(node, story, failpoint):
    """A tale and the daemon that is to hear it."""
    tale = story.tale()
    if story.made_before:
        start(node)
        node.reach(tale.create(node), {pb.STATE_RUNNING})
    start(node, failpoint)
    return tale


def die_at(node, story, point):
    """One case of the matrix; what may go later is returned."""
    tale = begin(node, story, point)
    if not dead(node):
        tell(node, story, tale)
    wait_until(lambda: dead(node), 60, f"the daemon dies at {point}")
    start(node)
    check_the_end(story, bring_to_its_end(node, story, tale))
    return checker.settle(node, 60, LATE.search)


# --- the points ---

def passed(node, story):
    """The points a story passes, in order, each once."""
    log = node.folder / "daemon.log"
    before = log.stat().st_size
    tale = begin(node, story, "list")
    assert tell(node, story, tale)
    if story.made_before:
        start(node)
    bring_to_its_end(node, story, tale)
    checker.settle(node, 60)
    lines = log.read_bytes()[before:].decode(errors="replace").splitlines()
    points = [json.loads(line)["point"] for line in lines if '"event":"failpoint"' in line]
    return [point for point in dict.fromkeys(points) if point.startswith(OF_THE_START) == story.made_before]


def once_each(matrix):
    """Every step once, before it and after it in turn; how a story ends, for each story."""
    seen, chosen = set(), []
    for name, point in matrix:
        step, side = point.split(":")
        walk = "back" if side.startswith("undo") else "on"
        key = (name if step.startswith(("remove.", "save.", "session.")) else "", step, walk)
        if key in seen:
            continue
        seen.add(key)
        wanted = {"on": ("before", "after"), "back": ("undo", "undone")}[walk][len(seen) % 2]
        chosen.append((name, f"{step}:{wanted}"))
    return chosen


@pytest.fixture(scope="module")
def node(pytestconfig):
    node = start_node(pytestconfig)
    yield node
    start(node)
    done = node.down()
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def matrix(node, pytestconfig):
    whole = [(name, point) for name, story in STORIES.items() for point in passed(node, story)]
    start(node)
    return whole if pytestconfig.getoption("--matrix") == "full" else once_each(whole)


def test_the_points_are_those_that_matter(matrix):
    """The dry runs have seen the flows at all: a matrix of nothing would be green."""
    steps = {point.split(":")[0] for _, point in matrix}
    assert {"create.image", "create.container", "create.task", "create.main", "task.make", "remove.record",
            "remove.stop", "remove.teardown", "teardown.task", "teardown.rootfs", "save.creating",
            "save.running", "session.open", "session.closing", "session.closed", "save.terminating",
            "save.terminated", "save.completed", "save.failed", "exec.start", "daemon.recover"} <= steps, steps
    assert any(point.endswith((":undo", ":undone")) for _, point in matrix)


def test_killed_at_every_step(node, matrix):
    wrong, late = [], {}
    for name, point in matrix:
        began = time.monotonic()
        try:
            for fault in die_at(node, STORIES[name], point):
                late.setdefault(fault, (name, point))
        except (AssertionError, grpc.RpcError, Unanswered) as error:
            wrong.append(f"{name} {point}: {error}")
        print(f"{name} {point} {time.monotonic() - began:.1f} s")
    assert not wrong, "\n".join(wrong)
    try:
        checker.settle(node, LATE_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{error}; first seen: {late}") from None


# --- the checker itself ---

def test_the_checker_sees(node):
    """What is planted beside the records is told, and what a record promises in vain."""
    start(node)
    made = node.running()
    checker.settle(node, 60)
    strange = f"{node.node_id}-{'a' * 26}"
    node.sh("daemon", "kill")
    assert not checker.faults(node, api=False)
    folders = [node.folder / "state/logs" / strange, node.folder / "run/agent" / strange]
    for folder in folders:
        folder.mkdir()
    ctr = ["ctr", "-a", str(node.folder / "containerd/sock"), "-n", "sandkeep"]
    subprocess.run([*ctr, "snapshots", "prepare", strange, ""], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*ctr, "leases", "create", "--id", strange], check=True, stdout=subprocess.DEVNULL)
    try:
        seen = checker.faults(node, api=False)
        for kind in ("log folder", "agent folder", "snapshot", "lease"):
            assert [fault for fault in seen if fault.startswith("left") and f"{kind} {strange}" in fault], (kind, seen)
        subprocess.run([*ctr, "tasks", "kill", "-s", "SIGKILL", made.sandbox_id], check=True)
        wait_until(lambda: any(fault.startswith("lost") for fault in checker.faults(node, api=False)), 60, "a loss")
    finally:
        subprocess.run([*ctr, "leases", "delete", strange], check=True)
        subprocess.run([*ctr, "snapshots", "rm", strange], check=True)
        for folder in folders:
            folder.rmdir()
        start(node)
    assert node.reach(made, TERMINAL).status.state == pb.STATE_FAILED
    checker.settle(node, 60)


# --- the others, killed while the daemon stands still at a point ---

AT = ["create.rootfs:before", "create.container:after", "task.make:before", "create.task:after", "create.start:after",
      "create.main:before", "save.running:before", "exec.start:before", "save.terminating:after", "task.kill:after",
      "task.delete:before", "teardown.container:before", "teardown.rootfs:before"]


def kill_containerd(node):
    node.sh("containerd", "kill")
    node.sh("containerd", "start")


def shims(node):
    return [int(line.split()[1]) for line in checker.inventory(node) if "containerd-shim" in line]


def kill_shims(node):
    for pid in shims(node):
        with contextlib.suppress(ProcessLookupError):  # one without a sandbox ends when it likes
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not shims(node), 60, "the shims are dead")


def held_at(node, point, strike, story=STORIES["delete"]):
    """Tells the story while `strike` happens at the point; whatever comes of it is an end, and leaves nothing."""
    tale = begin(node, story, f"{point}:1:stop")
    pid = node.pid()
    # What is struck may fail the story at any place; its end is looked at afterwards.
    teller = threading.Thread(target=quietly, args=(story.tell, node, tale))
    teller.start()
    try:
        wait_until(lambda: process_state(pid) == "T", 60, f"the daemon stands at {point}")
        strike(node)
    finally:
        os.kill(pid, signal.SIGCONT)
    teller.join(600)  # each of its calls and waits ends in a minute
    assert not teller.is_alive()
    assert process_state(pid) not in "XZ", "the daemon has died of it"
    ended = bring_to_its_end(node, story, tale, works=False)
    assert ended.status.state in (pb.STATE_TERMINATED, pb.STATE_FAILED) and ended.status.state_reason, ended.status
    return checker.settle(node, 60, LATE.search)


def quietly(function, *args):
    with contextlib.suppress(grpc.RpcError, AssertionError):
        function(*args)


def drop_dead_sockets(inventory):
    """A killed shim cannot take its socket away, and containerd does not; the daemon does, when it looks."""
    for line in inventory:
        if line.startswith("socket "):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(line.split()[1])


def settle_without_dead_sockets(node):
    drop_dead_sockets(checker.inventory(node))
    checker.settle(node, LATE_SECONDS)


@pytest.mark.parametrize("strike", [kill_containerd, kill_shims])
def test_others_killed_at_a_step(node, strike, pytestconfig):
    wrong = []
    for point in AT if pytestconfig.getoption("--matrix") == "full" else AT[::2]:
        began = time.monotonic()
        try:
            held_at(node, point, strike)
        except (AssertionError, grpc.RpcError) as error:
            wrong.append(f"{point}: {error}")
        print(f"{strike.__name__} {point} {time.monotonic() - began:.1f} s")
    assert not wrong, "\n".join(wrong)
    settle_without_dead_sockets(node)
