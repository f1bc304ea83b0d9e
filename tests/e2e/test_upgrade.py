"""The daemon is replaced by another version: state folders of the last release, folders of a later one, and a running
node under which the program changes."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import grpc
import pytest

import services
import settings
from daemons import daemon
from nodes import PATIENCE, ROOT, TERMINAL, pb, pb_grpc, wait_until
from test_restart import serving

# --- a state folder of the last release --------------------------------------------------------

# Made by a daemon before there were tenants, keys and drains; on the fake drivers, so whatever ran is gone.
MADE = 1795432005
RUNNING, COMPLETED, DELETED = ("d1-vdi23qlnro3u2o2tafhoxplcly", "d1-6nnssixgtjpsnsgphjhvzhw7na",
                               "d1-wesctuczxyb3sd6ihkdiibnhbe")
PENDING = "d1-yvsjp5bcafrvvwjnfez5smhcga"  # starts on first use; of the session OPEN
OPEN, CLOSED = "d1-s-caqn5r4ehb5zcafshz6tvcoh", "d1-s-r3h3vpzndmr2iblujroqusku"
KEY = "the-key-of-issue-six"
METADATA = [("authorization", "Bearer " + KEY)]


def request_id(number):
    return f"00000000-0000-4000-8000-{number:012d}"


@pytest.fixture
def old(tmp_path):
    """A daemon on that folder, a minute after the last one; its wall clock is moved there."""
    with daemon(api_keys=[KEY]) as made:
        (made.folder / "state").mkdir(mode=0o700)
        database = sqlite3.connect(made.folder / "state/sandkeep.db")
        database.executescript((ROOT / "tests/e2e/states/schema-1.sql").read_text())
        database.close()
        offset = tmp_path / "offset"
        offset.write_text(f"{MADE + 60 - int(time.time()):+d}\n")
        made.prefix = ["env", f"LD_PRELOAD={made.build}/tests/libwall_clock.so", f"SANDKEEP_WALL_OFFSET={offset}"]
        yield made


def ask(made, service, file, name, **fields):
    request, answer = services.load(file, service)[name]
    method = made.channel().unary_unary(f"/{service}/{name}", request_serializer=request.SerializeToString,
                                        response_deserializer=answer.FromString)
    return method(request(**fields), timeout=PATIENCE, metadata=METADATA)


def version(path):
    database = sqlite3.connect(path)
    try:
        return database.execute("PRAGMA user_version").fetchone()[0]
    finally:
        database.close()


def test_every_record_of_the_last_release_is_taken_over(old):
    old.start()
    stub = pb_grpc.SandboxServiceStub(old.channel())

    def get(sandbox_id):
        return stub.GetSandbox(pb.GetSandboxRequest(sandbox_id=sandbox_id), timeout=PATIENCE, metadata=METADATA)

    ended = wait_until(lambda: (now := get(RUNNING)).status.state in TERMINAL and now, 20, "what is gone has ended")
    assert (ended.status.state, list(ended.spec.tags)) == (pb.STATE_FAILED, ["kept"])
    assert "while the daemon was away" in ended.status.state_reason
    done = get(COMPLETED)
    assert (done.status.state, done.status.exit_code) == (pb.STATE_COMPLETED, 0)
    assert done.status.create_time.ToSeconds() == MADE
    assert get(DELETED).status.state == pb.STATE_TERMINATED
    assert get(PENDING).status.state == pb.STATE_PENDING
    listed = stub.ListSandboxes(pb.ListSandboxesRequest(show_terminated=True), timeout=PATIENCE, metadata=METADATA).sandboxes
    assert {s.sandbox_id for s in listed} == {RUNNING, COMPLETED, DELETED, PENDING}
    # One that was accepted is no new one.
    container = pb.Container(name="main", image="python:3.11", command="true")
    again = stub.CreateSandbox(pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=pb.SandboxSpec(containers=[container])),
                                                       request_id=request_id(2)), timeout=PATIENCE, metadata=METADATA)
    assert again.sandbox_id == COMPLETED
    # And one that waited for its first use works.
    assert stub.Exec(pb.ExecRequest(sandbox_id=PENDING, command=["true"]), timeout=PATIENCE,
                     metadata=METADATA).exit_code == 0
    assert not [line for line in old.events("recover.bad_record") + old.events("recover.bad_session")]


def test_its_sessions_are_taken_over(old):
    old.start()
    sessions = {s.session_id: s for s in ask(old, "sandkeep.v1.SessionService", "sandkeep/session.proto",
                                             "ListSessions", show_closed=True).sessions}
    assert {key: (s.state, s.display_name) for key, s in sessions.items()} == {
        OPEN: (1, "an old one"), CLOSED: (3, "a closed one")}
    assert sessions[OPEN].live_sandboxes == 1


def test_whose_they_are(old):
    """Of the tenant that everything is of which knew none."""
    old.start()
    status = ask(old, "sandkeep.v1.NodeService", "sandkeep/node.proto", "GetStatus", with_sandboxes=True,
                 with_sessions=True)
    assert {s.sandbox_id: s.tenant for s in status.sandboxes}[PENDING] == "default"
    assert {s.session_id: s.tenant for s in status.sessions}[OPEN] == "default"


def test_the_last_release_does_not_take_it_back(old):
    """It would lose whose things are."""
    path = old.folder / "state/sandkeep.db"
    assert version(path) == 1
    old.start().stop()
    assert version(path) == 2


# --- a state folder of a later one ------------------------------------------------------------------


def digest(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
            if path.is_file() and path.name.startswith("sandkeep.db")}


def test_what_a_later_release_wrote_is_refused_and_left_alone(old):
    path = old.folder / "state/sandkeep.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 3")
    database.close()
    before = digest(old.folder / "state")
    old.start(ready=False)
    assert old.process.wait(PATIENCE) == 1
    said, = old.events("daemon.failed")
    assert f"{path} was written by a newer release (schema 3, this one knows 2)" in json.dumps(said)
    assert digest(old.folder / "state") == before


# --- a node under which the program changes ------------------------------------------------------------

SERVER = """import http.server, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"served")
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
"""
ASK = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000', timeout=60).read().decode())"
# Numbered lines, as long as it lives; by one process, that whatever has ended is found.
MAIN = ["python3", "-c", "import itertools, time\nfor i in itertools.count(): print(i, flush=True), time.sleep(0.05)"]
PYTHON = "docker.io/library/python:3.11"


@pytest.fixture
def node(own_node):
    """With a daemon of another version; the one that was built comes back afterwards."""
    built = own_node.build
    yield own_node
    use(own_node, built)
    replace(own_node, signal.SIGTERM)
    own_node.end_all()
    own_node.clean(60)


def use(node, build):
    (node.folder / "build").write_text(f"{build}\n")


def other_version(node, folder):
    """The programs of a release that says another version: copies in which that text is changed. What a release with
    other code does is shown above, by what it wrote."""
    for name in ("sandkeep", "sandkeep-guest"):
        (folder / name).symlink_to(node.build / name)
    (folder / "tests").symlink_to(node.build / "tests")
    program = (node.build / "sandkeepd").read_bytes()
    said = subprocess.run([node.build / "sandkeepd", "--version"], check=True, capture_output=True, text=True).stdout
    now = said.split()[-1].encode()
    assert b"\0" + now + b"\0" in program or b" " + now + b"\n" in program
    other = folder / "sandkeepd"
    other.write_bytes(program.replace(now, b"9" * len(now)))
    other.chmod(0o755)
    return folder, now.decode(), "9" * len(now)


def has_ended(pid):
    try:
        return not pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def replace(node, number):
    os.kill(node.pid(), number)
    wait_until(lambda: has_ended(node.pid()), 30, "the daemon has ended")
    node.sh("daemon", "start")
    serving(node)


def versions(node):
    return [line["version"] for line in settings.logged(node, "daemon.starting")]


def processes(node):
    """Of sandboxes: number and start, which together name a process for ever."""
    found = set()
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2]
            if node.env["SANDKEEP_CGROUP"] in (stat.parent / "cgroup").read_text():
                found.add((stat.parent.name, fields.split()[19]))
        except OSError:
            pass
    return found


class Background(threading.Thread):
    """Goes on until the block ends."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.stop()
        self.join(timeout=PATIENCE)

    def stop(self):
        pass


class Log(Background):
    """Follows a sandbox's log, and goes on where it was when the stream breaks, as the published SDK does (which gives up
    after a few seconds)."""

    def __init__(self, node, sandbox):
        super().__init__()
        self.node, self.sandbox, self.data, self.call = node, sandbox, b"", None

    @property
    def lines(self):
        return [int(line) for line in self.data.split(b"\n")[:-1]]

    def run(self):
        session, offset = "", 0
        while not self.over.is_set():
            self.call = self.node.stub.StreamLogs(
                pb.StreamLogsRequest(sandbox_id=self.sandbox.sandbox_id, follow=True, resume_log_session_id=session,
                                     resume_log_offset=offset), timeout=5 * PATIENCE)
            if self.over.is_set():
                self.call.cancel()  # stop() may have met the one before
            try:
                for entry in self.call:
                    assert not entry.error.code, entry.error
                    session, offset, self.data = entry.log_session_id, entry.next_log_offset, self.data + entry.data
            except grpc.RpcError:
                time.sleep(0.2)

    def stop(self):
        self.call.cancel()


class Prober(Background):
    """Tries all the while to reach, from inside, what no sandbox may."""
    SCRIPT = "import socket, sys; s = socket.socket(); s.settimeout(0.3); sys.exit(s.connect_ex(('10.99.0.1', 9)) == 0)"

    def __init__(self, node, sandbox):
        super().__init__()
        self.pid, self.reached, self.tries = pid_of(node, sandbox), 0, 0

    def run(self):
        while not self.over.is_set():
            done = subprocess.run(["nsenter", f"--net=/proc/{self.pid}/ns/net", "python3", "-c", self.SCRIPT], check=False)
            self.tries += 1
            self.reached += done.returncode


def pid_of(node, sandbox):
    for path in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if sandbox.sandbox_id in path.read_text():
                return path.parent.name
        except OSError:
            pass
    raise AssertionError("no process of the sandbox")


@pytest.fixture
def forbidden():
    """A service of the node itself: no sandbox reaches it, but whoever is in the node's network does."""
    subprocess.run(["ip", "address", "add", "10.99.0.1/32", "dev", "lo"], check=True)
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("10.99.0.1", 9))
    server.listen(64)
    yield server
    server.close()
    subprocess.run(["ip", "address", "delete", "10.99.0.1/32", "dev", "lo"], check=True)


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_sandboxes_live_through_an_upgrade(node, tmp_path, forbidden, number):
    with socket.create_connection(("10.99.0.1", 9), timeout=PATIENCE):
        pass  # else the prober would prove nothing
    folder, before, after = other_version(node, tmp_path)
    box, talker = node.running(image=PYTHON), node.running(*MAIN, image=PYTHON)
    # A server that an exec has left behind, and files.
    node.output(box, f"cat >/tmp/server.py <<'END'\n{SERVER}END\nsetsid python3 /tmp/server.py >/dev/null 2>&1 &")
    wait_until(lambda: node.execute(box, "python3", "-c", ASK).stdout == b"served\n", 20, "the server serves")
    node.output(box, "head -c 1000000 /dev/urandom >/tmp/file")
    checksum = node.output(box, "sha256sum /tmp/file")
    with Log(node, talker) as log, Prober(node, box) as prober:
        wait_until(lambda: len(log.lines) > 20, 20, "the log is followed")
        alive = processes(node)
        use(node, folder)
        replace(node, number)
        assert versions(node)[-2:] == [before, after]
        assert alive <= processes(node), "a process ended"
        assert node.output(box, "sha256sum /tmp/file") == checksum
        assert node.execute(box, "python3", "-c", ASK).stdout == b"served\n"
        for sandbox in (box, talker):
            assert node.get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING
        seen = len(log.lines)
        wait_until(lambda: len(log.lines) > seen + 20, 30, "the log goes on")
        wait_until(lambda: prober.tries > 3, 30, "it was tried to get out")
    lines = log.lines
    assert lines == list(range(len(lines))), "lines are missing, or came twice"
    assert prober.reached == 0
    node.end(node.running())
