"""Nodes behind deploy/haproxy/fleet.cfg: the file as it is, but for names, addresses and the folder of its socket."""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import grpc

from nodes import PATIENCE, ROOT, Node, WithKey, pb_grpc, wait_until

RECIPE = ROOT / "deploy/haproxy/fleet.cfg"
KEY = "fleet-of-two-one-key"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Fleet:
    """Two nodes, A and B, and the balancer. Calls through it: `stub`; by the SDK: CWSANDBOX_BASE_URL is `url`."""

    def __init__(self, runtime, build=None, tls=None, node_tls=None):
        """tls: certificate and key of the balancer, in one file; node_tls: of the nodes, (certificate, key)."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skfleet."))
        self.node_tls = node_tls
        self.nodes, self.web, self.balancer, self.channel = [], [], None, None
        try:
            for _ in range(2):
                self.add_node(runtime, build)
            for node in self.nodes:
                self.introduce(node)
            self.tls = tls
            self.port, self.stats = free_port(), free_port()
            (self.folder / "fleet.cfg").write_text(self.recipe(), encoding="utf-8")
            self.balance()
        except BaseException:
            self.down()
            raise

    def add_node(self, runtime, build):
        self.web.append(free_port())
        config = {}
        if self.node_tls:
            config = dict(zip(("tls_certificate", "tls_key"), map(str, self.node_tls)))
        given = self.folder / f"node{len(self.nodes)}.json"
        given.write_text(json.dumps({"api_keys": [KEY], "http_listen": f"127.0.0.1:{self.web[-1]}"} | config))
        node = Node(runtime, build, config=given)
        node.key = node.env["CWSANDBOX_API_KEY"] = KEY
        self.nodes.append(node)

    def introduce(self, node):
        """The node knows all of them from its next start on."""
        path = node.folder / "sandkeepd.json"
        key = node.folder / "peer_key"
        key.touch(0o600)
        key.write_text(KEY + "\n", encoding="utf-8")
        scheme = "https" if self.node_tls else "http"
        told = {"peers": {peer.node_id: f"{scheme}://{peer.address}" for peer in self.nodes}, "peer_key_file": str(key)}
        if self.node_tls:
            told["peer_ca"] = str(self.node_tls[0])
        path.write_text(json.dumps(json.loads(path.read_text()) | told), encoding="utf-8")
        node.sh("daemon", "stop")
        node.sh("daemon", "start")

    def recipe(self):
        """The recipe with these nodes for n1 and n2."""
        text = RECIPE.read_text(encoding="utf-8")
        told = {"n1": ("127.0.0.1:7463", "7464"), "n2": ("127.0.0.1:7473", "7474")}
        for node, web, (name, (address, check)) in zip(self.nodes, self.web, told.items()):
            text = re.sub(rf"\b{name}\b", node.node_id, text)
            text = text.replace(address, node.address).replace(f"port {check}", f"port {web}")
        text = text.replace("/run/haproxy", str(self.folder)).replace("127.0.0.1:8404", f"127.0.0.1:{self.stats}")
        if self.node_tls:
            text = text.replace("proto h2 check", f"ssl verify required ca-file {self.node_tls[0]} alpn h2 check")
        if self.tls:
            text = text.replace("    bind 127.0.0.1:7400 proto h2\n", "").replace("#bind :443", f"bind 127.0.0.1:{self.port}")
            text = text.replace("/etc/haproxy/fleet.pem", str(self.tls))
        return text.replace("127.0.0.1:7400", f"127.0.0.1:{self.port}")

    def balance(self):
        with open(self.folder / "haproxy.log", "w", encoding="utf-8") as log:
            self.balancer = subprocess.Popen(["haproxy", "-db", "-f", str(self.folder / "fleet.cfg")], stdout=log,
                                             stderr=subprocess.STDOUT)
        wait_until(lambda: all(self.state(f"id-{n.node_id}", n.node_id) == "UP" for n in self.nodes), 20,
                   f"all nodes are up: {(self.folder / 'haproxy.log').read_text(encoding='utf-8')}")

    @property
    def url(self):
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    @property
    def stub(self):
        if not self.channel:
            self.channel = self.open_channel()
        return pb_grpc.SandboxServiceStub(self.channel)

    def open_channel(self):
        limits = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        return grpc.intercept_channel(grpc.insecure_channel(f"127.0.0.1:{self.port}", limits), WithKey(KEY))

    def state(self, backend, server):
        """What the balancer thinks of one server: UP, DOWN and the like."""
        return self.states().get((backend, server), "").split(" ")[0]

    def states(self):
        with socket.socket(socket.AF_UNIX) as stats:
            try:
                stats.connect(str(self.folder / "fleet.sock"))
            except OSError:
                return {}
            stats.sendall(b"show stat\n")
            lines = stats.makefile(encoding="utf-8").read().splitlines()
        names = lines[0].lstrip("# ").split(",")
        rows = (dict(zip(names, line.split(","))) for line in lines[1:] if line)
        return {(row["pxname"], row["svname"]): row["status"] for row in rows}

    def node_of(self, sandbox_id):
        return next(node for node in self.nodes if sandbox_id.startswith(node.node_id + "-"))

    def down(self):
        if self.channel:
            self.channel.close()
        if self.balancer:
            self.balancer.terminate()
            self.balancer.wait(timeout=PATIENCE)
        done = [node.down() for node in self.nodes]
        shutil.rmtree(self.folder)
        for node in done:
            assert node.returncode == 0, node.stderr
