"""Every method that no issue has built yet answers so, in the one way that clients understand."""
import importlib

import grpc
import pytest

from nodes import fails

MODULES = ("sandbox", "discovery", "sandbox_template", "settings", "volume", "sandbox_data_plane")
SERVICES = ("SandboxService", "SandboxDataPlaneService", "DiscoveryService")
BUILT = {"CreateSandbox", "GetSandbox", "ListSandboxes", "DeleteSandbox", "PurgeSandboxes", "Exec", "StreamExec",
         "StreamLogs", "ReadFile", "WriteFile", "ListAvailableRunners", "GetAvailableRunner"}


def methods():
    """Every method of every service that the installed SDK knows, and whether its requests are a stream."""
    for module in MODULES:
        try:
            descriptor = importlib.import_module(f"cwsandbox._proto.{module}_pb2").DESCRIPTOR
        except ModuleNotFoundError:
            continue
        for service in descriptor.services_by_name.values():
            for method in service.methods:
                if service.name not in SERVICES or method.name not in BUILT:
                    yield service.full_name, method.name


@pytest.mark.parametrize("service, method", methods())
def test_answers_unimplemented(node, service, method):
    node.stub
    failure = fails(node.channel.unary_stream(f"/{service}/{method}"), b"", timeout=60)
    assert failure.code == grpc.StatusCode.UNIMPLEMENTED
    # Callers of snapshots step aside only for the reason that is theirs.
    wanted = {"CWSANDBOX_NOT_IMPLEMENTED"} | ({"CWSANDBOX_FSS_NOT_SUPPORTED"} if "FileSystemSnapshot" in method else set())
    assert failure.reason in wanted and failure.domain == "cwsandbox.com"
    assert method in failure.text


@pytest.mark.parametrize("path", ["/coreweave.sandbox.v1.SandboxService/NoSuch", "/no.such.Service/Get", "/x", "/"])
def test_unknown_methods(node, path):
    node.stub
    assert fails(node.channel.unary_unary(path), b"", timeout=60).code == grpc.StatusCode.UNIMPLEMENTED


def test_health(node):
    """grpc.health.v1 Check, encoded by hand: SERVING is field 1 = 1."""
    node.stub
    assert node.channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=60) == b"\x08\x01"
