"""The end of a node's service: by `sandkeep drain`, and by SIGTERM. What is under way may finish, who is cut is told why,
and nothing is lost or left."""
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

import services
import settings
from nodes import TERMINAL, Failure, fails, pb, wait_until
from sessions import Held, Sessions
from streams import Exec
from test_kill_matrix import LATE_SECONDS
from test_restart import kill_and_start, serving

pytestmark = pytest.mark.real

SERVICE = "sandkeep.v1.NodeService"
METHODS = services.load("sandkeep/node.proto", SERVICE)
# One that does not end when it is asked to.
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
REFUSED = (grpc.StatusCode.UNAVAILABLE, "CWSANDBOX_RUNNER_UNAVAILABLE")


@pytest.fixture
def node(own_node):
    yield own_node
    assert own_node.cli("undrain").returncode == 0
    own_node.end_all()
    own_node.clean(LATE_SECONDS)


def drain(node, *options):
    done = node.cli("drain", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def retry_delay(error):
    """RetryInfo of a failed call, in seconds."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    for entry in status_pb2.Status.FromString(packed).details:
        info = error_details_pb2.RetryInfo()
        if entry.Unpack(info):
            return info.retry_delay.ToNanoseconds() / 1e9
    return None


def said_of(error):
    failure = Failure.of(error)
    return failure.code, failure.reason


def assert_creates_are_refused(node):
    with pytest.raises(grpc.RpcError) as caught:
        node.create()
    assert said_of(caught.value) == REFUSED
    assert retry_delay(caught.value) > 0


def health(node):
    _ = node.stub
    return health_pb2_grpc.HealthStub(node.channel).Check(health_pb2.HealthCheckRequest(), timeout=60).status


# --- drain ---------------------------------------------------------------------------------


def test_drain_and_undrain(node):
    sandbox = node.running()
    assert drain(node, "--leave") == {"state": "drained", "streams": 0, "sandboxes": 1}
    assert_creates_are_refused(node)
    said = fails(Sessions(node).open)
    assert (said.code, said.reason) == REFUSED
    # Who tries again and again does not fill the log with it.
    assert '"rpc.failed"' not in (node.folder / "daemon.log").read_text()
    assert health(node) == health_pb2.HealthCheckResponse.NOT_SERVING
    # What exists works on.
    assert node.output(sandbox, "echo here") == "here\n"
    assert node.get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING
    assert node.end(sandbox).status.state == pb.STATE_TERMINATED
    assert node.cli("undrain").returncode == 0
    assert health(node) == health_pb2.HealthCheckResponse.SERVING
    node.end(node.running())


def test_streams_may_finish(node):
    sandbox = node.running()
    with Exec(node, sandbox, "/bin/sh", "-c", "echo began; read go; echo ended") as command:
        command.ready()
        assert drain(node)["streams"] == 1
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(node.cli, "drain", "--wait", "--json", timeout=300)
            command.send(b"go\n")
            assert command.end() == (b"began\nended\n", b"", 0)
            assert json.loads(waiting.result().stdout) == {"state": "drained", "streams": 0, "sandboxes": 1}


def test_streams_are_cut_at_the_deadline(node):
    sandbox = node.running("/bin/sh", "-c", "echo line; sleep 100000")
    sessions = Sessions(node)
    session = sessions.open()
    held = Held(sessions, session)
    log = node.stub.StreamLogs(pb.StreamLogsRequest(sandbox_id=sandbox.sandbox_id, follow=True), timeout=100)
    assert next(log).data == b"line\n"
    command = node.stub.Exec.future(pb.ExecRequest(sandbox_id=sandbox.sandbox_id, command=["/bin/sleep", "1000"]),
                                    timeout=100)
    wait_until(lambda: drain(node, "--leave")["streams"] == 3, 60, "all are counted")
    assert drain(node, "--timeout", "0", "--wait") == {"state": "drained", "streams": 0, "sandboxes": 1}
    last = next(log)
    assert (last.error.code, last.data) == ("RUNNER_DRAINING", b"")
    assert not list(log)  # and the call itself ends well
    said = fails(command.result)
    assert (said.code, said.reason) == REFUSED
    assert held.ended.wait(60) and said_of(held.stream) == REFUSED
    assert sessions.get(session).state == 1  # it lives on
    # New ones are refused, too, until the drain is taken back.
    said = fails(node.execute, sandbox, "/bin/true")
    assert (said.code, said.reason) == REFUSED
    assert node.cli("undrain").returncode == 0
    assert node.execute(sandbox, "/bin/true").exit_code == 0
    sessions.close(session)


def test_sandboxes_are_ended_when_asked_for(node):
    sandboxes = [node.running() for _ in range(3)] + [node.create(*STUBBORN)]
    done = node.cli("drain", "--stop-sandboxes", "--wait", "--json", timeout=300)
    assert json.loads(done.stdout) == {"state": "drained", "streams": 0, "sandboxes": 0}
    for sandbox in sandboxes:
        ended = node.get(sandbox.sandbox_id).status
        assert (ended.state, ended.state_reason) == (pb.STATE_TERMINATED, "the node is being drained")


def test_a_drain_outlives_the_daemon(node):
    sandbox = node.running()
    drain(node, "--leave")
    for restart in (lambda: kill_and_start(node), lambda: (node.sh("daemon", "stop"), node.sh("daemon", "start"))):
        restart()
        serving(node)
        assert_creates_are_refused(node)
        assert health(node) == health_pb2.HealthCheckResponse.NOT_SERVING
    assert node.output(sandbox, "echo here") == "here\n"


def test_killed_in_the_middle(node):
    sandboxes = [node.running(*STUBBORN) for _ in range(3)]
    drain(node, "--stop-sandboxes", "--timeout", "0")
    wait_until(lambda: node.get(sandboxes[0].sandbox_id).status.state != pb.STATE_RUNNING, 60, "they are ended")
    kill_and_start(node)
    serving(node)
    for sandbox in sandboxes:
        ended = node.reach(sandbox, TERMINAL).status
        assert (ended.state, ended.state_reason) == (pb.STATE_TERMINATED, "the node is being drained")
    assert drain(node)["state"] == "drained"
    node.clean(LATE_SECONDS)


def test_the_api_says_what_is_wrong(node):
    request, answer = METHODS["Drain"]
    _ = node.stub
    method = node.channel.unary_unary(f"/{SERVICE}/Drain", request_serializer=request.SerializeToString,
                                      response_deserializer=answer.FromString)
    for fields in ({"timeout": {"seconds": -1}}, {"sandboxes": 7}):
        said = fails(method, request(**fields), timeout=60)
        assert said.code == grpc.StatusCode.INVALID_ARGUMENT and said.violations[0].split(".")[0] in fields
    assert node.cli("drain", "--leave", "--stop-sandboxes").returncode == 1
    node.end(node.running())  # nothing was begun


# --- SIGTERM -------------------------------------------------------------------------------


def test_a_stop_is_no_drain(node):
    sandbox = node.running()
    node.sh("daemon", "stop")
    node.sh("daemon", "start")
    serving(node)
    assert node.output(sandbox, "echo here") == "here\n"
    node.end(node.running())


def test_a_stop_waits_for_calls(node):
    settings.change(node, shutdown_timeout_s=60)
    node.sh("daemon", "stop")
    node.sh("daemon", "start")
    serving(node)
    sandbox = node.running()
    with Exec(node, sandbox, "/bin/sh", "-c", "echo began; sleep 2; echo ended") as command:
        assert next(command.call).HasField("ready")
        os.kill(node.pid(), signal.SIGTERM)
        answers = list(command.call)
    assert answers[-1].exit.exit_code == 0
    node.sh("daemon", "stop")
    settings.change(node, shutdown_timeout_s=2)
    node.sh("daemon", "start")
    serving(node)


def test_a_stop_that_ends_the_sandboxes(node):
    sandboxes = [node.running(), node.running(*STUBBORN)]
    settings.change(node, drain_sandboxes="stop", drain_grace_s=2)
    node.sh("daemon", "stop")  # not read yet
    node.sh("daemon", "start")
    serving(node)
    assert {node.get(s.sandbox_id).status.state for s in sandboxes} == {pb.STATE_RUNNING}
    node.sh("daemon", "stop")
    node.clean(60)
    settings.change(node, drain_sandboxes=None, drain_grace_s=None)
    node.sh("daemon", "start")
    serving(node)
    for sandbox in sandboxes:
        ended = node.get(sandbox.sandbox_id).status
        assert (ended.state, ended.state_reason) == (pb.STATE_TERMINATED, "the node stopped")
