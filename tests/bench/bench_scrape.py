#!/usr/bin/env python3
"""bench_scrape.py BUILD [SANDBOXES]: what a scrape costs, as rows for table_scrape.py.

A row is "scrape/what <tab> milliseconds" (or bytes, or lines). A daemon on the fake drivers with none and with 500 running
sandboxes, each of which has run a command; beside it Debian's prometheus-node-exporter, where it is installed. One
connection a scrape, from its start to the last byte, as a client in Python sees it.
"""
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import web  # noqa: E402
from nodes import Node  # noqa: E402

ROUNDS = 300
WARM = 20
AT_A_TIME = 8


def row(name, value):
    print(f"scrape/{name}\t{value:.4f}", flush=True)


def fetch(address, path):
    link = http.client.HTTPConnection(*address, timeout=30)
    link.request("GET", path)
    answer = link.getresponse()
    text = answer.read()
    link.close()
    assert answer.status == 200, (path, answer.status)
    return text


def measure(name, address, path):
    for _ in range(WARM):
        text = fetch(address, path)
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        fetch(address, path)
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    row(f"{name}-p50", taken[len(taken) // 2])
    row(f"{name}-p99", taken[len(taken) * 99 // 100])
    row(f"{name}-worst", taken[-1])
    row(f"{name}-bytes", len(text))
    row(f"{name}-lines", sum(1 for line in text.splitlines() if not line.startswith(b"#")))


def cpu(pid):
    """Seconds so far, all threads."""
    return sum(int(task.read_text(encoding="utf-8").split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def daemon(build, count):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"log_level": "warn"}, config)
        config.flush()
        node = Node("fake", build, config.name)
    try:
        address = web.address(node)
        measure("metrics-0", address, "/metrics")
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(lambda _: node.execute(node.running(), "echo", "hello"), range(count)))
        said = web.metrics(node)['sandkeep_sandboxes{state="running"}']
        assert said == count, said
        before = cpu(node.pid())
        measure("metrics-many", address, "/metrics")
        row("metrics-many-cpu", (cpu(node.pid()) - before) * 1000 / (ROUNDS + WARM))
        measure("status-many", address, "/status.json")
    finally:
        subprocess.run([str(ROOT / "tests/support/node.sh"), "down", "--lax"], env=os.environ | node.env, check=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def exporter():
    program, port = shutil.which("prometheus-node-exporter"), free_port()
    if not program:
        print("prometheus-node-exporter is not installed: nothing to compare with", file=sys.stderr)
        return
    running = subprocess.Popen([program, f"--web.listen-address=127.0.0.1:{port}"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                fetch(("127.0.0.1", port), "/metrics")
                break
            except OSError:
                time.sleep(0.1)
        measure("exporter", ("127.0.0.1", port), "/metrics")
    finally:
        running.terminate()
        running.wait(30)


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    row("sandboxes", count)
    daemon(sys.argv[1], count)
    exporter()


if __name__ == "__main__":
    main()
