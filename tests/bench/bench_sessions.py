#!/usr/bin/env python3
"""bench_sessions.py BUILD [PART...]: what sessions and idle sandboxes cost, as rows for table.py.

A row is "sessions/what <tab> value". Parts: close (100 sandboxes of a session, beside containerd alone), live (the
daemon with 0, 100 and 500 real sandboxes), many (100 000 sandboxes and sessions on the fake drivers; the sandboxes
wait for their first use, since running ones have descriptors, and those are what a host has too few of; the sessions
have a timer each).
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from nodes import BUSYBOX, SERVICE, Node, pb  # noqa: E402
from sessions import NOW, ON_FIRST_USE, SERVICE as SESSIONS, Sessions, _methods, image  # noqa: E402

LONG = 86_400
CLOSED_AT_ONCE = 100
AT_A_TIME = 16
PROBES = 5_000
LIVE = 1_000
STARTED_SECONDS = 65  # for so long a daemon that has started looks for stray shims
IDLE_SECONDS = 30  # in which the daemon compares its records with the runtime once


def row(name, value):
    print(f"sessions/{name}\t{value:.4f}", flush=True)


@contextlib.contextmanager
def node_of(runtime, build):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"log_level": "warn", "max_sessions": 1_000_000}, config)
        config.flush()
        node = Node(runtime, build, config.name)
    try:
        yield node
    finally:
        subprocess.run([str(ROOT / "tests/support/node.sh"), "down", "--lax"], env=os.environ | node.env, check=True)


def resident(node):
    """KiB."""
    status = pathlib.Path(f"/proc/{node.pid()}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0])


def cpu(node):
    """Seconds of the daemon so far, all threads; the scheduler's own count is finer than the clock's ticks."""
    return sum(int(task.read_text(encoding="utf-8").split()[0])
               for task in pathlib.Path(f"/proc/{node.pid()}/task").glob("*/schedstat")) / 1e9


def idle(node, name):
    """Percent of one core while nobody asks for anything."""
    time.sleep(3)
    before, began = cpu(node), time.monotonic()
    time.sleep(IDLE_SECONDS)
    row(f"idle-percent-{name}", (cpu(node) - before) / (time.monotonic() - began) * 100)


# --- closing ---


def close_at_once(node):
    """From the request to the answer that the last one has ended; containerd holds nothing then."""
    sessions = Sessions(node)
    session = sessions.open(command=["/bin/sleep"], args=["100000"])
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        made = list(pool.map(lambda _: sessions.create(session), range(CLOSED_AT_ONCE)))
        list(pool.map(lambda s: node.reach(s, {pb.STATE_RUNNING}), made))
    row("create-100", time.monotonic() - began)
    began = time.monotonic()
    sessions.close(session, timeout=120)
    row("close-100", time.monotonic() - began)
    row("close-100-residue", len(node.inventory()))  # at once: nobody has been given time for it


def delete_by_hand(node):
    """The same with ctr, at its best: so many at a time, kill, task, container and snapshot in two commands."""
    ctr = f"ctr --address {node.folder}/containerd/sock --namespace bench"
    sh = lambda script: subprocess.run(["bash", "-c", script], check=True, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
    subprocess.run([str(ROOT / "tests/support/image.sh"), "import", f"{node.folder}/containerd/sock", "busybox"],
                   check=True, env=os.environ | {"SK_NAMESPACE": "bench"}, stdout=subprocess.DEVNULL)
    each = f"seq {CLOSED_AT_ONCE} | xargs -P {AT_A_TIME} -I@ sh -c"
    sh(f"{each} '{ctr} run -d --runc-binary crun {BUSYBOX} c@ sleep 100000'")
    began = time.monotonic()
    sh(f"{each} '{ctr} task delete -f c@; {ctr} container delete c@'")
    row("ctr-delete-100", time.monotonic() - began)


def part_close(build):
    with node_of("crun", build) as node:
        close_at_once(node)  # the first time warms up: shims, the image, the allocator
        close_at_once(node)
        delete_by_hand(node)


# --- live sandboxes ---


def part_live(build):
    with node_of("crun", build) as node:
        sessions = Sessions(node)
        first = sessions.open(lease=LONG, command=["/bin/sleep"], args=["100000"], max_lifetime_seconds=LONG,
                              idle_timeout_seconds=LONG)
        node.end(sessions.create(first))  # warms up
        time.sleep(STARTED_SECONDS)
        empty, made = resident(node), 0
        row("resident-0", empty)
        idle(node, "0")
        for count in (100, 500):
            with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
                boxes = list(pool.map(lambda _: sessions.create(first), range(count - made)))
                list(pool.map(lambda s: node.reach(s, {pb.STATE_RUNNING}, 60), boxes))
            made = count
            row(f"resident-{count}", resident(node))
            row(f"kib-a-sandbox-{count}", (resident(node) - empty) / count)
            idle(node, count)
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(lambda _: sessions.open(lease=LONG), range(1000)))
        idle(node, "500-and-1000-sessions")
        sessions.close(first, timeout=120)
        node.clean(120)


# --- very many ---


class Load:
    """The plain C client, for what a Python one would take too long for."""

    def __init__(self, node, build):
        self.node, self.bench = node, str(pathlib.Path(build) / "tests/sandkeep-bench")

    def calls(self, path, request, total, at_a_time=64):
        env = os.environ | self.node.env | {"SANDKEEP_ADDRESS": self.node.address}
        subprocess.run([self.bench, "calls", path, str(total), str(at_a_time)], input=request.SerializeToString(),
                       env=env, check=True, stdout=subprocess.DEVNULL)

    def cost(self, name, path, request, total=PROBES):
        """Microseconds of the daemon's processor time a call; the median of three rounds."""
        took = []
        for _ in range(3):
            before = cpu(self.node)
            self.calls(path, request, total // 3)
            took.append((cpu(self.node) - before) / (total // 3))
        row(name, sorted(took)[1] * 1e6)


def fill(load, session, count):
    """Sandboxes in one session, and sessions beside it, until there are so many of both."""
    node, have = load.node, load.have
    before = resident(node)
    load.calls(f"/{SESSIONS}/OpenSession", open_request(node), count - have)
    row(f"kib-a-session-{count}", (resident(node) - before) / (count - have))
    before = resident(node)
    load.calls(f"/{SESSIONS}/CreateSandbox", create_request(session, ON_FIRST_USE), count - have)
    row(f"kib-a-fake-sandbox-{count}", (resident(node) - before) / (count - have))
    load.have = count


def open_request(node):
    defaults = {"container_image": image(node), "command": ["/bin/sleep"], "args": [str(LONG)],
                "max_lifetime_seconds": LONG, "idle_timeout_seconds": LONG}
    return _methods["OpenSession"][0](lease_seconds=LONG, defaults=defaults)


def create_request(session, start):
    return _methods["CreateSandbox"][0](session_id=session.session_id, start=start)


def opened(sessions):
    return sessions.call("OpenSession", **{f.name: v for f, v in open_request(sessions.node).ListFields()})


def probe(load, sessions, count):
    """What each call costs with so many of everything around it."""
    session = opened(sessions)
    box = sessions.create(session)
    of_box = pb.GetSandboxRequest(sandbox_id=box.sandbox_id)
    named = lambda method, **fields: (f"/{SESSIONS}/{method}", _methods[method][0](**fields))
    load.cost(f"create-us-{count}", f"/{SESSIONS}/CreateSandbox", create_request(session, NOW), LIVE)
    load.cost(f"get-us-{count}", SERVICE + "GetSandbox", of_box)
    load.cost(f"list-us-{count}", SERVICE + "ListSandboxes", pb.ListSandboxesRequest(page_size=10))
    load.cost(f"renew-us-{count}", *named("RenewSession", session_id=session.session_id))
    load.cost(f"list-sessions-us-{count}", *named("ListSessions", page_size=10))
    idle(load.node, f"fake-{count}")
    before = cpu(load.node)
    sessions.close(session)
    row(f"close-us-{count}", (cpu(load.node) - before) / LIVE * 1e6)


def remember_ended(load, sessions, count):
    """A list of those that live must not cost what those that have ended are many."""
    session = opened(sessions)
    load.calls(f"/{SESSIONS}/CreateSandbox", create_request(session, ON_FIRST_USE), count)
    sessions.close(session, timeout=300)
    load.cost(f"ended-list-us-{count}", SERVICE + "ListSandboxes", pb.ListSandboxesRequest(page_size=10))


def part_many(build):
    with node_of("fake", build) as node:
        sessions, load = Sessions(node), Load(node, build)
        load.have = 0
        session = opened(sessions)
        for count in (1_000, 100_000):
            fill(load, session, count)
            probe(load, sessions, count)
            remember_ended(load, sessions, count)


def main():
    build, parts = sys.argv[1], sys.argv[2:] or ["close", "live", "many"]
    for part in parts:
        globals()[f"part_{part}"](build)


if __name__ == "__main__":
    main()
