"""SIGKILL and SIGSTOP for the daemon and containerd: sandboxes live on, deadlines hold, nothing is lost or left."""
import contextlib
import os
import signal
import threading
import time
import uuid

import grpc
import pytest
from cwsandbox import Sandbox

from nodes import KEEP_ALIVE, TERMINAL, fails, pb, wait_until
from test_kill_matrix import LATE_SECONDS, drop_dead_sockets

pytestmark = pytest.mark.real
# The main process goes on when whoever told it has ended, so that its own end cuts nobody short.
TELL = "echo $$ >/tmp/go"
UNTIL_TOLD = "until [ -s /tmp/go ] && ! [ -e /proc/$(cat /tmp/go) ]; do sleep 0.1; done"


@pytest.fixture
def node(own_node):
    """Nothing of the node is left on the host after each test, and creates work again."""
    yield own_node
    own_node.end_all()
    wait_until(lambda: running_or_none(own_node), 120, "creates work")
    own_node.end_all()
    own_node.clean(LATE_SECONDS)


def kill_and_start(node):
    node.sh("daemon", "kill")
    node.sh("daemon", "start")


def serving(node, seconds=120):
    """Waits until the daemon answers and is past its recovery."""
    def answers():
        try:
            return [True, node.list()]
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), error
            return None
    wait_until(answers, seconds, "the daemon serves")


def test_sandboxes_survive_the_daemon(node):
    sandboxes = [node.running(tags=["kept"]) for _ in range(3)]
    guest = node.output(sandboxes[0], "echo marked >/tmp/mark; cut -d' ' -f22 /proc/1/stat")
    kill_and_start(node)
    serving(node)
    assert {s.sandbox_id for s in node.list(tags=["kept"])} == {s.sandbox_id for s in sandboxes}
    for before in sandboxes:
        after = node.reach(before, {pb.STATE_RUNNING})
        assert after.status.start_time == before.status.start_time
        assert after.spec == before.spec
    assert node.output(sandboxes[0], "cat /tmp/mark; cut -d' ' -f22 /proc/1/stat") == "marked\n" + guest
    for sandbox in sandboxes:
        assert node.end(sandbox).status.state == pb.STATE_TERMINATED


def test_the_sdk_goes_on_with_the_same_object(node):
    with Sandbox.run() as sandbox:
        sandbox.wait()
        kill_and_start(node)
        serving(node)
        assert sandbox.exec(["echo", "again"]).result(timeout=60).stdout == "again\n"


def test_a_deadline_holds_through_an_outage(node):
    sandbox = node.running(max_lifetime_seconds=8)
    node.sh("daemon", "kill")
    time.sleep(3)
    node.sh("daemon", "start")
    serving(node)
    ended = node.reach(sandbox, {pb.STATE_TERMINATED})
    assert "lifetime" in ended.status.state_reason
    # The outage has ended nothing; that a deadline is not begun anew is shown on a clock of our own (unit/test_lifetime).
    lived = ended.status.end_time.ToNanoseconds() - sandbox.status.start_time.ToNanoseconds()
    assert 7.5e9 <= lived


def test_a_deadline_that_passed_during_the_outage(node):
    # On a slow machine it may have ended before: then a record outlives the outage.
    sandbox = node.reach(node.create(max_lifetime_seconds=3), {pb.STATE_RUNNING} | TERMINAL)
    node.sh("daemon", "kill")
    time.sleep(4)
    node.sh("daemon", "start")
    serving(node)
    assert "lifetime" in node.reach(sandbox, {pb.STATE_TERMINATED}).status.state_reason


@pytest.mark.parametrize("code", [0, 5])
def test_an_end_during_the_outage_is_read_back(node, code):
    sandbox = node.running("/bin/sh", "-c", f"{UNTIL_TOLD}; sleep 1; exit {code}")
    node.output(sandbox, TELL)
    node.sh("daemon", "kill")
    time.sleep(2)
    node.sh("daemon", "start")
    serving(node)
    ended = node.reach(sandbox, TERMINAL)
    assert ended.status.state == pb.STATE_COMPLETED
    assert ended.status.HasField("exit_code") and ended.status.exit_code == code


def test_request_ids_outlive_the_daemon(node):
    request_id = str(uuid.uuid4())
    first = node.create(request_id=request_id)
    kill_and_start(node)
    serving(node)
    assert node.create(request_id=request_id).sandbox_id == first.sandbox_id
    assert len(node.list()) == 1


def test_terminal_records_outlive_the_daemon(node):
    ended = node.end(node.running(tags=["past"]))
    kill_and_start(node)
    serving(node)
    assert node.get(ended.sandbox_id) == ended
    assert [s.sandbox_id for s in node.list(tags=["past"], show_terminated=True)] == [ended.sandbox_id]


def test_a_delete_under_way_is_finished(node):
    sandbox = node.running("/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    node.delete(sandbox, grace=3)
    kill_and_start(node)
    serving(node)
    assert node.reach(sandbox, TERMINAL).status.state == pb.STATE_TERMINATED


def test_commands_under_way_end_with_the_daemon_or_go_on_harmlessly(node):
    sandbox = node.running()
    request = pb.ExecRequest(sandbox_id=sandbox.sandbox_id, command=["/bin/sleep", "7654321"])
    call = node.stub.Exec.future(request, timeout=60)
    wait_until(lambda: "7654321" in node.output(sandbox, "cat /proc/*/cmdline | tr '\\0' ' '"), 60,
               "the command runs")
    kill_and_start(node)
    assert fails(call.result).code == grpc.StatusCode.UNAVAILABLE
    serving(node)
    assert node.execute(sandbox, "/bin/true").exit_code == 0


@pytest.mark.parametrize("moment", [0, 0.01, 0.03, 0.06, 0.1, 0.2])
def test_killed_in_the_middle_of_creates(node, moment):
    answered = []

    def create():
        try:
            answered.append(node.create().sandbox_id)
        except grpc.RpcError:
            pass
    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(moment)
    node.sh("daemon", "kill")
    for thread in threads:
        thread.join()
    node.sh("daemon", "start")
    serving(node)
    # What was answered is known, and everything known gets somewhere.
    known = {s.sandbox_id: s for s in node.list(show_terminated=True)}
    assert set(answered) <= set(known)
    for sandbox in known.values():
        node.reach(sandbox, {pb.STATE_RUNNING} | TERMINAL, seconds=120)


def test_containerd_killed_and_back(node):
    sandbox = node.running()
    node.sh("containerd", "kill")
    # The exec path needs no containerd.
    assert node.execute(sandbox, "/bin/true").exit_code == 0
    node.sh("containerd", "start")
    assert node.execute(sandbox, "/bin/true").exit_code == 0
    assert node.get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING
    assert node.end(sandbox).status.state == pb.STATE_TERMINATED


def running_or_none(node):
    try:
        made = node.create()
    except grpc.RpcError:
        return None
    seen = wait_until(lambda: (now := node.get(made.sandbox_id)).status.state != pb.STATE_CREATING
                      and now.status.state != pb.STATE_PENDING and now, 120, "create ends")
    return seen if seen.status.state == pb.STATE_RUNNING else None


def test_an_end_while_containerd_is_away(node):
    sandbox = node.running("/bin/sh", "-c", f"{UNTIL_TOLD}; exit 6")
    node.sh("containerd", "kill")
    node.output(sandbox, TELL)
    time.sleep(0.5)
    node.sh("containerd", "start")
    ended = node.reach(sandbox, TERMINAL, seconds=120)
    assert (ended.status.state, ended.status.exit_code) == (pb.STATE_COMPLETED, 6)


def test_containerd_stopped_for_a_while(node):
    sandbox = node.running()
    pid = node.pid("containerd")
    os.kill(pid, signal.SIGSTOP)
    try:
        made = node.create()
        assert made.status.state in (pb.STATE_PENDING, pb.STATE_CREATING), made.status
        assert node.execute(sandbox, "/bin/true").exit_code == 0
        assert node.get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING
        time.sleep(3)
    finally:
        os.kill(pid, signal.SIGCONT)
    node.reach(made, {pb.STATE_RUNNING}, seconds=120)


def test_a_killed_shim_ends_its_sandboxes_with_a_reason(node):
    sandbox = node.running()
    shims = [int(line.split()[1]) for line in node.sh("inventory").splitlines()
             if line.startswith("process") and "containerd-shim" in line]
    assert shims
    for shim in shims:
        with contextlib.suppress(ProcessLookupError):  # one without a sandbox ends when it likes
            os.kill(shim, signal.SIGKILL)
    ended = node.reach(sandbox, TERMINAL, seconds=120)
    assert ended.status.state == pb.STATE_FAILED and ended.status.state_reason
    # The next one gets a shim of its own.
    node.end(node.running(*KEEP_ALIVE))
    drop_dead_sockets(node.inventory())


def test_daemon_stops_and_starts_politely(node):
    sandbox = node.running()
    node.sh("daemon", "stop")
    node.sh("daemon", "start")
    serving(node)
    assert node.execute(sandbox, "/bin/true").exit_code == 0
