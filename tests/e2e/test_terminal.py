"""Terminals: what a shell on one sees, through the published SDK and message by message."""
import concurrent.futures
import hashlib
import re
import threading
import time

import pytest
from cwsandbox import Sandbox

from cwsandbox._proto import sandbox_pb2 as pb
from nodes import PATIENCE, wait_until

pytestmark = pytest.mark.real
CLOSE = pb.ExecStreamRequest(close=pb.ExecStreamClose())


class Shell:
    """A terminal session of the SDK with its output gathered by a thread."""

    def __init__(self, sandbox, command=None, **size):
        self.session = sandbox.shell(command, **size)
        self.seen, self.changed = b"", threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for chunk in self.session.output:
            with self.changed:
                self.seen += chunk
                self.changed.notify_all()

    def await_output(self, pattern, seconds=PATIENCE):
        with self.changed:
            assert self.changed.wait_for(lambda: re.search(pattern, self.seen), seconds), (pattern, self.seen)
            return re.search(pattern, self.seen)

    def type(self, text):
        self.session.stdin.write(text.encode()).result(PATIENCE)

    def close(self):
        self.session.stdin.close().result(PATIENCE)

    def end(self, seconds=PATIENCE):
        """All output and the exit code."""
        code = self.session.wait(seconds)
        self.reader.join(seconds)
        return self.seen, code


@pytest.fixture
def sandbox(node):
    with Sandbox.run() as sandbox:
        yield sandbox


@pytest.fixture
def box(node):
    return node.running()


# --- with the SDK -------------------------------------------------------------


def test_an_interactive_shell(sandbox):
    shell = Shell(sandbox)
    shell.type("PS1='ready> '; echo $((40+2)); tty; echo $TERM\n")
    shell.await_output(rb"42\r\n/dev/pts/\d+\r\nxterm-256color\r\n.*ready> ")
    shell.type("exit 7\n")
    assert shell.end()[1] == 7


def test_size_and_resize(sandbox):
    script = "trap 'stty size; exit 6' WINCH; stty size; while :; do sleep 0.1; done"
    shell = Shell(sandbox, ["/bin/sh", "-c", script], width=100, height=30)
    shell.await_output(rb"^30 100\r\n")
    shell.session.resize(132, 43)
    assert shell.end() == (b"30 100\r\n43 132\r\n", 6)


def test_the_default_size(sandbox):
    shell = Shell(sandbox, ["/bin/sh", "-c", "stty size"])
    assert shell.end() == (b"24 80\r\n", 0)


def test_control_c_interrupts_and_the_shell_lives(sandbox):
    shell = Shell(sandbox)
    # What speaks has the terminal: the shell gives it away before a command begins.
    shell.type("sh -c 'echo be\"\"fore; exec sleep 1000'\n")
    shell.await_output(rb"before\r\n")
    shell.type("\x03")
    shell.type("echo code $?; exit 3\n")
    shell.await_output(rb"code 130\r\n")
    assert shell.end()[1] == 3


def test_exit_and_close_right_behind(sandbox):
    shell = Shell(sandbox)
    shell.type("echo $((6*7)); exit 0\n")
    shell.close()
    seen, code = shell.end()
    assert b"42\r\n" in seen and code == 0


@pytest.mark.parametrize("pause", [0, 0.05, 1])
def test_the_end_of_input_ends_a_shell(sandbox, pause):
    """Also before its first prompt, when it would throw the character away."""
    shell = Shell(sandbox)
    shell.type("echo $((6*7))\n")
    time.sleep(pause)
    shell.close()
    seen, code = shell.end()
    assert b"42\r\n" in seen and code == 0


def test_the_end_of_input_behind_half_a_line(sandbox):
    shell = Shell(sandbox, ["/bin/sh", "-c", "stty -echo; cat | wc -c; cat; echo over"])
    shell.type("12345")
    shell.close()
    assert shell.end()[0].endswith(b"5\r\nover\r\n")


def test_no_such_program_on_a_terminal(sandbox):
    seen, code = Shell(sandbox, ["no-such-program"]).end()
    assert code == 127 and b"command not found" in seen and seen.endswith(b"\r\n")


def test_a_terminal_is_the_controlling_one(sandbox):
    script = "import os; f = os.open('/dev/tty', os.O_RDWR); os.write(f, b'%d' % (os.getsid(0) == os.getpid()))"
    assert Shell(sandbox, ["python3", "-c", script]).end() == (b"1", 0)


def test_big_output_through_a_slow_reader(sandbox):
    """The shell has long ended when the last of its output is read."""
    script = "stty raw; head -c 3000000 /dev/urandom >/tmp/x; cat /tmp/x; exit 5"
    session = sandbox.shell(["/bin/sh", "-c", script])
    got, size = hashlib.sha256(), 0
    for number, chunk in enumerate(session.output):
        got.update(chunk)
        size += len(chunk)
        time.sleep(0.2 if number < 5 else 0.002)
    assert (size, session.wait(PATIENCE)) == (3_000_000, 5)
    sums = sandbox.exec(["sha256sum", "/tmp/x"]).result(timeout=60).stdout
    assert sums.split()[0] == got.hexdigest()


def test_characters_are_not_cut(sandbox):
    session = sandbox.shell(["/bin/sh", "-c", "stty raw; yes 'äöü€😀' | head -n 100000"])
    assert "".join(chunk.decode() for chunk in session.output) == "äöü€😀\n" * 100000
    assert session.wait(PATIENCE) == 0


def test_a_hundred_sizes(sandbox):
    shell = Shell(sandbox, ["/bin/bash", "--norc"])
    shell.type("trap : WINCH; echo he''re\n")
    shell.await_output(rb"here\r\n")
    for i in range(1, 101):
        shell.session.resize(100 + i, i)
    wait_until(lambda: shell.type("stty size\n") or re.search(rb"[\r\n]100 200\r\n", shell.seen), 20, "the last size")
    shell.type("exit\n")
    assert shell.end()[1] == 0


def test_fifty_terminals_at_once(sandbox):
    def one(number):
        shell = Shell(sandbox, ["/bin/sh"])
        shell.type(f"echo $(({number}*1000)); exit {number}\n")
        return shell.end(120)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        for number, (seen, code) in enumerate(pool.map(one, range(50))):
            assert re.search(rb"[\n ]%d\r\n" % (number * 1000), seen) and code == number, seen


# --- message by message -------------------------------------------------------


def init(box, *command, **fields):
    return pb.ExecStreamRequest(
        init=pb.ExecStreamInit(sandbox_id=box.sandbox_id, command=command, tty=True, **fields))


def stdin(data):
    return pb.ExecStreamRequest(stdin=data)


def open_messages(*messages, until=None):
    """The messages; then the client's side stays open until the event."""
    yield from messages
    if until:
        until.wait(300)


def output(answers):
    return b"".join(answer.output.data for answer in answers)


def test_the_order_of_messages(node, box):
    answers = list(node.stub.StreamExec(iter([init(box, "sh", "-c", "echo out; echo err >&2; exit 9")]), timeout=60))
    assert answers[0].WhichOneof("message") == "ready"
    assert output(answers) == b"out\r\nerr\r\n"
    assert {a.output.stream for a in answers if a.HasField("output")} == {pb.ExecStreamOutput.STREAM_STDOUT}
    assert answers[-1].exit.exit_code == 9


def test_a_half_close_ends_the_input(node, box):
    assert list(node.stub.StreamExec(iter([init(box, "sh")]), timeout=60))[-1].exit.exit_code == 0


def test_it_ends_at_once_though_the_client_has_not(node, box):
    done = threading.Event()
    try:  # a time that is over would be an error
        answers = list(node.stub.StreamExec(open_messages(init(box, "true"), until=done), timeout=60))
    finally:
        done.set()
    assert answers[-1].exit.exit_code == 0


def test_sizes_that_no_terminal_has(node, sandbox):
    first = init(sandbox, "stty", "size", tty_width=2**32 - 1, tty_height=70000)
    answers = list(node.stub.StreamExec(iter([first]), timeout=60))
    assert output(answers) == b"65535 65535\r\n"


@pytest.mark.parametrize("name, value", [("TERM", "dumb"), ("COLOR", "1")])
def test_the_environment(node, box, name, value):
    call = node.stub.StreamExec(iter([init(box, "sh", "-c", f"echo $TERM ${name}", env={name: value})]), timeout=60)
    assert output(call) == (b"dumb dumb\r\n" if name == "TERM" else b"xterm-256color 1\r\n")


FILL = """
import os, time, tty
tty.setraw(1)
os.set_blocking(1, False)
total, last = 0, time.monotonic()
while time.monotonic() < last + 1:
    try:
        total += os.write(1, b"f" * 1000)
        last = time.monotonic()
    except BlockingIOError:
        time.sleep(0.01)
os.set_blocking(1, True)
open("/tmp/total", "w").write(str(total))
"""


def test_what_is_unread_when_the_program_ends_is_not_lost(node, sandbox):
    """The client reads nothing until the program has filled everything on the way, and is gone."""
    call = node.stub.StreamExec(iter([init(sandbox, "python3", "-c", FILL)]), timeout=60)
    assert next(call).WhichOneof("message") == "ready"
    wait_until(lambda: node.execute(sandbox, "test", "-s", "/tmp/total").exit_code == 0, 30, "the end of the program")
    time.sleep(0.5)
    answers = list(call)
    assert len(output(answers)) == int(node.output(sandbox, "cat /tmp/total"))
    assert answers[-1].exit.exit_code == 0


def test_input_is_not_lost_when_the_program_is_slow(node, box):
    """Far more than a terminal holds: the client has to wait, nothing is thrown away."""
    script = "stty raw -echo; echo go; sleep 1; dd bs=1000 count=2000 iflag=fullblock 2>/dev/null | sha256sum"
    data = bytes(i * 7 % 251 + 5 for i in range(1000)) * 2000
    going = threading.Event()

    def messages():
        yield init(box, "sh", "-c", script)
        assert going.wait(PATIENCE)
        for at in range(0, len(data), 65536):
            yield stdin(data[at:at + 65536])

    seen = b""
    for answer in node.stub.StreamExec(messages(), timeout=60):
        seen += answer.output.data
        if b"go" in seen:
            going.set()
    assert hashlib.sha256(data).hexdigest().encode() in seen


def test_a_client_that_leaves_hangs_up_and_kills(node, box):
    done = threading.Event()
    script = "trap 'echo gone >/tmp/hup; exit' HUP; sh -c 'trap \"\" HUP; sleep 31337; true' & sleep 31337 & " \
             "echo on; while :; do sleep 0.1; done"
    call = node.stub.StreamExec(open_messages(init(box, "sh", "-c", script), until=done), timeout=60)
    seen = b""
    while b"on" not in seen:
        seen += next(call).output.data
    call.cancel()
    done.set()
    wait_until(lambda: not node.output(box, "ps -o args | grep -v grep | grep 31337 || true"), 10,
               "the end of everything on the terminal")
    assert node.output(box, "cat /tmp/hup") == "gone\n"


def test_a_thousand_terminals_leave_nothing(node, box):
    def one(_):
        return list(node.stub.StreamExec(iter([init(box, "true")]), timeout=60))[-1].exit.exit_code
    before = node.output(box, "ls /dev/pts | wc -l")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(one, range(1000))) == {0}
    wait_until(lambda: node.output(box, "ls /dev/pts | wc -l") == before, 60, "all terminals are closed")
