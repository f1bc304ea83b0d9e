"""What a node gives out, as the published SDK sees it: runners, what is free on them, and who finds no room."""
import json
import tempfile

import grpc
import pytest
from cwsandbox import RunnerNotFoundError, Sandbox, SandboxError, get_runner, list_runners
from cwsandbox._proto import sandbox_pb2 as pb
from google.rpc import error_details_pb2, status_pb2

from conftest import lend, start_node, stop_node
from nodes import TERMINAL, fails, wait_until
from test_restart import serving

GI, MI = 1 << 30, 1 << 20
KEEP = ("/bin/sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")


@pytest.fixture(scope="module")
def small_node_shared(pytestconfig):
    """Two cores and a gigabyte, twice as much cpu to be promised, and a part kept back."""
    settings = {"capacity_cpu": "2500m", "reserved_cpu": "500m", "overcommit_cpu_percent": 200,
                "capacity_memory": "1536Mi", "reserved_memory": "512Mi", "overcommit_memory_percent": 100,
                "organization_id": "org-7", "runner_group_id": "rack-3"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as extra:
        extra.write(json.dumps(settings))
        extra.flush()
        node = start_node(pytestconfig, config=extra.name)
    yield node
    stop_node(node)


@pytest.fixture
def small_node(small_node_shared, monkeypatch):
    yield from lend(small_node_shared, monkeypatch)


def asks(cpu, memory, limits=None):
    requests = pb.Resources(cpu=cpu, memory=memory)
    return {"resource_requirements": pb.ResourceRequirements(requests=requests, limits=limits or requests)}


def free(node):
    [runner] = list_runners(include_resources=True)
    assert runner.runner_id == node.node_id
    return runner.resources.available_cpu_millicores, runner.resources.available_memory_bytes


def test_the_node_is_one_runner(small_node):
    [runner] = list_runners()
    assert (runner.runner_id, runner.organization_id) == (small_node.node_id, "org-7")
    assert (runner.runner_group_id, runner.healthy, runner.is_shared) == ("rack-3", True, False)
    assert runner.resources is None
    assert (runner.max_cpu_millicores, runner.max_memory_bytes, runner.max_gpu_count) == (4000, GI, 0)
    assert runner.supported_architectures and not runner.supported_gpu_types and not runner.supports_privileged
    assert "private" in runner.supported_service_visibilities
    full = get_runner(small_node.node_id, organization_id="org-7")
    assert (full.runner_id, full.connected_at) == (runner.runner_id, runner.connected_at)
    assert (full.resources.available_cpu_millicores, full.resources.available_memory_bytes) == (4000, GI)
    assert (full.resources.available_gpu_count, full.resources.running_sandboxes) == (0, 0)


def test_runners_are_chosen(small_node):
    [runner] = list_runners()
    architecture = runner.supported_architectures[0]
    for wanted in ({"runner_group_id": "rack-3"}, {"architecture": architecture}, {"healthy_only": True},
                   {"service_visibility": "private"}, {"min_available_cpu_millicores": 500},
                   {"min_available_memory_bytes": 256 * MI}, {"min_available_cpu_millicores": 4000}):
        assert [r.runner_id for r in list_runners(**wanted)] == [small_node.node_id], wanted
    for unwanted in ({"runner_group_id": "rack-4"}, {"architecture": "s390x"}, {"gpu_type": "H100"},
                     {"min_available_cpu_millicores": 4001}, {"min_available_gpu_count": 1}):
        assert not list_runners(**unwanted), unwanted
    for name, organization in (("nobody", "org-7"), (small_node.node_id, "org-8"), ("x y", "org-7")):
        with pytest.raises(RunnerNotFoundError) as caught:
            get_runner(name, organization_id=organization)
        assert caught.value.reason == "CWSANDBOX_RUNNER_NOT_FOUND"


def test_a_pinned_sandbox_says_where_it_is(small_node):
    [runner] = list_runners(min_available_cpu_millicores=500, min_available_memory_bytes=256 * MI)
    with Sandbox.run(*KEEP, runner_ids=[runner.runner_id], **image(small_node)) as sandbox:
        sandbox.wait()
        assert sandbox.runner_id == runner.runner_id
    with pytest.raises(SandboxError) as caught:
        Sandbox.run(*KEEP, runner_ids=["elsewhere"], **image(small_node)).wait()
    assert caught.value.reason == "CWSANDBOX_RUNNER_UNAVAILABLE"


def image(node):
    return {} if node.runtime == "fake" else {"container_image": node.spec().containers[0].image}


def test_requests_are_what_is_charged(small_node):
    first = small_node.running(container=asks("1500m", "256Mi", pb.Resources(cpu="2", memory="512Mi")))
    assert free(small_node) == (2500, GI - 256 * MI)
    second = small_node.running()  # names nothing
    assert free(small_node) == (2400, GI - 384 * MI)
    effective = second.status.effective_resource_requirements
    assert (effective.requests.cpu, effective.requests.memory) == ("100m", "128Mi")
    assert (effective.limits.cpu, effective.limits.memory) == ("1", "1Gi")
    effective = first.status.effective_resource_requirements
    assert (effective.requests.cpu, effective.limits.memory) == ("1500m", "512Mi")
    for sandbox in (first, second):
        small_node.end(sandbox)
    wait_until(lambda: free(small_node) == (4000, GI), 20, "all is free again")


def test_who_finds_no_room_is_told_what_there_is(small_node):
    full = [small_node.running(container=asks("1", "512Mi")), small_node.running(container=asks("1", "384Mi"))]
    said = fails(small_node.create, container=asks("1", "256Mi"))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CWSANDBOX_RUNNER_CAPACITY_EXHAUSTED")
    assert "memory 256Mi" in said.text and "memory 128Mi" in said.text
    small_node.running(container=asks("1", "128Mi"))
    assert free(small_node) == (1000, 0)
    small_node.end(full[0])
    wait_until(lambda: free(small_node)[1] == 512 * MI, 20, "its memory is free again")
    small_node.running(container=asks("1", "256Mi"))


def test_a_refusal_says_when_to_come_back(small_node):
    small_node.running(container=asks("100m", "1Gi"))
    try:
        small_node.create(container=asks("100m", "1Gi"))
        raise AssertionError("there was no room")
    except grpc.RpcError as error:
        packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    retry = error_details_pb2.RetryInfo()
    assert any(entry.Unpack(retry) for entry in status_pb2.Status.FromString(packed).details)
    assert retry.retry_delay.ToMilliseconds() > 0


def test_what_lives_is_counted_again_after_a_restart(small_node):
    sandbox = small_node.running(container=asks("1", "768Mi"))
    small_node.running(container=asks("1", "128Mi"))
    before = free(small_node)
    if small_node.runtime == "fake":
        pytest.skip("the fake drivers forget with the daemon")
    small_node.sh("daemon", "kill")
    small_node.sh("daemon", "start")
    serving(small_node)
    small_node.reach(sandbox, {pb.STATE_RUNNING})
    assert free(small_node) == before
    assert fails(small_node.create, container=asks("1", "256Mi")).code == grpc.StatusCode.RESOURCE_EXHAUSTED
    small_node.end(sandbox)
    assert small_node.get(sandbox.sandbox_id).status.state in TERMINAL
    wait_until(lambda: free(small_node)[1] == GI - 128 * MI, 20, "its memory is free again")
