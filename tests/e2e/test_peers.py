"""Two nodes that know each other: each answers for both, and says so when it cannot."""
import json
import os
import signal
import threading
import uuid

import grpc
import pytest
from cwsandbox._proto import discovery_pb2 as discovery
from cwsandbox._proto import discovery_pb2_grpc as discovery_grpc
from cwsandbox._proto import sandbox_pb2 as pb

import settings
from conftest import stop_node
from nodes import PATIENCE, TERMINAL, Node, fails, halt, wait_until
from test_restart import serving

KEY = "the-key-that-nodes-show-each-other"


def introduce(node, peers):
    """The node knows the others from now on."""
    key_file = node.folder / "peer_key"
    key_file.touch(0o600)
    key_file.write_text(KEY + "\n")
    settings.change(node, api_keys=[node.key, KEY], peer_key_file=str(key_file),
                    peers={peer.node_id: f"http://{peer.address}" for peer in peers})
    assert node.cli("reload").returncode == 0


@pytest.fixture(scope="module")
def pair_shared(pytestconfig):
    # What sandboxes are made of plays no part.
    pair = [Node("fake", pytestconfig.getoption("--build")) for _ in range(2)]
    for node in pair:
        introduce(node, pair)  # its own name in the list does nothing
    yield pair
    for node in pair:
        stop_node(node)


@pytest.fixture
def pair(pair_shared):
    yield pair_shared
    for node in pair_shared:
        end_own(node)


def end_own(node):
    """What the node itself holds."""
    for sandbox in node.list(runner_ids=[node.node_id]):
        node.delete(sandbox)
        node.reach(sandbox, TERMINAL)


def runners(node, **fields):
    stub = discovery_grpc.DiscoveryServiceStub(node.stub and node.channel)
    return stub.ListAvailableRunners(discovery.ListAvailableRunnersRequest(**fields), timeout=PATIENCE)


def runner(node, runner_id, organization="default", timeout=PATIENCE):
    stub = discovery_grpc.DiscoveryServiceStub(node.stub and node.channel)
    return stub.GetAvailableRunner(
        discovery.GetAvailableRunnerRequest(runner_id=runner_id, organization_id=organization), timeout=timeout)


def pages(node, size, **fields):
    """All pages, each a list of ids."""
    token, found = "", []
    while True:
        answer = node.stub.ListSandboxes(
            pb.ListSandboxesRequest(page_size=size, page_token=token, **fields), timeout=PATIENCE)
        found.append([sandbox.sandbox_id for sandbox in answer.sandboxes])
        token = answer.next_page_token
        if not token:
            return found


def ids(sandboxes):
    return [sandbox.sandbox_id for sandbox in sandboxes]


def test_a_list_is_of_both_nodes(pair):
    made = [pair[i % 2].running(tags=["both"]) for i in range(5)]
    newest_first = ids(made)[::-1]
    for node in pair:
        assert ids(node.list()) == newest_first
        assert ids(node.list(sort_direction=pb.SORT_DIRECTION_ASCENDING)) == ids(made)
        assert ids(node.list(tags=["both"], runner_ids=[pair[1].node_id])) == ids(made[1::2])[::-1]
        assert not node.list(tags=["other"])
        for size in (1, 2, 5):
            found = pages(node, size)
            assert sum(found, []) == newest_first
            assert all(len(page) == size for page in found[:-1])


def test_a_token_holds_on_either_node(pair):
    made = ids([pair[i % 2].running() for i in range(4)])[::-1]
    first = pair[0].stub.ListSandboxes(pb.ListSandboxesRequest(page_size=2), timeout=PATIENCE)
    assert ids(first.sandboxes) == made[:2]
    rest = pair[1].stub.ListSandboxes(pb.ListSandboxesRequest(page_token=first.next_page_token), timeout=PATIENCE)
    assert ids(rest.sandboxes) == made[2:]


def test_a_purge_ends_what_both_hold(pair):
    mine = [pair[0].running(tags=["mine"]), pair[1].running(tags=["mine"]), pair[1].running(tags=["mine"])]
    other = pair[1].running(tags=["other"])
    answer = pair[0].stub.PurgeSandboxes(pb.PurgeSandboxesRequest(tags=["mine"], dry_run=True), timeout=PATIENCE)
    assert answer.purge_count == 3 and len(pair[1].list()) == 4
    answer = pair[0].stub.PurgeSandboxes(pb.PurgeSandboxesRequest(tags=["mine"]), timeout=PATIENCE)
    assert answer.purge_count == 3 and not answer.failed_sandbox_ids
    for sandbox in mine:
        maker = pair[0] if sandbox.sandbox_id.startswith(pair[0].node_id) else pair[1]
        maker.reach(sandbox, TERMINAL)
    assert ids(pair[0].list()) == [other.sandbox_id]


def test_discovery_knows_both(pair):
    names = sorted(node.node_id for node in pair)
    for node in pair:
        assert [r.runner_id for r in runners(node).runners] == names
        first = runners(node, page_size=1)
        assert [r.runner_id for r in first.runners] == names[:1]
        rest = runners(node, page_size=1, page_token=first.next_page_token)
        assert [r.runner_id for r in rest.runners] == names[1:] and not rest.next_page_token
        for name in names:
            assert runner(node, name).runner_id == name
        missing = fails(runner, node, "nobody")
        assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "CWSANDBOX_RUNNER_NOT_FOUND")
        elsewhere = fails(runner, node, names[0], "another")
        assert (elsewhere.code, elsewhere.reason) == (grpc.StatusCode.NOT_FOUND, "CWSANDBOX_RUNNER_NOT_FOUND")


def test_the_other_nodes_ids_are_not_called_unknown(pair):
    """A wrong NOT_FOUND is final, and makes a delete report success for a box that lives."""
    sandbox = pair[1].running()
    calls = (
        lambda: pair[0].get(sandbox.sandbox_id),
        lambda: pair[0].delete(sandbox),
        lambda: pair[0].delete(sandbox, allow_missing=True),
        lambda: pair[0].execute(sandbox, "true"),
    )
    for call in calls:
        said = fails(call)
        assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "CWSANDBOX_RUNNER_UNAVAILABLE")
        assert pair[1].node_id in said.text
    unknown = fails(pair[0].get, f"nobody-{'a' * 26}")
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "CWSANDBOX_SANDBOX_NOT_FOUND")
    assert pair[1].get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING


def test_a_hop_goes_no_further(pair):
    there = pair[1].running()
    request = pb.ListSandboxesRequest()
    marked = [("authorization", f"Bearer {pair[0].key}"), ("x-sandkeep-hop", pair[1].node_id)]
    assert not pair[0].stub.ListSandboxes(request, timeout=PATIENCE, metadata=marked).sandboxes
    assert ids(pair[0].list()) == [there.sandbox_id]


def key_of(node, tenant):
    said = node.cli("key", "create", "--tenant", tenant)
    assert said.returncode == 0, said.stderr
    return next(word for word in said.stdout.split() if word.startswith("sk-"))


def test_a_tenant_sees_its_own_on_every_node(pair):
    """Whom a node asks for is told to its peers, and believed of admins alone."""
    keys = {tenant: [[("authorization", f"Bearer {key_of(node, tenant)}")] for node in pair]
            for tenant in ("red", "blue")}
    made = {}
    for tenant, both in keys.items():
        made[tenant] = []
        for node, metadata in zip(pair, both):
            request = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=node.spec()), request_id=str(uuid.uuid4()))
            made[tenant].append(node.stub.CreateSandbox(request, timeout=PATIENCE, metadata=metadata).sandbox_id)

    def seen(node, metadata):
        return set(ids(node.stub.ListSandboxes(pb.ListSandboxesRequest(), timeout=PATIENCE, metadata=metadata).sandboxes))
    for tenant, both in keys.items():
        for node, metadata in zip(pair, both):
            assert seen(node, metadata) == set(made[tenant])
            # Headers of peers from somebody who is none: as if they were not there.
            forged = metadata + [("x-sandkeep-hop", "x"), ("x-sandkeep-tenant", "red")]
            assert seen(node, forged) == set(made[tenant])
    narrowed = [("authorization", f"Bearer {KEY}"), ("x-sandkeep-hop", "x"), ("x-sandkeep-tenant", "red")]
    assert seen(pair[0], narrowed) == {made["red"][0]}
    answer = pair[0].stub.PurgeSandboxes(pb.PurgeSandboxesRequest(purge_all=True), timeout=PATIENCE, metadata=keys["red"][0])
    assert answer.purge_count == 2
    wait_until(lambda: set(ids(pair[1].list())) == set(made["blue"]), 30, "only what is of the other tenant is left")


def share(pair, shared):
    """All nodes have these keys of their configuration."""
    for node in pair:
        settings.drop_in(node, "50-keys.json", shared)
        assert node.cli("reload").returncode == 0


def test_a_key_of_the_configuration_is_one_on_all_nodes(pair):
    """One credential for the fleet: its tenant's boxes wherever they are, until it is taken out."""
    made = json.loads(pair[0].cli("key", "entry", "--tenant", "green", "--json").stdout)
    share(pair, {"shared_keys": made["shared_keys"]})
    metadata = [("authorization", f"Bearer {made['secret']}")]
    theirs = {node.stub.CreateSandbox(
        pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=node.spec()), request_id=str(uuid.uuid4())),
        timeout=PATIENCE, metadata=metadata).sandbox_id for node in pair}
    other = pair[0].running()
    for node in pair:
        listed = node.stub.ListSandboxes(pb.ListSandboxesRequest(), timeout=PATIENCE, metadata=metadata)
        assert set(ids(listed.sandboxes)) == theirs
        assert set(ids(node.list())) == theirs | {other.sandbox_id}
    share(pair, None)
    for node in pair:
        said = fails(node.stub.ListSandboxes, pb.ListSandboxesRequest(), timeout=PATIENCE, metadata=metadata)
        assert said.code == grpc.StatusCode.UNAUTHENTICATED
        assert len(node.list()) == 3  # they live on


def test_peers_come_and_go_while_they_are_asked(pair):
    """A reload changes whom new questions go to, and with which key; those under way end as they began."""
    node, other = pair
    made = {box.running().sandbox_id for box in pair}
    over, wrong = threading.Event(), []

    def load():
        while not over.is_set():
            try:
                found = set(ids(node.list()))
                if found not in (made, {i for i in made if i.startswith(node.node_id)}):
                    wrong.append(found)
            except grpc.RpcError as error:
                wrong.append(error)
    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        settings.change(node, peers={})
        assert "changed peers\n" in node.cli("reload").stdout
        assert len(node.list()) == 1
        settings.change(node, peers={other.node_id: f"http://{other.address}"})
        assert node.cli("reload").returncode == 0
        assert set(ids(node.list())) == made
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong
    # The file of the key is read again, though its name is the same; one that cannot be used changes nothing.
    key_file = node.folder / "peer_key"
    settings.change(other, api_keys=[other.key, "a-new-key-of-peers"])
    assert other.cli("reload").returncode == 0
    said = fails(node.stub.ListSandboxes, pb.ListSandboxesRequest(), timeout=PATIENCE)
    assert said.code == grpc.StatusCode.UNAVAILABLE and other.node_id in said.text
    key_file.write_text("")
    told = node.cli("reload")
    assert told.returncode == 1 and "peer_key_file" in told.stderr and "no key in its first line" in told.stderr
    key_file.write_text("a-new-key-of-peers\n")
    assert node.cli("reload").returncode == 0
    assert set(ids(node.list())) == made
    for each in pair:
        introduce(each, pair)
    assert all(set(ids(each.list())) == made for each in pair)


def test_a_silent_node_is_named_not_left_out(pair):
    here, there = pair[0].running(), pair[1].running()
    halt(pair[1].pid())
    try:
        # No question among nodes takes longer than 20 s (fleet/fleet.h): what is left is for the answer that names the node.
        said = fails(pair[0].stub.ListSandboxes, pb.ListSandboxesRequest(), timeout=2 * PATIENCE)
        assert said.code == grpc.StatusCode.UNAVAILABLE and pair[1].node_id in said.text
        assert said.reason == "CWSANDBOX_RUNNER_UNAVAILABLE"
        assert ids(pair[0].list(runner_ids=[pair[0].node_id])) == [here.sandbox_id]
        assert fails(runner, pair[0], pair[1].node_id, timeout=5).code in (grpc.StatusCode.UNAVAILABLE,
                                                                           grpc.StatusCode.DEADLINE_EXCEEDED)
    finally:
        os.kill(pair[1].pid(), signal.SIGCONT)
    wait_until(lambda: not fails_quietly(pair[0].list), 30, "the other node answers again")
    assert ids(pair[0].list()) == [there.sandbox_id, here.sandbox_id]


def test_a_node_that_is_down_is_named(pair):
    pair[1].sh("daemon", "stop")
    try:
        said = fails(pair[0].stub.ListSandboxes, pb.ListSandboxesRequest(), timeout=PATIENCE)
        assert said.code == grpc.StatusCode.UNAVAILABLE and pair[1].node_id in said.text
        assert pair[0].running().sandbox_id.startswith(pair[0].node_id)
    finally:
        pair[1].sh("daemon", "start")
        serving(pair[1])
    wait_until(lambda: not fails_quietly(pair[0].list), 30, "the other node answers again")


def fails_quietly(call):
    try:
        call()
    except grpc.RpcError:
        return True
    return False


def test_a_pinned_create_names_its_node(pair):
    pinned = pb.Sandbox(spec=pair[0].spec(mode=pb.SANDBOX_MODE_CKS, runner_ids=[pair[1].node_id]))
    request = pb.CreateSandboxRequest(sandbox=pinned, request_id=str(uuid.uuid4()))
    said = fails(pair[0].stub.CreateSandbox, request, timeout=PATIENCE)
    assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "CWSANDBOX_RUNNER_UNAVAILABLE")
    assert pair[1].stub.CreateSandbox(request, timeout=PATIENCE).status.runner_id == pair[1].node_id
