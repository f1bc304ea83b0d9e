"""The sandkeep command against a server that answers whatever it likes: no crash, no word of it drives the terminal."""
import json
import os
import random
import subprocess
import threading

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from liars import EVIL, Refusal, Server, worst
from nodes import PATIENCE, built, pb

VERBS = [["run", "--", "true"], ["exec", "id", "true"], ["ls"], ["ls", "--json"], ["get", "id"], ["get", "--json", "id"],
         ["rm", "id"], ["session", "open"], ["session", "ls"], ["session", "show", "id"], ["session", "close", "id"],
         ["session", "run", "--", "true"], ["image", "pull", "x"], ["image", "ls"], ["image", "inspect", "x"],
         ["network", "show", "id"], ["network", "show", "--json", "id"], ["key", "create"], ["key", "list"], ["reload"],
         ["drain"], ["undrain"], ["status"], ["status", "--json"], ["top", "--once"], ["top", "--json"]]
# The output of a sandbox's processes goes through as it is.
RAW = ("run", "exec")
# What ends well whatever it is told.
SAYS = [["ls"], ["status"], ["key", "list"]]


def environment(server):
    return os.environ | {"CWSANDBOX_BASE_URL": f"http://127.0.0.1:{server.port}", "CWSANDBOX_API_KEY": "k"}


def sandkeep(server, *words, build):
    return subprocess.run([build / "sandkeep", *words], capture_output=True, timeout=PATIENCE, check=False,
                          stdin=subprocess.DEVNULL, env=environment(server))


def drives(output):
    """What of it a terminal would take for more than text."""
    return [c for c in output.decode() if (c < " " and c != "\n") or "\x7f" <= c <= "\x9f" or c in "\u200b\u2028\u202e\U000e0041"]


@pytest.fixture(name="build", scope="module")
def fixture_build():
    return built().absolute()


@pytest.fixture(name="serve")
def fixture_serve():
    servers = []

    def serve(answer):
        servers.append(Server(answer))
        return servers[-1]

    yield serve
    for stopped in [server.server.stop(0) for server in servers]:
        stopped.wait(60)
    assert not [fault for server in servers for fault in server.faults]


def settled(message, rng):
    """Neither waited for nor listed for ever."""
    if "next_page_token" in message.DESCRIPTOR.fields_by_name:
        message.next_page_token = ""
    if message.DESCRIPTOR.name == "Sandbox":
        message.status.state = rng.choice([pb.STATE_RUNNING, pb.STATE_TERMINATED])
    return message


class Worst:
    """The worst answers there are: of a method always the same ones for a seed, whenever others are called."""

    def __init__(self, seed):
        self.seed, self.rngs, self.given = seed, {}, []
        self.lock = threading.Lock()  # the server's threads come side by side

    def __call__(self, method):
        name = method.request.DESCRIPTOR.full_name
        with self.lock:
            rng = self.rngs.setdefault(name, random.Random(f"{self.seed} {name}"))
            answers = [settled(worst(method, rng), rng) for _ in range(3)]
            self.given += [(name, str(answer)) for answer in answers]
        return [answer.SerializeToString() for answer in answers]


@pytest.mark.parametrize("seed", range(2))
def test_answers(serve, build, seed):
    server = serve(None)
    codes = {}
    for verb in VERBS:
        server.answer = Worst(f"{seed} {verb}")
        done = sandkeep(server, *verb, build=build)
        told = (verb, done, server.answer.given)
        assert 0 <= done.returncode and not drives(done.stderr), told
        assert verb[0] in RAW or not drives(done.stdout), told
        codes[" ".join(verb)] = done.returncode
    assert [codes[" ".join(verb)] for verb in SAYS] == [0] * len(SAYS), codes


def test_refusals(serve, build):
    info = error_details_pb2.ErrorInfo(reason=EVIL[0] + "\u202e" + "R" * 4000)
    bad = error_details_pb2.BadRequest(field_violations=[{"field": EVIL[1], "description": EVIL[0]}] * 200)
    status = status_pb2.Status(code=13)
    for detail in (info, bad, info):
        status.details.add().Pack(detail)
    status.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff" * 20)

    def answer(_method):
        raise Refusal(grpc.StatusCode.INTERNAL, "\x1b[31m\u202e\u009b" + "m" * 2000 + "\n\r", status.SerializeToString())

    server = serve(answer)
    for verb in VERBS:
        done = sandkeep(server, *verb, build=build)
        assert done.returncode == (125 if verb[0] in RAW or verb[:2] == ["session", "run"] else 1), (verb, done)
        assert done.stdout == b"" and not drives(done.stderr) and done.stderr.startswith(b"sandkeep: "), (verb, done)


def test_nothing_that_is_needed(serve, build):
    """Whoever takes the output for an id or a key must not be given an empty one."""
    server = serve(lambda method: [b""])
    for verb in (["session", "open"], ["session", "run", "--", "true"], ["key", "create"], ["image", "pull", "x"]):
        done = sandkeep(server, *verb, build=build)
        assert done.returncode in (1, 125) and done.stdout == b"", (verb, done)


def test_a_list_without_end(serve, build):
    page = pb.ListSandboxesResponse(sandboxes=[pb.Sandbox(sandbox_id="a")], next_page_token="again").SerializeToString()
    server = serve(lambda method: [page])
    done = sandkeep(server, "ls", build=build)
    assert done.returncode == 1 and b"does not end" in done.stderr, done


def test_a_hundred_thousand_tags(serve, build, tmp_path):
    """Printing them takes memory in proportion to their number, not to its square: 5 GB."""
    sandbox = pb.Sandbox(sandbox_id="a")
    sandbox.spec.tags.extend([""] * 100000)
    server = serve(lambda method: [sandbox.SerializeToString()])
    output = tmp_path / "output"
    with open(output, "wb") as to:
        child = subprocess.Popen(["timeout", "-s", "KILL", "240", build / "sandkeep", "get", "a"], stdout=to,
                                 stdin=subprocess.DEVNULL, env=environment(server))
    _, status, usage = os.wait4(child.pid, 0)  # with what it has waited for
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0 and output.read_bytes().count(b",") == 99999
    assert usage.ru_maxrss < 1 << 20, "KiB"


def test_json_means_what_the_server_said(serve, build):
    name = "".join(EVIL)
    server = serve(lambda method: [pb.Sandbox(sandbox_id=name).SerializeToString()])
    done = sandkeep(server, "get", "--json", "a", build=build)
    assert json.loads(done.stdout)["id"] == name and not drives(done.stdout)


@pytest.mark.parametrize("told, code", [(0, 0), (7, 7), (256, 255), (-1, 255)])
def test_exit_codes(serve, build, told, code):
    """What no process ends with is never taken for a success."""
    messages = [pb.ExecStreamResponse(ready={}), pb.ExecStreamResponse(exit={"exit_code": told})]
    server = serve(lambda method: [message.SerializeToString() for message in messages])
    assert sandkeep(server, "exec", "id", "true", build=build).returncode == code
