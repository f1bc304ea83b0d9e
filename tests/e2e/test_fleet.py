"""deploy/haproxy/fleet.cfg in front of two real nodes: unmodified SDK, routing by the id, nodes that drain and die."""
import concurrent.futures
import hashlib
import os
import subprocess
import sys
import threading
import uuid

import grpc
import pytest
from cwsandbox import Sandbox, SandboxNotFoundError

from fleet import KEY, Fleet
from nodes import KEEP_ALIVE, TERMINAL, fails, pb, wait_until

Code = grpc.StatusCode
MIB = 1 << 20


@pytest.fixture(scope="module")
def fleet_shared(pytestconfig):
    fleet = Fleet(pytestconfig.getoption("--runtime"), pytestconfig.getoption("--build"))
    yield fleet
    fleet.down()


@pytest.fixture
def fleet(fleet_shared, monkeypatch):
    yield from lend(fleet_shared, monkeypatch)


def lend(fleet, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("CWSANDBOX_", "WANDB_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CWSANDBOX_BASE_URL", fleet.url)
    monkeypatch.setenv("CWSANDBOX_API_KEY", KEY)
    yield fleet
    for node in fleet.nodes:
        own = node.list(runner_ids=[node.node_id])
        for sandbox in own:
            node.delete(sandbox)
        for sandbox in own:
            node.reach(sandbox, TERMINAL)


def create(fleet, request_id=None, **fields):
    request = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=fleet.nodes[0].spec(**fields)),
                                      request_id=request_id or str(uuid.uuid4()))
    return fleet.stub.CreateSandbox(request, timeout=60)


def create_on(fleet, node):
    """By way of the balancer, as often as it takes."""
    for _ in range(64):
        sandbox = create(fleet)
        if sandbox.sandbox_id.startswith(node.node_id + "-"):
            return node.reach(sandbox, {pb.STATE_RUNNING})
    raise AssertionError(f"64 creates, and none came to {node.node_id}")


def get(fleet, sandbox_id, timeout=60):
    return fleet.stub.GetSandbox(pb.GetSandboxRequest(sandbox_id=sandbox_id), timeout=timeout)


# --- the SDK ---------------------------------------------------------------------------


@pytest.mark.real
def test_the_sdk_works_as_with_one_node(fleet):
    seen = set()
    for _ in range(16):
        with Sandbox.run(*KEEP_ALIVE) as sandbox:
            seen.add(fleet.node_of(sandbox.sandbox_id).node_id)
            assert sandbox.exec(["echo", "hello"]).result(timeout=60).stdout == "hello\n"
        if len(seen) == 2:
            break
    assert len(seen) == 2, "creates come to one node only"


@pytest.mark.real
@pytest.mark.parametrize("size", [1, 17_000, 20 * MIB])
def test_files_of_all_sizes(fleet, size):
    data = os.urandom(size)
    with Sandbox.run(*KEEP_ALIVE) as sandbox:
        sandbox.write_file("/tmp/data", data).result(timeout=120)
        said = sandbox.exec(["sha256sum", "/tmp/data"]).result(timeout=60).stdout
        assert said.split()[0] == hashlib.sha256(data).hexdigest()
        assert sandbox.read_file("/tmp/data").result(timeout=120) == data


@pytest.mark.real
@pytest.mark.parametrize("length", [1, 200, 20_000, 100_000])
def test_commands_of_all_lengths_find_their_node(fleet, length):
    """The id of a StreamExec lies behind a length of one, two or three bytes."""
    for node in fleet.nodes:
        sandbox = Sandbox.from_id(create_on(fleet, node).sandbox_id).result(timeout=60)
        said = sandbox.exec(["sh", "-c", "echo ${#1}", "sh", "x" * length]).result(timeout=60)
        assert said.stdout == f"{length}\n"


@pytest.mark.real
def test_streams_stay_open_and_go_both_ways(fleet):
    with Sandbox.run(*KEEP_ALIVE) as sandbox:
        process = sandbox.exec(["cat"], stdin=True)
        for line in ("one\n", "two\n"):
            process.stdin.write(line.encode()).result(timeout=60)
        process.stdin.close().result(timeout=60)
        assert process.result(timeout=60).stdout == "one\ntwo\n"


@pytest.mark.real
def test_ends_are_not_lost_however_late_clients_close(fleet):
    """HAProxy 2.6 throws away what a node says last when its stream ends before the client's half: 4 of 5 did."""
    sandbox = create_on(fleet, fleet.nodes[0])
    init = pb.ExecStreamInit(sandbox_id=sandbox.sandbox_id, command=["echo", "hello"])

    def exit_code(_):
        def requests():
            yield pb.ExecStreamRequest(init=init)
            over.wait(timeout=120)
        over = threading.Event()
        try:
            said = fleet.stub.StreamExec(requests(), timeout=120)
            return next(it.exit.exit_code for it in said if it.HasField("exit"))
        finally:
            over.set()
    with concurrent.futures.ThreadPoolExecutor(8) as many:
        assert list(many.map(exit_code, range(200))) == [0] * 200


@pytest.mark.real
def test_logs_are_followed(fleet):
    script = "for i in 1 2 3; do echo line $i; sleep 0.3; done; sleep 100000"
    with Sandbox.run("sh", "-c", script) as sandbox:
        lines = []
        for line in sandbox.stream_logs(follow=True):
            lines.append(line.strip())
            if len(lines) == 3:
                break
    assert lines == ["line 1", "line 2", "line 3"]


# --- who gets what -----------------------------------------------------------------------


def test_a_create_that_is_sent_again_finds_the_first(fleet):
    for _ in range(8):
        request = str(uuid.uuid4())
        assert create(fleet, request).sandbox_id == create(fleet, request).sandbox_id


def test_a_create_with_a_long_spec_is_found_again(fleet):
    variables = {f"V{i}": "y" * 1000 for i in range(40)}
    for _ in range(8):
        request = str(uuid.uuid4())
        first, again = (create(fleet, request, container={"environment_variables": variables}) for _ in range(2))
        assert first.sandbox_id == again.sandbox_id


def test_lists_are_of_all_nodes(fleet):
    made = {create_on(fleet, node).sandbox_id for node in fleet.nodes}
    for _ in range(4):
        listed = fleet.stub.ListSandboxes(pb.ListSandboxesRequest(), timeout=60).sandboxes
        assert made <= {sandbox.sandbox_id for sandbox in listed}
    assert made <= {sandbox.sandbox_id for sandbox in Sandbox.list().result(timeout=60)}


def test_ids_of_nobody_are_not_found(fleet):
    for made_up in ("x", "does-not-exist", "-", "n1-" + "a" * 300, fleet.nodes[0].node_id + "-nothing", "ä-€"):
        failure = fails(get, fleet, made_up)
        assert (failure.code, failure.reason) == (Code.NOT_FOUND, "CWSANDBOX_SANDBOX_NOT_FOUND"), made_up
    with pytest.raises(SandboxNotFoundError):
        Sandbox.from_id("does-not-exist").result(timeout=60)


def test_an_id_that_cannot_be_read_is_sent_to_nobody(fleet):
    sandbox = create(fleet)
    channel = fleet.open_channel()
    request = pb.ReadFileRequest(sandbox_id=sandbox.sandbox_id, path="/" + "x" * 1000)
    compressed = fails(fleet.stub.ReadFile, request, timeout=60, compression=grpc.Compression.Gzip)
    assert compressed.code == Code.UNAVAILABLE
    # Another field before the id: lawful protobuf, which no client of ours sends.
    turned = b"\x12\x01x" + pb.GetSandboxRequest(sandbox_id=sandbox.sandbox_id).SerializeToString()
    raw = channel.unary_unary("/coreweave.sandbox.v1.SandboxService/GetSandbox")
    assert fails(raw, turned, timeout=60).code == Code.UNAVAILABLE
    channel.close()


# --- nodes that drain, and nodes that are gone ----------------------------------------------


@pytest.fixture
def own_fleet(pytestconfig, monkeypatch):
    """Whose nodes may die."""
    fleet = Fleet("fake", pytestconfig.getoption("--build"))
    try:
        yield from lend(fleet, monkeypatch)
    finally:
        fleet.down()


def test_a_dead_node_costs_only_what_is_its_own(own_fleet):
    dead, alive = own_fleet.nodes
    lost, kept = create_on(own_fleet, dead), create_on(own_fleet, alive)
    dead.sh("daemon", "kill")
    wait_until(lambda: own_fleet.state(f"id-{dead.node_id}", dead.node_id) == "DOWN", 60, "the balancer saw it die")
    assert get(own_fleet, kept.sandbox_id).status.state == pb.STATE_RUNNING
    # Not "not found": that would be taken for the sandbox's end.
    assert fails(get, own_fleet, lost.sandbox_id).code == Code.UNAVAILABLE
    for _ in range(4):
        assert create(own_fleet).sandbox_id.startswith(alive.node_id + "-")
    dead.sh("daemon", "start")
    wait_until(lambda: own_fleet.state(f"id-{dead.node_id}", dead.node_id) == "UP", 60, "the balancer saw it come back")
    assert get(own_fleet, lost.sandbox_id).sandbox_id == lost.sandbox_id


def test_a_node_that_drains_keeps_what_it_has_and_gets_nothing_new(own_fleet):
    draining, other = own_fleet.nodes
    kept = create_on(own_fleet, draining)
    assert draining.cli("drain").returncode == 0
    wait_until(lambda: own_fleet.state("creates", draining.node_id) == "DOWN", 60, "the balancer saw it drain")
    for _ in range(8):
        assert create(own_fleet).sandbox_id.startswith(other.node_id + "-")
    assert get(own_fleet, kept.sandbox_id).status.state == pb.STATE_RUNNING
    assert own_fleet.state(f"id-{draining.node_id}", draining.node_id) == "UP"
    assert draining.cli("undrain").returncode == 0
    wait_until(lambda: own_fleet.state("creates", draining.node_id) == "UP", 60, "the balancer saw it come back")
    create_on(own_fleet, draining)


# --- TLS ----------------------------------------------------------------------------------------


def certificate(folder):
    made = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", made[0], "-keyout", made[1]],
                   check=True, stderr=subprocess.DEVNULL)
    made[1].chmod(0o600)
    return made


def test_tls_in_front(pytestconfig, monkeypatch, tmp_path):
    cert, key = certificate(tmp_path)
    pem = tmp_path / "fleet.pem"
    pem.write_text(key.read_text() + cert.read_text())
    fleet = Fleet("fake", pytestconfig.getoption("--build"), tls=pem)
    for secure in lend(fleet, monkeypatch):
        # A process of its own: gRPC reads its roots once.
        program = ("from cwsandbox import Sandbox\n"
                   "with Sandbox.run() as sandbox:\n    print(sandbox.sandbox_id)\n")
        said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120,
                              env=os.environ | {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(cert)}).stdout
        assert secure.node_of(said.strip())
    fleet.down()


def test_tls_to_the_nodes(pytestconfig, tmp_path):
    fleet = Fleet("fake", pytestconfig.getoption("--build"), node_tls=certificate(tmp_path))
    made = {create(fleet).sandbox_id for _ in range(12)}
    assert made <= {it.sandbox_id for it in fleet.stub.ListSandboxes(pb.ListSandboxesRequest(), timeout=60).sandboxes}
    for sandbox_id in made:
        assert get(fleet, sandbox_id).sandbox_id == sandbox_id
        fleet.stub.DeleteSandbox(pb.DeleteSandboxRequest(sandbox_id=sandbox_id), timeout=120)
    for sandbox_id in made:
        wait_until(lambda it=sandbox_id: get(fleet, it).status.state in TERMINAL, 60, f"{sandbox_id} has ended")
    fleet.down()
