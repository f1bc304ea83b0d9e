"""Stock clients that know nothing of us: gRPC's own health client, its reflection client, and grpcurl."""
import json
import os
import shutil
import subprocess

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory

from conftest import stop_node
from nodes import ROOT, Node, fails

health_pb = pytest.importorskip("grpc_health.v1.health_pb2")
health_grpc = pytest.importorskip("grpc_health.v1.health_pb2_grpc")
reflection = pytest.importorskip("grpc_reflection.v1alpha.proto_reflection_descriptor_database")

SANDBOXES = "coreweave.sandbox.v1.SandboxService"
DATA_PLANE = "coreweave.sandbox.v1.SandboxDataPlaneService"
SERVING, NOT_SERVING, UNKNOWN = 1, 2, 3
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"


@pytest.fixture(scope="module")
def grpcurl():
    """The machine's, or one built from the Go proxy below build/."""
    found = shutil.which("grpcurl") or ROOT / "build/tools/grpcurl"
    if not os.access(found, os.X_OK):
        go = shutil.which("go") or "/usr/local/go/bin/go"
        if not os.access(go, os.X_OK):
            pytest.skip("there is no grpcurl, and no Go to build it with: grpcio-reflection stands in for it")
        outside = os.environ.get("SK_MACHINE_NETWORK")
        enter = ["nsenter", f"--net={outside}"] if outside else []
        # Without optimization: building it takes longer than all that is asked of it.
        built = subprocess.run([*enter, go, "install", "-gcflags=all=-N -l", "-ldflags=-s -w", GRPCURL],
                               capture_output=True, text=True, timeout=900, check=False,
                               env=os.environ | {"GOBIN": str(ROOT / "build/tools"), "HOME": str(ROOT / "build"),
                                                 "GOGC": "400"})
        if built.returncode:
            pytest.skip(f"grpcurl cannot be built here: {built.stderr[-300:]}")
    return str(found)


# --- health ---------------------------------------------------------------------------------


def test_health_needs_no_key(node):
    with grpc.insecure_channel(node.address) as channel:
        stub = health_grpc.HealthStub(channel)
        for service in ("", SANDBOXES, DATA_PLANE):
            assert stub.Check(health_pb.HealthCheckRequest(service=service), timeout=60).status == SERVING
        failure = fails(stub.Check, health_pb.HealthCheckRequest(service="no.such.Service"), timeout=60)
        assert failure.code == grpc.StatusCode.NOT_FOUND
        unknown = stub.Watch(health_pb.HealthCheckRequest(service="no.such.Service"), timeout=60)
        assert next(unknown).status == UNKNOWN
        unknown.cancel()


@pytest.mark.real
def test_watch_tells_that_containerd_goes_and_comes(pytestconfig):
    node = Node(pytestconfig.getoption("--runtime"), pytestconfig.getoption("--build"), images="")
    try:
        with grpc.insecure_channel(node.address) as channel:
            stub = health_grpc.HealthStub(channel)
            whole = stub.Watch(health_pb.HealthCheckRequest(), timeout=600)
            assert next(whole).status == SERVING
            node.sh("containerd", "stop")
            assert next(whole).status == NOT_SERVING
            assert stub.Check(health_pb.HealthCheckRequest(service=DATA_PLANE), timeout=60).status == SERVING
            node.sh("containerd", "start")
            assert next(whole).status == SERVING
            whole.cancel()
    finally:
        stop_node(node)


# --- reflection -----------------------------------------------------------------------------


def test_stock_reflection_client(node):
    """grpcio-reflection: everything a dynamic client needs, and a call made of it."""
    node.stub
    base = reflection.ProtoReflectionDescriptorDatabase(node.channel)
    services = list(base.get_services())
    assert {SANDBOXES, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= set(services)
    pool = descriptor_pool.DescriptorPool(base)
    for name in services:
        for method in pool.FindServiceByName(name).methods:
            assert method.input_type.full_name and method.output_type.full_name
    method = pool.FindServiceByName(SANDBOXES).FindMethodByName("ListSandboxes")
    make = message_factory.GetMessageClass
    call = node.channel.unary_unary(f"/{SANDBOXES}/ListSandboxes", make(method.input_type).SerializeToString,
                                    make(method.output_type).FromString)
    assert call(make(method.input_type)(page_size=1), timeout=60) is not None


def test_reflection_needs_a_key(node):
    with grpc.insecure_channel(node.address) as channel:
        base = reflection.ProtoReflectionDescriptorDatabase(channel)
        assert fails(base.get_services).code == grpc.StatusCode.UNAUTHENTICATED


def curl(program, node, *args, key=True):
    headers = ["-H", f"authorization: Bearer {node.key}"] if key else []
    return subprocess.run([program, "-plaintext", "-max-time", "60", *headers, *args], capture_output=True, text=True,
                          timeout=120, check=False)


def test_grpcurl(node, grpcurl):
    listed = curl(grpcurl, node, node.address, "list")
    assert listed.returncode == 0, listed.stderr
    assert {SANDBOXES, "sandkeep.v1.SessionService"} <= set(listed.stdout.split())
    for name in listed.stdout.split():
        assert curl(grpcurl, node, node.address, "describe", name).returncode == 0, name
    described = curl(grpcurl, node, node.address, "describe", "coreweave.sandbox.v1.CreateSandboxRequest")
    assert "request_id" in described.stdout
    answer = curl(grpcurl, node, "-d", '{"page_size": 1}', node.address, f"{SANDBOXES}/ListSandboxes")
    assert answer.returncode == 0, answer.stderr
    json.loads(answer.stdout)
    health = curl(grpcurl, node, node.address, "grpc.health.v1.Health/Check")
    assert json.loads(health.stdout) == {"status": "SERVING"}
    every = json.loads(curl(grpcurl, node, node.address, "grpc.health.v1.Health/List").stdout)["statuses"]
    assert every[""] == every[SANDBOXES] == {"status": "SERVING"}
    assert "Unauthenticated" in curl(grpcurl, node, node.address, "list", key=False).stderr
    assert "not found" in curl(grpcurl, node, node.address, "describe", "no.such.Thing").stderr.lower()


def test_reflection_can_be_switched_off(pytestconfig, tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"reflection": false}')
    node = Node("fake", pytestconfig.getoption("--build"), config=config)
    try:
        node.stub
        base = reflection.ProtoReflectionDescriptorDatabase(node.channel)
        assert fails(base.get_services).code == grpc.StatusCode.UNIMPLEMENTED
    finally:
        stop_node(node)
