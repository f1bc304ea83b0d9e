"""A node whose peer says whatever it likes: what it is asked is answered, or fails as if the peer were silent."""
import contextlib
import random

import grpc
import pytest
from cwsandbox._proto import discovery_pb2 as discovery
from cwsandbox._proto import discovery_pb2_grpc as discovery_grpc

import settings
from conftest import stop_node
from liars import Refusal, Server, worst
from nodes import PATIENCE, Node, fails, pb


class Pair:
    """A node, and what its peer answers: `says` takes a method and gives its message, packed or not."""

    def __init__(self, node):
        self.node = node
        self.hushed()
        self.liar = Server(lambda method: [self.answer(method)])

    def introduced(self):
        key = self.node.folder / "peer_key"
        key.touch(0o600)
        key.write_text("the-key-that-nodes-show-each-other\n")
        settings.change(self.node, peer_key_file=str(key), peers={"liar": f"http://127.0.0.1:{self.liar.port}"})
        assert self.node.cli("reload").returncode == 0
        return self

    def hushed(self):
        self.says = lambda method: b""
        return self

    def answer(self, method):
        said = self.says(method)
        return said if isinstance(said, bytes) else said.SerializeToString()


@pytest.fixture(name="pair", scope="module")
def fixture_pair(pytestconfig):
    with contextlib.ExitStack() as ends:
        node = Node("fake", pytestconfig.getoption("--build"))
        ends.callback(stop_node, node)
        pair = Pair(node)
        ends.callback(lambda: pair.liar.server.stop(0).wait(60))
        yield pair.introduced()
        pair.hushed().node.end_all()
    assert not pair.liar.faults


def listed(node, **fields):
    return node.stub.ListSandboxes(pb.ListSandboxesRequest(**fields), timeout=PATIENCE)


def refused(call, *args, **fields):
    """The failure that a silent peer would be, or None: it was answered."""
    try:
        call(*args, **fields)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return error.details()
    return None


def test_counts_add_up_as_far_as_they_go(pair):
    pair.node.running(tags=["counted"])
    for said, sum_ in ((2**31 - 1, 2**31 - 1), (-2**31, 1), (3, 4)):
        pair.says = lambda method, said=said: pb.PurgeSandboxesResponse(purge_count=said)
        answer = pair.node.stub.PurgeSandboxes(pb.PurgeSandboxesRequest(tags=["counted"], dry_run=True), timeout=PATIENCE)
        assert answer.purge_count == sum_


def test_whatever_it_says(pair):
    rng = random.Random(7)
    sandbox = pair.node.running()
    pair.says = lambda method: worst(method, rng)
    stub = discovery_grpc.DiscoveryServiceStub(pair.node.channel)
    for _ in range(20):
        refused(listed, pair.node)
        refused(listed, pair.node, page_size=1)
        refused(pair.node.stub.PurgeSandboxes, pb.PurgeSandboxesRequest(purge_all=True, dry_run=True), timeout=PATIENCE)
        refused(stub.ListAvailableRunners, discovery.ListAvailableRunnersRequest(), timeout=PATIENCE)
    assert pair.node.get(sandbox.sandbox_id).status.state == pb.STATE_RUNNING


def test_what_is_no_answer(pair):
    for said in (b"\xff\xfe", b"\x08\x01" * 1700000):
        pair.says = lambda method, said=said: said
        assert "node liar did not answer" in refused(listed, pair.node)


def test_its_words_are_told_as_words(pair):
    def says(_method):
        raise Refusal(grpc.StatusCode.UNAUTHENTICATED, "\x1b[2J\u202e" + "e" * 5000, b"\xff" * 100)

    pair.says = says
    failure = fails(listed, pair.node)
    assert failure.code == grpc.StatusCode.UNAVAILABLE and failure.text.startswith("node liar did not answer: ?[2J?e")
