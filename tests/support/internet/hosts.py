"""The hosts: whatever comes to a TCP port is answered as what it is (a ClientHello by TLS, a GET by HTTP, all else
by an echo), datagrams by themselves. Each TLS hello is written down before it is believed."""
import json
import select
import socket
import ssl
import struct
import threading
import time

import places
from zone import datagrams

HELLO, SERVER_NAME, HIDDEN = 22, 0, 0xFE0D
IDLE_SECONDS = 120


def read_hello(hello):
    """(server name or "", whether it has an encrypted one) of a ClientHello, or of what is there of it."""
    try:
        at = 4 + 2 + 32
        at += 1 + hello[at]
        at += 2 + struct.unpack_from("!H", hello, at)[0]
        at += 1 + hello[at]
        end = at + 2 + struct.unpack_from("!H", hello, at)[0]
        at, name, hidden = at + 2, "", False
        while at + 4 <= end:
            kind, size = struct.unpack_from("!HH", hello, at)
            if kind == SERVER_NAME:
                name = hello[at + 9:at + 4 + size].decode("latin-1")
            hidden = hidden or kind == HIDDEN
            at += 4 + size
        return name, hidden
    except (IndexError, struct.error):
        return "", False


def listener(family, port):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(("", port))
    server.listen(256)
    return server


class Hosts:
    def __init__(self, zone, certificate, key):
        self.zone, self.hellos, self.lock = zone, [], threading.Lock()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        self.streams = {listener(family, port): port for port in places.TCP_PORTS
                        for family in (socket.AF_INET, socket.AF_INET6)}
        self.datagrams = {datagrams(address, port): (address, port)
                          for address in places.ALL4 + places.ALL6 for port in [53, *places.UDP_PORTS]}
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        waiting = select.epoll()
        servers = {server.fileno(): server for server in [*self.streams, *self.datagrams]}
        for number in servers:
            waiting.register(number, select.EPOLLIN)
        while True:
            for number, _ in waiting.poll():
                server = servers[number]
                if server in self.streams:
                    self.welcome(server)
                else:
                    self.answer_datagram(server, *self.datagrams[server])

    def answer_datagram(self, server, address, port):
        message, sender = server.recvfrom(65536)
        if port == 53:
            threading.Thread(target=self.zone.serve_datagram, args=(server, message, sender, address),
                             daemon=True).start()
        else:
            server.sendto(message, sender)

    def welcome(self, server):
        connection, _ = server.accept()
        threading.Thread(target=self.converse, args=(connection, self.streams[server]), daemon=True).start()

    def converse(self, connection, port):
        with connection:
            try:
                connection.settimeout(IDLE_SECONDS)
                self.talk(connection, connection.getsockname()[0], port)
            except (OSError, ssl.SSLError):
                pass

    def talk(self, connection, here, port):
        first = connection.recv(1, socket.MSG_PEEK)
        if port == 53:
            self.zone.serve_stream(connection, here)
        elif first == bytes([HELLO]):
            name, hidden = read_hello(whole_hello(connection))
            with self.lock:
                self.hellos.append({"at": here, "port": port, "name": name, "hidden": hidden})
            with self.tls.wrap_socket(connection, server_side=True) as secret:
                speak(secret, {"at": here, "port": port, "name": name})
        else:
            speak(connection, {"at": here, "port": port, "from": connection.getpeername()[0]})


def whole_hello(connection):
    """A look at the hello, which may come in pieces and in several records; as if in one. What is there of it when
    nothing more comes."""
    ending, end = select.poll(), time.monotonic() + IDLE_SECONDS
    ending.register(connection, select.POLLRDHUP)
    over = False
    while True:
        last = over
        seen = connection.recv(65536, socket.MSG_PEEK)
        message = b""
        while len(seen) >= 5 and len(seen) >= 5 + struct.unpack_from("!H", seen, 3)[0]:
            size = struct.unpack_from("!H", seen, 3)[0]
            message, seen = message + seen[5:5 + size], seen[5 + size:]
        if len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big"):
            return message
        if last:
            return message
        over = bool(ending.poll(10)) or time.monotonic() >= end


def speak(connection, facts):
    """HTTP to who speaks HTTP, else an echo until the end."""
    heard = connection.recv(65536)
    if heard.startswith(b"GET "):
        while b"\r\n\r\n" not in heard and (more := connection.recv(65536)):
            heard += more
        body = json.dumps(facts).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return
    while heard:
        connection.sendall(heard)
        heard = connection.recv(65536)
