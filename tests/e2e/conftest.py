"""One private node for the whole session; modules that kill things take one of their own."""
import ctypes
import os
import subprocess

import pytest

from nodes import ROOT, Node

CLONE_NEWNET = 0x40000000
IMAGES = ("python", "busybox", "bare", "configured")


def leave_the_network():
    """What nodes do to networks, and what their sandboxes reach, stays in a network of the suite's own: loopback, and
    what tests join to it. SK_HOST_NETWORK=1: on the machine's own, for those who must look from outside."""
    if os.geteuid() != 0 or os.environ.get("SK_HOST_NETWORK") or os.environ.get("SK_OWN_NETWORK"):
        return
    left = os.open("/proc/self/ns/net", os.O_RDONLY)  # stays open: for those who fetch what tests are made of
    os.environ["SK_MACHINE_NETWORK"] = f"/proc/{os.getpid()}/fd/{left}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) < 0:  # of this thread, and of all that it starts from now on
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ["SK_OWN_NETWORK"] = "1"


def pytest_addoption(parser):
    parser.addoption("--runtime", default="crun", choices=["crun", "runc", "fake"])
    parser.addoption("--build", default=None, help="where sandkeepd is (build/dev)")
    parser.addoption("--torture", default="short", choices=["short", "full"], help="sizes of test_torture_*.py")
    parser.addoption("--soak", default="short", choices=["short", "full"], help="test_soak.py: 2 000 lives, or 10 000")
    parser.addoption("--matrix", default="steps", choices=["steps", "full"],
                     help="test_kill_matrix.py: every step once, or every point of every story")


def pytest_configure(config):
    if config.getoption("--runtime") != "fake":
        # Out of Debian's packages, which are out of reach from then on.
        subprocess.run([ROOT / "tests/support/image.sh", "build", *IMAGES], check=True, stdout=subprocess.DEVNULL)
    leave_the_network()
    config.addinivalue_line("markers", "real: needs real containers; skipped on the fake drivers")
    # One subset a label: what is rerun on runc and on the fake drivers.
    config.addinivalue_line("markers", "core: the subset that is rerun with other runtimes and SDK versions")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--runtime") == "fake":
        for item in items:
            if "real" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="needs real containers"))


def start_node(pytestconfig, **options):
    return Node(pytestconfig.getoption("--runtime"), pytestconfig.getoption("--build"), **options)


def stop_node(node):
    done = node.down()
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def lab():
    """The internet of network tests."""
    from lab import Lab  # pylint: disable=import-outside-toplevel  # not before the suite's network is its own
    lab = Lab()
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def shared_node(pytestconfig):
    node = start_node(pytestconfig)
    yield node
    stop_node(node)


@pytest.fixture
def node(shared_node, monkeypatch):
    """The shared node, named to the SDK by the environment, with nothing active before and after."""
    yield from lend(shared_node, monkeypatch)


@pytest.fixture(scope="module")
def own_node_shared(pytestconfig):
    node = start_node(pytestconfig)
    yield node
    stop_node(node)


@pytest.fixture
def own_node(own_node_shared, monkeypatch):
    """A node that no other module uses: its daemons may be killed."""
    yield from lend(own_node_shared, monkeypatch)


def lend(node, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("CWSANDBOX_", "WANDB_")):
            monkeypatch.delenv(name)
    for name, value in node.env.items():
        monkeypatch.setenv(name, value)
    yield node
    node.end_all()
