"""Sessions: what belongs together ends together, and nobody's sandboxes outlive the client that wanted them."""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid

import grpc
import pytest
from cwsandbox import Sandbox, SandboxDefaults

from nodes import KEEP_ALIVE, ROOT, TERMINAL, Failure, fails, pb, wait_until
from sessions import CLOSED, CLOSING, NOW, ON_FIRST_USE, OPEN, Held, Sessions, image, open_and_hold
from streams import init

PYTHON = sys.executable


@pytest.fixture
def sessions(node):
    made = Sessions(node)
    yield made
    made.close_all()


def live(session):
    return {"command": KEEP_ALIVE[:1], "args": KEEP_ALIVE[1:]} | session


def opened(sessions, lease=300, **defaults):
    """A session whose sandboxes stay until they are ended."""
    return sessions.open(lease=lease, **live(defaults))


def states(node, sandboxes):
    return {node.get(s.sandbox_id).status.state for s in sandboxes}


# --- open, get, list, renew ---------------------------------------------------


@pytest.mark.core
def test_open_and_close(node, sessions):
    session = opened(sessions, tags=["t"], max_lifetime_seconds=100)
    assert session.state == OPEN and session.session_id.startswith(node.node_id + "-s-")
    assert session.lease_seconds == 300 and session.HasField("lease_expire_time")
    assert list(session.defaults.tags) == ["t"]
    sandbox = sessions.create(session)
    node.reach(sandbox, {pb.STATE_RUNNING})
    assert sessions.get(session).live_sandboxes == 1
    closed = sessions.close(session)
    assert (closed.state, closed.live_sandboxes, closed.created_sandboxes) == (CLOSED, 0, 1)
    assert closed.HasField("close_time") and not closed.HasField("lease_expire_time")
    over = node.get(sandbox.sandbox_id).status
    assert over.state == pb.STATE_TERMINATED and session.session_id in over.state_reason


def test_open_again_with_the_same_request_id(sessions):
    request_id = str(uuid.uuid4())
    first = sessions.open(request_id=request_id, environment_variables={"A": "1", "B": "2"})
    again = sessions.open(request_id=request_id, environment_variables={"B": "2", "A": "1"})
    assert again.session_id == first.session_id
    other = fails(sessions.open, request_id=request_id, tags=["other"])
    assert (other.code, other.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["request_id"])
    sessions.close(first)
    closed = sessions.open(request_id=request_id, environment_variables={"A": "1", "B": "2"})
    assert (closed.session_id, closed.state) == (first.session_id, CLOSED)


@pytest.mark.parametrize("fields, violations", [
    ({"lease": -1}, ["lease_seconds"]),
    ({"lease": 10_000_000}, ["lease_seconds"]),
    ({"container_image": "no image"}, ["defaults.container_image"]),
    ({"working_dir": "relative"}, ["defaults.working_dir"]),
    ({"tags": ["fine", ""]}, ["defaults.tags[1]"]),
    ({"environment_variables": {"A=B": "1"}}, ["defaults.environment_variables"]),
    ({"idle_timeout_seconds": -1}, ["defaults.idle_timeout_seconds"]),
    ({"max_sandboxes": -1}, ["defaults.max_sandboxes"]),
    ({"max_lifetime_seconds": 2_592_001}, ["defaults.max_lifetime_seconds"]),
    ({"command": [""]}, ["defaults.command[0]"]),
    ({"annotations": {"sandkeep.dev/session": "x"}}, ["defaults.annotations"]),
    ({"annotations": {"sandkeep.dev/start": "never"}}, ["defaults.annotations"]),
    ({"files": [{"path": "/proc/x"}]}, ["defaults.files[0].path"]),
    ({"tags": ["x" * 257, ""], "working_dir": "x"},
     ["defaults.tags[0]", "defaults.tags[1]", "defaults.working_dir"]),
])
def test_faults_of_defaults_show_when_the_session_is_opened(sessions, fields, violations):
    failure = fails(sessions.open, **fields)
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT
    assert sorted(failure.violations) == violations


def test_ceilings_bound_the_defaults(sessions):
    failure = fails(sessions.open, resources=pb.ResourceRequirements(limits=pb.Resources(cpu="4096")))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CWSANDBOX_RESOURCE_CEILING_EXCEEDED")
    assert failure.violations == ["defaults.resources.limits.cpu"]
    assert f"more than the {os.cpu_count()} that" in failure.text


def test_defaults_have_a_size(sessions):
    failure = fails(sessions.open, files=[{"path": "/f", "content": bytes(2 << 20)}])
    assert (failure.code, failure.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["defaults"])


def test_what_is_not_there(sessions):
    for name in ["GetSession", "RenewSession", "CloseSession", "CreateSandbox"]:
        for session_id in ["", "x", "../..", "t0-s-" + "a" * 24]:
            failure = fails(sessions.call, name, session_id=session_id)
            assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "CWSANDBOX_SESSION_NOT_FOUND"), name


def test_list_in_pages(sessions):
    made = [sessions.open().session_id for _ in range(5)]
    sessions.call("CloseSession", session_id=made[0], wait=True)
    found, token = [], ""
    while True:
        page = sessions.list(page_size=2, page_token=token)
        assert len(page.sessions) <= 2
        found += [s.session_id for s in page.sessions]
        token = page.next_page_token
        if not token:
            break
    assert found == made[:0:-1]
    assert made[0] in [s.session_id for s in sessions.list(show_closed=True, page_size=1000).sessions]
    assert fails(sessions.list, page_token="nonsense").violations == ["page_token"]
    assert fails(sessions.list, page_size=-1).violations == ["page_size"]


def outlives_its_lease(sessions, session):
    """Renews it until it has lived for longer than its lease; whether it did. It may only not when we came too late."""
    began = renewed = time.monotonic()
    while time.monotonic() < began + session.lease_seconds + 1:
        time.sleep(0.5)
        asked = time.monotonic()
        try:
            assert sessions.call("RenewSession", session_id=session.session_id).state == OPEN
        except grpc.RpcError:
            assert time.monotonic() - renewed >= session.lease_seconds, "it was renewed in time"
            return False
        renewed = asked
    return True


def test_renewals_keep_it_open(sessions):
    session = sessions.open(lease=3)
    while not outlives_its_lease(sessions, session):
        session = sessions.open(lease=2 * session.lease_seconds)
    over = sessions.reach(session, CLOSED, 60 + session.lease_seconds)
    assert f"lease of {session.lease_seconds} s ran out" in over.state_reason
    failure = fails(sessions.call, "RenewSession", session_id=session.session_id)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CWSANDBOX_SESSION_CLOSED")


# --- the lease is held ----------------------------------------------------------


def test_a_stream_holds_the_lease(sessions):
    session, held = open_and_hold(sessions, lease=2)
    time.sleep(session.lease_seconds + 1)
    now = sessions.get(session)
    assert (now.state, now.holders) == (OPEN, 1) and not now.HasField("lease_expire_time")
    held.let_go()
    let_go = wait_until(lambda: [now for now in [sessions.get(session)] if now.holders == 0], 60, "it let go")[0]
    assert let_go.HasField("lease_expire_time") or let_go.state != OPEN
    sessions.reach(session, CLOSED, 60 + session.lease_seconds)


def test_a_holder_is_told_of_the_end(sessions):
    session = sessions.open()
    held = [Held(sessions, session) for _ in range(3)]
    sessions.close(session)
    for one in held:
        assert one.ended.wait(60)
        assert one.stream.code() == grpc.StatusCode.OK
        assert one.answers[0] == OPEN and one.answers[-1] in (CLOSING, CLOSED)
    late = Held(sessions, session)
    assert late.ended.wait(60) and late.answers == [CLOSED] and late.stream.code() == grpc.StatusCode.OK


def test_the_deadline_of_a_stream_lets_go(sessions):
    session = sessions.open()
    failure = fails(sessions.keep_alive, [session.session_id], timeout=2)
    assert failure.code == grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: sessions.get(session).holders == 0, 60, "it let go")
    assert sessions.get(session).HasField("lease_expire_time")


def test_every_message_is_answered(sessions):
    session = sessions.open()
    gate = [session.session_id, "", session.session_id]
    stream = sessions.keep_alive(gate)
    assert [next(stream).state for _ in gate] == [OPEN] * 3
    stream.cancel()
    wrong = fails(sessions.keep_alive, [session.session_id, "another"])
    assert wrong.violations == ["session_id"]
    assert fails(sessions.keep_alive, []).code == grpc.StatusCode.INVALID_ARGUMENT
    assert fails(sessions.keep_alive, ["none"]).reason == "CWSANDBOX_SESSION_NOT_FOUND"
    wait_until(lambda: sessions.get(session).holders == 0, 20, "nobody holds it")


def test_a_killed_client_is_cleaned_up_after(node, sessions):
    """The whole point: SIGKILL for the client, and the node collects."""
    example = str(ROOT / "deploy/examples/session.py")
    said = subprocess.run([PYTHON, example, "hold", "--die", "--image", image(node)], capture_output=True, text=True,
                          timeout=180, env=os.environ | node.env, check=False)
    assert said.returncode == -signal.SIGKILL, said
    lines = [line.split() for line in said.stdout.splitlines()]
    session_id = lines[0][1]
    ids = [words[1] for words in lines[1:]]
    assert len(ids) == 2, said
    # They have outlived the client: what ends them is the lease, which runs from its death on.
    watched = subprocess.run([PYTHON, example, "watch", session_id], capture_output=True, text=True, timeout=120,
                             env=os.environ | node.env, check=True).stdout
    assert watched.splitlines()[-1].startswith("CLOSED   0 live  its lease of 5 s ran out"), watched
    for sandbox_id in ids:
        over = node.get(sandbox_id).status
        assert over.state == pb.STATE_TERMINATED and session_id in over.state_reason


# --- closing ---------------------------------------------------------------------


@pytest.mark.core
def test_many_sandboxes_are_closed_at_once(node, sessions):
    count = 200 if node.runtime == "fake" else 30
    small = pb.ResourceRequirements(limits=pb.Resources(cpu="100m", memory="32Mi"))
    session = opened(sessions, lease=300, resources=small)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: sessions.create(session, timeout=240), range(count)))
    for sandbox in made:
        node.reach(sandbox, {pb.STATE_RUNNING}, seconds=120)
    assert sessions.get(session).live_sandboxes == count
    began = time.monotonic()
    closed = sessions.close(session, timeout=120)
    print(f"{count} sandboxes closed in {time.monotonic() - began:.1f} s")
    assert (closed.state, closed.live_sandboxes, closed.created_sandboxes) == (CLOSED, 0, count)
    assert states(node, made) == {pb.STATE_TERMINATED}


def test_closing_twice_is_closing_once(node, sessions):
    session = opened(sessions)
    sandbox = sessions.create(session)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda wait: sessions.close(session, wait=wait), [True, False, True, False]))
    assert all(a.state in (CLOSING, CLOSED) for a in answers)
    first = sessions.close(session)
    again = sessions.close(session)
    assert first == again and again.state == CLOSED
    assert node.get(sandbox.sandbox_id).status.state == pb.STATE_TERMINATED


def test_closing_while_sandboxes_are_made(node, sessions):
    session = opened(sessions)
    outcomes = []

    def create(_):
        try:
            return sessions.create(session)
        except grpc.RpcError as error:
            return Failure.of(error)

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        running = [pool.submit(create, n) for n in range(24)]
        wait_until(lambda: sessions.get(session).created_sandboxes >= 3, 20, "some are under way")
        closed = sessions.close(session)
        outcomes = [r.result() for r in running]
    assert closed.state == CLOSED
    refused = [o for o in outcomes if isinstance(o, Failure)]
    made = [o for o in outcomes if not isinstance(o, Failure)]
    assert all(f.reason == "CWSANDBOX_SESSION_CLOSED" for f in refused), refused
    assert len(made) == sessions.get(session).created_sandboxes
    assert states(node, made) <= TERMINAL
    assert node.list() == []


def test_nothing_is_made_in_a_closed_session(sessions):
    session = opened(sessions)
    request_id = str(uuid.uuid4())
    sandbox = sessions.create(session, request_id=request_id)
    sessions.close(session)
    failure = fails(sessions.create, session)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CWSANDBOX_SESSION_CLOSED")
    # What was made before stays what it was, for whoever asks again.
    assert sessions.create(session, request_id=request_id).sandbox_id == sandbox.sandbox_id


@pytest.mark.real
def test_a_deadline_does_not_undo_a_close(node, sessions):
    script = "trap '' TERM; touch /tmp/deaf; while :; do sleep 1; done"
    session = sessions.open(command=["/bin/sh"], args=["-c", script])
    sandbox = sessions.create(session)
    wait_until(lambda: node.execute(sandbox, "test", "-e", "/tmp/deaf").exit_code == 0, 60, "it heeds no SIGTERM")
    failure = fails(sessions.close, session, grace=8, timeout=1)
    assert failure.code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert sessions.get(session).state in (CLOSING, CLOSED)
    sessions.reach(session, CLOSED, 60)


# --- sandboxes of a session ---------------------------------------------------------


def test_overrides_go_over_the_defaults(node, sessions):
    session = opened(sessions, tags=["s"], environment_variables={"A": "s", "B": "s"}, max_lifetime_seconds=500,
                     annotations={"x": "s", "y": "s"})
    container = pb.Container(name="c", environment_variables={"B": "o"})
    sandbox = sessions.create(session, tags=["o"], annotations={"y": "o"}, containers=[container])
    spec = node.get(sandbox.sandbox_id).spec
    assert list(spec.tags) == ["s", "o"]
    assert dict(spec.containers[0].environment_variables) == {"A": "s", "B": "o"}
    assert dict(spec.annotations) == {"x": "s", "y": "o", "sandkeep.dev/session": session.session_id}
    assert (spec.containers[0].image, spec.containers[0].command) == (image(node), "/bin/sh")
    assert sandbox.status.effective_max_lifetime_seconds == 500


def test_without_overrides(node, sessions):
    session = opened(sessions)
    sandbox = sessions.call("CreateSandbox", session_id=session.session_id)
    assert node.get(sandbox.sandbox_id).spec.containers[0].image == image(node)


def test_faults_are_named_after_their_giver(sessions):
    session = opened(sessions, tags=["one", "two"])
    failure = fails(sessions.create, session, tags=["fine", ""], max_lifetime_seconds=-1)
    assert sorted(failure.violations) == ["overrides.spec.max_lifetime_seconds", "overrides.spec.tags[1]"]
    failure = fails(sessions.create, session, annotations={"sandkeep.dev/session": "other"})
    assert failure.violations == ["overrides.spec.annotations"]
    failure = fails(sessions.call, "CreateSandbox", session_id=session.session_id, start=7)
    assert failure.violations == ["start"]


def test_same_request_id(sessions):
    """Compared is what the caller said, not what became of it."""
    one, other = opened(sessions, tags=["a"]), opened(sessions, tags=["a"])
    request_id = str(uuid.uuid4())
    first = sessions.create(one, request_id=request_id)
    assert sessions.create(one, request_id=request_id).sandbox_id == first.sandbox_id
    for call in [lambda: sessions.create(one, request_id=request_id, tags=["b"]),
                 lambda: sessions.create(one, request_id=request_id, tags=["a"]),
                 lambda: sessions.create(one, request_id=request_id, start=ON_FIRST_USE),
                 lambda: sessions.create(other, request_id=request_id)]:
        assert fails(call).violations == ["request_id"]
    assert sessions.get(one).created_sandboxes == 1


def test_as_many_as_may_live_at_once(node, sessions):
    session = opened(sessions, max_sandboxes=2)
    first, _second = sessions.create(session), sessions.create(session)
    failure = fails(sessions.create, session)
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CWSANDBOX_SESSION_FULL")
    node.end(first)
    sessions.create(session)
    assert sessions.get(session).live_sandboxes == 2


# --- first use ------------------------------------------------------------------------


def unstarted(node, sessions, session):
    sandbox = sessions.create(session, start=ON_FIRST_USE)
    assert sandbox.status.state == pb.STATE_PENDING
    time.sleep(0.3)
    assert node.get(sandbox.sandbox_id).status.state == pb.STATE_PENDING
    return sandbox


def read_logs(node, sandbox):
    return list(node.stub.StreamLogs(pb.StreamLogsRequest(sandbox_id=sandbox.sandbox_id), timeout=60))


@pytest.mark.parametrize("use", [
    lambda node, s: node.execute(s, "/bin/true"),
    pytest.param(lambda node, s: node.stub.ReadFile(
        pb.ReadFileRequest(sandbox_id=s.sandbox_id, path="/etc/passwd"), timeout=60), marks=pytest.mark.real),
    pytest.param(lambda node, s: node.stub.WriteFile(
        pb.WriteFileRequest(sandbox_id=s.sandbox_id, path="/tmp/x", content=b"x"), timeout=60), marks=pytest.mark.real),
    read_logs,
], ids=["exec", "read_file", "write_file", "logs"])
def test_first_use_starts(node, sessions, use):
    sandbox = unstarted(node, sessions, opened(sessions))
    use(node, sandbox)
    node.reach(sandbox, {pb.STATE_RUNNING})


def test_unstarted_ones_end_with_their_session(node, sessions):
    session = opened(sessions)
    sandbox = unstarted(node, sessions, session)
    assert sessions.close(session).state == CLOSED
    assert node.get(sandbox.sandbox_id).status.state == pb.STATE_TERMINATED


def test_start_by_annotation(node, sessions):
    sandbox = node.create(annotations={"sandkeep.dev/start": "on-first-use"})
    assert sandbox.status.state == pb.STATE_PENDING
    node.execute(sandbox, "/bin/true")
    node.reach(sandbox, {pb.STATE_RUNNING})
    session = opened(sessions, annotations={"sandkeep.dev/start": "on-first-use"})
    said = [sessions.create(session, start=start).status.state for start in (0, ON_FIRST_USE)]
    assert said == [pb.STATE_PENDING] * 2
    assert sessions.create(session, start=NOW).status.state != pb.STATE_PENDING
    assert fails(node.create, annotations={"sandkeep.dev/start": "x"}).violations == ["sandbox.spec.annotations"]


# --- idle -----------------------------------------------------------------------------


def test_idle_sandboxes_end(node, sessions):
    session = opened(sessions, idle_timeout_seconds=2)
    idle = sessions.create(session)
    busy = sessions.create(session, start=ON_FIRST_USE)
    own = sessions.create(session, annotations={"sandkeep.dev/idle-timeout-seconds": "0"})
    # Used from before it runs on, so that it is never idle.
    use = node.stub.StreamExec(iter([init(busy, "/bin/sleep", "1000")]), timeout=300)
    assert next(use).WhichOneof("message") == "ready"
    time.sleep(3)
    over = node.reach(idle, {pb.STATE_TERMINATED}).status
    assert "idle for 2 s" in over.state_reason
    assert node.get(busy.sandbox_id).status.state == pb.STATE_RUNNING
    use.cancel()
    node.reach(busy, {pb.STATE_TERMINATED})
    assert node.get(own.sandbox_id).status.state == pb.STATE_RUNNING
    assert sessions.get(session).state == OPEN


# --- clients that know nothing of sessions ------------------------------------------------


@pytest.mark.core
@pytest.mark.parametrize("mark", [lambda i: {"annotations": {"sandkeep.dev/session": i}},
                                  lambda i: {"tags": ["x", "sandkeep-session." + i]}], ids=["annotation", "tag"])
def test_an_ordinary_create_takes_part(node, sessions, mark):
    session = opened(sessions, max_lifetime_seconds=77)
    sandbox = node.create(**mark(session.session_id))
    assert sandbox.status.effective_max_lifetime_seconds == 77
    assert sandbox.spec.annotations["sandkeep.dev/session"] == session.session_id
    assert sessions.get(session).live_sandboxes == 1
    sessions.close(session)
    assert node.get(sandbox.sandbox_id).status.state == pb.STATE_TERMINATED
    failure = fails(node.create, **mark(session.session_id))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CWSANDBOX_SESSION_CLOSED")


def test_an_ordinary_create_with_a_wrong_session(node):
    failure = fails(node.create, annotations={"sandkeep.dev/session": "none"})
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CWSANDBOX_SESSION_NOT_FOUND")
    failure = fails(node.create, annotations={"sandkeep.dev/session": "a"}, tags=["sandkeep-session.b"])
    assert (failure.code, failure.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["sandbox.spec.tags[0]"])


@pytest.mark.core
def test_the_sdk_takes_part(node, sessions):
    session = sessions.open(tags=["from-session"])
    defaults = SandboxDefaults(container_image=image(node), annotations={"sandkeep.dev/session": session.session_id})
    sandbox = Sandbox.run(defaults=defaults)
    assert sandbox.exec(["/bin/true"]).result().returncode == 0
    assert list(node.get(sandbox.sandbox_id).spec.tags) == ["from-session"]
    sessions.close(session)
    assert node.get(sandbox.sandbox_id).status.state == pb.STATE_TERMINATED


# --- the command line ---------------------------------------------------------------------


def test_cli_run_holds_and_hands_down(node, sessions):
    sandkeep = str(node.build / "sandkeep")
    inner = f'echo $SANDKEEP_SESSION; {sandkeep} run --keep -- /bin/true; sleep 6; exit 9'
    done = node.cli("session", "run", "--lease", "5", "--image", image(node), "--", "/bin/sh", "-c", inner)
    assert done.returncode == 9, done
    session = sessions.call("GetSession", session_id=done.stdout.strip())
    assert (session.state, session.created_sandboxes) == (CLOSED, 1)
    assert "by request" in session.state_reason
    assert node.list() == []


def test_cli_run_passes_signals_on(node, sessions):
    command = [str(node.build / "sandkeep"), "session", "run", "--", "/bin/sh", "-c",
               'trap "exit 33" TERM; echo $SANDKEEP_SESSION; while :; do sleep 0.1; done']
    with subprocess.Popen(command, env=os.environ | node.env, stdout=subprocess.PIPE, text=True) as run:
        session_id = run.stdout.readline().strip()
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=60) == 33
    assert sessions.call("GetSession", session_id=session_id).state == CLOSED


def test_cli_run_killed_lets_go(node, sessions):
    command = [str(node.build / "sandkeep"), "session", "run", "--lease", "5", "--", "/bin/sh", "-c",
               "echo $SANDKEEP_SESSION; exec cat"]  # until its input ends: not before we are through
    with subprocess.Popen(command, env=os.environ | node.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as run:
        session_id = run.stdout.readline().strip()
        wait_until(lambda: sessions.call("GetSession", session_id=session_id).holders == 1, 60, "it is held")
        run.kill()
        wait_until(lambda: sessions.call("GetSession", session_id=session_id).state == CLOSED, 60, "it is closed")


def test_cli_verbs(node, sessions):
    session_id = node.cli("session", "open", "--name", "n", "--lease", "60", "--tag", "t").stdout.strip()
    shown = json.loads(node.cli("session", "show", session_id, "--json").stdout)
    assert (shown["id"], shown["name"], shown["state"], shown["tags"]) == (session_id, "n", "open", ["t"])
    assert session_id in [s["id"] for s in json.loads(node.cli("session", "ls", "--json").stdout)]
    assert session_id in node.cli("session", "ls").stdout
    done = node.cli("session", "close", session_id)
    assert (done.stdout.strip(), done.returncode) == (session_id, 0)
    assert session_id not in node.cli("session", "ls").stdout
    assert "closed" in node.cli("session", "ls", "--all").stdout
    assert "SESSION_NOT_FOUND" in node.cli("session", "show", "none").stderr


# --- restarts -----------------------------------------------------------------------------


@pytest.mark.real
def test_sessions_live_through_restarts(own_node):
    node, sessions = own_node, Sessions(own_node)
    session = opened(sessions, lease=60)
    lost, _ = open_and_hold(sessions, lease=2, **live({}))  # let go by the daemon's death
    sandbox, orphan = sessions.create(session), sessions.create(lost)
    waiting = sessions.create(session, start=ON_FIRST_USE)
    command = [str(node.build / "sandkeep"), "session", "run", "--lease", "60", "--", "/bin/sh", "-c",
               "echo $SANDKEEP_SESSION; read go; exit 4"]
    with subprocess.Popen(command, env=os.environ | node.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as run:
        run_id = run.stdout.readline().strip()
        node.sh("daemon", "kill")
        node.sh("daemon", "start")
        wait_until(lambda: run_or_none(lambda: sessions.get(session)), 20, "it serves")
        held = Held(sessions, session)
        sessions.reach(lost, CLOSED, 60 + lost.lease_seconds)
        node.reach(orphan, {pb.STATE_TERMINATED})
        assert node.get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING
        assert node.get(waiting.sandbox_id).status.state == pb.STATE_PENDING
        assert node.output(waiting, "echo here") == "here\n"
        wait_until(lambda: sessions.call("GetSession", session_id=run_id).holders == 1, 60, "it is held again")
        run.stdin.write("go\n")
        run.stdin.flush()
        assert run.wait(timeout=60) == 4
    assert "by request" in sessions.call("GetSession", session_id=run_id).state_reason
    held.let_go()
    wait_until(lambda: sessions.get(session).holders == 0, 60, "it let go")
    assert sessions.get(session).HasField("lease_expire_time")
    sessions.close(session)
    assert states(node, [sandbox, waiting]) == {pb.STATE_TERMINATED}
    node.clean(20)


def run_or_none(call):
    try:
        return call()
    except grpc.RpcError:
        return None


def test_the_example_says_how_it_is_used():
    example = pathlib.Path(ROOT / "deploy/examples/session.py")
    said = subprocess.run([PYTHON, str(example), "--help"], capture_output=True, text=True, timeout=30, check=True)
    assert "watch" in said.stdout
