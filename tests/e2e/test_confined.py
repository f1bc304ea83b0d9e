"""The daemon under what its unit takes away (deploy/systemd): everything it is there for still works. What cannot be tried
without systemd stands in tests/support/confine.py."""
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import start_node, stop_node
from nodes import PATIENCE, ROOT, built, pb, wait_until
from streams import Exec
from test_network_smoke import CLOSED, fetch, reaches, served, url_of
from test_restart import serving

pytestmark = pytest.mark.real

PYTHON = "docker.io/library/python:3.11"
CONFINE = ROOT / "tests/support/confine.py"


def has_seccomp():
    return subprocess.run(["/usr/bin/python3", "-c", "import seccomp"], check=False, capture_output=True).returncode == 0


if not has_seccomp() or not shutil.which("systemd-analyze"):
    pytest.skip("python3-seccomp or systemd-analyze is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def node(pytestconfig, tmp_path_factory):
    """A node whose daemon is confined."""
    build = built().resolve()
    folder = tmp_path_factory.mktemp("confined")
    for name in ("sandkeep", "sandkeep-guest", "tests"):
        (folder / name).symlink_to(build / name)
    daemon = folder / "sandkeepd"
    # Leaks are looked for by ptrace, which it may not use.
    daemon.write_text(f"#!/bin/sh\nexport ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0\n"
                      f"exec /usr/bin/python3 -B {CONFINE} {build}/systemd/sandkeepd.service {build}/sandkeepd "
                      '"$@"\n')
    daemon.chmod(0o755)
    pytestconfig.option.build, before = str(folder), pytestconfig.option.build
    try:
        made = start_node(pytestconfig)
    finally:
        pytestconfig.option.build = before
    patch = pytest.MonkeyPatch()
    for name, value in made.env.items():
        patch.setenv(name, value)
    yield made
    patch.undo()
    stop_node(made)


@pytest.fixture(autouse=True)
def clean(node):
    yield
    node.end_all()
    node.clean(60)


def test_it_is_confined(node):
    status = dict(line.split(":\t", 1) for line in
                  pathlib.Path(f"/proc/{node.pid()}/status").read_text().splitlines())
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    unit = (node.build / "tests").resolve().parent / "systemd/sandkeepd.service"
    kept = next(line for line in unit.read_text().splitlines() if line.startswith("CapabilityBoundingSet="))
    assert bin(int(status["CapBnd"], 16)).count("1") == len(kept.split())
    assert status["CapEff"] == status["CapBnd"]


def test_commands_terminals_and_files(node):
    box = node.running(image=PYTHON)
    assert node.output(box, "echo $((6 * 7))") == "42\n"
    with Exec(node, box, "/bin/sh", "-c", "tty && stty size", tty=True, tty_width=80, tty_height=24) as command:
        said = b"".join(a.output.data for a in command.call if a.HasField("output"))
    assert b"/dev/pts/" in said and b"24 80" in said
    data = os.urandom(100000)
    node.stub.WriteFile(pb.WriteFileRequest(sandbox_id=box.sandbox_id, path="/tmp/file", content=data),
                        timeout=PATIENCE)
    assert node.stub.ReadFile(pb.ReadFileRequest(sandbox_id=box.sandbox_id, path="/tmp/file"),
                              timeout=PATIENCE).content == data


def logged(node, box):
    entries = node.stub.StreamLogs(pb.StreamLogsRequest(sandbox_id=box.sandbox_id), timeout=PATIENCE)
    return b"".join(entry.data for entry in entries)


def test_logs_and_ends(node):
    box = node.running("/bin/sh", "-c", "echo said; sleep 100000")
    wait_until(lambda: logged(node, box) == b"said\n", 20, "what it says is in its log")
    done = node.create("/bin/sh", "-c", "exit 3")
    assert wait_until(lambda: (now := node.get(done.sandbox_id).status).HasField("exit_code") and now.exit_code, 20,
                      "it ends") == 3
    assert node.end(box, grace=2).status.state == pb.STATE_TERMINATED


def test_rules_and_services(node):
    """Links, the packet filter and HAProxy, which runs under the same."""
    server = served(node, visibility=pb.VISIBILITY_PUBLIC)
    wait_until(lambda: answers(url_of(node, server)), 20, "the page")
    address = node.output(server, "ip -4 -o address show dev eth0 | awk '{ print $4 }'").strip().removesuffix("/32")
    assert not reaches(node, node.running(network=CLOSED), address)


def answers(url):
    try:
        return fetch(url).startswith("served by")
    except OSError:
        return False


def test_an_import_is_unpacked(node):
    done = node.cli("image", "import", str(ROOT / "build/images/busybox.tar"), timeout=120)
    assert done.returncode == 0, done.stderr
    node.end(node.running())


def test_adopted_by_the_next(node):
    box = node.running()
    node.sh("daemon", "kill")
    node.sh("daemon", "start")
    serving(node)
    assert node.output(box, "echo here") == "here\n"
