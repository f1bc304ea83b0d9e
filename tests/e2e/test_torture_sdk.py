"""The published SDK where bytes flow: its iterators, its streamed files, its functions, its command line."""
import hashlib
import os
import random
import subprocess
import sys

import pytest
from cwsandbox import Sandbox, SandboxDefaults, Session

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("node")]
MIB = 1024 * 1024


@pytest.fixture
def sandbox(node):
    with Sandbox.run() as sandbox:
        yield sandbox.wait()


def test_iterated_output_is_whole(sandbox):
    lines = "import sys\nfor n in range(50000): print(n, file=(sys.stdout, sys.stderr)[n % 2])"
    process = sandbox.exec(["python", "-c", lines])
    out = "".join(process.stdout)
    assert out == "".join(f"{n}\n" for n in range(0, 50_000, 2))
    result = process.result(timeout=60)
    assert result.stderr == "".join(f"{n}\n" for n in range(1, 50_000, 2))


def test_a_conversation_over_stdin(sandbox):
    process = sandbox.exec(["cat"], stdin=True)
    answers = iter(process.stdout)
    for word in ("one\n", "zwei: ä€😀\n", "x" * 10_000 + "\n"):
        process.stdin.write(word.encode()).result(timeout=60)
        heard = ""
        while len(heard) < len(word):
            heard += next(answers)
        assert heard == word
    process.stdin.close().result(timeout=60)
    assert process.result(timeout=60).returncode == 0


def test_megabytes_of_stdin(sandbox):
    data = random.Random(1).randbytes(64 * MIB)
    process = sandbox.exec(["sha256sum"], stdin=True)
    process.stdin.write(data).result(timeout=60)
    process.stdin.close().result(timeout=60)
    assert process.result(timeout=60).stdout.split()[0] == hashlib.sha256(data).hexdigest()


def test_processes_side_by_side(sandbox):
    processes = [sandbox.exec(["sh", "-c", f"echo {n}; exit {n}"]) for n in range(60)]
    for n, process in enumerate(processes):
        result = process.result(timeout=60)
        assert (result.stdout, result.returncode) == (f"{n}\n", n)


@pytest.mark.parametrize("size", [0, 1, 20 * MIB, 32 * MIB, 32 * MIB + 1, 100 * MIB])
def test_files_of_every_size(sandbox, size):
    """Above the largest call the SDK streams them through commands by itself."""
    data = random.Random(size).randbytes(size)
    sandbox.write_file("/tmp/data", data).result(timeout=120)
    told = sandbox.exec(["sha256sum", "/tmp/data"]).result(timeout=60).stdout
    assert told.split()[0] == hashlib.sha256(data).hexdigest()
    assert sandbox.read_file("/tmp/data").result(timeout=120) == data


def test_functions_run_inside():
    with Session(SandboxDefaults(container_image="python:3.11")) as session:
        @session.function()
        def where(values):
            import os
            return {"sum": sum(values), "pid": os.getpid(), "path": os.path.exists("/.sandkeep")}

        answer = where.remote([1, 2, 3]).result(timeout=60)
    assert answer["sum"] == 6 and answer["path"]


def cwsandbox(*arguments, **options):
    program = os.path.join(os.path.dirname(sys.executable), "cwsandbox")
    return subprocess.run([program, *arguments], capture_output=True, timeout=60, check=False, **options)


def test_its_command_line(sandbox):
    if cwsandbox("--help").returncode != 0:
        pytest.skip("installed without its command line")
    done = cwsandbox("exec", sandbox.sandbox_id, "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.stdout, done.returncode) == (b"out\n", 3), done
    assert b"err\n" in done.stderr
