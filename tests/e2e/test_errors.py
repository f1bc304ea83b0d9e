"""Bad input: each gets the contract's answer, the daemon stays up, nothing is left."""
import os
import socket
import uuid

import grpc
import pytest

from nodes import BUSYBOX, SERVICE, Failure, fails, pb

Code = grpc.StatusCode
NOT_FOUND = (Code.NOT_FOUND, "CWSANDBOX_SANDBOX_NOT_FOUND", "cwsandbox.com")
IDS = ["", "x", "does-not-exist", "../../etc", "a/b", "%00", "t0000000000-aaaaaaaaaaaaaaaaaaaaaaaaaa", "-", "ß" * 40,
       "A" * 10_000]


def said(failure):
    return failure.code, failure.reason, failure.domain


@pytest.fixture(scope="module", autouse=True)
def nothing_new(shared_node):
    """Nothing is there after all of these tests, as before them."""
    shared_node.clean(60)  # of what others have ended just now
    yield
    shared_node.clean(60)


@pytest.fixture(autouse=True)
def still_well(node):
    """After each test the same process serves."""
    pid = node.pid()
    yield
    node.end_all()
    assert node.pid() == pid and os.path.exists(f"/proc/{pid}")


def invalid(node, spec=None, **request):
    """A create that must be refused as invalid; the failure."""
    body = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=spec), request_id=str(uuid.uuid4()), **request)
    failure = fails(node.stub.CreateSandbox, body, timeout=60)
    assert failure.code == Code.INVALID_ARGUMENT, failure
    return failure


@pytest.mark.parametrize("name", IDS)
def test_unknown_ids(node, name):
    stub = node.stub
    assert said(fails(stub.GetSandbox, pb.GetSandboxRequest(sandbox_id=name))) == NOT_FOUND
    assert said(fails(stub.DeleteSandbox, pb.DeleteSandboxRequest(sandbox_id=name))) == NOT_FOUND
    request = pb.ExecRequest(sandbox_id=name, command=["true"])
    assert said(fails(stub.Exec, request)) == NOT_FOUND
    init = pb.ExecStreamInit(sandbox_id=name, command=["true"])
    assert said(fails(stub.StreamExec, iter([pb.ExecStreamRequest(init=init)]))) == NOT_FOUND
    empty = stub.DeleteSandbox(pb.DeleteSandboxRequest(sandbox_id=name, allow_missing=True))
    assert not empty.HasField("sandbox")


def test_empty_command(node):
    sandbox = node.running()
    request = pb.ExecRequest(sandbox_id=sandbox.sandbox_id)
    assert fails(node.stub.Exec, request, timeout=60).code == Code.INVALID_ARGUMENT
    init = pb.ExecStreamInit(sandbox_id=sandbox.sandbox_id)
    assert fails(node.stub.StreamExec, iter([pb.ExecStreamRequest(init=init)])).code == Code.INVALID_ARGUMENT


def test_a_stream_must_begin_with_init(node):
    for first in (pb.ExecStreamRequest(stdin=b"x"), pb.ExecStreamRequest()):
        assert fails(node.stub.StreamExec, iter([first]), timeout=60).code == Code.INVALID_ARGUMENT
    assert fails(node.stub.StreamExec, iter([]), timeout=60).code in (Code.INVALID_ARGUMENT, Code.CANCELLED)


@pytest.mark.parametrize("change, path", [
    ({"max_lifetime_seconds": -1}, "max_lifetime_seconds"),
    ({"max_lifetime_seconds": 2_592_001}, "max_lifetime_seconds"),
    ({"container": {"working_dir": "relative"}}, "working_dir"),
    ({"container": {"environment_variables": {"A=B": "c"}}}, "environment_variables"),
    ({"container": {"environment_variables": {"": "c"}}}, "environment_variables"),
    ({"image": "UPPER CASE/../x"}, "image"),
    ({"runner_ids": ["somewhere"]}, "runner_ids"),
])
def test_faults_of_a_spec_name_their_field(node, change, path):
    failure = invalid(node, node.spec(**change))
    assert any(path in field for field in failure.violations), failure
    assert all(field.startswith("sandbox.spec") for field in failure.violations), failure


@pytest.mark.parametrize("cpu, memory", [("-1", "1Gi"), ("1", "-5"), ("many", "1Gi"), ("1", "1Qi"), ("1", "1e99"),
                                         ("nan", "1Gi"), ("1", " 1Gi"), ("9" * 400, "1Gi")])
def test_quantities(node, cpu, memory):
    limits = pb.Resources(cpu=cpu, memory=memory)
    requirements = pb.ResourceRequirements(requests=limits, limits=limits)
    failure = invalid(node, node.spec(container={"resource_requirements": requirements}))
    assert any("resource" in field for field in failure.violations), failure


def test_more_than_the_node_has(node):
    limits = pb.Resources(cpu="100000", memory="1Gi")
    requirements = pb.ResourceRequirements(requests=limits, limits=limits)
    failure = invalid(node, node.spec(container={"resource_requirements": requirements}))
    assert failure.reason == "CWSANDBOX_RESOURCE_CEILING_EXCEEDED"


def test_no_containers_and_no_spec(node):
    invalid(node, pb.SandboxSpec())
    invalid(node, None)
    twice = pb.SandboxSpec(containers=[pb.Container(name=name, image=BUSYBOX) for name in "ab"])
    body = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=twice), request_id="two-containers")
    assert fails(node.stub.CreateSandbox, body).reason == "CWSANDBOX_NOT_IMPLEMENTED"


def test_message_of_101_mebibytes(node):
    huge = pb.ExecRequest(sandbox_id="x", command=["y" * (101 << 20)])
    failure = fails(node.stub.Exec, huge, timeout=60)
    assert failure.code == Code.RESOURCE_EXHAUSTED, failure


def test_message_of_99_mebibytes_is_read(node):
    huge = pb.ExecRequest(sandbox_id="x", command=["y" * (99 << 20)])
    assert fails(node.stub.Exec, huge, timeout=60).code in (Code.NOT_FOUND, Code.INVALID_ARGUMENT)


def test_same_request_id(node):
    request_id = str(uuid.uuid4())
    first = node.create(request_id=request_id, tags=["one"])
    again = node.create(request_id=request_id, tags=["one"])
    assert again.sandbox_id == first.sandbox_id
    spec = node.spec(tags=["other"])
    body = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=spec), request_id=request_id)
    assert fails(node.stub.CreateSandbox, body).code == Code.INVALID_ARGUMENT
    assert len(node.list(tags=["one"])) == 1 and not node.list(tags=["other"])


def test_same_request_id_at_once(node):
    body = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=node.spec()), request_id=str(uuid.uuid4()))
    calls = [node.stub.CreateSandbox.future(body, timeout=60) for _ in range(20)]
    assert len({call.result().sandbox_id for call in calls}) == 1
    assert len(node.list()) == 1


def test_garbage_on_the_port(node):
    host, port = node.address.rsplit(":", 1)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for noise in (b"", b"\0" * 100_000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(65536), preface,
                  preface + os.urandom(5000), preface + b"\xff\xff\xff\x01\x04\0\0\0\1" + b"A" * 1000):
        with socket.create_connection((host, int(port)), timeout=60) as raw:
            try:
                raw.sendall(noise)
                raw.shutdown(socket.SHUT_WR)
                raw.settimeout(0.5)
                while raw.recv(65536):
                    pass
            except OSError:
                pass
    assert node.list() == []


@pytest.mark.parametrize("body", [b"\xff" * 50, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28", b"\x0a\x05ab\0cd",
                                  b"\x08", b"\x1a\x04" * 5000])
@pytest.mark.parametrize("method", ["CreateSandbox", "GetSandbox", "ListSandboxes", "DeleteSandbox", "Exec",
                                    "PurgeSandboxes"])
def test_bodies_that_are_no_message(node, method, body):
    node.stub  # the channel
    call = node.channel.unary_unary(SERVICE + method)
    assert fails(call, body, timeout=60).code in (Code.INVALID_ARGUMENT, Code.INTERNAL, Code.NOT_FOUND)


def test_deep_nesting(node):
    # FileMount inside Container inside ... cannot nest far; unknown groups can.
    node.stub
    deep = b"\x0b" * 100_000
    assert fails(node.channel.unary_unary(SERVICE + "CreateSandbox"), deep, timeout=60).code == Code.INVALID_ARGUMENT


def test_unknown_fields_are_tolerated(node):
    node.stub
    request = pb.ListSandboxesRequest(page_size=1).SerializeToString() + b"\xfa\x3f\x03abc\x80\x7d\x07"
    assert node.channel.unary_unary(SERVICE + "ListSandboxes")(request, timeout=60) == b""


def test_image_that_does_not_exist(node):
    sandbox = node.create(image="sandkeep.test/none-such:latest")
    failed = node.reach(sandbox, {pb.STATE_FAILED})
    assert "none-such" in failed.status.state_reason
    assert not failed.status.HasField("exit_code")


@pytest.mark.real
def test_command_that_does_not_exist(node):
    failed = node.reach(node.create("/no/such/program"), {pb.STATE_FAILED})
    assert "/no/such/program" in failed.status.state_reason


@pytest.mark.parametrize("metadata", [(), (("authorization", "Bearer wrong"),), (("x-api-key", ""),),
                                      (("authorization", "Basic abc"),), (("x-wandb-api-key", "wrong"),),
                                      (("authorization", "Bearer " + "k" * 4000),)])
def test_without_the_key(node, metadata):
    with grpc.insecure_channel(node.address) as channel:
        for method in ("GetSandbox", "CreateSandbox", "StreamLogs", "NoSuchMethod"):
            failure = fails(channel.unary_unary(SERVICE + method), b"", timeout=60, metadata=metadata)
            assert failure.code == Code.UNAUTHENTICATED or method == "NoSuchMethod", (method, failure)


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "x-wandb-api-key"])
def test_each_header_that_carries_a_key(node, header):
    value = f"Bearer {node.key}" if header == "authorization" else node.key
    with grpc.insecure_channel(node.address) as channel:
        call = channel.unary_unary(SERVICE + "ListSandboxes")
        assert call(b"", timeout=60, metadata=((header, value),)) == b""


@pytest.mark.parametrize("fields", [{"page_token": "junk"}, {"page_token": "\U0001f600" * 100}, {"page_size": -1}])
def test_paging_faults(node, fields):
    assert fails(node.stub.ListSandboxes, pb.ListSandboxesRequest(**fields)).code == Code.INVALID_ARGUMENT


def test_pages(node):
    made = [node.create(tags=["page"]).sandbox_id for _ in range(5)]
    seen, token, pages = [], "", 0
    while True:
        page = node.stub.ListSandboxes(pb.ListSandboxesRequest(page_size=2, page_token=token, tags=["page"]))
        seen += [s.sandbox_id for s in page.sandboxes]
        pages += 1
        token = page.next_page_token
        if not token:
            break
        assert len(page.sandboxes) == 2
    assert seen == made[::-1] and pages == 3


def test_purge(node):
    for tag in ("a", "a", "b"):
        node.create(tags=[tag])
    purge = node.stub.PurgeSandboxes
    assert fails(purge, pb.PurgeSandboxesRequest()).code == Code.INVALID_ARGUMENT
    assert fails(purge, pb.PurgeSandboxesRequest(tags=["a"], purge_all=True)).code == Code.INVALID_ARGUMENT
    assert fails(purge, pb.PurgeSandboxesRequest(tags=["a"], request_id="r")).code == Code.UNIMPLEMENTED
    assert purge(pb.PurgeSandboxesRequest(tags=["a"], dry_run=True)).purge_count == 2
    assert len(node.list()) == 3
    assert purge(pb.PurgeSandboxesRequest(tags=["a"])).purge_count == 2
    assert {tag for s in node.list(state=pb.STATE_RUNNING) for tag in s.spec.tags} <= {"b"}


def test_what_comes_later_is_refused_not_ignored(node):
    volume = pb.SandboxVolume(name="v", scratch=pb.ScratchVolume(size="1Gi"))
    mount = pb.VolumeMount(volume="v", mount_path="/v")
    secret = pb.SecretStoreReference(store_name="s", secrets=[pb.SecretMapping(path="p")])
    refused = [
        node.spec(volumes=[volume], container={"volume_mounts": [mount]}),
        node.spec(container={"secret_stores": [secret]}),
        node.spec(network=pb.NetworkOptions(egress=[pb.EgressRule(selector=pb.SelectorBlock(pod_labels={"a": "b"}))])),
        node.spec(network_config_id="c"),
        node.spec(container={"security_context": pb.SecurityContext(privileged=True)}),
        node.spec(runtime_class="no-such-class"),
        node.spec(object_storage_access=pb.ObjectStorageAccess(buckets=["b"])),
    ]
    for spec in refused:
        body = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=spec), request_id=str(uuid.uuid4()))
        failure = fails(node.stub.CreateSandbox, body, timeout=60)
        assert failure.code in (Code.UNIMPLEMENTED, Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION,
                                Code.RESOURCE_EXHAUSTED, Code.PERMISSION_DENIED), (spec, failure)
        assert failure.reason or failure.violations, (spec, failure)
    assert node.list(show_terminated=False) == []


def test_exec_in_what_has_ended(node):
    sandbox = node.running()
    node.end(sandbox)
    request = pb.ExecRequest(sandbox_id=sandbox.sandbox_id, command=["true"])
    failure = fails(node.stub.Exec, request)
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, "CWSANDBOX_SANDBOX_NOT_RUNNING")


def test_unknown_container(node):
    sandbox = node.running()
    request = pb.ExecRequest(sandbox_id=sandbox.sandbox_id, command=["true"], container="other")
    assert fails(node.stub.Exec, request).code == Code.NOT_FOUND


@pytest.mark.real
def test_exec_that_cannot_fit_the_kernel(node):
    sandbox = node.running()
    for command in (["/bin/true"] * 400_000, ["/bin/echo", "x" * (3 << 20)], ["y" * 5000]):
        request = pb.ExecRequest(sandbox_id=sandbox.sandbox_id, command=command)
        try:
            assert node.stub.Exec(request, timeout=60).exit_code in (126, 127)
        except grpc.RpcError as error:
            assert Failure.of(error).code == Code.INVALID_ARGUMENT, error
    assert node.execute(sandbox, "/bin/true").exit_code == 0


@pytest.mark.real
def test_unary_exec_caps_and_counts(node):
    sandbox = node.running()
    request = pb.ExecRequest(sandbox_id=sandbox.sandbox_id, max_output_bytes=1000,
                             command=["/bin/sh", "-c", "head -c 300000 /dev/zero; echo e >&2; exit 4"])
    answer = node.stub.Exec(request, timeout=60)
    assert (len(answer.stdout), answer.stdout_truncated, answer.stdout_bytes_produced) == (1000, True, 300_000)
    assert (answer.stderr, answer.stderr_truncated, answer.stderr_bytes_produced) == (b"e\n", False, 2)
    assert answer.exit_code == 4
