"""containerd killed, stopped and frozen under a running node: a state of the node, seen, said and survived."""
import contextlib
import os
import signal
import threading
import time

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from nodes import SERVICE, TERMINAL, pb, wait_until
from test_kill_matrix import LATE_SECONDS

pytestmark = pytest.mark.real
SERVING, NOT_SERVING = 1, 2  # of grpc.health.v1


@pytest.fixture
def node(own_node):
    yield own_node
    own_node.end_all()
    own_node.clean(LATE_SECONDS)


def health(node, service=b""):
    """Health/Check without its generated code: a name goes out as field 1, a number comes back as field 1."""
    assert node.stub
    check = node.channel.unary_unary("/grpc.health.v1.Health/Check")
    answer = check(bytes([10, len(service)]) + service if service else b"", timeout=60)
    assert answer[0] == 8 and len(answer) == 2, answer
    return answer[1]


def reaches(node, status, seconds=60):
    wait_until(lambda: health(node) == status, seconds, f"health is {status}")
    assert health(node, SERVICE.strip("/").encode()) == status


@contextlib.contextmanager
def frozen(node):
    pid = node.pid("containerd")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def ended(node, verb):
    node.sh("containerd", verb)
    try:
        yield
    finally:
        node.sh("containerd", "start")


def refused(node):
    """A create; code, reason and seconds to wait of its refusal."""
    with pytest.raises(grpc.RpcError) as error:
        node.create()
    found = {}
    for key, value in error.value.trailing_metadata():
        if key == "grpc-status-details-bin":
            for entry in status_pb2.Status.FromString(value).details:
                for kind in (error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()):
                    if entry.Unpack(kind):
                        found[type(kind).__name__] = kind
    delay = found["RetryInfo"].retry_delay
    return error.value.code(), found["ErrorInfo"].reason, delay.seconds + delay.nanos / 1e9


ABSENCES = {"stopped": lambda node: ended(node, "stop"), "killed": lambda node: ended(node, "kill"),
            "frozen": frozen}


@pytest.mark.parametrize("absence", ABSENCES)
def test_an_absence_is_a_state_of_the_node(node, absence):
    stays, goes = node.running(), node.running()
    reaches(node, SERVING)
    with ABSENCES[absence](node):
        reaches(node, NOT_SERVING)
        assert refused(node) == (grpc.StatusCode.UNAVAILABLE, "CWSANDBOX_BACKEND_UNAVAILABLE", 2.0)
        assert node.output(stays, "echo works").strip() == "works"
        assert node.get(stays.sandbox_id).status.state == pb.STATE_RUNNING
        node.delete(goes)
        # Whatever resists, and without a containerd: the end does not wait for it.
        assert node.reach(goes, TERMINAL).status.state == pb.STATE_TERMINATED
    reaches(node, SERVING)
    assert node.output(stays, "echo still").strip() == "still"
    assert node.end(node.running()).status.state in TERMINAL
    wait_until(lambda: not any(goes.sandbox_id in line for line in node.inventory()), 120,
               "what was deleted meanwhile is gone")
    log = (node.folder / "daemon.log").read_text(encoding="utf-8")
    assert log.count('"node.unavailable"') == log.count('"node.available"') > 0
    node.end(stays)


def test_a_create_waits_for_a_restart(node):
    """Creates that fall into restarts of containerd are made all the same."""
    made, done = [], threading.Event()

    def create_on():
        while not done.is_set():
            try:
                made.append(node.create())
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE, error
                time.sleep(0.1)

    worker = threading.Thread(target=create_on)
    worker.start()
    try:
        for _ in range(3):
            time.sleep(0.7)
            node.sh("containerd", "kill")
            node.sh("containerd", "start")
    finally:
        time.sleep(1)
        done.set()
        worker.join(300)
    assert made
    for sandbox in made:
        assert node.reach(sandbox, {pb.STATE_RUNNING, *TERMINAL}, 120).status.state == pb.STATE_RUNNING


def test_an_abandoned_task_folder_is_taken_away(node):
    """What a containerd leaves that is killed just before a shim's first answer: it has no call that removes it."""
    with frozen(node):
        sandbox = node.create()
        tasks = node.folder / "containerd/state/io.containerd.runtime.v2.task/sandkeep"
        bundle = tasks / sandbox.sandbox_id
        (bundle / "rootfs").mkdir(parents=True)
        (bundle / "config.json").write_text("{}")
        (bundle / "work").symlink_to(node.folder / "nothing")
    assert node.reach(sandbox, {pb.STATE_RUNNING}, 120)
    assert node.output(sandbox, "echo made").strip() == "made"
    assert '"task.bundle_removed"' in (node.folder / "daemon.log").read_text(encoding="utf-8")
    assert not (tasks / f".{sandbox.sandbox_id}").exists()
