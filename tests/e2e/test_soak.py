"""Thousands of lives, several at a time: afterwards nothing is left, and nothing has grown.

Ended records are kept for no time, so that what the daemon still holds at the end is a leak and not a memory.
--soak=full: 10 000 cycles instead of 2 000.
"""
import concurrent.futures
import itertools
import pathlib

import grpc
import pytest

import checker
from conftest import stop_node
from nodes import TERMINAL, Node, wait_until
from sessions import Sessions
from test_kill_matrix import LATE_SECONDS
from test_leaks import figures

pytestmark = pytest.mark.real

WORKERS = 8
OF_ONE_SESSION = 25
# The daemon looks for records that are past their time once a minute.
PRUNED_WITHIN = 180


@pytest.fixture(scope="module")
def node(pytestconfig, tmp_path_factory):
    config = tmp_path_factory.mktemp("soak") / "config.json"
    config.write_text('{"retention_hours": 0}')
    node = Node(pytestconfig.getoption("--runtime"), pytestconfig.getoption("--build"), config)
    try:
        yield node
    finally:
        stop_node(node)


def has_ended(node, sandbox):
    try:
        return node.get(sandbox.sandbox_id).status.state in TERMINAL
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        return True  # and is forgotten


def cycle(node, sessions, session, number):
    sandbox = sessions.create(session, "/bin/sleep", "100000")
    assert node.execute(sandbox, "/bin/echo", str(number)).stdout == f"{number}\n".encode()
    node.delete(sandbox)
    wait_until(lambda: has_ended(node, sandbox), 120, f"{sandbox.sandbox_id} has ended")


def batch(node, first):
    """Lives of one session, one after the other."""
    sessions = Sessions(node)
    session = sessions.open(lease=600)
    for number in range(first, first + OF_ONE_SESSION):
        sessions.call("RenewSession", session_id=session.session_id)
        cycle(node, sessions, session, number)
    sessions.close(session)


def shims(node):
    return sum("containerd-shim" in line for line in checker.inventory(node))


def run(node, cycles):
    """That many, and what was seen meanwhile: resident KiB and shims after each batch."""
    seen, order = [], itertools.count(1)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done in concurrent.futures.as_completed(
                [pool.submit(batch, node, first) for first in range(0, cycles, OF_ONE_SESSION)]):
            done.result()
            number = next(order)
            seen.append((number * OF_ONE_SESSION, figures(node)[2], shims(node) if number % 8 == 0 else 0))
    return seen


def remembered(node):
    """Records and folders of sandboxes that have ended. Their sessions go a minute later."""
    folders = (pathlib.Path(node.env["SANDKEEP_STATE"]) / "logs").iterdir()
    return [*checker.rows(node, "sandbox"), *(entry.name for entry in folders)]


def forgotten(node):
    """Waits until nothing of the past is known."""
    wait_until(lambda: not remembered(node), PRUNED_WITHIN, "what has ended is forgotten")
    checker.settle(node, LATE_SECONDS)
    node.clean(LATE_SECONDS)


def test_lives_leave_nothing(node, pytestconfig):
    cycles = 10_000 if pytestconfig.getoption("--soak") == "full" else 2_000
    run(node, WORKERS * OF_ONE_SESSION)
    node.clean(LATE_SECONDS)
    fds, threads, before = figures(node)
    seen = run(node, cycles - WORKERS * OF_ONE_SESSION)
    forgotten(node)
    wait_until(lambda: figures(node)[0] <= fds, 60, f"descriptors are back at {fds}: {figures(node)[0]}")
    after = figures(node)
    print("cycles, resident KiB, shims:", (0, before, 0), *seen, after)
    assert after[1] <= threads
    assert max(count for _, _, count in seen) <= WORKERS
    # Until the first records are forgotten memory grows with them; what they leave is used again.
    first_minute = max(memory for number, memory, _ in seen if number <= max(cycles * 3 // 4, cycles - 2_500))
    assert after[2] <= first_minute + 4096, (before, seen, after)
