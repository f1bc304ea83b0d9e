#!/usr/bin/env python3
"""bench_audit.py BUILD [ROUNDS [EXECS]]: what authentication, the audit and metrics cost an exec, as rows.

Two private nodes of one build on one machine: the first has no keys, no audit and nobody who looks at its metrics; the
second has keys in its configuration and its store, an audit that is kept on the disk every second, and is scraped every
second. Commands go to both in turn, and both are the first of the two as often: the bench's own thread serves its
first connection later than its second. A row is "audit/what <tab> value": medians over the rounds' medians, in
milliseconds; the median of the rounds' ratios, in percent; and the daemons' processor time for each command, all
threads, in microseconds.
"""
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from nodes import BUSYBOX, Node  # noqa: E402

HTTP = "127.0.0.1:17464"
OFF = {"api_keys": [], "audit": False, "http_listen": "", "log_level": "warn"}
ON = {"audit": True, "audit_sync": "second", "http_listen": HTTP, "log_level": "warn"}


def node_of(build, keys):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump(keys, config)
        config.flush()
        return Node("crun", build, config.name)


def down(node):
    subprocess.run([str(ROOT / "tests/support/node.sh"), "down", "--lax"], env=os.environ | node.env, check=True)


def cpu(node):
    """Seconds of the daemon so far, all threads."""
    return sum(int(task.read_text(encoding="utf-8").split()[0])
               for task in pathlib.Path(f"/proc/{node.pid()}/task").glob("*/schedstat")) / 1e9


def turns(build, first, second, count):
    """Medians of both in ms."""
    env = os.environ | {"SANDKEEP_ADDRESS": first.address, "CWSANDBOX_API_KEY": first.key,
                        "SANDKEEP_ADDRESS_2": second.address, "SANDKEEP_API_KEY_2": second.key}
    said = subprocess.run([f"{build}/tests/sandkeep-bench", "pair", BUSYBOX, str(count)], env=env, check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return [float(line.split("\t")[3]) for line in said.splitlines()]


def round_of(build, off, on, count):
    """Medians in ms, and processor time of each command in microseconds; off and on."""
    before = [cpu(off), cpu(on)]
    one, other = turns(build, off, on, count), turns(build, on, off, count)
    used = [(cpu(node) - earlier) / count / 2 * 1e6 for node, earlier in zip((off, on), before)]
    return [math.sqrt(one[0] * other[1]), math.sqrt(one[1] * other[0])], used


def scrape(stop):
    while not stop.wait(1):
        with urllib.request.urlopen(f"http://{HTTP}/metrics", timeout=5) as answer:
            answer.read()


def row(name, value):
    print(f"audit/{name}\t{value:.4f}", flush=True)


def main():
    build = sys.argv[1]
    rounds, count = (int(word) for word in (sys.argv[2:] + ["20", "300"][len(sys.argv) - 2:])[:2])
    off = node_of(build, OFF)
    on = node_of(build, ON)
    stop = threading.Event()
    scraper = threading.Thread(target=scrape, args=(stop,))
    scraper.start()
    try:
        round_of(build, off, on, count)  # warms both
        measured = [round_of(build, off, on, count) for _ in range(rounds)]
    finally:
        stop.set()
        scraper.join()
        down(on)
        down(off)
    row("off-ms", statistics.median(medians[0] for medians, _ in measured))
    row("on-ms", statistics.median(medians[1] for medians, _ in measured))
    row("cost-percent", statistics.median((medians[1] / medians[0] - 1) * 100 for medians, _ in measured))
    row("off-cpu-us", statistics.median(used[0] for _, used in measured))
    row("on-cpu-us", statistics.median(used[1] for _, used in measured))


if __name__ == "__main__":
    main()
