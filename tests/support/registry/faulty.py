#!/usr/bin/env python3
"""faulty.py [--port N]: a registry that misbehaves, on loopback, for tests. Prints its address.

The first component of a repository says how it behaves, the rest which image it has: "ok/good", "reset/many-layers".
Images: zoo.ZOO by name, and what Faulty.add was given. Behaviours: BEHAVIOURS below, one function each.

GET /_counters tells what was asked: by repository the number of manifests and blobs sent, bytes of blobs, requests
with a Range, the Authorization headers that came, the paths in order. POST /_reset forgets it.
"""
import argparse
import base64
import collections
import contextlib
import http.server
import json
import re
import socket
import struct
import threading
import time
import urllib.parse

import zoo

METADATA = "http://169.254.169.254/latest/meta-data/"
TESTED = "sandkeep/"  # the user agent of the daemon, which refuses to connect to such addresses
USER, PASSWORD = "robot", "right horse"
MIB = 1024 * 1024


class Counters:
    """What one repository was asked."""

    def __init__(self):
        self.manifests = self.blobs = self.blob_bytes = self.ranges = self.tokens = 0
        self.by_blob = collections.Counter()
        self.authorizations, self.paths = [], []

    def show(self):
        return vars(self) | {"by_blob": dict(self.by_blob)}


class Faulty:
    """The server; its threads end with close()."""

    def __init__(self, port=0):
        self.lock = threading.Lock()
        self.images, self.counters = {}, {}
        self.seen = collections.Counter()
        self.tokens = {}
        self.rate = 256 * 1024  # of slow blobs, bytes a second
        self.upto = 1  # the share of each slow layer that is sent; the rest of it when this is raised
        self.may_end = lambda: True  # asked before the end of a lowest-last layer is sent
        self.release = threading.Event()  # ends what stalls
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.world = self
        self.port = self.server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, name, image):
        """The image as repository "BEHAVIOUR/name"; any tag, and by digest."""
        with self.lock:
            self.images[name] = image

    def image(self, name):
        with self.lock:
            if name not in self.images and name in zoo.ZOO:
                self.images[name] = zoo.ZOO[name]()
            return self.images.get(name)

    def count(self, repository):
        with self.lock:
            return self.counters.setdefault(repository, Counters())

    def reset(self):
        with self.lock:
            self.counters.clear()
            self.seen.clear()
            self.upto = 1

    def first(self, key, times):
        """True for so many calls with this key."""
        with self.lock:
            self.seen[key] += 1
            return self.seen[key] <= times


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Clients that hang up are what this is for."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "faulty", ""

    def log_message(self, *_):
        """Quiet; the counters tell."""

    @property
    def world(self):
        return self.server.world

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        own = {"/_counters": self.tell_counters, "/_token": self.give_token, "/v2/": self.ping, "/v2": self.ping}
        if url.path in own:
            return own[url.path]()
        match = re.fullmatch(r"/v2/([a-z0-9-]+)/(.+)/(manifests|blobs)/([^/]+)", url.path)
        if not match:
            return self.refuse(404, "NAME_UNKNOWN")
        self.behaviour, self.name, self.kind, self.wanted = match.groups()
        self.repository = f"{self.behaviour}/{self.name}"
        counters = self.world.count(self.repository)
        with self.world.lock:
            counters.paths.append(f"{self.command} {self.kind} {self.wanted}")
            counters.authorizations.append(self.headers.get("Authorization", ""))
            counters.ranges += "Range" in self.headers
        if "metadata" in self.behaviour and not self.headers.get("User-Agent", "").startswith(TESTED):
            return self.refuse(403, "DENIED")  # other tools might go there
        behave = BEHAVIOURS.get(self.behaviour)
        return behave(self) if behave else self.refuse(404, "NAME_UNKNOWN")

    do_HEAD = do_GET

    def do_POST(self):
        if self.path != "/_reset":
            return self.refuse(405, "UNSUPPORTED")
        self.world.reset()
        return self.send(204, b"")

    # --- answers ---

    def send(self, status, body, media_type="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", media_type)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    def refuse(self, status, code, **headers):
        self.send(status, zoo.pack({"errors": [{"code": code, "message": code.lower()}]}), **headers)

    def ping(self):
        self.send(200, b"{}", Docker_Distribution_Api_Version="registry/2.0")

    def tell_counters(self):
        with self.world.lock:
            shown = {name: counters.show() for name, counters in self.world.counters.items()}
        self.send(200, zoo.pack(shown))

    def serve(self):
        """As a good registry does."""
        found = self.find()
        if found is None:
            return self.refuse(404, "MANIFEST_UNKNOWN" if self.kind == "manifests" else "BLOB_UNKNOWN")
        data, media_type = found
        self.counted(data)
        return self.send_whole(data, media_type)

    def find(self):
        """The bytes that are asked for and their media type, or None."""
        image = self.world.image(self.name)
        if image is None:
            return None
        if self.kind == "manifests":
            if not self.wanted.startswith("sha256:") or self.wanted == image.digest:
                return image.top, image.media_type
            data = image.blobs.get(self.wanted)
            return None if data is None else (data, image.types.get(self.wanted, zoo.MANIFEST))
        data = image.blobs.get(self.wanted)
        return None if data is None else (data, "application/octet-stream")

    def counted(self, data):
        counters = self.world.count(self.repository)
        with self.world.lock:
            if self.command == "HEAD":
                return
            if self.kind == "manifests":
                counters.manifests += 1
            else:
                counters.blobs += 1
                counters.blob_bytes += len(data)
                counters.by_blob[self.wanted] += 1

    def begin(self, data, media_type, length=None, ranges=True):
        """Sends the head; returns the bytes that are to follow."""
        start = 0
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if ranges else None
        if match and int(match[1]) >= len(data):
            self.send(416, b"", Content_Range=f"bytes */{len(data)}")
            return b""
        if match:
            start = int(match[1])
        self.send_response(206 if match else 200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data) - start if length is None else length))
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Docker-Content-Digest", self.wanted if ":" in self.wanted else zoo.digest(data))
        self.end_headers()
        return b"" if self.command == "HEAD" else data[start:]

    def send_whole(self, data, media_type):
        with contextlib.suppress(OSError):
            self.wfile.write(self.begin(data, media_type))

    def hang_up(self, reset=True):
        """reset: with RST, so that what was sent may be lost as well."""
        self.wfile.flush()
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_WR)
        self.close_connection = True
        self.connection.close()

    # --- tokens ---

    def give_token(self):
        """/_token?lives=N: good for so many requests. With user and password when they are wanted."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        counters = self.world.count("_token")
        with self.world.lock:
            counters.authorizations.append(self.headers.get("Authorization", ""))
            counters.tokens += 1
            token = f"token-{counters.tokens}"
            self.world.tokens[token] = int(query.get("lives", "1000000"))
        if query.get("login") and self.headers.get("Authorization") != basic(USER, PASSWORD):
            return self.refuse(401, "UNAUTHORIZED")
        return self.send(200, zoo.pack({"token": token, "expires_in": 300}))

    def token_is_good(self):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.world.lock:
            left = self.world.tokens.get(token, 0)
            if left:
                self.world.tokens[token] = left - 1
        return left > 0

    def ask_for_token(self, realm):
        scope = f"repository:{self.repository}:pull"
        self.refuse(401, "UNAUTHORIZED",
                    WWW_Authenticate=f'Bearer realm="{realm}",service="faulty",scope="{scope}"')

    def own_url(self, path):
        return f"http://{self.world.host}{path}"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# --- behaviours: of requests for manifests and blobs ---

BEHAVIOURS = {}


def behaviour(act):
    BEHAVIOURS[act.__name__.replace("_", "-")] = act
    return act


@behaviour
def ok(call):
    call.serve()


def first_refused(name, status, code, **headers):
    """Refuses each path twice, then serves."""
    def act(call):
        if call.world.first((call.repository, call.wanted), 2):
            return call.refuse(status, code, **headers)
        return call.serve()
    BEHAVIOURS[name] = act


def always(name, status, code, **headers):
    BEHAVIOURS[name] = lambda call: call.refuse(status, code, **headers)


first_refused("busy", 429, "TOOMANYREQUESTS")
first_refused("busy-after", 429, "TOOMANYREQUESTS", Retry_After="1")
first_refused("error-500", 500, "UNKNOWN")
first_refused("error-503", 503, "UNAVAILABLE", Retry_After="0")
always("limited", 429, "TOOMANYREQUESTS")
always("limited-for-days", 429, "TOOMANYREQUESTS", Retry_After="400000")
always("down", 503, "UNAVAILABLE")
always("denied", 403, "DENIED")
always("gone", 404, "NAME_UNKNOWN")
always("teapot", 418, "UNKNOWN")
always("no-scheme", 401, "UNAUTHORIZED", WWW_Authenticate="Negotiate")
always("no-challenge", 401, "UNAUTHORIZED")
always("realm-at-metadata", 401, "UNAUTHORIZED", WWW_Authenticate=f'Bearer realm="{METADATA}",service="x"')
always("realm-is-a-file", 401, "UNAUTHORIZED", WWW_Authenticate='Bearer realm="file:///etc/passwd",service="x"')


def on_blobs(act):
    """Manifests are served well."""
    def either(call):
        return call.serve() if call.kind == "manifests" else act(call)
    BEHAVIOURS[act.__name__.replace("_", "-")] = either
    return act


def is_layer(call):
    return call.wanted in call.world.image(call.name).layers


def partly(call, size, then, ranges=True):
    """So many bytes of what is asked for, then what `then` does."""
    data, media_type = call.find()
    call.counted(data)
    with contextlib.suppress(OSError):
        rest = call.begin(data, media_type, ranges=ranges)
        call.wfile.write(rest[:size])
        call.wfile.flush()
        then(call)


@on_blobs
def reset(call):
    """Each layer breaks off once, halfway."""
    if is_layer(call) and call.world.first((call.repository, call.wanted), 1):
        half = len(call.find()[0]) // 2
        return partly(call, half, Handler.hang_up)
    return call.serve()


@on_blobs
def reset_no_range(call):
    """The same, and the second try is sent from the beginning, whatever was asked."""
    if is_layer(call) and call.world.first((call.repository, call.wanted), 1):
        half = len(call.find()[0]) // 2
        return partly(call, half, Handler.hang_up)
    call.headers.replace_header("Range", "") if "Range" in call.headers else None
    return call.serve()


@on_blobs
def reset_always(call):
    if is_layer(call):
        return partly(call, 1000, Handler.hang_up, ranges=False)
    return call.serve()


@on_blobs
def cut(call):
    """Ends early, the Content-Length notwithstanding, at the same byte each time."""
    if is_layer(call):
        return partly(call, 1000, lambda c: c.hang_up(reset=False), ranges=False)
    return call.serve()


@on_blobs
def short(call):
    """The registry has only half of each layer, and says so."""
    if not is_layer(call):
        return call.serve()
    data, media_type = call.find()
    call.counted(data)
    return call.send_whole(data[:len(data) // 2], media_type)


@on_blobs
def longer(call):
    """More than the manifest says."""
    if not is_layer(call):
        return call.serve()
    data, media_type = call.find()
    call.counted(data)
    return call.send_whole(data + bytes(100_000), media_type)


@on_blobs
def longer_config(call):
    if is_layer(call):
        return call.serve()
    return call.send_whole(call.find()[0] + bytes(100_000), "application/octet-stream")


def flipped(data):
    return data[:len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1:]


@on_blobs
def wrong_layer(call):
    if not is_layer(call):
        return call.serve()
    data, media_type = call.find()
    call.counted(data)
    return call.send_whole(flipped(data), media_type)


@on_blobs
def wrong_config(call):
    if is_layer(call):
        return call.serve()
    data, media_type = call.find()
    return call.send_whole(data.replace(b"linux", b"lunix"), media_type)


@on_blobs
def stall(call):
    """Nothing more comes after the first bytes."""
    if is_layer(call):
        return partly(call, 1000, lambda c: c.world.release.wait(600))
    return call.serve()


def slowly(call, most):
    """Faulty.rate bytes a second, and no more of the whole than `most` says at that time."""
    data, media_type = call.find()
    call.counted(data)
    with contextlib.suppress(OSError):
        rest, at = call.begin(data, media_type), 0
        begun = len(data) - len(rest)
        while at < len(rest) and not call.world.release.is_set():
            piece = rest[at:min(at + max(call.world.rate // 20, 1), max(most(len(data)) - begun, at))]
            call.wfile.write(piece)
            call.wfile.flush()
            at += len(piece)
            time.sleep(0.05)


@on_blobs
def slow(call):
    """Faulty.rate bytes a second, of each layer the share Faulty.upto."""
    return slowly(call, lambda size: int(size * call.world.upto)) if is_layer(call) else call.serve()


@on_blobs
def lowest_last(call):
    """Slow, and the last byte of the lowest layer waits for Faulty.may_end; who asks for it again gets it."""
    if call.wanted != call.world.image(call.name).layers[0] or call.command == "HEAD":
        return slow(call)
    waits = call.world.first((call.repository, call.wanted), 1)
    return slowly(call, lambda size: size - 1 if waits and not call.world.may_end() else size)


def on_manifests(act):
    """Blobs are served well."""
    def either(call):
        return call.serve() if call.kind == "blobs" else act(call)
    BEHAVIOURS[act.__name__.replace("_", "-")] = either
    return act


@on_manifests
def huge_manifest(call):
    """1 GiB that begins as JSON does."""
    with contextlib.suppress(OSError):
        call.begin(b"", zoo.MANIFEST, length=1024 * MIB)
        if call.command != "HEAD":
            call.wfile.write(b'{"schemaVersion":2')
            for _ in range(1024):
                call.wfile.write(b" " * MIB)
            call.hang_up()


@on_manifests
def endless_manifest(call):
    """Chunks, until the client has had enough."""
    call.send_response(200)
    call.send_header("Content-Type", zoo.MANIFEST)
    call.send_header("Transfer-Encoding", "chunked")
    call.end_headers()
    with contextlib.suppress(OSError):
        while call.command != "HEAD" and not call.world.release.is_set():
            call.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    call.close_connection = True


@on_manifests
def endless_header(call):
    call.send_response(200)
    with contextlib.suppress(OSError):
        for number in range(1_000_000):
            call.send_header(f"X-{number}", "x" * 1000)
            call.flush_headers()
    call.close_connection = True


@on_manifests
def garbage(call):
    call.send_whole(zoo.noise(5000), zoo.MANIFEST)


@on_manifests
def web_page(call):
    call.send(200, b"<html><body>Sign in to the hotel's wireless</body></html>", "text/html")


@on_manifests
def empty(call):
    call.send(200, b"", zoo.MANIFEST)


@on_manifests
def schema_1(call):
    body = {"schemaVersion": 1, "name": call.repository, "tag": "latest", "architecture": "amd64", "fsLayers": []}
    call.send(200, zoo.pack(body), "application/vnd.docker.distribution.manifest.v1+prettyjws")


@on_manifests
def not_http(call):
    call.wfile.write(b"220 smtp.example.com ESMTP\r\n")
    call.hang_up(reset=False)


@on_manifests
def wrong_manifest(call):
    """By tag an index; the manifest it names comes with other bytes."""
    image = call.world.image(call.name)
    if call.wanted.startswith("sha256:"):
        return call.send_whole(image.top + b" ", image.media_type)
    entry = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.top),
             "platform": {"os": "linux", "architecture": zoo.ARCHITECTURE}}
    return call.send_whole(zoo.pack({"schemaVersion": 2, "mediaType": zoo.INDEX, "manifests": [entry]}), zoo.INDEX)


@on_manifests
def index_of_itself(call):
    """An index whose entry is, says the registry, the index."""
    entry = {"mediaType": zoo.INDEX, "digest": zoo.digest(b"itself"), "size": 300,
             "platform": {"os": "linux", "architecture": zoo.ARCHITECTURE}}
    call.send_whole(zoo.pack({"schemaVersion": 2, "mediaType": zoo.INDEX, "manifests": [entry]}), zoo.INDEX)


def redirect(call, url):
    call.send(307, b"", Location=url)


@on_blobs
def to_metadata(call):
    redirect(call, METADATA)


@on_manifests
def manifest_to_metadata(call):
    redirect(call, METADATA)


@on_blobs
def to_mapped_metadata(call):
    redirect(call, "http://[::ffff:169.254.169.254]/latest/meta-data/")


@on_blobs
def to_file(call):
    redirect(call, "file:///etc/passwd")


@on_blobs
def to_unnamed(call):
    """The same server by a name that the node's config does not know."""
    redirect(call, f"http://localhost:{call.world.port}/v2/ok/{call.name}/blobs/{call.wanted}")


@on_blobs
def round_and_round(call):
    redirect(call, call.own_url(call.path))


@on_blobs
def elsewhere(call):
    """To Faulty.other, another Faulty that the node's config names; with a login wanted here."""
    if call.headers.get("Authorization") != basic(USER, PASSWORD):
        return call.refuse(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="faulty"')
    return redirect(call, f"http://{call.world.other}/v2/ok/{call.name}/blobs/{call.wanted}")


@behaviour
def login(call):
    """Basic authentication."""
    if call.headers.get("Authorization") != basic(USER, PASSWORD):
        return call.refuse(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="faulty"')
    return call.serve()


@behaviour
def token(call):
    """Tokens for anybody."""
    return call.serve() if call.token_is_good() else call.ask_for_token(call.own_url("/_token"))


@behaviour
def short_tokens(call):
    """Each token is good for eight requests, whatever it says."""
    return call.serve() if call.token_is_good() else call.ask_for_token(call.own_url("/_token?lives=8"))


@behaviour
def token_login(call):
    """Tokens for who logs in."""
    return call.serve() if call.token_is_good() else call.ask_for_token(call.own_url("/_token?login=yes"))


@behaviour
def useless_tokens(call):
    return call.ask_for_token(call.own_url("/_token"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    with Faulty(parser.parse_args().port) as world:
        print(world.host, flush=True)
        world.thread.join()


if __name__ == "__main__":
    main()
