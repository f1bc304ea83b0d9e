"""HTTP as operators speak it to a node, and as they should not; owes nothing to the daemon's code."""
import http.client
import socket
import ssl
from dataclasses import dataclass

from nodes import PATIENCE, wait_until


@dataclass
class Answer:
    status: int
    headers: dict
    text: str


def address(node):
    """(host, port) where the node's web listens, seen from this machine."""
    file = node.folder / "run/http"
    wait_until(file.exists, PATIENCE, "the daemon says where its web is")
    host, port = file.read_text().strip().rsplit(":", 1)
    return host.strip("[]").replace("0.0.0.0", "127.0.0.1"), int(port)


def get(node, path, method="GET", headers=None, tls=False, body=None):
    host, port = address(node)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
    else:
        link = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    link.request(method, path, headers=headers or {}, body=body)
    said = link.getresponse()
    answer = Answer(said.status, {k.lower(): v for k, v in said.getheaders()}, said.read().decode())
    link.close()
    return answer


def raw(node, data, wait=5):
    """Sends bytes as they are; what comes back until the end, or until nothing does."""
    with socket.create_connection(address(node), timeout=wait) as link:
        try:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was closed before it had heard all
        said = b""
        try:
            while piece := link.recv(65536):
                said += piece
        except OSError:
            pass
        return said


def metrics(node):
    """Every series and its value: {'sandkeep_sandboxes{state="running"}': 1.0}."""
    answer = get(node, "/metrics")
    assert answer.status == 200, answer
    lines = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}
