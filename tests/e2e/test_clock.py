"""The wall clock jumps an hour either way under the daemon (tests/support/preload); lifetimes keep to the boot clock."""
import time

import pytest

from conftest import start_node, stop_node
from nodes import TERMINAL, pb, wait_until

pytestmark = pytest.mark.real

LIFETIME = 4
# What a stop and the polling may take; far less than the jumps.
LATE = 300


@pytest.fixture(scope="module")
def node(pytestconfig, tmp_path_factory):
    """A node whose daemon takes its wall clock, and no other clock, from a file."""
    offset = tmp_path_factory.mktemp("clock") / "offset"
    offset.write_text("+0\n")
    node = start_node(pytestconfig)
    library = node.build / "tests/libwall_clock.so"
    assert library.exists()
    node.offset = offset
    node.env |= {"LD_PRELOAD": str(library), "SANDKEEP_WALL_OFFSET": str(offset)}
    try:
        restart(node)
        yield node
    finally:
        node.env.pop("LD_PRELOAD", None)
        stop_node(node)


def restart(node):
    node.sh("daemon", "stop")
    node.sh("daemon", "start")
    wait_until(lambda: node.list() is not None, 20, "the daemon serves")


def jump(node, seconds):
    node.offset.write_text(f"{seconds:+d}\n")


def test_the_clock_is_the_file(node):
    """Else the others would prove nothing."""
    jump(node, 3600)
    ahead = node.running()
    jump(node, 0)
    assert 3500 < ahead.status.start_time.ToSeconds() - time.time() < 3700
    node.end(ahead)


@pytest.mark.parametrize("seconds", [3600, -3600])
@pytest.mark.parametrize("restarted", [False, True])
def test_lifetimes_through_a_jump(node, seconds, restarted):
    """Not earlier, not later than the boot clock says, whether the daemon lives through the jump or not."""
    jump(node, 0)
    asked = time.clock_gettime(time.CLOCK_BOOTTIME)
    sandbox = node.reach(node.create(max_lifetime_seconds=LIFETIME), {pb.STATE_RUNNING} | TERMINAL)
    assert abs(sandbox.status.start_time.ToSeconds() - time.time()) < 60
    made = time.clock_gettime(time.CLOCK_BOOTTIME)
    jump(node, seconds)
    if restarted:
        restart(node)
    while node.get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING:
        time.sleep(0.1)
    assert time.clock_gettime(time.CLOCK_BOOTTIME) >= asked + LIFETIME, "it was ended too early"
    ended = node.reach(sandbox, TERMINAL, seconds=LIFETIME + LATE)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert ended.status.state == pb.STATE_TERMINATED and "lifetime" in ended.status.state_reason, ended.status
    assert asked + LIFETIME <= now <= made + LIFETIME + LATE, (now - asked, now - made)
    jump(node, 0)
