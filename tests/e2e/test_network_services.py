"""Services for real: what the published SDK declares can be reached from where it should be, by the URL that it is
told, and from nowhere else."""
import base64
import concurrent.futures
import http.client
import os
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

import grpc
import pytest
from cwsandbox import EgressRule, IngressRule, NetworkOptions, Sandbox, Service
from cwsandbox._proto import sandbox_pb2 as pb
from cwsandbox._proto import sandbox_pb2_grpc as pb_grpc

import net_boxes
from lab import Authority, places
from net_boxes import IMAGE, KEEP, Box
from network_calls import comes_back
from nodes import PATIENCE, WithKey, fails, wait_until

pytestmark = pytest.mark.real
DOMAIN = "boxes.test"
PORTS = range(31000, 32000)  # which the kernel gives to nobody who does not ask for them
# HTTP/1.1 that says what came, late or never if asked to, and takes up a WebSocket to echo.
APPLICATION = '''
import base64, hashlib, http.server, json, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_POST(self):
        self.reply({"got": len(self.rfile.read(int(self.headers["Content-Length"])))})
    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket": return self.upgrade()
        if self.path == "/late": time.sleep(18)
        if self.path == "/never": threading.Event().wait()
        self.reply({"path": self.path, "headers": dict(self.headers), "port": self.server.server_address[1]})
    def reply(self, what):
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def upgrade(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        while frame := self.connection.recv(4096): self.connection.sendall(frame)
        self.close_connection = True
import socket, sys, threading
class Server(http.server.ThreadingHTTPServer): address_family = socket.AF_INET6
servers = [Server(("::", int(port)), Handler) for port in sys.argv[1:]]
for server in servers: threading.Thread(target=server.serve_forever, daemon=True).start()
threading.Event().wait()
'''


@pytest.fixture(scope="module")
def edge(lab):
    """The certificate of the node's own domain."""
    folder = lab.folder / "edge"
    folder.mkdir()
    authority = Authority(folder, [f"*.{DOMAIN}"])
    authority.file = authority.bundle(folder / "edge.pem")
    return authority


def is_free(port):
    with socket.socket() as asked:
        try:
            asked.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def node(pytestconfig, lab, edge):
    with net_boxes.a_node(pytestconfig, lab, edge_domain=DOMAIN, edge_https_port=next(filter(is_free, PORTS)),
                          edge_certificate=str(edge.file)) as node:
        yield node


def declare(*services, command=KEEP, **options):
    """By the SDK; running."""
    sandbox = Sandbox.run(*command, container_image=IMAGE, services=[Service(**service) for service in services],
                          **options)
    sandbox.wait()
    return sandbox


def application(*ports):
    return ("python3", "-c", APPLICATION, *map(str, ports))


def urls(sandbox):
    return {port: url for port, _, url in sandbox.service_urls}


def get(url):
    """Status and body, as soon as anybody answers well."""
    def answered():
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except (urllib.error.URLError, ConnectionError, http.client.HTTPException):
            return None
    return wait_until(answered, PATIENCE, f"{url} answers")


def answers_not_yet(url):
    """502, 503, or nobody at all: what clients ask again."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code in (502, 503)
    except (urllib.error.URLError, ConnectionError, http.client.HTTPException):
        return True


# --- PUBLIC ----------------------------------------------------------------------------------------------------------

def test_public_url(node):
    """It is the same everywhere and for ever, answers when the application does, and ends with the sandbox."""
    sandbox = declare({"port": 8000, "name": "web", "visibility": "public"})
    url = urls(sandbox)[8000]
    assert url.startswith("http://127.0.0.1:"), url
    assert answers_not_yet(url) is True
    sandbox.exec(["sh", "-c", "mkdir -p /srv; echo hello >/srv/index.html; setsid -f python3 -m http.server 8000 "
                              "--directory /srv >/dev/null 2>&1 </dev/null"]).result(timeout=PATIENCE)
    assert get(url) == (200, b"hello\n")
    assert urls(Sandbox.from_id(sandbox.sandbox_id).result(timeout=PATIENCE)) == {8000: url}
    listed = [one for one in Sandbox.list().result(timeout=PATIENCE) if one.sandbox_id == sandbox.sandbox_id]
    assert urls(listed[0]) == {8000: url}
    assert node.get(sandbox.sandbox_id).status.services[0].url == url
    node.sh("daemon", "kill")
    assert get(url) == (200, b"hello\n"), "while the daemon is dead"
    node.sh("daemon", "start")
    comes_back(node)
    assert node.get(sandbox.sandbox_id).status.services[0].url == url
    assert get(url) == (200, b"hello\n")
    sandbox.stop().result(timeout=60)
    assert node.get(sandbox.sandbox_id).status.services[0].url == ""
    wait_until(lambda: answers_not_yet(url) is True or not_found(url), PATIENCE, "nobody is served any more")


def not_found(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE):
            return False
    except urllib.error.HTTPError as error:
        return error.code == 404


def test_two_public_ports_of_two_sandboxes(node):
    boxes = [declare({"port": 8000, "visibility": "public"}, {"port": 8001, "visibility": "public"},
                     command=application(8000, 8001)) for _ in range(2)]
    found = [url for sandbox in boxes for url in urls(sandbox).values()]
    assert len(set(found)) == 4, found
    for sandbox in boxes:
        for port, url in urls(sandbox).items():
            assert f'"port": {port}'.encode() in get(url)[1]


def test_a_public_port_is_no_other(node):
    """The port that is public is all that is; and what is silent stays so."""
    sandbox = declare({"port": 8000, "visibility": "public"}, {"port": 8001}, command=application(8000, 8001, 8002))
    assert list(urls(sandbox)) == [8000] and get(urls(sandbox)[8000])[0] == 200
    box, other = Box(node, sandbox.sandbox_id), net_boxes.start(node, net_boxes.net_table.Policy("other", None))
    tried = other.probe([{"way": "tcp", "to": box.words[word], "port": port} for word in ("@ipv4", "@ipv6")
                         for port in (8001, 8002)])
    assert not any(answer["ok"] or "refused" in answer["why"].lower() for answer in tried), tried


def test_large_answers_and_uploads(node):
    sandbox = declare({"port": 8000, "visibility": "public"}, command=application(8000))
    url = urls(sandbox)[8000]
    get(url)
    body = os.urandom(8 << 20)
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=PATIENCE) as answer:
        assert answer.read() == b'{"got": %d}' % len(body)


def test_a_public_service_of_a_closed_sandbox(node):
    """Who may not go out may still be called."""
    sandbox = declare({"port": 8000, "visibility": "public"}, command=application(8000),
                      network=NetworkOptions(deny_egress=True))
    assert get(urls(sandbox)[8000])[0] == 200
    tried = Box(node, sandbox.sandbox_id).probe([{"way": "tcp", "to": places.WEB[0], "port": 80}])
    assert not tried[0]["ok"]


# --- PRIVATE and CUSTOM ----------------------------------------------------------------------------------------------

def foreign(node):
    """One of another owner, tried by root in its network: this key's calls do not run programs in it."""
    class Foreign:
        def __init__(self, sandbox_id):
            self.node, self.id = node, sandbox_id
        namespace, rooted = Box.namespace, Box.rooted
    key = node.cli("key", "create", "--tenant", "somebody-else").stdout.strip()
    channel = grpc.intercept_channel(grpc.insecure_channel(node.address), WithKey(key))
    stub = pb_grpc.SandboxServiceStub(channel)
    made = stub.CreateSandbox(pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=node.spec(image=IMAGE))), timeout=60)
    wait_until(lambda: stub.GetSandbox(pb.GetSandboxRequest(sandbox_id=made.sandbox_id), timeout=PATIENCE).status.state
               == pb.STATE_RUNNING, PATIENCE, "the other's sandbox runs")
    return Foreign(made.sandbox_id)


def tries(box, ports=(8000,), opens=()):
    """opens: those of the ports that answer, however late."""
    return [{"way": "tcp", "to": box.words[word], "port": port} | ({"limit": PATIENCE} if port in opens else {})
            for word in ("@ipv4", "@ipv6") for port in ports]


def echoing(node, *services, **options):
    """A sandbox where 8000 and 8001 echo."""
    start = "; ".join(f"python3 -c '{net_boxes.ECHO.format(port)}' >/dev/null &" for port in (8000, 8001))
    sandbox = declare(*services, command=("sh", "-c", f"{start.replace('&;', '&')} wait"), **options)
    box = Box(node, sandbox.sandbox_id)
    for port in (8000, 8001):
        wait_until(lambda port=port: net_boxes.listens(box, port), PATIENCE, "it listens")
    return box


def test_private(node):
    """The same owner's sandboxes, whatever they may reach elsewhere by blocks; not another key's."""
    box = echoing(node, {"port": 8000, "visibility": "private"})
    friend = net_boxes.start(node, net_boxes.net_table.Policy("friend", None))
    answers = friend.probe(tries(box, (8000, 8001), opens=(8000,)))
    assert [answer["ok"] for answer in answers] == [True, False, True, False], answers
    tenant = net_boxes.start(node, net_boxes.net_table.Policy("tenant", NetworkOptions(
        egress=[EgressRule(tenant="same_user")])))
    assert all(answer["ok"] for answer in tenant.probe(tries(box, opens=(8000,))))
    alone = tenant.probe([{"way": "tcp", "to": places.WEB[0], "port": 80}])
    assert not alone[0]["ok"], alone
    shut = net_boxes.start(node, net_boxes.net_table.Policy("blocks", NetworkOptions(
        egress=[net_boxes.net_table.block("0.0.0.0/0"), net_boxes.net_table.block("::/0")])))
    assert not any(answer["ok"] for answer in shut.probe(tries(box))), "blocks do not mean neighbours"
    stranger = foreign(node)
    answers = stranger.rooted(tries(box))
    assert not any(answer["ok"] for answer in answers), answers
    assert {denial.rule for denial in box.network().denials} | {"peer", "ingress"} >= {"peer"}
    exposed = node.get(box.id).status.services
    assert [service.visibility for service in exposed] == [pb.VISIBILITY_PRIVATE]


def test_custom_is_closed_until_a_rule_opens_it(node):
    box = echoing(node, {"port": 8000, "visibility": "custom"}, {"port": 8001, "visibility": "custom"})
    friend = net_boxes.start(node, net_boxes.net_table.Policy("friend", None))
    assert not any(answer["ok"] for answer in friend.probe(tries(box, (8000, 8001))))
    ruled = echoing(node, {"port": 8000, "visibility": "custom"}, {"port": 8001, "visibility": "custom"},
                    network=NetworkOptions(ingress=[IngressRule(tenant="same_user", ports=[8000])]))
    answers = friend.probe(tries(ruled, (8000, 8001), opens=(8000,)))
    assert [answer["ok"] for answer in answers] == [True, False, True, False], answers
    assert not any(answer["ok"] for answer in foreign(node).rooted(tries(ruled)))
    echoed = node.get(ruled.id).status.effective_ingress
    assert len(echoed) == 1 and echoed[0].tenant == pb.TENANT_SCOPE_SAME_USER and echoed[0].ports[0].port == 8000


# --- endpoints -------------------------------------------------------------------------------------------------------

HTTPS = {"kind": "https", "auth": "open"}


def dial(node, edge, url):
    """TLS to where the name would lead, checked by the edge's CA."""
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cafile=edge.ca)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", parts.port or 443), PATIENCE),
                               server_hostname=parts.hostname), parts.netloc


def ask(node, edge, url, head="GET /some/path HTTP/1.1"):
    line, host = dial(node, edge, url)
    with line:
        line.sendall(f"{head}\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return answer.status, answer.read()


def timed(node, edge, url, head):
    begun = time.monotonic()
    return ask(node, edge, url, head)[0], time.monotonic() - begun


def endpoint_urls(node, sandbox_id):
    return {service.port: service.endpoint.url for service in node.get(sandbox_id).status.services}


def test_https_endpoints(node, edge):
    sandbox = declare({"port": 8000, "visibility": "public", "endpoint": HTTPS},
                      {"port": 8001, "visibility": "public", "endpoint": HTTPS}, command=application(8000, 8001))
    found = endpoint_urls(node, sandbox.sandbox_id)
    assert len(set(found.values())) == 2 and all(url.startswith("https://") for url in found.values()), found
    assert all(f".{DOMAIN}" in url for url in found.values())
    assert [service.url for service in node.get(sandbox.sandbox_id).status.services] == ["", ""]
    for port, url in found.items():
        status, body = wait_until(lambda url=url: (said := ask(node, edge, url))[0] == 200 and said, PATIENCE,
                                  "it answers")
        assert status == 200 and f'"port": {port}'.encode() in body and b'"path": "/some/path"' in body
    assert urls(sandbox) == urls(Sandbox.from_id(sandbox.sandbox_id).result(timeout=PATIENCE)) == found
    node.sh("daemon", "kill")
    assert ask(node, edge, found[8000])[0] == 200, "while the daemon is dead"
    node.sh("daemon", "start")
    comes_back(node)
    assert endpoint_urls(node, sandbox.sandbox_id) == found and ask(node, edge, found[8000])[0] == 200
    sandbox.stop().result(timeout=60)
    assert set(endpoint_urls(node, sandbox.sandbox_id).values()) == {""}
    assert ask(node, edge, found[8000])[0] in (404, 421, 502, 503)


def shown_endpoints(sandbox):
    return [(one.port, one.kind.value, one.auth.value, one.url, one.request_timeout_seconds)
            for one in sandbox.service_endpoints]


def test_endpoints_are_told_with_their_limits(node, edge):
    sandbox = declare({"port": 8000, "visibility": "public", "endpoint": HTTPS},
                      {"port": 8001, "visibility": "public", "endpoint": HTTPS | {"request_timeout_seconds": 900}})
    found = endpoint_urls(node, sandbox.sandbox_id)
    told = [(8000, "https", "open", found[8000], 15), (8001, "https", "open", found[8001], 900)]
    assert shown_endpoints(sandbox) == told
    node.sh("daemon", "kill")
    node.sh("daemon", "start")
    comes_back(node)
    assert shown_endpoints(Sandbox.from_id(sandbox.sandbox_id).result(timeout=PATIENCE)) == told
    sandbox.stop().result(timeout=60)
    over = Sandbox.from_id(sandbox.sandbox_id).result(timeout=PATIENCE)
    assert shown_endpoints(over) == [(port, kind, auth, "", limit) for port, kind, auth, _, limit in told]


def test_an_answer_that_is_late(node, edge):
    """504 when the limit is over, while the sandbox stays; a longer limit lets it come."""
    sandbox = declare({"port": 8000, "visibility": "public", "endpoint": HTTPS},
                      {"port": 8001, "visibility": "public", "endpoint": HTTPS | {"request_timeout_seconds": 900}},
                      command=application(8000, 8001))
    found = endpoint_urls(node, sandbox.sandbox_id)
    for url in found.values():
        wait_until(lambda url=url: ask(node, edge, url)[0] == 200, PATIENCE, "it answers")
    with concurrent.futures.ThreadPoolExecutor() as both:
        never = both.submit(timed, node, edge, found[8000], "GET /never HTTP/1.1")
        late = both.submit(timed, node, edge, found[8001], "GET /late HTTP/1.1")
    (status, seconds), (late_status, late_seconds) = never.result(), late.result()
    assert status == 504 and seconds > 14, (status, seconds)
    assert late_status == 200 and late_seconds > 17, (late_status, late_seconds)
    assert ask(node, edge, found[8000])[0] == 200


def received(line):
    said = line.recv(4096)
    assert said, "it was closed"
    return said


def test_websocket(node, edge):
    sandbox = declare({"port": 8000, "visibility": "public", "endpoint": HTTPS}, command=application(8000))
    url = endpoint_urls(node, sandbox.sandbox_id)[8000]
    wait_until(lambda: ask(node, edge, url)[0] == 200, PATIENCE, "it answers")
    line, host = dial(node, edge, url)
    with line:
        key = base64.b64encode(os.urandom(16)).decode()
        line.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += received(line)
        assert head.startswith(b"HTTP/1.1 101"), head
        for frame in (b"\x81\x85\0\0\0\0hello", os.urandom(3000)):
            line.sendall(frame)
            got = b""
            while len(got) < len(frame):
                got += received(line)
            assert got == frame


def test_unknown_hosts_reach_nobody(node, edge):
    sandbox = declare({"port": 8000, "visibility": "public", "endpoint": HTTPS}, command=application(8000))
    url = endpoint_urls(node, sandbox.sandbox_id)[8000]
    wait_until(lambda: ask(node, edge, url)[0] == 200, PATIENCE, "it answers")
    port = urllib.parse.urlsplit(url).port
    host = urllib.parse.urlsplit(url).hostname
    for name in (f"x{host}", host.replace("-8000.", "-8001."), f"nobody-8000.{DOMAIN}"):
        assert ask(node, edge, f"https://{name}:{port}/")[0] in (404, 421), name
    # One name in the clear, another in the request: neither the first one's sandbox nor the other's.
    line, _ = dial(node, edge, f"https://nobody-8000.{DOMAIN}:{port}/")
    with line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert answer.status in (200, 404, 421)


def test_what_the_client_claims_of_itself_is_not_passed_on(node, edge):
    sandbox = declare({"port": 8000, "visibility": "public"}, command=application(8000))
    url = urls(sandbox)[8000]
    get(url)
    claims = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher", "Forwarded": "for=6.6.6.6"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=claims), timeout=PATIENCE) as answer:
        said = answer.read()
    assert b"6.6.6.6" not in said and b"gopher" not in said, said


# --- what is refused -------------------------------------------------------------------------------------------------

def service(port=8000, visibility=pb.VISIBILITY_PUBLIC, **fields):
    return pb.Service(port=port, visibility=visibility, **fields)


def limited(seconds):
    return pb.EndpointSpec(kind=pb.ENDPOINT_KIND_HTTPS, auth=pb.ENDPOINT_AUTH_OPEN, request_timeout_seconds=seconds)


OPEN = limited(0)


@pytest.mark.parametrize("services", [
    [service(8000), service(8001, pb.VISIBILITY_PRIVATE)],
    [service(8000, endpoint=OPEN), service(8001)],
    [service(8000, endpoint=OPEN), service(8001, pb.VISIBILITY_PRIVATE)],
    [service(8000, endpoint=pb.EndpointSpec(kind=pb.ENDPOINT_KIND_HTTPS, auth=pb.ENDPOINT_AUTH_SHARE_TOKEN))],
    [service(8000, endpoint=pb.EndpointSpec(kind=pb.ENDPOINT_KIND_TLS_PASSTHROUGH))],
], ids=["public and private", "endpoint and public", "endpoint and private", "token", "passthrough"])
def test_not_implemented(node, services):
    said = fails(node.create, services=services)
    assert (said.code, said.reason) == (grpc.StatusCode.UNIMPLEMENTED, "CWSANDBOX_NOT_IMPLEMENTED"), said


@pytest.mark.parametrize("services", [
    [service(8000, pb.VISIBILITY_PRIVATE, endpoint=OPEN)], [service(8000, pb.VISIBILITY_CUSTOM, endpoint=OPEN)],
    [service(8000, pb.VISIBILITY_UNSPECIFIED, endpoint=OPEN)],
    [service(8000, protocol=pb.SERVICE_PROTOCOL_UDP, endpoint=OPEN)],
    [service(8000, protocol=pb.SERVICE_PROTOCOL_SCTP, endpoint=OPEN)],
    [service(8000, endpoint=limited(14))], [service(8000, endpoint=limited(901))],
    [service(8000, endpoint=limited(-15))],
    [service(0)], [service(65536)], [service(-1)], [service(8000), service(8000)],
])
def test_invalid(node, services):
    said = fails(node.create, services=services)
    assert said.code == grpc.StatusCode.INVALID_ARGUMENT and "services" in said.text, said


def test_silent_services_are_echoed(node):
    kinds = (pb.SERVICE_PROTOCOL_TCP, pb.SERVICE_PROTOCOL_UDP, pb.SERVICE_PROTOCOL_SCTP)
    sandbox = node.running(services=[service(9000 + kind, pb.VISIBILITY_UNSPECIFIED, protocol=kind, name=f"n{kind}")
                                     for kind in kinds])
    found = node.get(sandbox.sandbox_id).status.services
    assert [(one.port, one.name, one.protocol, one.url) for one in found] == [
        (9000 + kind, f"n{kind}", kind, "") for kind in kinds]


@pytest.mark.parametrize("network, path", [
    (pb.NetworkOptions(deny_egress=True, egress=[pb.EgressRule(any=True)]), "deny_egress"),
    (pb.NetworkOptions(deny_ingress=True, ingress=[pb.IngressRule(any=True)]), "deny_ingress"),
    (pb.NetworkOptions(egress=[pb.EgressRule(cidr=pb.CidrBlock(cidr="44.1.0.10/24"))]), "cidr"),
    (pb.NetworkOptions(egress=[pb.EgressRule(cidr=pb.CidrBlock(cidr="44.1.0.0/33"))]), "cidr"),
    (pb.NetworkOptions(egress=[pb.EgressRule(cidr=pb.CidrBlock(cidr="44.1.0.0/24", **{"except": ["44.2.0.0/32"]}))]),
     "except"),
    (pb.NetworkOptions(egress=[pb.EgressRule(https_hostname="a.*.test")]), "https_hostname"),
    (pb.NetworkOptions(egress=[pb.EgressRule(https_hostname="*")]), "https_hostname"),
    (pb.NetworkOptions(egress=[pb.EgressRule(https_hostname="pkg.test", ports=[pb.PortRange(port=80)])]), "ports"),
    (pb.NetworkOptions(egress=[pb.EgressRule(any=True, ports=[pb.PortRange(port=80, end_port=79)])]), "ports"),
    (pb.NetworkOptions(egress=[pb.EgressRule(any=True, ports=[pb.PortRange(port=80, protocol="ICMP")])]), "protocol"),
    (pb.NetworkOptions(egress=[pb.EgressRule()]), "egress"),
])
def test_rules_that_make_no_sense(node, network, path):
    said = fails(node.create, network=network)
    assert said.code == grpc.StatusCode.INVALID_ARGUMENT, said
    assert any(path in violation for violation in said.violations) or path in said.text, said


@pytest.mark.parametrize("rule", [
    pb.EgressRule(selector=pb.SelectorBlock(pod_labels={"app": "db"})),
    pb.EgressRule(tenant=pb.TENANT_SCOPE_SANDBOX_NETWORK)])
def test_rules_that_cannot_be_honoured(node, rule):
    said = fails(node.create, network=pb.NetworkOptions(egress=[rule]))
    assert (said.code, said.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CWSANDBOX_NO_SUITABLE_RUNNER"), said


def test_what_the_sdk_is_told_of_its_rules(node):
    """Names verbatim and in their order, from the first answer on."""
    names = ["pypi.org", "*.pypi.org", "files.pythonhosted.org"]
    sandbox = Sandbox.run(*KEEP, container_image=IMAGE, network=NetworkOptions(
        egress=[EgressRule(dns_name=name) for name in names]))
    assert [rule.dns_name for rule in sandbox.effective_egress] == names
    sandbox.wait()
    again = Sandbox.from_id(sandbox.sandbox_id).result(timeout=PATIENCE)
    assert [rule.dns_name for rule in again.effective_egress] == names
