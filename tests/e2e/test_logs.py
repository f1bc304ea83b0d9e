"""What main processes print, through the published SDK's stream_logs and by the bare call."""
import contextlib
import datetime
import re
import threading
import time

import grpc
import pytest
from cwsandbox import Sandbox

from nodes import fails, pb, wait_until
from test_restart import kill_and_start, serving

real = pytest.mark.real
pytestmark = [real]
FOREVER = "; sleep 100000"


@pytest.fixture
def shell(node):
    """Sandboxes whose main process is a shell script."""
    made = []

    def make(script, **options):
        made.append(Sandbox.run("/bin/sh", "-c", script, container_image="docker.io/library/python:3.11", **options))
        made[-1].wait()
        return made[-1]
    yield make
    for sandbox in made:
        sandbox.stop(missing_ok=True).result(timeout=60)


def logs(sandbox, **options):
    return list(sandbox.stream_logs(**options))


def entries(node, sandbox_id, **fields):
    return list(node.stub.StreamLogs(pb.StreamLogsRequest(sandbox_id=sandbox_id, **fields), timeout=300))


def first(node, sandbox_id, count=1, **fields):
    """The first frames of a stream that is then dropped."""
    call = node.stub.StreamLogs(pb.StreamLogsRequest(sandbox_id=sandbox_id, **fields), timeout=60)
    got = [next(call) for _ in range(count)]
    call.cancel()
    return got


class Follower(threading.Thread):
    """stream_logs(follow=True) in the background: its lines."""

    def __init__(self, sandbox, **options):
        super().__init__(daemon=True)
        self.lines, self.error = [], None
        self.stream = sandbox.stream_logs(follow=True, **options)
        self.start()

    def run(self):
        try:
            for line in self.stream:
                self.lines.append(line)
        except Exception as error:  # kept for the test's own thread
            self.error = error

    def end(self, seconds=120):
        self.join(seconds)
        assert not self.is_alive() and self.error is None, self.error
        return self.lines


# --- content -------------------------------------------------------------------

def test_both_streams_in_order_and_no_exec(shell):
    sandbox = shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done" + FOREVER)
    sandbox.exec(["sh", "-c", "echo from exec; echo from exec >&2"]).result(timeout=60)
    wait_until(lambda: len(logs(sandbox)) >= 6, 60, "all is printed")
    assert "".join(logs(sandbox)) == "".join(f"out {i}\nerr {i}\n" for i in (1, 2, 3))


def test_tail_since_and_timestamps(shell):
    sandbox = shell("echo one; echo two; while ! [ -e /tmp/go ]; do sleep 0.1; done; echo three; printf four" + FOREVER)
    wait_until(lambda: len(logs(sandbox)) == 2, 60, "two lines")
    time.sleep(1.5)
    sandbox.exec(["touch", "/tmp/go"]).result(timeout=60)
    wait_until(lambda: len(logs(sandbox)) == 4, 60, "four lines")
    assert logs(sandbox, tail_lines=2) == ["three\n", "four"]
    assert logs(sandbox, tail_lines=0) == ["one\n", "two\n", "three\n", "four"]
    stamped = logs(sandbox, timestamps=True)
    assert [line.split(" ", 1)[1] for line in stamped] == ["one\n", "two\n", "three\n", "four"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.split(" ")[0]) for line in stamped)
    times = [datetime.datetime.fromisoformat(line.split(" ")[0].replace("Z", "+00:00")) for line in stamped]
    assert abs((times[0] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) < 300
    assert (times[2] - times[0]).total_seconds() > 1.2
    assert logs(sandbox, since_time=times[2] - datetime.timedelta(seconds=0.5)) == ["three\n", "four"]
    assert logs(sandbox, since_time=times[2] + datetime.timedelta(hours=1)) == []


def test_early_reads_get_what_is_printed_first(shell):
    """Unless that takes so long that nobody would wait for it: then a later one does. How long they wait is shown on a
    clock of its own (tests/unit/test_log_stream.c)."""
    lines = [f"line {i}\n" for i in range(500)]
    for script, wanted in (("printf early", ["early"]),
                           ("i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done", lines)):
        sandbox = shell(script + FOREVER)
        early = logs(sandbox)
        assert "".join(wanted).startswith("".join(early))
        wait_until(lambda: logs(sandbox) == wanted, 60, "all is printed")


def test_the_default_command_prints_nothing(node):
    with Sandbox.run() as sandbox:
        assert logs(sandbox) == []


def test_a_long_line(shell):
    script = "import sys; sys.stdout.write('x' * 524287 + '\\n'); sys.stdout.write('end\\n')"
    sandbox = shell(f'python3 -c "{script}"' + FOREVER)
    wait_until(lambda: logs(sandbox, tail_lines=1) == ["end\n"], 60, "all is printed")
    assert [len(line) for line in logs(sandbox)] == [524288, 4]


def test_bytes_that_are_no_text(node, shell):
    sandbox = shell(r"printf 'a\000b\377\376\303\050 \342\202\254\n'" + FOREVER)
    wanted = b"a\0b\xff\xfe\xc3( \xe2\x82\xac\n"
    wait_until(lambda: b"".join(e.data for e in entries(node, sandbox.sandbox_id)) == wanted, 10, "the bytes")
    assert logs(sandbox) == [wanted.decode(errors="replace")]


def test_frames(node, shell):
    """Between lines, never inside a character, each with its session and its exact place."""
    sandbox = shell("python3 -c \"for i in range(30000): print(i, 'ä€😀' * (i % 40))\"" + FOREVER)
    wait_until(lambda: "".join(logs(sandbox, tail_lines=1)).startswith("29999 "), 60, "all is printed")
    wanted = "".join(f"{i} {'ä€😀' * (i % 40)}\n" for i in range(30000)).encode()
    for stamped in (False, True):
        got, at = entries(node, sandbox.sandbox_id, timestamps=stamped), 0
        for entry in got:
            at += len(entry.data)
            assert 0 < len(entry.data) <= 65536 and entry.next_log_offset == at and not entry.HasField("error")
            entry.data.decode()
        assert len({entry.log_session_id for entry in got}) == 1
        lines = b"".join(entry.data for entry in got).splitlines(True)
        assert b"".join(line.split(b" ", 1)[1] if stamped else line for line in lines) == wanted
        between = sum(entry.data.endswith(b"\n") for entry in got)
        assert between >= len(got) * 0.9, f"{between} of {len(got)} frames end between lines"


# --- following -------------------------------------------------------------------

def test_follow_is_live_and_ends_with_the_process(node, shell):
    sandbox = shell("echo begin; while ! [ -e /tmp/go ]; do sleep 0.01; done; echo go; exit 3")
    follower = Follower(sandbox)
    wait_until(lambda: follower.lines == ["begin\n"], 10, "the first line")
    sandbox.exec(["touch", "/tmp/go"]).result(timeout=60)
    assert follower.end() == ["begin\n", "go\n"]
    assert node.reach(node.get(sandbox.sandbox_id), {pb.STATE_COMPLETED}).status.exit_code == 3


def test_every_line_is_followed_by_itself(node, shell):
    """The next one is only printed when the client has seen the last: nothing waits for more to come with it. How soon
    they come is shown by tests/bench."""
    seen = "while ! [ -e /tmp/$i ]; do sleep 0.01; done"
    sandbox = shell(f"i=0; while [ $i -lt 30 ]; do echo $i; {seen}; i=$((i+1)); done")
    call = node.stub.StreamLogs(pb.StreamLogsRequest(sandbox_id=sandbox.sandbox_id, follow=True), timeout=300)
    for number, entry in enumerate(call):
        assert entry.data == b"%d\n" % number
        node.stub.WriteFile(pb.WriteFileRequest(sandbox_id=sandbox.sandbox_id, path=f"/tmp/{number}"), timeout=60)
    assert number == 29


def test_a_follow_of_the_ended_is_refused_but_reading_is_not(node, shell):
    sandbox = shell("echo last words; sleep 1; exit 0")
    node.reach(node.get(sandbox.sandbox_id), {pb.STATE_COMPLETED})
    failure = fails(lambda: entries(node, sandbox.sandbox_id, follow=True))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CWSANDBOX_SANDBOX_NOT_RUNNING")
    assert logs(Sandbox.from_id(sandbox.sandbox_id).result(timeout=60)) == ["last words\n"]
    assert logs(sandbox, tail_lines=1, timestamps=True)[0].endswith("Z last words\n")


def test_the_log_of_the_deleted(node, shell):
    sandbox = shell("trap 'echo farewell; exit 0' TERM; echo before; sleep 100000 & wait")
    wait_until(lambda: logs(sandbox) == ["before\n"], 10, "the first line")
    sandbox.stop().result(timeout=60)
    assert b"".join(e.data for e in entries(node, sandbox.sandbox_id)) == b"before\nfarewell\n"


def test_many_followers_come_and_go(node, shell):
    sandbox = shell("echo here" + FOREVER)
    for _ in range(100):
        assert first(node, sandbox.sandbox_id, follow=True)[0].data == b"here\n"
    calls = [node.stub.StreamLogs(pb.StreamLogsRequest(sandbox_id=sandbox.sandbox_id, follow=True), timeout=60)
             for _ in range(200)]
    assert all(next(call).data == b"here\n" for call in calls)
    for call in calls:
        call.cancel()


# --- much ----------------------------------------------------------------------------

def log_bytes(node, sandbox_id):
    """No more than there was at once: the newest is looked at first, since the others do not grow any more, and go
    oldest first."""
    folder = node.folder / "state/logs" / sandbox_id
    assert folder.is_dir()
    total = 0
    for file in sorted(folder.iterdir(), reverse=True):
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def test_much_is_bounded(node, shell):
    sandbox = shell("i=0; yes 123456789012345678901234567890123456789 | head -c 104857600; echo; echo end" + FOREVER)
    wait_until(lambda: logs(sandbox, tail_lines=1) == ["end\n"], 300, "100 MiB are printed")
    assert log_bytes(node, sandbox.sandbox_id) <= 67108864
    whole = b"".join(e.data for e in entries(node, sandbox.sandbox_id))
    marker = re.match(rb"\[sandkeep: (\d+) bytes of older output were dropped\]\n", whole)
    assert marker and len(whole) - marker.end() == 104857600 + 5 - int(marker[1])
    assert 32 << 20 < len(whole) < 64 << 20


def test_one_that_never_stops_printing_harms_nobody(node, shell):
    noisy, quiet = shell("yes"), shell("echo quiet" + FOREVER)
    for _ in range(20):
        assert quiet.exec(["true"]).result(timeout=60).returncode == 0
    wait_until(lambda: logs(quiet) == ["quiet\n"], 60, "it is printed")
    wait_until(lambda: log_bytes(node, noisy.sandbox_id), 60, "much is printed")
    assert logs(noisy, tail_lines=3) == ["y\n"] * 3
    assert log_bytes(node, noisy.sandbox_id) <= 67108864


# --- requests ------------------------------------------------------------------------

@pytest.mark.parametrize("fields", [
    {"tail_lines": -1}, {"resume_log_offset": 1, "follow": True}, {"resume_log_session_id": "x"},
    {"resume_log_session_id": "x", "follow": True, "tail_lines": 1},
    {"resume_log_session_id": "x", "follow": True, "timestamps": True},
    {"resume_log_session_id": "x", "follow": True, "since_time": {"seconds": 1}},
    {"since_time": {"seconds": 1, "nanos": -1}}])
def test_bad_requests(node, shell, fields):
    sandbox = node.running()
    failure = fails(lambda: entries(node, sandbox.sandbox_id, **fields))
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT and failure.violations


def test_names_that_name_nothing(node):
    assert fails(lambda: entries(node, "nobody")).reason == "CWSANDBOX_SANDBOX_NOT_FOUND"
    sandbox = node.running()
    assert fails(lambda: entries(node, sandbox.sandbox_id, container="sidecar")).code == grpc.StatusCode.NOT_FOUND
    assert entries(node, sandbox.sandbox_id, container="main") == []


def test_resume_by_hand(node, shell):
    sandbox = shell("i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done" + FOREVER)
    wait_until(lambda: len(logs(sandbox)) == 1000, 10, "all lines")
    whole = "".join(logs(sandbox)).encode()
    one = first(node, sandbox.sandbox_id, follow=True)[0]
    rest = first(node, sandbox.sandbox_id, follow=True, resume_log_session_id=one.log_session_id,
                 resume_log_offset=100)[0]
    assert rest.data == whole[100:] and rest.log_session_id == one.log_session_id
    assert rest.next_log_offset == len(whole)
    for session, offset, code in (("x", 0, "SESSION_NOT_FOUND"),
                                  (one.log_session_id, len(whole) + 1, "INVALID_RESUME_OFFSET")):
        answer = entries(node, sandbox.sandbox_id, follow=True, resume_log_session_id=session,
                         resume_log_offset=offset)
        assert len(answer) == 1 and answer[0].error.code == code and not answer[0].data


# --- restarts ------------------------------------------------------------------------

@pytest.fixture
def own_shell(own_node):
    made = []

    def make(script):
        made.append(Sandbox.run("/bin/sh", "-c", script, container_image="docker.io/library/python:3.11"))
        made[-1].wait()
        return made[-1]
    return make


COUNT = "i=0; while [ $i -lt {} ]; do echo line $i; i=$((i+1)); sleep 0.005; done"


@pytest.mark.parametrize("timestamps", [False, True])
@pytest.mark.parametrize("politely", [False, True])
def test_a_follow_survives_the_daemon(own_node, own_shell, monkeypatch, timestamps, politely):
    """By the SDK's own resumption: every line exactly once. A busy machine takes longer than its three attempts."""
    monkeypatch.setattr("cwsandbox._sandbox.STREAMING_RESUME_MAX_ATTEMPTS", 20)
    sandbox = own_shell("while ! [ -e /tmp/go ]; do sleep 0.05; done; " + COUNT.format(600))
    follower = Follower(sandbox, timestamps=timestamps)
    sandbox.exec(["touch", "/tmp/go"]).result(timeout=60)
    wait_until(lambda: len(follower.lines) > 100, 20, "it follows")
    if politely:
        own_node.sh("daemon", "stop")
        own_node.sh("daemon", "start")
    else:
        kill_and_start(own_node)
    lines = follower.end()
    assert [line.split(" ", 1)[1] if timestamps else line for line in lines] == [f"line {i}\n" for i in range(600)]


def test_what_is_printed_while_the_daemon_is_away_is_kept(own_node, own_shell):
    sandbox = own_shell("echo before; while ! [ -e /tmp/go ]; do sleep 0.05; done; " + COUNT.format(200))
    sandbox.exec(["touch", "/tmp/go"]).result(timeout=60)
    own_node.sh("daemon", "kill")
    time.sleep(2)
    own_node.sh("daemon", "start")
    serving(own_node)
    own_node.reach(own_node.get(sandbox.sandbox_id), {pb.STATE_COMPLETED})
    text = b"".join(e.data for e in entries(own_node, sandbox.sandbox_id)).decode()
    assert text == "before\n" + "".join(f"line {i}\n" for i in range(200))


def test_folders_of_nobody_are_removed(own_node):
    logs_dir = own_node.folder / "state/logs"
    stray = logs_dir / (own_node.node_id + "-" + "a" * 26)
    stray.mkdir()
    (stray / "x").write_text("x")
    kill_and_start(own_node)
    serving(own_node)
    wait_until(lambda: not stray.exists(), 10, "the stray folder is gone")
