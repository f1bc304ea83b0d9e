"""Metrics: what a real Prometheus makes of them, and that they are what was done."""
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

import web
from nodes import PATIENCE, ROOT, TERMINAL, Node, wait_until

ALERTS = ROOT / "deploy/prometheus/alerts.yml"


@pytest.fixture(scope="module")
def fakes():
    node = Node("fake")
    yield node
    done = node.down()
    assert done.returncode == 0, done.stderr


def promtool(*args, **kwargs):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (apt install prometheus): nobody has looked at what it looks at")
    return subprocess.run(["promtool", *args], capture_output=True, text=True, timeout=PATIENCE, check=False, **kwargs)


def grown(before, after):
    """Series that are others than they were, and by how much."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def test_promtool_takes_a_scrape(fakes):
    fakes.execute(fakes.running(), "echo", "hello")
    said = promtool("check", "metrics", input=web.get(fakes, "/metrics").text)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert web.get(fakes, "/metrics").headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    fakes.end_all()


def test_values_are_what_was_done(fakes):
    before = web.metrics(fakes)
    boxes = [fakes.running(tags=["secret-tag"]) for _ in range(3)]
    for _ in range(5):
        fakes.execute(boxes[0], "echo", "hello")
    assert fakes.execute(boxes[1], "play", "exit:3").exit_code == 3
    failed = fakes.create("/no/such/program")
    fakes.reach(failed, TERMINAL)
    fakes.end(boxes[2])
    text = web.get(fakes, "/metrics").text
    more = grown(before, web.metrics(fakes))
    assert more['sandkeep_sandboxes{state="running"}'] == 2
    assert more['sandkeep_sandboxes{state="terminated"}'] == 1
    assert more['sandkeep_sandboxes{state="failed"}'] == 1
    assert more['sandkeep_creates_total{result="running"}'] == 3
    assert more['sandkeep_creates_total{result="failed"}'] == 1
    assert more['sandkeep_create_duration_seconds_count{path="cold"}'] == 3
    assert more['sandkeep_execs_total{path="unary",result="exited"}'] == 6
    assert more['sandkeep_exec_first_byte_seconds_count{path="unary"}'] == 5
    assert more['sandkeep_rpc_calls_total{method="SandboxService/Exec",code="ok"}'] == 6
    assert more['sandkeep_rpc_calls_total{method="SandboxService/CreateSandbox",code="ok"}'] == 4
    assert more["sandkeep_store_writes_total"] >= 4
    assert "sandkeep_execs_open" not in more
    # No ids, nothing that strangers chose.
    for box in [*boxes, failed]:
        assert box.sandbox_id not in text
    assert "secret-tag" not in text and "/no/such/program" not in text and fakes.key not in text
    fakes.end_all()


def test_as_many_series_with_many_sandboxes(fakes):
    """Else a busy node costs its Prometheus more than an idle one, and in the end its memory."""
    fakes.execute(fakes.running(), "echo", "hello")
    fakes.end_all()
    before = set(web.metrics(fakes))
    for _ in range(30):
        fakes.execute(fakes.running(), "echo", "hello")
    assert set(web.metrics(fakes)) - before == set()
    fakes.end_all()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Prometheus:
    """Debian's, with the node as its one target and the alerts that are shipped."""

    def __init__(self, folder, node):
        host, port = web.address(node)
        self.port = free_port()
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(ALERTS)],
                  "scrape_configs": [{"job_name": "sandkeep", "static_configs": [{"targets": [f"{host}:{port}"]}]}]}
        (folder / "prometheus.yml").write_text(json.dumps(config))
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--web.console.templates=/nonexistent",
                 "--web.console.libraries=/nonexistent"], stdout=log, stderr=log)

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def value(self, query):
        found = self.ask("query", query=query)
        return float(found["result"][0]["value"][1]) if found and found["result"] else None

    def target(self):
        """How it finds the node: its health, and what was wrong with the last scrape."""
        target = self.ask("targets")["activeTargets"][0]
        return target["health"], target["lastError"]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


@pytest.fixture
def prometheus(fakes, tmp_path):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed (apt install prometheus): nobody has scraped the daemon")
    running = Prometheus(tmp_path, fakes)
    yield running
    running.close()


def test_a_real_prometheus(fakes, prometheus):
    wait_until(lambda: prometheus.value("up") == 1, 30, "a scrape that succeeded")
    boxes = [fakes.running() for _ in range(2)]
    fakes.execute(boxes[0], "echo", "hello")
    wait_until(lambda: prometheus.value('sandkeep_sandboxes{state="running"}') == 2, 20, "two running sandboxes")
    said = web.metrics(fakes)
    for query in ['sandkeep_creates_total{result="running"}', "sandkeep_build_info", "process_start_time_seconds",
                  'sandkeep_exec_duration_seconds_count{path="unary"}']:
        name = next(name for name in said if name.startswith(query.rstrip("}")))
        # By the next scrape; one that takes longer than the second between them fails, and is made up for.
        wait_until(lambda: prometheus.value(query) == said[name], 20, query)  # pylint: disable=cell-var-from-loop
    wait_until(lambda: prometheus.target() == ("up", ""), 20, "the last scrape succeeded")
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    wait_until(lambda: all(rule["health"] == "ok" for group in prometheus.ask("rules")["groups"] for rule in group["rules"]),
               20, "every alert evaluated")
    assert rules and not [rule["name"] for rule in rules if rule.get("state") == "firing"]
    fakes.end_all()


# --- what only a real backend has ------------------------------------------------------------


@pytest.mark.real
def test_of_containerd(node):
    before = web.metrics(node)
    sandbox = node.running()
    node.output(sandbox, "echo hello")
    node.end(sandbox)
    more = grown(before, web.metrics(node))
    assert more['sandkeep_containerd_rpc_duration_seconds_count{method="Tasks/Create"}'] >= 1
    assert more['sandkeep_containerd_rpc_duration_seconds_count{method="Snapshots/Prepare"}'] >= 1
    assert more["sandkeep_store_commit_duration_seconds_count"] >= 2
    assert more["process_cpu_seconds_total"] > 0
    said = web.metrics(node)
    assert said["sandkeep_backend_up"] == 1
    fds = len(list(pathlib.Path(f"/proc/{node.pid()}/fd").iterdir()))
    assert abs(said["process_open_fds"] - fds) < 20
    assert said["process_start_time_seconds"] <= time.time()
