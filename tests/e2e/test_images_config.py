"""What an image says about how it is run: obeyed where it may, and never as more than it is."""
import signal

import pytest

import images
from images import ctr, fail, run, zoo
from nodes import TERMINAL, pb, wait_until

pytestmark = pytest.mark.real

USERS = "root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/srv/app:/bin/sh\nodd:x:4294967295:0::/:/bin/sh\n" \
        "wrapped:x:4294967296:4294967296::/:/bin/sh\n1234:x:77:77::/:/bin/sh\n"
GROUPS = "root:x:0:\nworker:x:1000:\nextra:x:1234:worker\nhuge:x:4294967296:\n"
STAY = "trap 'exit 0' TERM; sleep 100000 & wait"


@pytest.fixture(scope="module")
def world():
    with images.a_world() as world:
        yield world


@pytest.fixture(scope="module")
def node_of_module(pytestconfig, world):
    with images.a_node(pytestconfig, world.config()) as node:
        yield node


@pytest.fixture
def node(node_of_module):
    yield node_of_module
    node_of_module.end_all()


@pytest.fixture
def made(world, request):
    """made(config, *entries): an image of this config, its full name."""
    count = iter(range(1000))

    def build(config, *entries, **fields):
        name = f"config-{abs(hash(request.node.name))}-{next(count)}"
        return world.add(name, zoo.layered(*entries, config=config, **fields))
    return build


def bare(node, image, **container):
    """A sandbox whose process is the image's business."""
    spec = pb.SandboxSpec(containers=[pb.Container(name="main", image=image, **container)])
    request = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=spec), request_id=images.zoo.digest(repr(
        (image, sorted(container.items()))).encode())[7:43])
    return node.stub.CreateSandbox(request, timeout=60)


def exit_code(node, image, **container):
    ended = node.reach(bare(node, image, **container), TERMINAL, 60)
    assert ended.status.state == pb.STATE_COMPLETED, ended.status
    return ended.status.exit_code


# --- what runs ---

@pytest.mark.parametrize("config, container, code", [
    ({"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["exit 7"]}, {}, 7),
    ({"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["exit 7"]}, {"args": ["exit 8"]}, 8),
    ({"Entrypoint": ["/bin/sh", "-c", "exit 9"], "Cmd": ["ignored"]}, {"command": "/bin/sh", "args": ["-c", "exit 10"]}, 10),
    ({"Entrypoint": None, "Cmd": ["/bin/sh", "-c", "exit 11"]}, {}, 11),
    ({"Entrypoint": ["/bin/sh", "-c", "exit 12"], "Cmd": None}, {}, 12),
    # A command leaves the image's Cmd behind, as Docker's --entrypoint does.
    ({"Entrypoint": ["/bin/true"], "Cmd": ["-c", "exit 13"]}, {"command": "/bin/sh", "args": ["-c", "exit $#", "x"]}, 0),
])
def test_entrypoint_and_cmd(node, made, config, container, code):
    assert exit_code(node, made(config), **container) == code


def test_nothing_to_run(node, made):
    ended = node.reach(bare(node, made({"Entrypoint": None, "Cmd": None})), TERMINAL)
    assert ended.status.state == pb.STATE_FAILED and ended.status.state_reason


def test_environment_and_folder(node, made):
    image = made({"Env": [zoo.PATH, "FROM_IMAGE=yes", "BOTH=image", "EMPTY=", "nonsense", "=no name"],
                  "WorkingDir": "/srv/new/folder"})
    sandbox = run(node, image, container={"environment_variables": {"BOTH": "create"}})
    said = node.output(sandbox, "echo $FROM_IMAGE $BOTH \"[$EMPTY]\"; pwd")
    assert said == "yes create []\n/srv/new/folder\n"


def test_path_of_the_image(node, made):
    image = made({"Env": ["PATH=/opt/own:/bin"], "Cmd": ["own"]}, zoo.entry("opt/own/own", b"#!/bin/sh\nexit 21\n"))
    assert exit_code(node, image) == 21


@pytest.mark.parametrize("name, number", [("SIGUSR1", 10), ("USR2", 12), ("15", 15), ("SIGRTMIN+3", 37), (None, 15)])
def test_stop_signal(node, made, name, number):
    """The process tells by its exit which signal it got."""
    catch = "; ".join(f"trap 'exit {n}' {n}" for n in (1, 10, 12, 15, 37))
    sandbox = run(node, made({"StopSignal": name} if name else {}), "/bin/sh", "-c",
                  f"{catch}; touch /tmp/ready; sleep 1000 & wait")
    wait_until(lambda: node.execute(sandbox, "/bin/ls", "/tmp/ready").exit_code == 0, 60, "it catches them")
    ended = node.end(sandbox, grace=60)
    assert ended.status.exit_code == number, (signal.Signals(number), ended.status)


def test_volumes_are_files_like_others(node, made):
    """Docker's VOLUME makes nothing here: no mount, and what the image has there is there."""
    image = made({"Volumes": {"/data": {}, "/../../escape": {}, "/etc": {}}}, zoo.entry("data/kept", b"kept"))
    sandbox = run(node, image)
    assert node.output(sandbox, "cat /data/kept; grep -c ' /data ' /proc/mounts || true") == "kept0\n"


def test_labels_stay_in_the_image(node, made):
    """Containerd's restart monitor and others obey labels of containers (CVE-2026-53488)."""
    labels = {"containerd.io/restart.status": "running", "containerd.io/restart.loguri": "binary:///bin/false",
              "io.containerd.runc.v2.group": "stolen", "io.kubernetes.cri.sandbox-id": "stolen",
              "nerdctl/log-uri": "stolen", "containerd.io/gc.root": "stolen", "x" * 5000: "long"}
    image = made({"Labels": labels})
    sandbox = run(node, image)
    seen = ctr(node, "containers", "info", sandbox.sandbox_id) + ctr(node, "images", "list")
    seen += ctr(node, "content", "list") + ctr(node, "snapshots", "info", sandbox.sandbox_id)
    assert "stolen" not in seen and "containerd.io/restart" not in seen and "xxxxx" not in seen


# --- who it runs as ---

@pytest.mark.parametrize("user, uid, gid, groups", [
    ("", 0, 0, None), ("0", 0, 0, None), ("root", 0, 0, None), ("1000", 1000, 1000, None), ("4242", 4242, 0, [0]),
    ("4242:4243", 4242, 4243, [4243]), ("worker", 1000, 1000, [1000, 1234]), ("worker:extra", 1000, 1234, [1234]),
    ("worker:99", 1000, 99, [99]), ("4242:extra", 4242, 1234, [1234]), ("2147483647", 2147483647, 0, [0]),
])
def test_users(node, made, user, uid, gid, groups):
    """The main process and every other are the user."""
    image = made({"User": user}, zoo.entry("etc/passwd", USERS.encode()), zoo.entry("etc/group", GROUPS.encode()),
                 zoo.folder("out", mode=0o777))
    sandbox = run(node, image, "/bin/sh", "-c", f"id -u >/out/id; id -g >>/out/id; id -G >>/out/id; {STAY}")
    said = wait_until(lambda: (text := node.output(sandbox, "cat /out/id || true")).count("\n") == 3 and text, 10, "it has said")
    for lines in (said.splitlines(), node.output(sandbox, "id -u; id -g; id -G").splitlines()):
        assert lines[:2] == [str(uid), str(gid)], lines
        assert groups is None or set(lines[2].split()) == {str(group) for group in groups}, lines


@pytest.mark.parametrize("user", [
    "nobody-here", "4294967296", "4294967295", "18446744073709551616", "-1", "1000:4294967296", "1000:no-such-group",
    "wrapped", "odd", "worker:huge", "0x0", "1000:-1", " ", "+0", "1e3", "root:4294967296", "worker:extra:more",
])
def test_users_that_are_none(node, made, user):
    """Nothing that overflows or is not there becomes root: FAILED, and why."""
    image = made({"User": user}, zoo.entry("etc/passwd", USERS.encode()), zoo.entry("etc/group", GROUPS.encode()),
                 zoo.folder("out", mode=0o777))
    reason = fail(node, image)
    assert "user" in reason or "group" in reason, reason


def test_users_without_files(node, made):
    image = made({"User": "worker"}, zoo.entry("etc/.wh.passwd"))
    assert "user" in fail(node, image)
    hostile = made({"User": "worker"}, zoo.symlink("etc/passwd", "/proc/1/environ"))
    fail(node, hostile)


@pytest.mark.parametrize("config", [
    {"WorkingDir": "relative"}, {"WorkingDir": "/../../.."}, {"StopSignal": "SIGNOTHING"}, {"StopSignal": "9999"},
    {"Env": ["A=" + "x" * 200_000]}, {"Cmd": ["/bin/sh"] * 100_000}, {"Entrypoint": ["/bin/sh\0-c"]},
    {"User": "x" * 100_000}, {"Env": [f"V{n}=1" for n in range(100_000)]}, {"Entrypoint": "text"}, {"Env": {"a": "b"}},
])
def test_odd_configs(node, made, config):
    """Run somehow or refused with a reason; the daemon goes on either way."""
    ended = node.reach(bare(node, made(config)), TERMINAL | {pb.STATE_RUNNING}, 60)
    assert ended.status.state != pb.STATE_FAILED or ended.status.state_reason, ended.status
    node.end_all()
    assert node.output(node.running(), "echo fine") == "fine\n"
