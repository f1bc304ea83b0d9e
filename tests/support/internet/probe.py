#!/usr/bin/env python3
"""probe.py ATTEMPTS: tries what the JSON list says, all at once, and answers one JSON object for each: "ok" says
whether it worked, "why" why not. Runs in sandboxes; one file, the standard library alone."""
import concurrent.futures
import contextlib
import ipaddress
import json
import os
import random
import socket
import ssl
import struct
import sys
import time

LIMIT = 1.5  # seconds until an attempt is given up that says nothing of it ("limit")
IPV6_HDRINCL = 36
KINDS = {"A": 1, "AAAA": 28, "TXT": 16, "CNAME": 5}
HIDDEN, SERVER_NAME, KEY_SHARE, VERSIONS, GROUPS, SIGNATURES, SESSION = 0xFE0D, 0, 51, 43, 10, 13, 35


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def open_stream(attempt):
    connection = socket.socket(family(attempt["to"]), socket.SOCK_STREAM)
    connection.settimeout(attempt.get("limit", LIMIT))
    if "from_port" in attempt:
        connection.bind(("", attempt["from_port"]))
    connection.connect((attempt["to"], attempt["port"]))
    return connection


def tcp(attempt):
    with open_stream(attempt) as connection:
        connection.sendall(b"ping\n")
        return {"ok": connection.recv(5) == b"ping\n"}


def udp(attempt):
    message = os.urandom(attempt.get("size", 16))
    with socket.socket(family(attempt["to"]), socket.SOCK_DGRAM) as connection:
        connection.settimeout(attempt.get("limit", LIMIT))
        connection.connect((attempt["to"], attempt["port"]))
        connection.send(message)
        return {"ok": connection.recv(65536) == message}


def sctp(attempt):
    """Where the kernel has none, by hand: an INIT that nobody answers, seen by the witness alone."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65536, 1, 1, 1)
    ports = struct.pack("!HHI", 40000, attempt["port"], 0)
    message = ports + struct.pack("<I", crc32c(ports + bytes(4) + chunk)) + chunk
    with socket.socket(family(attempt["to"]), socket.SOCK_RAW, 132) as raw:
        raw.sendto(message, (attempt["to"], 0))
    return {"ok": True}


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def ping(attempt):
    """By a datagram socket, where the kernel lets everybody, else by a raw one."""
    v6 = family(attempt["to"]) == socket.AF_INET6
    protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    body = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, os.getpid() & 0xFFFF, random.randrange(65536)) + b"ping"
    try:
        connection = socket.socket(family(attempt["to"]), socket.SOCK_DGRAM, protocol)
    except PermissionError:
        connection = socket.socket(family(attempt["to"]), socket.SOCK_RAW, protocol)
    with connection:
        limit = attempt.get("limit", LIMIT)
        connection.settimeout(limit)
        packed = body if v6 else body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        connection.sendto(packed, (attempt["to"], 0))
        end = time.monotonic() + limit
        while time.monotonic() < end:
            answer, sender = connection.recvfrom(1500)
            answer = answer if v6 or answer[0] >> 4 != 4 else answer[(answer[0] & 15) * 4:]
            if sender[0] == attempt["to"] and answer[0] == (129 if v6 else 0):
                return {"ok": True}
    return {"ok": False, "why": "no answer"}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


# --- packets by hand -------------------------------------------------------------------------------------------------

def datagram(source, to, port, payload=b"by hand"):
    """A UDP packet without its IP header; its checksum covers the addresses."""
    head = struct.pack("!HHHH", 40001, port, 8 + len(payload), 0)
    return head[:6] + sum_of(source, to, 17, head + payload) + payload


def segment(source, to, port):
    """A TCP SYN."""
    head = struct.pack("!HHIIBBHHH", 40002, port, 1, 0, 5 << 4, 2, 65535, 0, 0)
    return head[:16] + sum_of(source, to, 6, head) + head[18:]


def sum_of(source, to, protocol, data):
    """A filter throws away what has a wrong one, whatever its rules say."""
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(to).packed
    length = struct.pack("!II", len(data), protocol) if ":" in to else struct.pack("!HH", protocol, len(data))
    return struct.pack("!H", checksum(ends + length + data) or 0xFFFF)


def send_ipv4(raw, source, to, protocol, payload, place=0, more=False, number=1):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), number, (0x2000 if more else 0) | place // 8, 64,
                       protocol, 0, socket.inet_aton(source), socket.inet_aton(to))
    raw.sendto(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload, (to, 0))


def send_ipv6(raw, source, to, protocol, payload):
    head = struct.pack("!IHBB16s16s", 6 << 28, len(payload), protocol, 64, socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, to))
    raw.sendto(head + payload, (to, 0, 0, 0))


def raw_socket(to):
    raw = socket.socket(family(to), socket.SOCK_RAW, socket.IPPROTO_RAW)
    if ":" in to:
        raw.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    else:
        raw.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
    return raw


def own_address(to):
    with socket.socket(family(to), socket.SOCK_DGRAM) as asked:
        asked.connect((to, 9))
        return asked.getsockname()[0]


def spoof(attempt):
    """A datagram, or a SYN, from somebody else's address. "ok": it was sent; whether it got out others know."""
    to, source = attempt["to"], attempt.get("source") or own_address(attempt["to"])
    payload = segment(source, to, attempt["port"]) if attempt.get("tcp") else datagram(source, to, attempt["port"])
    with raw_socket(to) as raw:
        send = send_ipv6 if ":" in to else send_ipv4
        send(raw, source, to, 6 if attempt.get("tcp") else 17, payload)
    return {"ok": True}


def slices(attempt):
    """A SYN in two fragments, of which the first has no more than ports; with "port_first" another comes before,
    with another port for the same place."""
    to, source = attempt["to"], own_address(attempt["to"])
    syn, number = segment(source, to, attempt["port"]), random.randrange(1, 65536)
    with raw_socket(to) as raw:
        if "port_first" in attempt:
            # Two heads for one place: what the filter reads must be what the host reads.
            send_ipv4(raw, source, to, 6, segment(source, to, attempt["port_first"])[:8], 0, True, number)
            send_ipv4(raw, source, to, 6, syn[:8], 0, True, number)
        else:
            send_ipv4(raw, source, to, 6, syn[:8], 0, True, number)
        send_ipv4(raw, source, to, 6, syn[8:], 8, False, number)
    return {"ok": True}


def packet(attempt):
    """A packet of whatever protocol, without meaning; twice, since nobody sends it again when it is lost."""
    to = attempt["to"]
    with raw_socket(to) as raw:
        send = send_ipv6 if ":" in to else send_ipv4
        for pause in (0, 0.2):
            time.sleep(pause)
            send(raw, attempt.get("source") or own_address(to), to, attempt["protocol"], b"\0" * 32)
    return {"ok": True}


# --- TLS -------------------------------------------------------------------------------------------------------------

def extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def vector(data, width=2):
    return len(data).to_bytes(width, "big") + data


def make_hello(name, hidden=False, padding=0):
    """A ClientHello of TLS 1.3; hidden: with what looks like an encrypted one inside."""
    extensions = b""
    if padding:
        extensions += extension(21, b"\0" * padding)
    if name:
        extensions += extension(SERVER_NAME, vector(b"\0" + vector(name.encode("latin-1"))))
    if hidden:
        outer = struct.pack("!BHHB", 0, 1, 1, 7) + vector(os.urandom(32)) + vector(os.urandom(128))
        extensions += extension(HIDDEN, outer)
    extensions += extension(VERSIONS, b"\x02\x03\x04") + extension(GROUPS, vector(b"\0\x1d"))
    extensions += extension(SIGNATURES, vector(b"\x04\x03\x08\x04\x04\x01"))
    extensions += extension(KEY_SHARE, vector(b"\0\x1d" + vector(b"\x09" + b"\0" * 31)))
    body = b"\x03\x03" + os.urandom(32) + vector(os.urandom(32), 1) + vector(b"\x13\x01\x13\x02") + b"\x01\0"
    body += vector(extensions)
    return b"\x01" + vector(body, 3)


def records(hello, at=None):
    """As one record, or as two."""
    parts = [hello] if at is None else [hello[:at], hello[at:]]
    return b"".join(b"\x16\x03\x01" + vector(part) for part in parts)


def hello(attempt):
    """A ClientHello by hand; "ok": the server answers with a message of TLS."""
    message = records(make_hello(attempt.get("name", ""), attempt.get("hidden", False), attempt.get("padding", 0)),
                      attempt.get("record_at"))
    at = attempt.get("segment_at", len(message))
    with open_stream(attempt) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(message[:at])
        if message[at:]:
            time.sleep(0.1)
            connection.sendall(message[at:])
        answer = connection.recv(1)
    return {"ok": answer in (b"\x16", b"\x15"), "why": "closed" if not answer else answer.hex()}


def https(attempt):
    """The real thing: names resolved as everybody does, certificates checked by "ca" (text). "at": that address
    instead."""
    context = ssl.create_default_context(cadata=attempt["ca"])
    name = attempt["name"]
    to = attempt.get("at") or socket.getaddrinfo(name, 443, attempt.get("family", 0), socket.SOCK_STREAM)[0][4][0]
    with open_stream(attempt | {"to": to, "port": attempt.get("port", 443)}) as plain:
        with context.wrap_socket(plain, server_hostname=name) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % name.encode())
            answer = connection.makefile("rb").read()
    facts = json.loads(answer.partition(b"\r\n\r\n")[2])
    return {"ok": facts["name"] == name, "at": facts["at"]}


# --- names -----------------------------------------------------------------------------------------------------------

def resolver():
    with open("/etc/resolv.conf", encoding="ascii") as lines:
        return next(line.split()[1] for line in lines if line.startswith("nameserver"))


def read_name(message, at):
    labels, end = [], None
    while length := message[at]:
        if length & 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
        else:
            labels.append(message[at + 1:at + 1 + length].decode("latin-1"))
            at += 1 + length
    return ".".join(labels), end or at + 1


def read_answer(message):
    flags, _, count = struct.unpack_from("!HHH", message, 2)
    at, answers = read_name(message, 12)[1] + 4, []
    for _ in range(count):
        _, at = read_name(message, at)
        kind, _, _, size = struct.unpack_from("!HHIH", message, at)
        data = message[at + 10:at + 10 + size]
        if kind in (1, 28):
            answers.append(str(ipaddress.ip_address(data)))
        at += 10 + size
    return {"rcode": flags & 15, "truncated": bool(flags & 0x0200), "answers": answers}


def dns(attempt):
    """A question by hand, to the sandbox's resolver or another."""
    number = random.randrange(65536)
    name = b"".join(vector(label.encode("latin-1"), 1) for label in attempt["name"].split(".") if label) + b"\0"
    message = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + name + struct.pack(
        "!HH", KINDS[attempt.get("type", "A")], 1)
    at = {"to": attempt.get("to") or resolver(), "port": attempt.get("port", 53), "limit": attempt.get("limit", 3)}
    if attempt.get("tcp"):
        with open_stream(at) as connection:
            connection.sendall(vector(message))
            stream = connection.makefile("rb")
            answer = stream.read(struct.unpack("!H", stream.read(2))[0])
    else:
        with socket.socket(family(at["to"]), socket.SOCK_DGRAM) as connection:
            connection.settimeout(at["limit"])
            connection.sendto(message, (at["to"], at["port"]))
            answer = connection.recv(4096)
    found = read_answer(answer)
    return {"ok": found["rcode"] == 0 and bool(found["answers"] or found["truncated"])} | found


def resolve(attempt):
    """As every program does."""
    found = socket.getaddrinfo(attempt["name"], 0, attempt.get("family", 0), socket.SOCK_STREAM)
    return {"ok": True, "answers": sorted({entry[4][0] for entry in found})}


# --- all of them -----------------------------------------------------------------------------------------------------

def socket_of(attempt):
    """Whether such a socket can be had at all."""
    socket.socket(getattr(socket, attempt["family"]), getattr(socket, attempt["type"]), attempt["protocol"]).close()
    return {"ok": True}


WAYS = {"tcp": tcp, "udp": udp, "sctp": sctp, "ping": ping, "spoof": spoof, "slices": slices, "packet": packet,
        "hello": hello, "https": https, "dns": dns, "resolve": resolve, "socket": socket_of}


def run(attempt):
    began = time.monotonic()
    try:
        if "after" in attempt:  # a name that is asked for first, for what becomes of it
            with contextlib.suppress(OSError):
                socket.getaddrinfo(attempt["after"], 443, 0, socket.SOCK_STREAM)
        answer = WAYS[attempt["way"]](attempt)
    except (OSError, ssl.SSLError, ValueError, struct.error, StopIteration) as error:
        answer = {"ok": False, "why": f"{type(error).__name__}: {error}"}
    return answer | {"took": round(time.monotonic() - began, 3)}


def main():
    attempts = json.loads(sys.argv[1])
    with concurrent.futures.ThreadPoolExecutor(max(1, min(len(attempts), 200))) as pool:
        print(json.dumps(list(pool.map(run, attempts))))


if __name__ == "__main__":
    main()
