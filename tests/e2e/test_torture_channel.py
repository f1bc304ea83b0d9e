"""The guest's channel seen from inside: whatever root in a sandbox does to it, only that sandbox may suffer."""
import os
import signal
import time

import grpc
import pytest

from nodes import TERMINAL, pb, wait_until
from streams import PYTHON, Exec, guest_of, run

pytestmark = pytest.mark.real

# A frame as drivers/agent/wire.h has it; every attempt goes over a connection of its own.
PREAMBLE = """
import array, os, random, socket, struct, sys, time
def frame(type, flags=0, key=0, one=0, two=0, text=b"", magic=b"SKG1"):
    return magic + struct.pack("<HHQIII", type, flags, key, one, two, len(text)) + text
reached = connected = 0
def connect():
    global connected
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(5)
    peer.connect("/.sandkeep/sock")
    connected += 1
    if connected == 2:  # the first attempt: the connection before it was to see whether the daemon is there
        open("/tmp/begun", "w").close()
    return peer
def attempt(*packets, fds=()):
    global reached
    try:
        peer = connect()
        reached += 1
        for packet in packets:
            peer.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        peer.close()
    except OSError:
        pass
HELLO, FOUND, READY, STARTED, EXITED = (frame(n) for n in range(16, 21))
"""
ATTEMPTS = {
    "garbage": "for n in range(300): attempt(random.Random(n).randbytes(n))",
    "hello": "for n in range(300): attempt(HELLO, READY, frame(20, key=n, one=0))",
    "order": "for n in range(300): attempt(READY, HELLO, STARTED, EXITED, FOUND, HELLO)",
    "large": "for n in range(100): attempt(frame(16, text=b'x' * 65000), b'y' * 200000)",
    "descriptors": "for n in range(300): attempt(HELLO, fds=[0] * 64)",
    "flood": "for n in range(1000): attempt(*[HELLO] * 50)",
    "silence": "held = []\nfor n in range(200):\n    try: held.append(connect())\n    except OSError: pass\n"
               "reached = len(held)",
}


@pytest.fixture
def node(own_node):
    return own_node


# The daemon stops listening once the first process has called; so this waits for one that was started anew.
PATIENT = PREAMBLE + """
while True:
    try:
        connect().close()
        break
    except OSError:
        time.sleep(0.01)
"""
TELL = "\nopen('/tmp/told', 'w').write(str(reached)); os.rename('/tmp/told', '/tmp/reached')\n"


def serves(node, box):
    try:
        return node.get(box.sandbox_id).status.state == pb.STATE_RUNNING
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return False


def linger(check):
    """Until then, but not for so long that the daemon gives the first process up: the rest has to do with both."""
    deadline = time.monotonic() + 4
    while not check() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize("how", ATTEMPTS)
def test_a_second_voice_on_the_channel(node, how):
    """It speaks before the first process does, which is held back meanwhile."""
    box, neighbour = node.running(image=PYTHON), node.running()
    program = PATIENT + ATTEMPTS[how] + TELL
    run(node, box, "sh", "-c", 'setsid python -c "$0" >/dev/null 2>&1 </dev/null & exit 0', program)
    guest = guest_of(box)
    node.sh("daemon", "kill")
    os.kill(guest.pid, signal.SIGSTOP)
    try:
        node.sh("daemon", "start")
        wait_until(lambda: serves(node, neighbour), 20, "the daemon is back")
        with Exec(node, neighbour, "cat") as bystander:
            bystander.ready().send(b"through it all")
            wait_until((guest.proc / "root/tmp/begun").exists, 60, "the first attempt")
            linger((guest.proc / "root/tmp/reached").exists)
            assert bystander.frame().data == b"through it all"
    finally:
        os.kill(guest.pid, signal.SIGCONT)
    assert node.output(box, "echo still mine") == "still mine\n"
    wait_until((guest.proc / "root/tmp/reached").exists, 60, "the attempts are over")
    assert int((guest.proc / "root/tmp/reached").read_text()) > 0
    assert node.output(neighbour, "echo well") == "well\n"


@pytest.mark.parametrize("script", [
    # Attach to the first process; write its memory; take its descriptors; stop it; drown it in children.
    "import ctypes; c = ctypes.CDLL(None, use_errno=True); sys.exit(0 if c.ptrace(16, 1, 0, 0) == 0 else 1)",
    "open('/proc/1/mem', 'r+b')",
    "import ctypes; c = ctypes.CDLL(None); fd = c.syscall(434, 1, 0); "
    "sys.exit(0 if fd >= 0 and c.syscall(438, fd, 3, 0) >= 0 else 1)",
    "os.unlink('/.sandkeep/sock')", "os.rename('/.sandkeep', '/mine')",
])
def test_the_first_process_is_out_of_reach(node, script):
    box = node.running(image=PYTHON)
    before = guest_of(box).descriptors()
    assert run(node, box, "python", "-c", "import os, sys\n" + script)[2] != 0
    wait_until(lambda: guest_of(box).descriptors() <= before + 2, 60, "its descriptors are closed")
    assert node.output(box, "echo well") == "well\n"


# Where so many wait to be reaped that there is no room for more, it waits, too.
ORPHANS = """
import os, time
def fork():
    while True:
        try:
            return os.fork()
        except BlockingIOError:
            time.sleep(0.01)
for n in range(3000):
    if not fork():
        if not fork(): os._exit(0)
        os._exit(0)
    os.wait()
"""


def test_children_without_number(node):
    """The first process reaps them all and goes on starting commands."""
    box = node.running(image=PYTHON)
    assert run(node, box, "python", "-c", ORPHANS)[2] == 0
    assert node.output(box, "echo well") == "well\n"
    assert node.end(box).status.state in TERMINAL
    assert node.running().status.state == pb.STATE_RUNNING
