"""One private node for the whole session; modules that kill things take one of their own."""
import ctypes
import fcntl
import os
import subprocess
import sys
import traceback

import pytest

from nodes import ROOT, Node
from sanitizers import Reports

CLONE_NEWNET = 0x40000000
IMAGES = ("python", "busybox", "bare", "configured")
REPORTS = pytest.StashKey()


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
        # Out of Debian's packages, which are out of reach from then on; by one suite at a time.
        (ROOT / "build").mkdir(exist_ok=True)
        with open(ROOT / "build/images.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            subprocess.run([ROOT / "tests/support/image.sh", "build", *IMAGES], check=True, stdout=subprocess.DEVNULL)
    if config.option.build:
        config.option.build = os.environ["SK_BUILD"] = os.path.abspath(config.option.build)
    os.environ["SK_PYTHON"] = sys.executable  # for node.sh, which asks it often: wrappers of python3 take their time
    leave_the_network()
    config.stash[REPORTS] = Reports()
    config.addinivalue_line("markers", "real: needs real containers; skipped on the fake drivers")
    # One subset a label: what is rerun on runc and on the fake drivers.
    config.addinivalue_line("markers", "core: the subset that is rerun with other runtimes and SDK versions")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """What ended after the last test's teardown."""
    said = session.config.stash[REPORTS].take()
    if said:
        print(f"\nsanitizers have said, after the tests\n{said}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    if REPORTS in config.stash:
        config.stash[REPORTS].close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    """With what the test's module, or the whole session, is done with after it."""
    try:
        result = yield
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as failure:
        fail_if_said(item.config, "".join(traceback.format_exception(failure)))
        raise
    fail_if_said(item.config)
    return result


def fail_if_said(config, failure=""):
    """`failure`: what it would hide."""
    said = config.stash[REPORTS].take()
    if said:
        pytest.fail(f"sanitizers have said\n{said}\n{failure}", pytrace=False)


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
