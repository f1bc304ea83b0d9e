"""A resolver that knows one zone (places.ZONE) and gives it as it is told: chains, truncation, slowness, lies."""
import ipaddress
import socket
import struct
import threading
import time

KINDS = {"A": 1, "NS": 2, "CNAME": 5, "TXT": 16, "AAAA": 28}
NAMES = {number: name for name, number in KINDS.items()}
NXDOMAIN, UDP_MAX, CHAIN_MAX = 3, 512, 8


def read_name(message, at):
    """(name, where it ends); questions have no pointers."""
    labels = []
    while length := message[at]:
        labels.append(message[at + 1:at + 1 + length].decode("latin-1"))
        at += 1 + length
    return ".".join(labels), at + 1


def pack_name(name):
    parts = name.encode("latin-1").split(b".") if name else []
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def pack_record(name, kind, ttl, value):
    data = pack_name(value) if kind == "CNAME" else ipaddress.ip_address(value).packed
    return pack_name(name) + struct.pack("!HHIH", KINDS[kind], 1, ttl, len(data)) + data


class Zone:
    def __init__(self, records):
        self.records = dict(records)
        self.asked = []  # (name, kind, "udp" or "tcp", resolver's address)
        self.lock = threading.Lock()

    def find(self, name):
        found = self.records.get(name)
        return found if found is not None else self.records.get("*." + name.partition(".")[2])

    def look_up(self, name, kind):
        """(rcode, [(owner, kind, ttl, value)])"""
        answers, at = [], name
        for _ in range(CHAIN_MAX):
            entry = self.find(at)
            if entry is None:
                return (0 if answers else NXDOMAIN), answers
            if entry.get("rcode"):
                return entry["rcode"], []
            ttl = entry.get("ttl", 300)
            if "CNAME" not in entry:
                return 0, answers + [(at, kind, ttl, value) for value in entry.get(kind, [])]
            answers.append((at, "CNAME", ttl, entry["CNAME"]))
            if kind == "CNAME":
                break
            at = entry["CNAME"]
        return 0, answers

    def answer(self, message, via, here):
        """The answer's bytes, or None."""
        if len(message) < 17 or message[2] & 0x80:
            return None
        asked, end = read_name(message, 12)
        kind = NAMES.get(struct.unpack_from("!H", message, end)[0], "?")
        question, name = message[12:end + 4], asked.lower()
        with self.lock:
            self.asked.append((name, kind, via, here))
        time.sleep((self.find(name) or {}).get("slow", 0))
        rcode, answers = self.look_up(name, kind) if kind in ("A", "AAAA", "CNAME") else (0, [])
        flags, count = 0x8180 | rcode, len(answers)
        # The owner that was asked for stands as it was asked, letter by letter.
        body = b"".join(pack_record(asked if owner == name else owner, *rest) for owner, *rest in answers)
        if via == "udp" and len(question) + len(body) + 12 > UDP_MAX:
            flags, count, body = flags | 0x0200, 0, b""
        return message[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + body

    def serve_datagram(self, server, message, sender, here):
        if answer := self.answer(message, "udp", here):
            server.sendto(answer, sender)

    def serve_stream(self, connection, here):
        while head := receive(connection, 2):
            answer = self.answer(receive(connection, struct.unpack("!H", head)[0]), "tcp", here)
            connection.sendall(struct.pack("!H", len(answer)) + answer)


def receive(connection, size):
    """All of it, or b"" at the end."""
    got = b""
    while len(got) < size:
        piece = connection.recv(size - len(got))
        if not piece:
            return b""
        got += piece
    return got


def datagrams(address, port):
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.bind((address, port))
    return server
