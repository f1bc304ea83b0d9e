"""Keys: made, used, revoked, remembered; who is let in by which way; quotas; keys that a W&B server knows."""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import threading
import time

import grpc
import pytest

import settings
from callers import Caller, make_key
from conftest import start_node, stop_node
from nodes import BUSYBOX, PATIENCE, wait_until

SANDBOX = "coreweave.sandbox.v1.SandboxService/"
SESSION = "sandkeep.v1.SessionService/"
KEY = "sandkeep.v1.KeyService/"
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def callers(own_node):
    """Makes callers of the node, and closes them."""
    made = []

    def make(*args, address=own_node.address, **kwargs):
        made.append(Caller(address, *args, **kwargs))
        return made[-1]

    yield make
    for caller in made:
        caller.close()


def lists(caller):
    return caller.get(SANDBOX + "ListSandboxes")


def image_of(node):
    return "python:3.11" if node.runtime == "fake" else BUSYBOX


def creating(node, **fields):
    return {"sandbox": {"spec": {"containers": [{"name": "main", "image": image_of(node), "command": "/bin/sh",
                                                 "args": ["-c", "sleep 1000"]}]} | fields}}


def everything_kept(node):
    """All bytes that the node keeps or says: its state, what it runs from, its log."""
    for folder in ("state", "run"):
        for where, _, names in os.walk(node.folder / folder):
            for path in (pathlib.Path(where, name) for name in names if not where.endswith("/net")):  # where networks stand
                with contextlib.suppress(FileNotFoundError):  # a daemon at work makes files and takes them away
                    if path.is_file():
                        yield path, path.read_bytes()
    yield node.folder / "daemon.log", (node.folder / "daemon.log").read_bytes()


@pytest.mark.core
def test_a_key_works_until_it_is_revoked(own_node, callers):
    admin = callers(own_node.key)
    key_id, secret = make_key(admin, "team-x", "for ci")
    for header in ("authorization", "x-api-key", "x-wandb-api-key"):
        lists(callers(secret, header=header))
    own_node.sh("daemon", "kill")
    own_node.sh("daemon", "start")
    admin, user = callers(own_node.key), callers(secret)
    lists(user)
    shown = {key.key_id: key for key in admin.get(KEY + "ListKeys").keys}
    assert shown[key_id].tenant == "team-x" and shown[key_id].name == "for ci" and not shown[key_id].admin
    assert shown[key_id].HasField("last_used_time")
    # What is under way with it is cut, and nobody else's.
    mine = user.get(SESSION + "OpenSession", {"defaults": {"containerImage": image_of(own_node)}})
    held, other = user.start(SESSION + "KeepAlive", {"sessionId": mine.session_id}, timeout=PATIENCE), \
        admin.start(SESSION + "KeepAlive", {"sessionId": mine.session_id}, timeout=PATIENCE)
    assert next(held) and next(other)
    admin.get(KEY + "RevokeKey", {"keyId": key_id})
    with pytest.raises(grpc.RpcError) as cut:
        next(held)
    assert cut.value.code() == UNAUTHENTICATED and "revoked" in cut.value.details()
    assert user.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    other.cancel()
    assert admin.get(KEY + "RevokeKey", {"keyId": key_id}).HasField("revoke_time")
    assert key_id not in {key.key_id for key in admin.get(KEY + "ListKeys").keys}
    assert key_id in {key.key_id for key in admin.get(KEY + "ListKeys", {"showRevoked": True}).keys}
    own_node.sh("daemon", "stop")
    own_node.sh("daemon", "start")
    assert callers(secret).refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    callers(own_node.key).get(SESSION + "CloseSession", {"sessionId": mine.session_id})
    # Neither its text nor the configuration's is anywhere but where it was sent.
    for path, held in everything_kept(own_node):
        assert secret.rsplit("-", 1)[1].encode() not in held, path
        assert own_node.key.encode() not in held, path


def test_an_admin_may_revoke_the_key_they_came_with(own_node, callers):
    key_id, secret = make_key(callers(own_node.key), "default", is_admin=True)
    answer = callers(secret).get(KEY + "RevokeKey", {"keyId": key_id})
    assert answer.HasField("revoke_time")
    assert callers(secret).refused(KEY + "ListKeys").code == UNAUTHENTICATED


def test_what_no_key_can_be(own_node, callers):
    admin = callers(own_node.key)
    for fields, field in (({"tenant": "Team"}, "tenant"), ({"tenant": "-x"}, "tenant"), ({"tenant": "a" * 64}, "tenant"),
                          ({"name": "n" * 129}, "name"), ({"name": "a\nb"}, "name")):
        failure = admin.refused(KEY + "CreateKey", fields)
        assert failure.code == grpc.StatusCode.INVALID_ARGUMENT and failure.violations == [field], failure
    failure = admin.refused(KEY + "RevokeKey", {"keyId": "0123456789ab"})
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "CWSANDBOX_KEY_NOT_FOUND")
    configured = [key for key in admin.get(KEY + "ListKeys").keys if key.from_config]
    assert len(configured) == 1 and configured[0].admin
    assert admin.refused(KEY + "RevokeKey", {"keyId": configured[0].key_id}).code == grpc.StatusCode.FAILED_PRECONDITION


def test_strangers_keep_nobody_with_a_key_from_watching(own_node, callers):
    """Of one address only so many may watch without a key."""
    admin, nobody = callers(own_node.key), callers()
    socket_ = callers(address=f"unix:{own_node.folder}/run/admin.sock")

    def watch(caller):
        call = caller.start("grpc.health.v1.Health/Watch", {}, timeout=5 * PATIENCE)  # all of them at once
        next(call)
        return call

    watches = [watch(nobody) for _ in range(128)]
    with pytest.raises(grpc.RpcError) as refused:
        watch(nobody)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    for call in watches + [watch(admin), watch(socket_)]:
        call.cancel()


def test_the_admin_socket_needs_no_key(own_node, callers):
    path = own_node.folder / "run/admin.sock"
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    admin = callers(address=f"unix:{path}")
    key_id, secret = make_key(admin, "team-y")
    lists(callers(secret))
    admin.get(KEY + "RevokeKey", {"keyId": key_id})


@pytest.mark.core
def test_keys_from_the_command_line(own_node, callers):
    made = own_node.cli("key", "create", "--tenant", "team-z", "--name", "cli")
    assert made.returncode == 0 and re.fullmatch(r"sk-[0-9a-f]{12}-[a-z2-7]{32}\n", made.stdout)
    secret, key_id = made.stdout.strip(), made.stdout[3:15]
    assert key_id in made.stderr and "team-z" in made.stderr and secret not in made.stderr
    listed = own_node.cli("key", "list").stdout.splitlines()
    assert any(line.split()[:3] == [key_id, "team-z", "no"] for line in listed)
    assert [key["tenant"] for key in json.loads(own_node.cli("key", "list", "--tenant", "team-z", "--json").stdout)] == \
        ["team-z"]
    plain = subprocess.run([str(own_node.build / "sandkeep"), "key", "list"], capture_output=True, text=True, check=False,
                           env=os.environ | own_node.env | {"CWSANDBOX_API_KEY": secret}, timeout=PATIENCE)
    assert plain.returncode == 1 and "needs the key of an admin" in plain.stderr
    assert own_node.cli("key", "revoke", key_id).stdout == f"{key_id}\n"
    assert callers(secret).refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    assert own_node.cli("key", "revoke", "0123456789ab").returncode == 1


def entry(node, *args):
    """A key for several nodes: its text, its id, and what their configurations say of it."""
    made = node.cli("key", "entry", *args)
    assert made.returncode == 0, made.stderr
    secret, _, shared = made.stdout.partition("\n")
    assert re.fullmatch(r"sk-[0-9a-f]{12}-[a-z2-7]{32}", secret) and secret[16:] not in made.stderr + shared
    shared = json.loads(shared)
    (key_id, said), = shared["shared_keys"].items()
    assert key_id == secret[3:15] and said["sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    return secret, key_id, shared


@pytest.mark.core
def test_keys_that_the_configuration_has_by_their_digests(own_node, callers):
    admin = callers(own_node.key)
    secret, key_id, shared = entry(own_node, "--tenant", "team-s", "--name", "ci")
    assert callers(secret).refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED  # no node was told
    settings.drop_in(own_node, "50-keys.json", shared)
    assert "changed shared_keys\n" in own_node.cli("reload").stdout
    user = callers(secret)
    lists(user)
    assert user.refused(KEY + "ListKeys").code == grpc.StatusCode.PERMISSION_DENIED
    shown = {key.key_id: key for key in admin.get(KEY + "ListKeys").keys}[key_id]
    assert (shown.tenant, shown.name, shown.admin, shown.from_config, shown.config_key) == \
        ("team-s", "ci", False, True, "shared_keys") and shown.HasField("last_used_time")
    assert any(line.split()[:1] + line.split()[-2:] == [key_id, "shared_keys", "ci"]
               for line in own_node.cli("key", "list").stdout.splitlines())
    failure = admin.refused(KEY + "RevokeKey", {"keyId": key_id})
    assert failure.code == grpc.StatusCode.FAILED_PRECONDITION and "shared_keys" in failure.text
    # What is wrong in another file keeps it as it is.
    settings.drop_in(own_node, "60-keys.json", {"shared_keys": {key_id: {"sha256": "abc"}}})
    told = own_node.cli("reload")
    assert told.returncode == 1 and "sha256: is no SHA-256" in told.stderr and "has no tenant" in told.stderr
    settings.drop_in(own_node, "60-keys.json", None)
    lists(user)
    # Taken out it is revoked: what is under way with it is cut, and nobody else's.
    mine = user.get(SESSION + "OpenSession", {"defaults": {"containerImage": image_of(own_node)}})
    held, other = user.start(SESSION + "KeepAlive", {"sessionId": mine.session_id}, timeout=PATIENCE), \
        admin.start(SESSION + "KeepAlive", {"sessionId": mine.session_id}, timeout=PATIENCE)
    assert next(held) and next(other)
    settings.drop_in(own_node, "50-keys.json", None)
    assert own_node.cli("reload").returncode == 0
    with pytest.raises(grpc.RpcError) as cut:
        next(held)
    assert cut.value.code() == UNAUTHENTICATED and "revoked" in cut.value.details()
    assert user.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    other.cancel()
    admin.get(SESSION + "CloseSession", {"sessionId": mine.session_id})


def test_a_shared_key_does_not_bring_back_what_was_revoked_here(own_node, callers):
    key_id, secret = make_key(callers(own_node.key), "team-x")
    said = {"sha256": hashlib.sha256(secret.encode()).hexdigest(), "tenant": "team-y", "admin": True}
    settings.drop_in(own_node, "50-keys.json", {"shared_keys": {key_id: said}})
    assert own_node.cli("reload").returncode == 0
    assert key_id in [line["key"] for line in settings.logged(own_node, "key.shadowed")]
    user = callers(secret)
    assert user.refused(KEY + "ListKeys").code == grpc.StatusCode.PERMISSION_DENIED  # as it was made
    callers(own_node.key).get(KEY + "RevokeKey", {"keyId": key_id})
    assert user.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    settings.drop_in(own_node, "50-keys.json", None)
    assert own_node.cli("reload").returncode == 0


# --- without any key ----------------------------------------------------------------------


def free_ports():
    """Two of them."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("0.0.0.0", 0))
        return one.getsockname()[1], other.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_others_reach_a_node_once_there_is_a_key(pytestconfig, tmp_path):
    port, near = free_ports()
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"api_keys": [], "listen": [f"0.0.0.0:{port}", f"127.0.0.1:{near}"]}))
    node = start_node(pytestconfig, config=config)
    try:
        assert not listens(port) and listens(near)
        assert "daemon.not_listening" in (node.folder / "daemon.log").read_text()
        anybody = Caller(f"127.0.0.1:{near}")
        assert len(anybody.get(KEY + "ListKeys").keys) == 0  # whoever is on the machine is an admin
        key_id, secret = make_key(anybody, "team-a")
        assert listens(port)
        assert anybody.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
        far = Caller(f"127.0.0.1:{port}", secret)
        lists(far)
        assert Caller(f"127.0.0.1:{port}").refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
        # That all keys are revoked opens nothing again.
        admin = Caller(f"unix:{node.folder}/run/admin.sock")
        admin.get(KEY + "RevokeKey", {"keyId": key_id})
        assert far.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
        assert anybody.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
        for caller in (anybody, far, admin):
            caller.close()
    finally:
        stop_node(node)


# --- quotas ---------------------------------------------------------------------------------


def configure(node, **keys):
    """Other settings, which hold at the return."""
    settings.change(node, **keys)
    done = node.cli("reload")
    assert done.returncode == 0, done.stderr


def make(node, caller, **fields):
    return caller.ask(SANDBOX + "CreateSandbox", creating(node, **fields))


@pytest.mark.core
def test_quotas_hold_over_reloads_and_restarts(own_node, callers):
    admin = callers(own_node.key)
    _, secret = make_key(admin, "small")
    _, other = make_key(admin, "large")
    small, large = callers(secret), callers(other)
    configure(own_node, quotas={"small": {"sandboxes": 2, "sessions": 1}})
    first = small.get(SANDBOX + "CreateSandbox", creating(own_node))
    small.get(SANDBOX + "CreateSandbox", creating(own_node))
    failure = make(own_node, small)
    assert failure.code == grpc.StatusCode.RESOURCE_EXHAUSTED and failure.reason == "CWSANDBOX_RUNNER_CAPACITY_EXHAUSTED"
    assert failure.text == 'the quota "sandboxes" of tenant small is 2: 2 in use, 1 more asked for'
    large.get(SANDBOX + "CreateSandbox", creating(own_node))
    opening = {"defaults": {"containerImage": image_of(own_node)}}
    session = small.get(SESSION + "OpenSession", opening)
    assert "sessions" in small.refused(SESSION + "OpenSession", opening).text
    if own_node.runtime != "fake":  # whose sandboxes do not outlive the daemon
        own_node.sh("daemon", "kill")
        own_node.sh("daemon", "start")
        small = callers(secret)
    assert make(own_node, small).reason == "CWSANDBOX_RUNNER_CAPACITY_EXHAUSTED"
    small.get(SANDBOX + "DeleteSandbox", {"sandboxId": first.sandbox_id})
    wait_until(lambda: not hasattr(make(own_node, small), "code"), 20, "the end of one makes room")
    small.get(SESSION + "CloseSession", {"sessionId": session.session_id})
    configure(own_node, quotas={})
    wait_until(lambda: not hasattr(make(own_node, small), "code"), 10, "without a quota there is room")


# --- W&B --------------------------------------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """As much of a W&B server as is asked: who is the holder of a key."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.people, self.questions, self.status = {}, [], 200
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["content-length"]))
        name, _, key = base64.b64decode(self.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        self.server.questions.append((self.path, name, key, json.loads(body)["query"]))
        entities = self.server.people.get(key)
        viewer = entities and {"username": entities[0], "entity": entities[0],
                               "teams": {"edges": [{"node": {"name": team}} for team in entities[1:]]}}
        answer = json.dumps({"data": {"viewer": viewer}}).encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


ANN, BOB = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def wandb(pytestconfig, tmp_path_factory):
    """A W&B server, and a node that asks it."""
    server = Server()
    server.people = {ANN: ["ann", "red", "blue"], BOB: ["bob"]}
    config = tmp_path_factory.mktemp("wandb") / "config.json"
    config.write_text(json.dumps({"wandb_url": server.url, "wandb_entities": {"blue": "team-blue", "red": "team-red"}}))
    node = start_node(pytestconfig, config=config)
    yield node, server
    stop_node(node)
    server.shutdown()
    server.server_close()


@pytest.mark.core
def test_keys_of_a_wandb_server(wandb):
    node, server = wandb
    ann = Caller(node.address, ANN, header="x-wandb-api-key")
    made = ann.get(SANDBOX + "CreateSandbox", creating(node))
    threads = [threading.Thread(target=lists, args=(ann,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.questions) == 1
    path, name, key, query = server.questions[0]
    assert (path, name, key) == ("/graphql", "api", ANN) and "viewer" in query
    admin = Caller(node.address, node.key)
    status = admin.get("sandkeep.v1.NodeService/GetStatus", {"withSandboxes": True})
    assert {s.tenant for s in status.sandboxes} == {"team-blue"}
    # Of several entities the client chooses one; none of them is an admin.
    red = Caller(node.address, ANN, header="x-api-key", extra=[("x-entity-id", "red")])
    assert red.refused(SANDBOX + "GetSandbox", {"sandboxId": made.sandbox_id}).code == grpc.StatusCode.NOT_FOUND
    assert ann.refused(KEY + "ListKeys").code == grpc.StatusCode.PERMISSION_DENIED
    bob = Caller(node.address, BOB)
    assert bob.refused(SANDBOX + "ListSandboxes").code == grpc.StatusCode.PERMISSION_DENIED
    unknown = Caller(node.address, "c" * 40)
    assert unknown.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    asked = len(server.questions)
    assert unknown.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    lists(admin)
    assert len(server.questions) == asked
    ann.get(SANDBOX + "DeleteSandbox", {"sandboxId": made.sandbox_id})
    for caller in (ann, admin, red, bob, unknown):
        caller.close()
    for path, held in everything_kept(node):
        assert ANN.encode() not in held and BOB.encode() not in held, path


def test_a_silent_wandb_server_lets_nobody_new_in(wandb):
    node, server = wandb
    ann, eve = Caller(node.address, ANN), Caller(node.address, "e" * 40)
    lists(ann)
    began = time.monotonic()
    server.status = 500
    failure = eve.refused(SANDBOX + "ListSandboxes")
    assert failure.code == grpc.StatusCode.UNAVAILABLE and failure.reason == "CWSANDBOX_RUNNER_UNAVAILABLE"
    lists(ann)
    # Strangers, as many as come, do not fill the log.
    for number in range(20):
        stranger = Caller(node.address, f"{number:040}")
        assert stranger.refused(SANDBOX + "ListSandboxes").code == grpc.StatusCode.UNAVAILABLE
        stranger.close()
    told = len(settings.logged(node, "identity.unanswered"))
    assert 1 <= told <= 1 + (time.monotonic() - began) / 60
    server.status = 200
    assert eve.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED
    ann.close()
    eve.close()


def ends_unauthenticated(stream):
    with pytest.raises(grpc.RpcError) as cut:
        next(stream)
    return cut.value.code() == UNAUTHENTICATED


def test_a_reload_changes_who_vouches_and_for_whom(wandb):
    """What came in by an entity that is gone is cut, though the server is silent; other callers notice nothing."""
    node, server = wandb
    ann = Caller(node.address, ANN)
    red = Caller(node.address, ANN, header="x-api-key", extra=[("x-entity-id", "red")])
    mine, theirs = (caller.get(SESSION + "OpenSession", {"defaults": {"containerImage": image_of(node)}}).session_id
                    for caller in (ann, red))
    held, kept = ann.start(SESSION + "KeepAlive", {"sessionId": mine}, timeout=PATIENCE), \
        red.start(SESSION + "KeepAlive", {"sessionId": theirs}, timeout=PATIENCE)
    assert next(held) and next(kept)
    server.status = 500
    settings.change(node, wandb_entities={"red": "team-red"}, wandb_grace_s=60)
    told = node.cli("reload").stdout
    assert "changed wandb_entities\n" in told and "changed wandb_grace_s\n" in told
    assert ends_unauthenticated(held)
    lists(red)
    assert kept.is_active()
    server.status = 200
    # Another server, which knows nobody; one that is named wrongly changes nothing.
    other = Server()
    settings.change(node, wandb_ca="/nowhere/ca.pem")
    wrong = node.cli("reload")
    assert wrong.returncode == 1 and "wandb_ca" in wrong.stderr
    lists(red)
    settings.change(node, wandb_ca=None, wandb_url=other.url)
    assert node.cli("reload").returncode == 0
    assert ends_unauthenticated(kept)
    assert red.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED and other.questions
    # None at all, for which no certificate is missing, and the first one again.
    settings.change(node, wandb_url=None, wandb_entities=None, wandb_grace_s=None, wandb_ca="/nowhere/ca.pem")
    assert node.cli("reload").returncode == 0
    asked = len(other.questions)
    assert red.refused(SANDBOX + "ListSandboxes").code == UNAUTHENTICATED and len(other.questions) == asked
    settings.change(node, wandb_ca=None, wandb_url=server.url, wandb_entities={"blue": "team-blue", "red": "team-red"})
    assert node.cli("reload").returncode == 0
    for caller, session in ((ann, mine), (red, theirs)):
        caller.get(SESSION + "CloseSession", {"sessionId": session})
        caller.close()
    other.shutdown()
    other.server_close()
