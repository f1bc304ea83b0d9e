"""New settings for a node at work: all of them or none, and nobody under way notices."""
import http.server
import os
import signal
import threading

import grpc
import pytest

import settings
from nodes import PATIENCE, fails, pb, pb_grpc, wait_until


@pytest.fixture(name="node")
def fixture_node(own_node):
    own_node.stub  # its channel
    yield own_node


def reload(node):
    return settings.reload(node.channel)


def lifetime_is_refused(node, seconds):
    """Whether a sandbox may not live so long."""
    failure = fails(node.stub.CreateSandbox, pb.CreateSandboxRequest(
        sandbox=pb.Sandbox(spec=node.spec(max_lifetime_seconds=seconds, tags=[""]))), timeout=PATIENCE)
    assert "sandbox.spec.tags[0]" in failure.violations  # so that none is made
    return "sandbox.spec.max_lifetime_seconds" in failure.violations


class Load:
    """Creates, execs and deletes, one after the other, until it is told to stop; whatever fails is kept."""

    def __init__(self, node, box=None):
        self.node, self.box = node, box
        self.rounds, self.wrong = 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def round(self):
        box = self.box or self.node.running()
        answer = self.node.execute(box, "/bin/sh", "-c", "echo here") if self.node.runtime != "fake" else None
        assert answer is None or answer.stdout == b"here\n"
        if not self.box:
            self.node.delete(box)

    def run(self):
        while not self.over.is_set():
            try:
                self.round()
            except (grpc.RpcError, AssertionError) as error:
                self.wrong.append(error)
            self.rounds += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_good_and_bad_reloads_under_load(node):
    """A refused one changes nothing, not even what was right in it; calls under way do not notice either."""
    box = node.running()
    with Load(node) as creates, Load(node, box) as execs:
        for turn in range(10):
            limit = 1000 + turn
            settings.change(node, max_lifetime_s=limit, default_lifetime_s=limit)
            done, _ = reload(node)
            assert set(done[0]) == {"max_lifetime_s", "default_lifetime_s"}
            assert lifetime_is_refused(node, limit + 1) and not lifetime_is_refused(node, limit)
            settings.change(node, max_lifetime_s=5000, default_lifetime_s=5001)
            done, wrong = reload(node)
            assert done is None and len(wrong) == 1
            assert "default_lifetime_s: is above max_lifetime_s, give at most 5000" in wrong[0]
            assert lifetime_is_refused(node, limit + 1)
        wait_until(lambda: creates.rounds > 3 and execs.rounds > 3, 60, "rounds of the load")
    assert not creates.wrong + execs.wrong
    settings.change(node, max_lifetime_s=None, default_lifetime_s=None)
    assert reload(node)[0] is not None


def test_what_needs_a_restart_is_told_and_waits(node):
    settings.change(node, network_mtu=1400, create_hold_ms=300)
    (changed, waiting), _ = reload(node)
    assert changed == ["create_hold_ms"]
    assert "network_mtu" in waiting
    assert "network_mtu" in [line["key"] for line in settings.logged(node, "config.needs_restart")]
    (changed, waiting), _ = reload(node)
    assert changed == [] and "network_mtu" in waiting  # it still waits
    settings.change(node, network_mtu=None, create_hold_ms=None)
    assert reload(node)[0][0] == ["create_hold_ms"]


def test_drop_ins_say_the_last_word_and_are_named_when_wrong(node):
    settings.drop_in(node, "20-limit.json", {"max_lifetime_s": 4000})
    settings.drop_in(node, "10-limit.json", {"max_lifetime_s": 3700})
    assert reload(node)[0][0] == ["max_lifetime_s"]
    assert lifetime_is_refused(node, 4001) and not lifetime_is_refused(node, 4000)
    settings.drop_in(node, "20-limit.json", '{"max_lifetime": 1,\n"pids_limit": "many"}')
    settings.drop_in(node, "30-broken.json", "{")
    done, wrong = reload(node)
    assert done is None
    assert [line.split("/conf.d/")[1].split(": ")[0] for line in wrong] == \
        ["20-limit.json:1", "20-limit.json:2", "30-broken.json:1"]
    assert lifetime_is_refused(node, 4001) and not lifetime_is_refused(node, 4000)
    for name in ("10-limit.json", "20-limit.json", "30-broken.json"):
        settings.drop_in(node, name, None)
    assert reload(node)[0][0] == ["max_lifetime_s"]


def test_a_hangup_reloads(node):
    before = len(settings.logged(node, "config.reloaded"))
    settings.change(node, max_lifetime_s=3900)
    os.kill(node.pid(), signal.SIGHUP)
    wait_until(lambda: len(settings.logged(node, "config.reloaded")) > before, 30, "the reload")
    assert lifetime_is_refused(node, 3901)
    refused = len(settings.logged(node, "config.refused"))
    settings.change(node, max_lifetime_s="long")
    os.kill(node.pid(), signal.SIGHUP)
    wait_until(lambda: len(settings.logged(node, "config.refused")) > refused, 30, "the refusal")
    wait_until(lambda: any("max_lifetime_s" in line["what"] for line in settings.logged(node, "config.fault")), 30, "its reason")
    assert lifetime_is_refused(node, 3901)
    settings.change(node, max_lifetime_s=None)
    assert reload(node)[0][0] == ["max_lifetime_s"]


def test_keys_come_and_go(node):
    """A key that is no more ends what it began."""
    settings.change(node, api_keys=[node.key, "another-key"])
    assert reload(node)[0][0] == ["api_keys"]
    with grpc.insecure_channel(node.address) as other:
        stub = pb_grpc.SandboxServiceStub(other)
        metadata = [("authorization", "Bearer another-key")]
        assert stub.ListSandboxes(pb.ListSandboxesRequest(), metadata=metadata, timeout=PATIENCE) is not None
        settings.change(node, api_keys=[node.key])
        assert reload(node)[0][0] == ["api_keys"]
        failure = fails(stub.ListSandboxes, pb.ListSandboxesRequest(), metadata=metadata, timeout=PATIENCE)
        assert failure.code == grpc.StatusCode.UNAUTHENTICATED


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent."""
    def do_POST(self):  # pylint: disable=invalid-name
        self.server.heard.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_traces_begin_and_end_by_a_reload(node):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        collector.heard = []
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{collector.server_address[1]}/v1/traces"
        settings.change(node, trace_url=url, trace_sample_percent=100)
        assert reload(node)[0][0] == ["trace_url", "trace_sample_percent"]
        node.list()
        wait_until(lambda: any(b"ListSandboxes" in body for body in collector.heard), 20, "the span of the list")
        settings.change(node, trace_url=None, trace_sample_percent=None)
        assert reload(node)[0][0] == ["trace_url", "trace_sample_percent"]
        fails(node.get, "nothing")
        # What is heard after it tells that it would have been heard.
        settings.change(node, trace_url=url, trace_sample_percent=100)
        assert reload(node)[0][0] == ["trace_url", "trace_sample_percent"]
        fails(node.delete, pb.Sandbox(sandbox_id="nothing"))
        wait_until(lambda: any(b"DeleteSandbox" in body for body in collector.heard), 20, "the span of the delete")
        assert not any(b"GetSandbox" in body for body in collector.heard)
        settings.change(node, trace_url=None, trace_sample_percent=None)
        reload(node)
        collector.shutdown()


def test_the_command_says_what_it_came_to(node):
    settings.change(node, max_lifetime_s=3800)
    done = node.cli("reload")
    assert (done.returncode, done.stderr) == (0, "")
    assert "changed max_lifetime_s\n" in done.stdout
    settings.change(node, max_lifetime_s=0, pids_limits=1)
    done = node.cli("reload")
    assert done.returncode == 1
    assert "max_lifetime_s: 0 is too small" in done.stderr
    assert 'pids_limits: no such key, did you mean "pids_limit"?' in done.stderr
    settings.change(node, max_lifetime_s=None, pids_limits=None)
    assert node.cli("reload").returncode == 0
