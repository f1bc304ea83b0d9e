"""`sandkeep top` and `sandkeep status`: what they tell of a node that is in use, and the terminal they leave behind."""
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios

import pytest

from nodes import PATIENCE, TO_LEAD, states, wait_until

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


class Top:
    """The command on a terminal of its own."""

    def __init__(self, node, *args, size=(24, 140)):
        self.master, slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.seen = b""
        self.process = subprocess.Popen([*TO_LEAD, node.build / "sandkeep", "top", *args], stdin=slave, stdout=slave,
                                        stderr=slave, env=os.environ | node.env | {"TERM": "xterm"})

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        with contextlib.suppress(OSError):
            while select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 65536)
        return self.seen

    def picture(self):
        """The last whole one."""
        parts = self.read().split(b"\x1b[H")
        whole = [part for part in parts[1:] if b"\x1b[J" in part]
        return whole[-1].decode() if whole else ""

    def press(self, keys):
        os.write(self.master, keys)

    def ended(self):
        code = self.process.wait(timeout=PATIENCE)
        self.read()
        assert termios.tcgetattr(self.slave) == self.before, "the terminal was not put back"
        assert self.seen.count(ENTER) == self.seen.count(LEAVE) == 1
        assert self.seen.rindex(LEAVE) > self.seen.rindex(b"\x1b[H"), "something was drawn after the end"
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def top(node):
    shown = Top(node, "--interval", "1")
    yield shown
    shown.close()


BUSY = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do :; done"]


@pytest.mark.real
def test_what_is_used_is_told(node):
    busy = node.running(*BUSY, tags=["spinning"])
    idle = node.running(max_lifetime_seconds=900)
    try:
        def measured():
            told = json.loads(node.cli("top", "--json").stdout)
            boxes = {box["id"]: box for box in told["sandboxes"]}
            return told if boxes[busy.sandbox_id]["cpu_millis"] > boxes[idle.sandbox_id]["cpu_millis"] else None
        told = wait_until(measured, 30, "a busy sandbox is seen to be busy")
        boxes = {box["id"]: box for box in told["sandboxes"]}
        assert told["node_id"] == node.node_id and told["state"] == "serving"
        assert told["sandboxes_by_state"]["RUNNING"] == len([b for b in boxes.values() if b["state"] == "RUNNING"])
        assert boxes[busy.sandbox_id]["memory_bytes"] > 0 and boxes[busy.sandbox_id]["processes"] >= 1
        assert boxes[busy.sandbox_id]["tags"] == ["spinning"] and boxes[idle.sandbox_id]["deadline"] > boxes[idle.sandbox_id]["started"]
        assert told["used"]["cpu_millis"] >= boxes[busy.sandbox_id]["cpu_millis"]
    finally:
        node.delete(busy)
        node.delete(idle)


def test_once_and_status(node):
    sandbox = node.running()
    try:
        once = node.cli("top", "--once")
        assert once.returncode == 0 and sandbox.sandbox_id in once.stdout and "\x1b" not in once.stdout
        status = node.cli("status")
        assert status.returncode == 0 and f"node {node.node_id}" in status.stdout and "serving" in status.stdout
        assert json.loads(node.cli("status", "--json").stdout)["sandboxes_by_state"]["RUNNING"] >= 1
    finally:
        node.delete(sandbox)


def test_it_is_seen_sorted_and_resized(node, top):
    sandbox = node.running()
    try:
        wait_until(lambda: sandbox.sandbox_id in top.picture(), 20, "the sandbox is in the picture")
        top.press(b"s")
        wait_until(lambda: "sandboxes" in top.picture().splitlines()[-1], 10, "sessions are shown")
        top.press(b"sm")
        wait_until(lambda: sandbox.sandbox_id in top.picture(), 10, "sandboxes are shown again")
        top.resize(6, 30)
        wait_until(lambda: 0 < len(top.picture().split("\r\n")) <= 6, 10, "it fits six lines")
        top.press(b"q")
        assert top.ended() == 0
    finally:
        node.delete(sandbox)


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signals_leave_a_terminal_as_it_was(node, top, signo):
    wait_until(top.picture, 20, "it is drawn")
    top.process.send_signal(signo)
    assert top.ended() == 128 + signo


def test_ctrl_c_ends_it(node, top):
    wait_until(top.picture, 20, "it is drawn")
    top.press(b"\x03")
    assert top.ended() == 0


def test_it_gives_the_terminal_back_while_it_is_stopped(node, top):
    wait_until(top.picture, 20, "it is drawn")
    top.process.send_signal(signal.SIGTSTP)
    wait_until(lambda: set(states(top.process.pid)) == {"T"}, 20, "it has stopped")
    assert LEAVE in top.read()
    assert termios.tcgetattr(top.slave) == top.before
    top.seen = b""
    top.process.send_signal(signal.SIGCONT)
    wait_until(lambda: ENTER in top.read(), 10, "it goes on")
    top.press(b"q")
    assert top.ended() == 0


@pytest.mark.real
def test_a_node_that_goes_is_told(pytestconfig):
    from conftest import start_node, stop_node  # pylint: disable=import-outside-toplevel
    node = start_node(pytestconfig, images="")
    shown = Top(node, "--interval", "1")
    try:
        wait_until(shown.picture, 20, "it is drawn")
        node.sh("daemon", "stop")
        wait_until(lambda: "q quit" not in shown.picture(), 20, "the fault is in the picture")
        node.sh("daemon", "start")
        wait_until(lambda: "q quit" in shown.picture(), 30, "it is well again")
        shown.press(b"q")
        assert shown.ended() == 0
    finally:
        shown.close()
        stop_node(node)
