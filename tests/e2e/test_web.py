"""What the daemon says over HTTP, to whom, and that nobody can make it say or do anything else."""
import base64
import contextlib
import json
import socket
import ssl
import subprocess

import pytest

import settings
import web
from nodes import PATIENCE, Node, wait_until

PAGES = ["/", "/status.json", "/metrics", "/healthz", "/readyz"]


@pytest.fixture(scope="module")
def node():
    """Of fakes: this is about HTTP."""
    node = Node("fake")
    yield node
    done = node.down()
    assert done.returncode == 0, done.stderr


def test_pages(node):
    for page in PAGES:
        answer = web.get(node, page)
        assert answer.status == 200, (page, answer)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        head = web.get(node, page, method="HEAD")
        assert (head.status, head.text) == (200, "")
    assert web.get(node, "/healthz").text == "alive\n"
    assert web.get(node, "/readyz").text == "ready\n"
    assert web.get(node, "/metrics?name=x").status == 200
    assert json.loads(web.get(node, "/status.json").text)["node"] == node.node_id


def test_not_ready_while_it_drains(node):
    said = node.cli("drain")
    assert said.returncode == 0, said.stderr
    answer = web.get(node, "/readyz")
    assert (answer.status, answer.text) == (503, "the node is draining\n")
    assert web.get(node, "/healthz").status == 200
    assert json.loads(web.get(node, "/status.json").text)["unready"] == "the node is draining"
    assert node.cli("undrain").returncode == 0
    wait_until(lambda: web.get(node, "/readyz").status == 200, 10, "ready again")


def test_scripts_need_the_number_of_their_page(node):
    first, second = (web.get(node, "/").headers["content-security-policy"] for _ in range(2))
    assert "unsafe" not in first and "script-src 'nonce-" in first
    assert first != second


def test_what_is_refused(node):
    assert web.get(node, "/nothing").status == 404
    assert web.get(node, "/metrics/").status == 404
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]:
        answer = web.get(node, "/", method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD"), method


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7464", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_names_that_strangers_turn_here(node, host):
    """A page at evil.example whose name suddenly means 127.0.0.1 must not read the node's (DNS rebinding)."""
    for page in PAGES:
        assert web.get(node, page, headers={"Host": host}).status == 403, page


def test_several_questions_on_one_connection(node):
    host, port = web.address(node)
    ask = f"GET /healthz HTTP/1.1\r\nHost: {host}:{port}\r\n".encode()
    said = web.raw(node, (ask + b"\r\n") * 4 + ask + b"Connection: close\r\n\r\n", wait=PATIENCE)
    assert said.count(b"alive") == 5


def test_a_crowd_keeps_nobody_out(node):
    """More connections than there is room for, each with the beginning of a question: who asks gets an answer, while
    they are there and when they have gone."""
    # All of them are there before anybody asks: who comes later finds nobody who still comes.
    crowd = [socket.create_connection(web.address(node), timeout=PATIENCE) for _ in range(200)]
    for link in crowd:
        with contextlib.suppress(OSError):  # no longer connected
            link.send(b"GET /hea")
    assert web.get(node, "/healthz").status == 200
    for link in crowd:
        link.close()
    assert web.get(node, "/healthz").status == 200


HOSTILE = {
    "nothing": b"",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "zeros": bytes(70000),
    "no end of the line": b"GET /" + b"a" * 200000,
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"x: y\r\n" * 20000 + b"\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nx: " + b"y" * 200000 + b"\r\n\r\n",
    "a long host": b"GET / HTTP/1.1\r\nHost: " + b"h" * 12000 + b"\r\n\r\n",
    "no host": b"GET /metrics HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "whole address": b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "out of the folder": b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "escaped": b"GET /%2e%2e/%00/metrics%0d%0aX: y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a body": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * 100000,
    "a body with GET": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000,
    "chunks": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffffffffffffffff\r\n" * 100,
    "two lengths": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nxxxxx",
    "folded": b"GET / HTTP/1.1\r\nHost: localhost\r\n evil: x\r\n\r\n",
    "credentials": b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + b"A" * 8000 + b"\r\n\r\n",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "line feeds alone": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_requests(node, what):
    """Whatever is said: no page for those it is not for, and the next one is served as ever."""
    said = web.raw(node, HOSTILE[what])
    if what in ("no host", "two hosts", "a long host", "whole address", "out of the folder", "escaped", "a body", "chunks"):
        assert b"sandkeep_" not in said and b"<!doctype" not in said, said[:200]
    assert web.get(node, "/healthz").status == 200


def test_more_connections_than_there_is_room_for(node):
    """They wait, or are turned away; nobody else's service suffers for longer than they stay."""
    held = [socket.create_connection(web.address(node), timeout=PATIENCE) for _ in range(100)]
    for link in held[:50]:
        link.sendall(b"GET /healthz HTT")
    for link in held:
        link.close()
    wait_until(lambda: web.get(node, "/healthz").status == 200, 10, "served again")
    pid = node.pid()
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        assert int(next(line for line in status if line.startswith("Threads")).split()[1]) < 60


def test_a_disconnect_in_the_middle_of_an_answer(node):
    host, port = web.address(node)
    for _ in range(20):
        link = socket.create_connection((host, port), timeout=PATIENCE)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        link.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        link.close()
    assert web.get(node, "/healthz").status == 200


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=node",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
    return {"tls_certificate": str(folder / "cert.pem"), "tls_key": str(folder / "key.pem")}


def far_node(folder, **config):
    """One whose web is reached by others than its own machine."""
    file = folder / "config.json"
    file.write_text(json.dumps({"http_listen": "0.0.0.0:0"} | config))
    return Node("fake", config=file)


def test_elsewhere_without_tls(tmp_path):
    """Keys are not even asked for where everybody could read them."""
    node = far_node(tmp_path)
    try:
        key = {"Authorization": f"Bearer {node.key}"}
        for page in ["/", "/status.json", "/metrics"]:
            assert web.get(node, page).status == 403
            assert web.get(node, page, headers=key).status == 403
        assert web.get(node, "/healthz", headers={"Host": "node7.example"}).status == 200
        assert web.get(node, "/readyz").status == 200
    finally:
        assert node.down().returncode == 0


def test_elsewhere_with_public_metrics(tmp_path):
    node = far_node(tmp_path, http_public_metrics=True)
    try:
        assert web.get(node, "/metrics").status == 200
        assert web.get(node, "/status.json").status == 403
        assert node.stub  # its channel
        for is_public, status in ((False, 403), (True, 200)):
            settings.change(node, http_public_metrics=is_public)
            assert settings.reload(node.channel)[0][0] == ["http_public_metrics"]
            assert web.get(node, "/metrics").status == status
    finally:
        assert node.down().returncode == 0


def shown_certificate(node):
    try:
        return ssl.get_server_certificate(web.address(node), timeout=PATIENCE)
    except OSError:
        return None  # it is being replaced


def test_elsewhere_with_tls(tmp_path):
    config = make_certificate(tmp_path)
    node = far_node(tmp_path, **config)
    try:
        basic = base64.b64encode(f"anyone:{node.key}".encode()).decode()
        good = [{"Authorization": f"Bearer {node.key}"}, {"Authorization": f"Basic {basic}"}]
        bad = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic !!!"}, {"Authorization": "Basic"},
               {"Authorization": f"Bearer {node.key}x"}, {"X-Api-Key": node.key}]
        for page in ["/", "/status.json", "/metrics"]:
            for headers in good:
                assert web.get(node, page, headers=headers, tls=True).status == 200, (page, headers)
            for headers in bad:
                answer = web.get(node, page, headers=headers, tls=True)
                assert (answer.status, "www-authenticate" in answer.headers) == (401, True), (page, headers)
        assert web.get(node, "/readyz", tls=True).status == 200
        before = shown_certificate(node)
        assert before
        make_certificate(tmp_path)
        wait_until(lambda: shown_certificate(node) not in (None, before), 30, "the new certificate shown")
        assert web.get(node, "/metrics", headers=good[0], tls=True).status == 200
    finally:
        assert node.down().returncode == 0
