"""Cycles without residue: the daemon's descriptors, threads and memory, and what exists on the host."""
import contextlib
import pathlib

import pytest

from nodes import pb, wait_until

pytestmark = pytest.mark.real

CYCLES = 200
WARM_UP = 20
# Fewer than one for each cycle.
THREADS_MAX = 64


@pytest.fixture
def node(own_node):
    return own_node


def threads(node):
    """Their names. Of gRPC's, which have others than ours, there are more when one of them has had to wait."""
    names = []
    for task in pathlib.Path(f"/proc/{node.pid()}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            names.append((task / "comm").read_text().strip())
    assert len(names) < THREADS_MAX, names
    return names


def figures(node):
    """Descriptors, threads of its own, and resident KiB of the daemon."""
    proc = pathlib.Path(f"/proc/{node.pid()}")
    status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
    return len(list((proc / "fd").iterdir())), threads(node).count("sandkeepd"), int(status["VmRSS"].split()[0])


def cycle(node, number):
    sandbox = node.running(tags=[f"cycle-{number}"])
    assert node.execute(sandbox, "/bin/echo", str(number)).stdout == f"{number}\n".encode()
    node.end(sandbox)


def test_cycles_leave_nothing(node):
    for number in range(WARM_UP):
        cycle(node, number)
    node.clean(60)
    fds, threads, _ = figures(node)
    memory = []
    for number in range(CYCLES):
        cycle(node, number)
        if number % 20 == 19:
            memory.append(figures(node)[2])
    node.clean(60)
    wait_until(lambda: figures(node)[0] <= fds, 60, f"descriptors are back at {fds}: {figures(node)[0]}")
    assert figures(node)[1] <= threads
    # A terminal record is kept for the retention time: some KiB a cycle are its price, no more.
    assert memory[-1] - memory[len(memory) // 2] < 10 * CYCLES // 2, memory


def test_execs_leave_nothing(node):
    sandbox = node.running()
    for _ in range(100):
        node.execute(sandbox, "/bin/true")
    fds, threads, before = figures(node)
    processes = node.output(sandbox, "set -- /proc/[0-9]*; echo $#")
    guest = lambda: int(node.output(sandbox, "set -- /proc/1/fd/*; echo $#"))
    held = guest()
    for _ in range(1000):
        node.execute(sandbox, "/bin/true")
    wait_until(lambda: figures(node)[0] <= fds, 60, f"descriptors are back at {fds}")
    assert figures(node)[1] <= threads
    assert figures(node)[2] - before < 4096
    assert node.output(sandbox, "set -- /proc/[0-9]*; echo $#") == processes
    # The command before may still be on its way to being forgotten.
    wait_until(lambda: guest() <= held, 60, f"the guest is back at {held} descriptors")


def test_cancelled_streams_leave_nothing(node):
    sandbox = node.running()
    node.execute(sandbox, "/bin/true")
    fds = figures(node)[0]
    for _ in range(50):
        init = pb.ExecStreamInit(sandbox_id=sandbox.sandbox_id, command=["/bin/sh", "-c", "sleep 999 & sleep 998"])
        call = node.stub.StreamExec(iter([pb.ExecStreamRequest(init=init)]), timeout=120)
        assert next(call).HasField("ready")
        call.cancel()
    count = "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'sleep 99[89]' | wc -l"
    wait_until(lambda: node.output(sandbox, count).strip() == "0", 60, "cancelled commands are dead")
    wait_until(lambda: figures(node)[0] <= fds, 60, f"descriptors are back at {fds}: {figures(node)[0]}")
