"""An internet for tests of networks: namespaces joined to the one the suite runs in, which is nobody else's. What
reaches the internet is written down there (tests/support/internet), beside what sandboxes believe."""
import contextlib
import ipaddress
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from nodes import PATIENCE, ROOT

SUPPORT = ROOT / "tests/support/internet"
sys.path.insert(0, str(SUPPORT))

import places  # noqa: E402
from links import settle  # noqa: E402
from witness import ETH_MARK  # noqa: E402

PROBE = (SUPPORT / "probe.py").read_text()
IP_PKTINFO = 8
QUEUES = 4     # one behind the other, of packets on the longest way to the witness
NODE_PORT = 9100  # where something of the node's own answers, on all its addresses
# A program that echoes on a port, of both families.
ECHO = """import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while said := self.request.recv(4096): self.request.sendall(said)
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address, daemon_threads, request_queue_size = 10, True, True, 128
server = Server(("::", {}), Echo)
print("here", flush=True)
server.serve_forever()
"""
LOOSE4, LOOSE6 = "10.77.{}.", "fd77:0:0:{}::"


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, timeout=60,
                          **options).stdout


def ip(*words):
    run("ip", *words)


def raise_link(name):
    """With a link-local address that is not waited for, as one of its own making would be."""
    ip("link", "set", name, "up", "addrgenmode", "none")
    ip("-6", "address", "add", "fe80::1/64", "dev", name, "nodad")


def is_private():
    """Whether this thread's network leads nowhere but to a lab."""
    routes = run("ip", "route", "show", "default") + run("ip", "-6", "route", "show", "default")
    return all(" dev lab0 " in line + " " for line in routes.splitlines())


class Authority:
    """A CA, and one certificate of it for all the names that hosts have."""

    def __init__(self, folder, names):
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "hosts.pem", folder / "hosts.key"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        run("openssl", "req", "-x509", "-days", 30, *curve, "-subj", "/CN=tests CA", "-keyout", folder / "ca.key",
            "-out", self.ca)
        run("openssl", "req", *curve, "-subj", "/CN=hosts", "-keyout", self.key, "-out", folder / "hosts.csr")
        (folder / "names").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        run("openssl", "x509", "-req", "-days", 30, "-in", folder / "hosts.csr", "-CA", self.ca, "-CAkey",
            folder / "ca.key", "-CAcreateserial", "-extfile", folder / "names", "-out", self.certificate)

    def bundle(self, path):
        """Certificate and key in one file, as proxies like it."""
        path.touch(0o600)
        path.write_text(self.certificate.read_text() + self.key.read_text())
        return path


class NodeService:
    """Something that the node itself offers to whoever reaches it: sandboxes must not."""

    def __init__(self, places_of):
        self.seen, self.sockets = [], []  # seen: (address, protocol)
        for address, port in places_of:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                self.sockets.append(self.listen(address, kind, port))

    def listen(self, address, kind, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.socket(family, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind((address, port))
        if kind == socket.SOCK_STREAM:
            server.listen(64)
        else:  # answered from the address that was asked
            server.setsockopt(*(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1) if family == socket.AF_INET6 else
                              (socket.IPPROTO_IP, IP_PKTINFO, 1))
        serve = self.accept if kind == socket.SOCK_STREAM else self.echo
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        return server

    def accept(self, server):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                self.seen.append((connection.getsockname()[0], socket.IPPROTO_TCP))
                connection.settimeout(PATIENCE)
                with connection, contextlib.suppress(OSError):
                    connection.sendall(connection.recv(100))

    def echo(self, server):
        with contextlib.suppress(OSError):
            while True:
                message, notes, _, peer = server.recvmsg(65536, 256)
                if not peer:
                    return  # closed
                self.seen.append((asked_address(notes), socket.IPPROTO_UDP))
                with contextlib.suppress(OSError):  # whom nothing may be sent
                    server.sendmsg([message], notes, 0, peer)

    def close(self):
        for server in self.sockets:
            # Wakes whoever waits for it, as closing does not.
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


def asked_address(notes):
    """The one that a datagram was sent to."""
    for level, _, data in notes:
        packed = data[8:12] if level == socket.IPPROTO_IP else data[:16]
        return str(ipaddress.ip_address(packed))
    return ""


class Lab:
    """The internet, its link, and the node's end of it."""

    def __init__(self):
        assert is_private(), "not on the machine's own network"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skl."))
        self.authority = Authority(self.folder, places.TLS_NAMES)
        self.ca = self.authority.ca.read_text()
        self.lock, self.boxes = threading.Lock(), []
        self.process = subprocess.Popen([sys.executable, "-B", SUPPORT / "internet.py", self.authority.certificate,
                                         self.authority.key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect("ready")
        self.join()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.expect("serving")
        settle("lab0")
        self.marks, self.marker = 0, socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.marker.bind(("lab0", ETH_MARK))
        self.service = NodeService([("", NODE_PORT), ("::", NODE_PORT), (places.NODE4, 443), (places.NODE6, 443)])

    def expect(self, word):
        line = self.process.stdout.readline().strip()
        assert line == word, f"the internet said {line!r}"

    def join(self):
        ip("link", "add", "lab0", "type", "veth", "peer", "name", "net0", "netns", self.process.pid)
        ip("address", "add", f"{places.NODE4}/{places.WIDTH4}", "dev", "lab0")
        ip("-6", "address", "add", f"{places.NODE6}/{places.WIDTH6}", "dev", "lab0", "nodad")
        raise_link("lab0")
        ip("route", "add", "default", "via", places.GATE4)
        ip("-6", "route", "add", "default", "via", places.GATE6)

    def ask(self, do, **details):
        with self.lock:
            self.process.stdin.write(json.dumps({"do": do} | details) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def catch_up(self):
        """Until the witness has read all that was sent before. What waits for a processor keeps its order, and what is
        forwarded waits several times: so does one mark behind the other."""
        processors = os.sched_getaffinity(0)
        try:
            for _ in range(QUEUES):
                for processor in processors:
                    os.sched_setaffinity(0, {processor})
                    self.mark()
        finally:
            os.sched_setaffinity(0, processors)

    def mark(self):
        self.marks += 1
        self.marker.send(b"\xff" * 6 + bytes(6) + struct.pack("!HI", ETH_MARK, self.marks) + bytes(42))
        assert self.ask("passed", mark=self.marks), "the witness sees nothing"

    def forget(self):
        self.catch_up()
        self.service.seen.clear()
        self.ask("forget")

    def heard(self):
        """All that came since the last forget."""
        self.catch_up()
        return self.ask("heard") | {"node": list(self.service.seen)}

    def name(self, name, **records):
        self.ask("name", name=name, records=records or None)

    def config(self, **keys):
        """Keys of a node on this internet."""
        return {"dns_upstreams": [places.RESOLVER[0]], "dns_internal_names": ["repo.lan.test"],
                "network_forbidden": [f"{places.FORBIDDEN[0]}/32", f"{places.FORBIDDEN[1]}/128"]} | keys

    def loose(self):
        """A namespace like a sandbox's that nobody restricts: what works nowhere proves nothing."""
        box = LooseBox(self, len(self.boxes) + 1)
        self.boxes.append(box)
        return box

    def close(self):
        self.service.close()
        for box in self.boxes:
            box.close()
        self.marker.close()
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        with contextlib.suppress(subprocess.CalledProcessError):  # the link went with its other end
            ip("link", "delete", "lab0")
        shutil.rmtree(self.folder)


def probe_inside(namespace, attempts, *extra, seconds=3 * PATIENCE):
    """The probe with all of root's powers in that network."""
    said = subprocess.run(["nsenter", f"--net={namespace}", *extra, "--", sys.executable, "-B",
                           str(SUPPORT / "probe.py"), json.dumps(attempts)],
                          check=True, stdout=subprocess.PIPE, text=True, timeout=seconds).stdout
    return json.loads(said)


class LooseBox:
    def __init__(self, lab, number):
        self.lab = lab
        self.names = lab.folder / f"resolv-{number}"
        self.names.write_text(f"nameserver {places.RESOLVER[0]}\noptions timeout:30 attempts:2\n")
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "sh", "-c",
             f"mount --bind {self.names} /etc/resolv.conf && echo here && exec sleep 100000"],
            stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "here\n"
        self.pid, self.link = self.holder.pid, f"loose{number}"
        four, six = LOOSE4.format(number), LOOSE6.format(number)
        self.words = {"@gateway": four + "1", "@gateway6": six + "1", "@ipv4": four + "2", "@ipv6": six + "2",
                      "@ca": lab.ca}
        self.join(four, six)
        self.server = None

    def join(self, four, six):
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.pid)
        ip("address", "add", four + "1/24", "dev", self.link)
        ip("-6", "address", "add", six + "1/64", "dev", self.link, "nodad")
        raise_link(self.link)
        for words in (("link", "set", "lo", "up"), ("link", "set", "eth0", "up", "addrgenmode", "none"),
                      ("-6", "address", "add", "fe80::2/64", "dev", "eth0", "nodad"),
                      ("address", "add", four + "2/24", "dev", "eth0"), ("route", "add", "default", "via", four + "1"),
                      ("-6", "address", "add", six + "2/64", "dev", "eth0", "nodad"),
                      ("-6", "route", "add", "default", "via", six + "1")):
            self.run("ip", *words)
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            pathlib.Path("/proc/sys/net", path).write_text("1\n")
        settle(self.link)
        settle("lo", "eth0", inside=self.inside)

    @property
    def inside(self):
        return "nsenter", f"--net=/proc/{self.pid}/ns/net", "--"

    def run(self, *words):
        return run(*self.inside, *words)

    def serve(self, port):
        """Somebody answers there."""
        self.server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/proc/{self.pid}/ns/net",
                                        "--", sys.executable, "-c", ECHO.format(port)],
                                       stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "here\n"

    def beside(self, other):
        self.words |= {"@neighbour": other.words["@ipv4"], "@neighbour6": other.words["@ipv6"]}

    def probe(self, attempts):
        return probe_inside(f"/proc/{self.pid}/ns/net", attempts, f"--mount=/proc/{self.pid}/ns/mnt")

    rooted = probe

    def close(self):
        for process in filter(None, (self.server, self.holder)):
            process.kill()
            process.wait()
            process.stdout.close()
        with contextlib.suppress(subprocess.CalledProcessError):  # it went with its other end
            ip("link", "delete", self.link)
