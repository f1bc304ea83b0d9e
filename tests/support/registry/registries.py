#!/usr/bin/env python3
"""registries.py: Debian's docker-registry on loopback, three of them, filled by skopeo. For tests.

    registries.py DIR      starts them below DIR, prints "NAME HOST" lines, runs until standard input ends

plain: no TLS, everybody. basic: TLS, and USER with PASSWORD. token: TLS, and tokens of our own token server, which
lets everybody read public/… and USER all. The certificates are of a CA of our own: Registries.ca is its file.
"""
import base64
import contextlib
import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import zoo

USER, PASSWORD = "robot", "right horse"
HTPASSWD = USER + ":$2y$05$sandkeepsandkeepsandkePBImijXVfxCwQOU8W3Qur9XIXMnGEoe"
TOKEN_SERVICE, TOKEN_ISSUER = "registry", "tokens"
START_SECONDS = 60


def without_proxies():
    """An environment in which nobody goes through a proxy: all of this is on loopback."""
    return {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, env=without_proxies(),
                          timeout=300, **options).stdout


class Authority:
    """A CA, one certificate for loopback, and the key that signs tokens."""

    def __init__(self, where):
        self.ca, self.certificate, self.key = where / "ca.pem", where / "server.pem", where / "server.key"
        self.token_key, self.token_certificate = where / "token.key", where / "token.pem"
        self_signed = ("req", "-x509", "-nodes", "-days", "30", "-newkey")
        curve = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        run("openssl", *self_signed, *curve, "-subj", "/CN=tests CA", "-keyout", where / "ca.key", "-out", self.ca)
        run("openssl", "req", "-nodes", "-newkey", *curve, "-subj", "/CN=registry", "-keyout", self.key,
            "-out", where / "server.csr")
        (where / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        run("openssl", "x509", "-req", "-days", "30", "-in", where / "server.csr", "-CA", self.ca,
            "-CAkey", where / "ca.key", "-CAcreateserial", "-extfile", where / "names", "-out", self.certificate)
        run("openssl", *self_signed, "rsa:2048", "-subj", "/CN=tokens", "-keyout", self.token_key,
            "-out", self.token_certificate)

    def sign(self, claims):
        """A JSON web token, RS256, with its certificate in the header."""
        pem = self.token_certificate.read_text()
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(pem.splitlines()[1:-1])]}
        text = b".".join(unpadded(zoo.pack(part)) for part in (header, claims))
        signature = run("openssl", "dgst", "-sha256", "-sign", self.token_key, input=text)
        return (text + b"." + unpadded(signature)).decode()


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class TokenServer:
    """distribution's token protocol: GET with service and scopes, perhaps with a login."""

    def __init__(self, authority):
        self.authority, self.asked = authority, []
        self.lifetime = 300
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenHandler)
        self.server.daemon_threads = True
        self.server.tokens = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.certificate, authority.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def grant(self, user, scopes):
        """A token with what of the scopes the user may do."""
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2)
            allowed = actions.split(",") if user else ["pull"] if name.startswith("public/") else []
            access.append({"type": kind, "name": name, "actions": allowed})
        now = int(time.time())
        return self.authority.sign({"iss": TOKEN_ISSUER, "sub": user, "aud": TOKEN_SERVICE, "iat": now,
                                    "nbf": now - 10, "exp": now + self.lifetime, "jti": str(time.monotonic_ns()),
                                    "access": access})


class TokenHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Quiet."""

    def do_GET(self):
        tokens = self.server.tokens
        scopes = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("scope", [])
        tokens.asked.append((self.path, self.headers.get("Authorization", "")))
        user = ""
        if login := self.headers.get("Authorization"):
            if base64.b64decode(login.removeprefix("Basic ")).decode() != f"{USER}:{PASSWORD}":
                return self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "no such user"}]})
            user = USER
        scopes = [part for scope in scopes for part in scope.split(" ")]
        return self.answer(200, {"token": tokens.grant(user, scopes), "expires_in": tokens.lifetime})

    def do_POST(self):
        """The newer way to ask, which containerd tries first."""
        self.close_connection = True  # the question is not read
        return self.answer(405, {"errors": [{"code": "UNSUPPORTED", "message": "ask by GET"}]})

    def answer(self, status, body):
        body = zoo.pack(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Registry:
    """One docker-registry process."""

    def __init__(self, where, ca=None, **settings):
        where.mkdir()
        self.where, self.ca, self.login = where, ca, bool(settings.get("auth"))
        self.process = None
        for _ in range(5):  # another process may take the port before we do
            self.host = f"127.0.0.1:{free_port()}"
            if self.start(settings):
                return
        raise RuntimeError((where / "log").read_text())

    def start(self, settings):
        config = {"version": "0.1", "log": {"level": "warn"},
                  "storage": {"filesystem": {"rootdirectory": str(self.where / "data")}, "delete": {"enabled": True}},
                  "http": {"addr": self.host} | settings.get("http", {})}
        if settings.get("auth"):
            config["auth"] = settings["auth"]
        if settings.get("proxy"):
            config["proxy"] = settings["proxy"]
        (self.where / "config.yml").write_text(json.dumps(config))  # all JSON is YAML
        with open(self.where / "log", "ab") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", str(self.where / "config.yml")], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, env=without_proxies())
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.05)
        self.stop()
        return False

    @property
    def url(self):
        return f"{'https' if self.ca else 'http'}://{self.host}"

    def answers(self):
        context = ssl.create_default_context(cafile=str(self.ca)) if self.ca else None
        handlers = [urllib.request.ProxyHandler({})]
        handlers += [urllib.request.HTTPSHandler(context=context)] if context else []
        try:
            urllib.request.build_opener(*handlers).open(self.url + "/v2/", timeout=5).close()
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return True

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def skopeo_options(self, side):
        options = [f"--{side}-tls-verify=false"]
        return options + ([f"--{side}-creds", f"{USER}:{PASSWORD}"] if self.login else [])

    def copy(self, source, name, *options):
        """Skopeo's source ("oci:…", "oci-archive:…") as `name` of this registry; the name that the node uses."""
        run("skopeo", "--insecure-policy", "copy", "--quiet", *self.skopeo_options("dest"), *options, source,
            f"docker://{self.host}/{name}")
        return f"{self.host}/{name}"

    def push(self, image, name, *options):
        """An image of the zoo."""
        layout = self.where / f"layout-{time.monotonic_ns()}"
        zoo.save(image, layout)
        try:
            return self.copy(f"oci:{layout}:latest", name, *options)
        finally:
            run("rm", "-rf", layout)

    def built(self, name, tag, *options):
        """One of image.sh's images."""
        archive = zoo.IMAGES / f"{name}.tar"
        if not archive.exists():
            subprocess.run([zoo.IMAGE_SH, "build", name], check=True)
        return self.copy(f"oci-archive:{archive}", tag, *options)


class Registries:
    """All three, below a folder of the caller's."""

    def __init__(self, where):
        self.where = pathlib.Path(where)
        self.authority = Authority(self.where)
        self.ca = self.authority.ca
        self.tokens = TokenServer(self.authority)
        (self.where / "htpasswd").write_text(HTPASSWD + "\n")
        tls = {"tls": {"certificate": str(self.authority.certificate), "key": str(self.authority.key)}}
        by_password = {"htpasswd": {"realm": "tests", "path": str(self.where / "htpasswd")}}
        by_token = {"token": {"realm": f"https://{self.tokens.host}/token", "service": TOKEN_SERVICE,
                              "issuer": TOKEN_ISSUER, "rootcertbundle": str(self.authority.token_certificate)}}
        self.plain = Registry(self.where / "plain")
        self.basic = Registry(self.where / "basic", self.ca, http=tls, auth=by_password)
        self.token = Registry(self.where / "token", self.ca, http=tls, auth=by_token)

    def close(self):
        for registry in (self.plain, self.basic, self.token):
            registry.stop()
        self.tokens.close()

    def config(self):
        """What a node's `registries` says of them."""
        return {self.plain.host: {"plain_http": True},
                self.basic.host: {"ca": str(self.ca)},
                self.token.host: {"ca": str(self.ca), "trusted_hosts": [self.tokens.host]}}


def main():
    world = Registries(sys.argv[1])
    try:
        for name in ("plain", "basic", "token"):
            print(name, getattr(world, name).host, flush=True)
        sys.stdin.read()
    finally:
        world.close()


if __name__ == "__main__":
    main()
