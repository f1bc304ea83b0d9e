"""The audit of a real node: who did what stands in it, nobody changes it unseen, and a kill loses none of it."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import threading

import grpc
import pytest

from nodes import PATIENCE, Failure, pb, wait_until, whole_lines
from streams import Exec
from test_restart import kill_and_start, serving

pytestmark = pytest.mark.real

SECRET = "not-for-the-audit-1b2c3d"


@pytest.fixture
def node(own_node):
    yield own_node
    own_node.end_all()
    own_node.clean(60)


def folder(node):
    return pathlib.Path(json.loads((node.folder / "sandkeepd.json").read_text())["state_dir"]) / "audit"


def lines(node, **wanted):
    """What was told, of these keys."""
    told = []
    for path in sorted(folder(node).glob("audit-*.jsonl")):
        with contextlib.suppress(FileNotFoundError):  # the oldest go
            told += map(json.loads, whole_lines(path))
    return [line for line in told if wanted.items() <= line.items()]


def await_line(node, **wanted):
    return wait_until(lambda: lines(node, **wanted), 10, f"a line with {wanted}")[-1]


def audit(node, verb, *options, where=None):
    return subprocess.run([node.build / "sandkeep", "audit", verb, "--dir", where or folder(node), *options],
                          capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_who_did_what(node):
    box = node.running()
    box_id = box.sandbox_id
    node.execute(box, "/bin/sh", "-c", "exit 3", env={"TOKEN": SECRET})
    with Exec(node, box, "/bin/echo", "streamed") as command:
        list(command.call)
    node.stub.WriteFile(pb.WriteFileRequest(sandbox_id=box_id, path="/tmp/a", content=SECRET.encode()))
    node.stub.ReadFile(pb.ReadFileRequest(sandbox_id=box_id, path="/tmp/a"))
    node.end(box)
    key = await_line(node, event="created", sandbox=box_id)["key"]
    assert key and lines(node, event="created", sandbox=box_id)[0]["tenant"] == "default"
    assert await_line(node, event="executed", sandbox=box_id, method="/coreweave.sandbox.v1.SandboxService/Exec")[
        "command"] == ["/bin/sh", "-c", "exit 3"]
    began = await_line(node, event="began", sandbox=box_id)
    ended = await_line(node, event="executed", request=began["request"])
    assert began["command"] == ended["command"] == ["/bin/echo", "streamed"] and ended["code"] == "ok"
    for event, path in (("wrote", "/tmp/a"), ("read", "/tmp/a")):
        assert await_line(node, event=event, sandbox=box_id)["path"] == path
    assert await_line(node, event="deleted", sandbox=box_id)["code"] == "ok"
    assert await_line(node, event="ended", sandbox=box_id)["state"] == "terminated"
    for path in folder(node).iterdir():
        data = path.read_bytes()
        assert SECRET.encode() not in data and node.key.encode() not in data, path
    shown = audit(node, "show", "--sandbox", box_id, "--key", key, "--since", "1h").stdout
    assert "executed" in shown and "wrote" in shown
    assert audit(node, "verify").returncode == 0


def test_a_failure_names_its_line(node):
    with pytest.raises(grpc.RpcError) as caught:
        node.stub.DeleteSandbox(pb.DeleteSandboxRequest(sandbox_id="none"), metadata=[
            ("x-request-id", 'mine "1"'), ("authorization", f"Bearer {node.key}")])
    failure = Failure.of(caught.value)
    sent = dict(caught.value.initial_metadata())["x-request-id"]
    assert failure.request_id == sent
    line = await_line(node, request=sent)
    assert (line["event"], line["sandbox"], line["code"]) == ("deleted", "none", "not_found")
    assert line["client_request"] == "mine??1?"


def test_what_the_node_decides(node):
    box = node.create(max_lifetime_seconds=1)  # which may be over before anybody sees it run
    line = wait_until(lambda: lines(node, event="ending", sandbox=box.sandbox_id), 20, "its end is told")[0]
    assert "lifetime" in line["reason"] and "key" not in line


def test_signals_are_told(node):
    opened = len(lines(node, event="audit.opened"))
    node.sh("daemon", "stop")
    node.sh("daemon", "start")
    serving(node)
    wait_until(lambda: len(lines(node, event="audit.opened")) > opened, 20, "the next daemon has begun to tell")
    told = [line["event"] for line in lines(node)]
    at = [len(told) - told[::-1].index(event) for event in ("signalled", "audit.closed", "audit.opened")]
    assert at == sorted(at), told
    assert lines(node, event="signalled")[-1]["name"] == "Terminated"


def tampered(change):
    """Applies a change to the text of the newest file."""
    def apply(where):
        path = sorted(where.glob("audit-*.jsonl"))[-1]
        path.write_bytes(change(path.read_bytes()))
    return apply


def without(number):
    return lambda text: b"".join(line for i, line in enumerate(text.splitlines(True)) if i != number)


def swapped(text):
    parts = text.splitlines(True)
    parts[1], parts[2] = parts[2], parts[1]
    return b"".join(parts)


@pytest.mark.parametrize("change", [
    lambda text: text.replace(b"created", b"Created", 1), without(1), swapped, without(0),
    lambda text: text[:text.rstrip(b"\n").rfind(b"\n") + 1],
], ids=["changed", "removed", "moved", "first-removed", "cut-off"])
def test_tampering_is_found(node, tmp_path, change):
    node.end(node.running())
    node.sh("daemon", "stop")
    copy = tmp_path / "audit"
    shutil.copytree(folder(node), copy)
    node.sh("daemon", "start")
    serving(node)
    assert audit(node, "verify", where=copy).returncode == 0
    tampered(change)(copy)
    found = audit(node, "verify", where=copy)
    assert found.returncode == 1 and "BROKEN" in found.stdout, found


def test_what_somebody_wrote_into_it_drives_no_terminal(node, tmp_path):
    copy = tmp_path / "audit"
    shutil.copytree(folder(node), copy)
    tampered(lambda text: text + b'{"seq":1,"time":"2026","event":"a\x1b[2J\xc2\x9b","tenant":"\xe2\x80\xaex\xff"}\n')(copy)
    assert audit(node, "show", where=copy).stdout.splitlines()[-1].split()[1:] == ["?x?", "-", "a?[2J?", "-"]
    last = audit(node, "show", "--json", where=copy).stdout.splitlines()[-1]
    assert last.isprintable() and json.loads(last)["event"] == "a\x1b[2J\x9b"


def test_a_kill_in_the_middle_of_load_loses_nothing(node):
    """Whatever was answered is in the audit, or the audit says that something is missing."""
    boxes = [node.running() for _ in range(2)]
    answered, stop = set(), threading.Event()

    def load(box):
        while not stop.is_set():
            try:
                _, call = node.stub.Exec.with_call(
                    pb.ExecRequest(sandbox_id=box.sandbox_id, command=["/bin/true"]), timeout=30)
                answered.add(dict(call.initial_metadata())["x-request-id"])
            except grpc.RpcError:
                stop.wait(0.05)

    threads = [threading.Thread(target=load, args=(box,)) for box in boxes for _ in range(3)]
    for thread in threads:
        thread.start()
    for kills in range(3):
        before = len(answered)
        wait_until(lambda: len(answered) > before + 50, 60, "commands are answered")  # pylint: disable=cell-var-from-loop
        kill_and_start(node)
        serving(node)
    stop.set()
    for thread in threads:
        thread.join()
    whole = audit(node, "verify")
    assert whole.returncode == 0, whole
    wait_until(lambda: answered <= {line["request"] for line in lines(node, event="executed")}, 10,
               "every answered command is told")
