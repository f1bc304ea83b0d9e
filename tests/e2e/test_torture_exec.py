"""StreamExec under strain: order, bytes and ends must hold, and nothing may grow or stay.

--torture=full takes the sizes that are meant; without it they are what CI has time for.
"""
import concurrent.futures
import hashlib
import os
import random
import signal

import grpc
import pytest

from nodes import pb, wait_until
from streams import CLOSE, PYTHON, Exec, Process, collect, guest_of, init, pids_of, run, stdin

pytestmark = pytest.mark.real

MIB = 1024 * 1024
BUFFERED = 32 * MIB  # what pipes, windows and messages under way may hold of one stream
GROWTH_KIB = 64 * 1024
MANY = 200

# Numbered blocks, so that a lost, doubled or swapped one changes the digest.
BLOCKS = """
import hashlib, os, random, sys
filler = random.Random(7).randbytes(65528)
def blocks(count):
    for number in range(count):
        yield number.to_bytes(8, "big") + filler
"""
WRITE = BLOCKS + """
digest = hashlib.sha256()
for number, block in enumerate(blocks(int(sys.argv[1]))):
    digest.update(block)
    sys.stdout.buffer.write(block)
    if number % 16 == 0:
        open("/tmp/progress", "w").write(str(number))
sys.stderr.write(digest.hexdigest())
"""
READ = """
import hashlib, os, sys, time
while not os.path.exists("/tmp/go"):
    time.sleep(0.05)
digest = hashlib.sha256()
while piece := sys.stdin.buffer.read1(65536):
    digest.update(piece)
print(digest.hexdigest())
"""


@pytest.fixture
def node(own_node):
    return own_node


@pytest.fixture
def box(node):
    return node.running()


@pytest.fixture
def python(node):
    return node.running(image=PYTHON)


@pytest.fixture
def daemon(node):
    return Process(node.pid())


@pytest.fixture
def blocks(pytestconfig):
    return (1024 if pytestconfig.getoption("--torture") == "full" else 256) * MIB // 65536


def numbered(count):
    scope = {}
    exec(BLOCKS, scope)
    return scope["blocks"](count)


def standstill(value, what):
    """Waits until a growing value has stayed the same for ten looks; that value."""
    seen = [-1]

    def settled():
        seen.append(value())
        return len(seen) > 10 and len(set(seen[-10:])) == 1
    wait_until(settled, 60, f"{what} stands still")
    return seen[-1]


# --- volume ---

def test_volume_out_with_a_reader_that_stalls(node, python, daemon, blocks):
    daemon.forget_peak()
    before = daemon.kib()
    with Exec(node, python, "python", "-c", WRITE, str(blocks)) as command:
        command.ready()
        command.half_close()
        progress = lambda: node.output(python, "cat /tmp/progress 2>/dev/null || true")
        written = int(standstill(progress, "a writer that nobody reads") or 0) * 65536
        assert written < BUFFERED, "output piles up somewhere"
        digest, told = hashlib.sha256(), []
        for answer in command.call:
            if answer.output.stream == pb.ExecStreamOutput.STREAM_STDERR:
                told.append(answer.output.data)
            elif answer.HasField("output"):
                digest.update(answer.output.data)
    assert answer.exit.exit_code == 0
    assert b"".join(told).decode() == digest.hexdigest()
    assert daemon.kib("VmHWM") - before < GROWTH_KIB


def test_volume_in_with_a_process_that_stalls(node, python, daemon, blocks):
    daemon.forget_peak()
    before, digest, taken = daemon.kib(), hashlib.sha256(), [0]

    def requests():
        yield init(python, "python", "-c", READ)
        for block in numbered(blocks):
            digest.update(block)
            taken[0] += len(block)
            yield stdin(block)

    call = node.stub.StreamExec(requests(), timeout=300)
    assert next(call).HasField("ready")
    assert standstill(lambda: taken[0], "input that nobody reads") < BUFFERED
    node.output(python, "touch /tmp/go")
    out, _, code = collect(call)
    assert (out.decode().strip(), code) == (digest.hexdigest(), 0)
    assert taken[0] == blocks * 65536
    assert daemon.kib("VmHWM") - before < GROWTH_KIB


def test_one_byte_at_a_time(node, python):
    data = random.Random(1).randbytes(10_000)
    pieces = [data[i:i + 1] for i in range(len(data))]
    assert run(node, python, "cat", pieces=pieces) == (data, b"", 0)
    single = "import os\nfor i in range(10000): os.write(1 + i % 2, bytes([i % 251]))"
    out, err, code = run(node, python, "python", "-c", single)
    assert (out, err) == (bytes(i % 251 for i in range(0, 10_000, 2)), bytes(i % 251 for i in range(1, 10_000, 2)))
    assert code == 0


@pytest.mark.parametrize("pieces", [
    [b"\0"], [b"\0" * 70_000], [b"\xff\xfe\xfd"], [b"\xe2", b"\x82", b"\xac"], [b"\xe2\x82"], [b"a\xf0\x9f\x98"],
    [b"\xc3" * 65_535 + b"\xa9"], [b"x" * 65_535 + "ä".encode() * 40_000], [b"\xf0\x9f\x98\x80" * 50_000],
    [random.Random(2).randbytes(size) for size in (1, 2, 3, 65_535, 65_536, 65_537, 300_000)]], ids=range(10))
def test_every_byte_passes(node, box, pieces):
    data = b"".join(pieces)
    assert run(node, box, "cat", pieces=pieces) == (data, b"", 0)
    assert run(node, box, "sh", "-c", "cat >&2", pieces=pieces) == (b"", data, 0)


def test_a_write_is_a_frame(node, python):
    """The process writes only when the client has acknowledged its last write: no clock decides."""
    asks = "import os\nfor i in range(300): os.write(1, b'%d\\n' % i); assert os.read(0, 1) == b'.'"
    with Exec(node, python, "python", "-c", asks) as command:
        command.ready()
        for number in range(300):
            assert command.frame().data == b"%d\n" % number
            command.send(b".")
        assert command.end() == (b"", b"", 0)


# --- ends ---

def test_the_end_of_input_comes_before_the_process(node, box):
    """The first process is stopped, so all of the input is there before the command can start."""
    guest = guest_of(box)
    os.kill(guest.pid, signal.SIGSTOP)
    try:
        calls = [node.stub.StreamExec(iter([init(box, "cat"), *messages]), timeout=60)
                 for messages in ([], [CLOSE], [stdin(b"abc"), CLOSE], [stdin(b"abc"), stdin(b"def")])]
        # Answered on the same connection after the streams began.
        assert node.get(box.sandbox_id).status.state == pb.STATE_RUNNING
    finally:
        os.kill(guest.pid, signal.SIGCONT)
    assert [collect(call) for call in calls] == [(b"", b"", 0), (b"", b"", 0), (b"abc", b"", 0), (b"abcdef", b"", 0)]


def test_input_for_a_process_that_has_ended(node, box):
    assert run(node, box, "sh", "-c", "exit 7", pieces=[b"x" * 65_536] * 500)[2] == 7
    held = run(node, box, "sh", "-c", "sleep 4711 <&0 & exit 8", pieces=[b"x" * 65_536] * 4)
    assert held[2] == 8


@pytest.mark.parametrize("child", ["sleep 4712", "yes 4712"])
def test_a_child_that_holds_the_output_delays_no_exit(node, box, child):
    out, _, code = run(node, box, "sh", "-c", f"{child} & echo done; exit 5")
    assert b"done\n" in out and code == 5
    if child == "sleep 4712":  # it was left behind alive: nothing ended it to get at the exit
        assert "4712" in node.output(box, "ps -o args | grep '[s]leep 4712'")


FLOOD = "sleep 4713 & yes 4713 & cat /dev/zero"


def alive(box, marker=b"4713"):
    def command_line(pid):
        try:
            return (Process(pid).proc / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return b""
    return [pid for pid in pids_of(box) if marker in command_line(pid)]


@pytest.mark.parametrize("how", ["reset", "stop"])
def test_ended_in_mid_stream(node, box, daemon, how):
    node.output(box, "true")
    before = daemon.descriptors()
    commands = [Exec(node, box, "sh", "-c", FLOOD).ready() for _ in range(10)]
    for command in commands:
        assert command.frame().data
    wait_until(lambda: len(alive(box)) >= 20, 20, "all processes run")
    if how == "stop":
        node.end(box)
    for command in commands:
        command.call.cancel()
    wait_until(lambda: not alive(box), 20, "the processes are gone")
    wait_until(lambda: daemon.descriptors() <= before, 20, f"back at {before} descriptors: {daemon.descriptors()}")


def test_the_daemon_is_killed_in_mid_stream(node, box):
    """Output that nobody takes any more must not hold the process up."""
    node.output(box, "true")
    before = Process(node.pid()).descriptors()
    with Exec(node, box, "sh", "-c", "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2; touch /tmp/over") \
            as command:
        assert command.ready().frame().data
        node.sh("daemon", "kill")
        with pytest.raises(grpc.RpcError):
            command.end()
    node.sh("daemon", "start")
    running = lambda: node.get(box.sandbox_id).status.state == pb.STATE_RUNNING
    wait_until(lambda: patient(running), 30, "the daemon is back")
    wait_until(lambda: node.execute(box, "test", "-e", "/tmp/over").exit_code == 0, 30, "the process has ended")
    after = Process(node.pid())
    wait_until(lambda: after.descriptors() <= before + 2, 20, f"about {before} descriptors: {after.descriptors()}")


def patient(check):
    try:
        return check()
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return None


# --- number ---

def test_streams_side_by_side(node, box):
    commands = [Exec(node, box, "cat") for _ in range(MANY)]
    for number, command in enumerate(commands):
        command.ready()
        command.send(b"%d" % number)
    wait_until(lambda: len(pids_of(box)) >= MANY, 20, "all of them at once")
    random.Random(3).shuffle(commands)
    frames = {command: command.frame().data for command in commands}
    for command in commands:
        command.half_close()
    assert {int(data) for data in frames.values()} == set(range(MANY))
    assert all(command.end() == (b"", b"", 0) for command in commands)


def test_short_commands_leave_nothing(node, box, daemon, pytestconfig):
    count = 10_000 if pytestconfig.getoption("--torture") == "full" else 2_000
    guest = guest_of(box)

    def one(number):
        if number % 2:
            return run(node, box, "echo", str(number)) == (b"%d\n" % number, b"", 0)
        return node.execute(box, "echo", str(number)).stdout == b"%d\n" % number

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(500)))
        processes, held = len(pids_of(box)), (daemon.descriptors(), guest.descriptors())
        memory = daemon.kib(), guest.kib()
        assert all(pool.map(one, range(count)))
    flat = lambda: daemon.descriptors() <= held[0] and guest.descriptors() <= held[1]
    wait_until(flat, 20, f"descriptors are back at {held}")
    wait_until(lambda: len(pids_of(box)) <= processes, 60, f"back at {processes} processes")
    assert daemon.kib() - memory[0] < 4096 and guest.kib() - memory[1] < 512, memory
