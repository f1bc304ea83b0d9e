"""Devices that files of the Container Device Interface describe, given to sandboxes for themselves alone. What stands
in for a GPU is a device that every machine has and that harms nobody."""
import json
import os
import pathlib
import stat
import tempfile

import grpc
import pytest
from cwsandbox import list_runners
from cwsandbox._proto import sandbox_pb2 as pb

import settings
from conftest import start_node, stop_node
from nodes import fails, wait_until
from test_restart import serving

HOST_DEVICE = pathlib.Path("/dev/fuse")
KIND = "example.com/gpu"

pytestmark = pytest.mark.real


def device_file(folder):
    """Two devices, each also by another name, and all of them; the same harmless node behind each."""
    def device(name, number):
        return {"name": name, "containerEdits": {
            "env": [f"FAKE_GPU={number}"],
            "deviceNodes": [{"path": f"/dev/fakegpu{number}", "hostPath": str(HOST_DEVICE), "fileMode": 0o666}]}}
    both = {"name": "all", "containerEdits": {"deviceNodes": [
        {"path": f"/dev/fakegpu{n}", "hostPath": str(HOST_DEVICE)} for n in range(2)]}}
    (folder / "hook").write_text(f"#!/bin/sh\ncat >>{folder}/hooked\necho >>{folder}/hooked\n")
    (folder / "hook").chmod(0o755)
    (folder / "library").write_text("a library of the vendor\n")
    (folder / "gpu.json").write_text(json.dumps({
        "cdiVersion": "0.5.0", "kind": KIND,
        "devices": [device("0", 0), device("1", 1), device("GPU-6e7f", 0), both],
        "containerEdits": {
            "env": ["FAKE_DRIVER=535.1", "PATH=/vendor/bin:/usr/bin:/bin"],
            "mounts": [{"hostPath": str(folder / "library"), "containerPath": "/usr/lib/libfake.so.1",
                        "options": ["ro", "nosuid", "nodev", "bind"]}],
            "hooks": [{"hookName": "createRuntime", "path": str(folder / "hook"), "args": ["hook"]}]}}))


@pytest.fixture(scope="module")
def folder():
    if not HOST_DEVICE.exists():
        pytest.skip(f"this machine has no {HOST_DEVICE} to stand in for a GPU")
    with tempfile.TemporaryDirectory(prefix="skcdi.", dir="/run") as name:
        path = pathlib.Path(name)
        device_file(path)
        (path / "broken.yaml").write_text("kind: [example.com/gpu\n")
        (path / "climbs.json").write_text(json.dumps({
            "cdiVersion": "0.5.0", "kind": KIND,
            "devices": [{"name": "9", "containerEdits": {"deviceNodes": [{"path": "/../../etc/x", "hostPath": "/dev/null"}]}}]}))
        (path / "strangers.json").write_text((path / "gpu.json").read_text().replace('"0"', '"7"'))
        (path / "strangers.json").chmod(0o666)
        yield path


@pytest.fixture(scope="module")
def gpu_node_shared(pytestconfig, folder):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as extra:
        extra.write(json.dumps({"cdi_folders": [str(folder)], "gpu_kinds": [KIND]}))
        extra.flush()
        node = start_node(pytestconfig, config=extra.name)
    yield node
    stop_node(node)


@pytest.fixture
def gpu_node(gpu_node_shared):
    yield gpu_node_shared
    gpu_node_shared.end_all()


def asks(count, **selector):
    side = pb.Resources(cpu="100m", memory="64Mi", gpu=pb.Gpu(count=count, **selector))
    return {"resource_requirements": pb.ResourceRequirements(requests=side, limits=side)}


def test_a_sandbox_has_the_device_it_asked_for(gpu_node, folder):
    (folder / "hooked").unlink(missing_ok=True)
    sandbox = gpu_node.running(container=asks(1))
    assert sandbox.status.effective_resource_requirements.limits.gpu.count == 1
    assert gpu_node.output(sandbox, "ls /dev/fakegpu*; stat -c %t:%T:%a /dev/fakegpu0").split() == [
        "/dev/fakegpu0", "%x:%x:666" % (os.major(HOST_DEVICE.stat().st_rdev), os.minor(HOST_DEVICE.stat().st_rdev))]
    gpu_node.output(sandbox, "exec 3<>/dev/fakegpu0")  # opens: the cgroup lets it
    assert gpu_node.output(sandbox, "echo $FAKE_GPU $FAKE_DRIVER; cat /usr/lib/libfake.so.1") == \
        "0 535.1\na library of the vendor\n"
    assert gpu_node.output(sandbox, "echo $PATH") == "/vendor/bin:/usr/bin:/bin\n"
    assert gpu_node.execute(sandbox, "/bin/sh", "-c", "echo x >/usr/lib/libfake.so.1").exit_code != 0
    states = [json.loads(line) for line in (folder / "hooked").read_text().splitlines() if line]
    assert [state["id"] for state in states] == [sandbox.sandbox_id]


def test_others_have_it_not(gpu_node):
    gpu_node.running(container=asks(2))
    plain = gpu_node.running()
    assert gpu_node.output(plain, "ls /dev/fakegpu* 2>/dev/null; echo $FAKE_DRIVER") == "\n"
    info = HOST_DEVICE.stat()
    made = gpu_node.execute(plain, "mknod", "/tmp/x", "c", str(os.major(info.st_rdev)), str(os.minor(info.st_rdev)))
    assert made.exit_code != 0


def test_each_device_is_one_sandboxs_until_it_has_gone(gpu_node):
    first, second = gpu_node.running(container=asks(1)), gpu_node.running(container=asks(1))
    numbers = {gpu_node.output(s, "echo $FAKE_GPU").strip(): s for s in (first, second)}
    assert set(numbers) == {"0", "1"}
    said = fails(gpu_node.create, container=asks(1))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CWSANDBOX_RUNNER_CAPACITY_EXHAUSTED")
    assert "GPU" in said.text
    gpu_node.end(numbers["1"])
    again = wait_until(lambda: make(gpu_node), 20, "the device is free again")
    assert gpu_node.output(gpu_node.reach(again, {pb.STATE_RUNNING}), "echo $FAKE_GPU") == "1\n"


def make(node):
    try:
        return node.create(container=asks(1))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        return None


def test_they_are_its_own_after_a_restart(gpu_node):
    sandbox = gpu_node.running(container=asks(2))
    gpu_node.sh("daemon", "kill")
    gpu_node.sh("daemon", "start")
    serving(gpu_node)
    gpu_node.reach(sandbox, {pb.STATE_RUNNING})
    assert fails(gpu_node.create, container=asks(1)).code == grpc.StatusCode.RESOURCE_EXHAUSTED
    gpu_node.end(sandbox)
    wait_until(lambda: make(gpu_node), 20, "they are free again")


@pytest.mark.parametrize("wanted", [asks(3), asks(1, type="H100"), asks(1, memory_gb=80)])
def test_what_there_is_not_is_refused(gpu_node, wanted):
    said = fails(gpu_node.create, container=wanted)
    assert (said.code, said.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CWSANDBOX_NO_SUITABLE_RUNNER")


def test_discovery_tells_of_them(gpu_node, monkeypatch):
    for name, value in gpu_node.env.items():
        monkeypatch.setenv(name, value)
    gpu_node.running(container=asks(1, type=KIND))
    [runner] = list_runners(include_resources=True, gpu_type=KIND)
    assert (runner.max_gpu_count, runner.supported_gpu_types) == (2, (KIND,))
    assert runner.resources.available_gpu_count == 1
    assert not list_runners(gpu_type="H100")
    assert not list_runners(min_available_gpu_count=2)


def test_files_that_will_not_do_are_told_and_ignored(gpu_node, folder):
    told = {pathlib.Path(line["path"]).name: line for line in settings.logged(gpu_node, "cdi.ignored")}
    assert set(told) == {"broken.yaml", "climbs.json", "strangers.json"}
    assert stat.S_IMODE((folder / "strangers.json").stat().st_mode) == 0o666
