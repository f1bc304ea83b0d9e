"""A sandbox that stands still: nothing of it answers, and nobody else may notice."""
import contextlib
import pathlib

import grpc
import pytest

from nodes import fails, pb, wait_until
from streams import init

pytestmark = pytest.mark.real
Code = grpc.StatusCode


def freezer(box):
    """The file that stops a sandbox's cgroup, and the words for on and off."""
    for name, words in (("freezer.state", ("FROZEN", "THAWED")), ("cgroup.freeze", ("1", "0"))):
        for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/{box.sandbox_id}/{name}"):
            return path, words
    pytest.skip("no cgroup of the sandbox can be frozen")


@contextlib.contextmanager
def frozen(box):
    path, (stop, go_on) = freezer(box)
    path.write_text(stop)
    try:
        yield
    finally:
        if path.exists():
            path.write_text(go_on)


def asked(node, box, content=b"x"):
    """What reads and what writes a file, and with what."""
    return ((node.stub.ReadFile, pb.ReadFileRequest(sandbox_id=box.sandbox_id, path="/etc/passwd")),
            (node.stub.WriteFile, pb.WriteFileRequest(sandbox_id=box.sandbox_id, path="/tmp/file", content=content)))


def read(node, box, timeout):
    call, request = asked(node, box)[0]
    return call(request, timeout=timeout)


def write(node, box, timeout, content=b"x"):
    call, request = asked(node, box, content)[1]
    return call(request, timeout=timeout)


def test_its_calls_end_and_it_can_be_ended(node):
    box = node.running()
    node.output(box, "true")
    with frozen(box):
        for call in (read, write):
            assert fails(call, node, box, 1).code == Code.DEADLINE_EXCEEDED
        assert fails(node.execute, box, "true", timeout=1).code == Code.DEADLINE_EXCEEDED
        terminal = iter([init(box, "/bin/sh", tty=True)])
        assert fails(node.stub.StreamExec, terminal, timeout=1).code == Code.DEADLINE_EXCEEDED
        node.end(box)


def test_its_files_keep_nobody_waiting(node):
    box, other = node.running(), node.running()
    node.output(box, "true")
    with frozen(box):
        waiting = [call.future(request, timeout=29) for call, request in asked(node, box) for _ in range(40)]
        for _ in range(5):
            write(node, other, 60, b"y" * 1_000_000)
            read(node, other, 60)
        assert not any(call.done() for call in waiting)
        for call in waiting:
            call.cancel()
    # It goes on where it was stopped, and hears later that nobody wants the files any more: they may go under ls.
    wait_until(lambda: node.output(box, "ls -A /tmp || true") == "", 20, "nothing is left of what was given up")
