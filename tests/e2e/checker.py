"""Is anything lost or left? Compares the daemon's records with what the machine holds; none of our C is asked.

Records are read from the database's bytes. What the machine holds comes from node.sh's inventory (containerd's
objects, processes, mounts, namespaces, cgroups, sockets, nftables) and from the folders. A fault is a sentence.
"""
import contextlib
import pathlib
import re
import sqlite3
import time

import grpc

from nodes import pb

# The numbers of sandkeep.records.v1.State.
STATES = ["", "PENDING", "CREATING", "RUNNING", "TERMINATING", "COMPLETED", "FAILED", "TERMINATED"]
UNSETTLED = {"CREATING", "TERMINATING"}
FINAL = {"COMPLETED", "FAILED", "TERMINATED"}
# What a RUNNING sandbox has, one of each at least.
NEEDS = {"task", "container", "snapshot", "agent folder", "cgroup", "runtime state", "mount", "log folder"}


# --- records ---

def varint(data, at):
    """One base-128 number and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """The top-level fields of a protobuf message: number -> last value."""
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            found[key >> 3], at = varint(data, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}.get(key & 7) or varint(data, at)
            found[key >> 3], at = data[at:at + size], at + size
    return found


def rows(node, kind):
    """The fields of every record of a kind, by key."""
    path = pathlib.Path(node.env["SANDKEEP_STATE"]) / "sandkeep.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as database:
        found = database.execute("SELECT key, data FROM records WHERE kind = ?", (kind,)).fetchall()
    return {key: fields(data) for key, data in found}


def records(node):
    """Sandbox id -> state, as stored."""
    return {key: STATES[row.get(8, 0)] for key, row in rows(node, "sandbox").items()}


# --- holdings ---

def inventory(node):
    """Lines of what exists, the node's own daemons left out; pids stay in."""
    pids = (node.folder / name for name in ("containerd.pid", "daemon.pid", "run/edge/pid"))
    own = {f"process {file.read_text().strip()} " for file in pids if file.exists()}
    lines = [line.strip() + " " for line in node.sh("inventory").splitlines()]
    logs = pathlib.Path(node.env["SANDKEEP_STATE"]) / "logs"
    lines += [f"log folder {entry.name} " for entry in logs.iterdir()]
    return [line.strip() for line in lines if line.strip() and not any(line.startswith(start) for start in own)]


def cgroup_of(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    return ""


def owner_of(node, line):
    """The sandbox that a line of the inventory belongs to, or None."""
    if match := re.match(r"process (\d+) ", line):
        if "containerd-shim" in line:
            return None
        line = cgroup_of(match[1]) or line
    match = re.search(rf"{node.node_id}-[a-z2-7]{{26}}", line)
    return match[0] if match else None


def kind_of(line):
    return re.match(r"agent folder|runtime state|log folder|nft table|\S+", line)[0]


def children_of(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return []


def serves_nobody(line):
    """A shim without a child has no sandbox; one that has ended meanwhile is none."""
    pid = line.split()[1]
    return pathlib.Path(f"/proc/{pid}").exists() and not children_of(pid)


# --- faults ---

def left(node, known, lines):
    """What exists without a record that accounts for it."""
    for line in lines:
        owner = owner_of(node, line)
        if owner is None:
            if "containerd-shim" not in line or serves_nobody(line):
                yield f"left, of nobody: {line}"
        elif kind_of(line) == "log folder":
            if owner not in known:
                yield f"left, without a record: {line}"
        elif known.get(owner, "FINAL") in FINAL | {"FINAL", "PENDING"}:
            yield f"left, its record says {known.get(owner, 'nothing')}: {line}"


def lost(node, known, lines):
    """What a record promises and the machine does not hold."""
    held = {}
    for line in lines:
        held.setdefault(owner_of(node, line), set()).add(kind_of(line))
    for sandbox, state in known.items():
        missing = NEEDS | {"process"} if state == "RUNNING" else {"log folder"} if state in UNSETTLED else set()
        missing -= held.get(sandbox, set())
        if state == "RUNNING" and missing:
            yield f"lost: {sandbox} is RUNNING without {sorted(missing)}"
        if state in UNSETTLED:
            yield f"unsettled: {sandbox} is {state}"


def shown(node, known):
    """The API shows what is stored, and all of it."""
    try:
        seen = {s.sandbox_id: pb.State.Name(s.status.state).removeprefix("STATE_")
                for s in listed(node)}
    except grpc.RpcError as error:
        yield f"the API does not answer: {error.code()}"
        return
    for sandbox in sorted(seen.keys() | known.keys()):
        if seen.get(sandbox) != known.get(sandbox):
            yield f"{sandbox} is shown as {seen.get(sandbox)} and stored as {known.get(sandbox)}"


def listed(node):
    """Every sandbox, all pages."""
    token = ""
    while True:
        request = pb.ListSandboxesRequest(show_terminated=True, page_size=100, page_token=token)
        page = node.stub.ListSandboxes(request, timeout=60)
        yield from page.sandboxes
        token = page.next_page_token
        if not token:
            return


def faults(node, api=True):
    """Everything that is wrong now."""
    known = records(node)
    lines = inventory(node)
    found = [*left(node, known, lines), *lost(node, known, lines)]
    return found + list(shown(node, known)) if api else found


def settle(node, seconds, tolerate=lambda fault: False):
    """Waits until nothing is wrong but what is tolerated, which is returned; what is wrong for so long is a failure."""
    deadline = time.monotonic() + seconds
    while True:
        found = faults(node)
        wrong = [fault for fault in found if not tolerate(fault)]
        if not wrong:
            return found
        assert time.monotonic() < deadline, f"after {seconds} s: " + "; ".join(wrong)
        time.sleep(0.2)
