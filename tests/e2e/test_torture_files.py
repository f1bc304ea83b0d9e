"""Files under strain: many at a time, large ones, and paths that change while they are being resolved."""
import concurrent.futures
import hashlib
import random

import grpc
import pytest

from nodes import Failure, pb, wait_until
from streams import PYTHON, Process

pytestmark = pytest.mark.real

MIB = 1024 * 1024
LARGEST = 32 * MIB
Code = grpc.StatusCode


@pytest.fixture
def node(own_node):
    return own_node


def write(node, box, path, content):
    node.stub.WriteFile(pb.WriteFileRequest(sandbox_id=box.sandbox_id, path=path, content=content), timeout=60)


def read(node, box, path):
    return node.stub.ReadFile(pb.ReadFileRequest(sandbox_id=box.sandbox_id, path=path), timeout=60).content


def attempt(call, *args):
    """What a call answers, or the code that it fails with."""
    try:
        return call(*args)
    except grpc.RpcError as error:
        return Failure.of(error).code


def test_many_at_a_time(node):
    box = node.running()
    daemon = Process(node.pid())
    contents = {f"/many/{n % 8}/{n}": random.Random(n).randbytes(n * n * 16) for n in range(128)}

    def there_and_back(item):
        path, content = item
        write(node, box, path, content)
        return read(node, box, path) == content

    node.output(box, "true")
    held = daemon.descriptors()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        assert all(pool.map(there_and_back, contents.items()))
    sums = node.output(box, "cd /many && sha256sum */*").split("\n")[:-1]
    assert {line.split()[1]: line.split()[0] for line in sums} == \
        {path.removeprefix("/many/"): hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    assert node.output(box, "find /many -name '.*' | wc -l").strip() == "0"
    wait_until(lambda: daemon.descriptors() <= held + 2, 60, f"back at about {held} descriptors")


def test_the_largest_many_times_keep_memory_flat(node):
    box = node.running()
    daemon = Process(node.pid())
    content = random.Random(1).randbytes(LARGEST)
    for round_number in range(8):
        write(node, box, "/large", content)
        assert read(node, box, "/large") == content
        if round_number == 1:
            before = daemon.kib()
    assert daemon.kib() - before < LARGEST // 1024


def test_one_path_many_writers(node):
    """Each replaces the file whole: a reader sees one writer's bytes from end to end."""
    box = node.running()
    pieces = [bytes([n]) * 300_000 for n in range(16)]
    write(node, box, "/one", pieces[0])
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        writes = [pool.submit(write, node, box, "/one", piece) for piece in pieces * 4]
        reads = [pool.submit(read, node, box, "/one") for _ in range(64)]
        for done in writes:
            done.result()
        assert all(done.result() in pieces for done in reads)


# Swaps a directory for a link out of the root, and moves a directory from under a path of dots.
SWAP = """
import ctypes, os, sys
canary = sys.argv[1]
libc = ctypes.CDLL(None)
os.makedirs("/w/dir"); os.makedirs("/w/a/b/c")
os.symlink(canary, "/w/link")
def exchange(one, other):
    if libc.renameat2(-100, one, -100, other, 2):
        os.rename(one, b"/w/third"); os.rename(other, one); os.rename(b"/w/third", other)
open("/w/ready", "w").close()
while True:
    exchange(b"/w/dir", b"/w/link")
    os.rename("/w/a/b/c", "/w/c"); os.rename("/w/c", "/w/a/b/c")
"""


def test_paths_that_change_under_the_resolver(node, tmp_path):
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "secret").write_bytes(b"of the host")
    box = node.running(image=PYTHON)
    init = pb.ExecStreamInit(sandbox_id=box.sandbox_id, command=["python", "-c", SWAP, str(canary)])
    racer = node.stub.StreamExec(iter([pb.ExecStreamRequest(init=init)]), timeout=300)
    assert next(racer).HasField("ready")
    node.output(box, "until [ -e /w/ready ]; do sleep 0.05; done")
    dots = "/w/a/b/c" + "/.." * 12 + str(canary)

    def one(number):
        read_path = ["/w/dir/secret", dots + "/secret", "/w/link/secret"][number % 3]
        write_path = ["/w/dir/new", dots + "/new", "/w/link/new"][number % 3]
        seen = attempt(read, node, box, read_path)
        done = attempt(write, node, box, write_path, b"from the sandbox")
        return seen, done

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(600)))
    racer.cancel()
    assert [path.name for path in canary.iterdir()] == ["secret"]
    assert (canary / "secret").read_bytes() == b"of the host"
    assert not [answer for answer in answers if answer[0] == b"of the host"]
    faults = {code for answer in answers for code in answer if isinstance(code, Code)}
    assert not faults & {Code.INTERNAL, Code.UNKNOWN, Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}, faults
    assert None in [answer[1] for answer in answers], "no write ever worked: the race was not run"
    assert node.output(node.running(), "echo well") == "well\n"
