"""TLS: certificates that change under traffic, and clients that must show one."""
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading

import grpc
import pytest

import settings
from conftest import start_node, stop_node
from nodes import OWN_CONNECTION, PATIENCE, Failure, fails, pb, pb_grpc, wait_until, WithKey

NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stderr=subprocess.DEVNULL)


def key(name):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]


def authority(folder, name):
    openssl(folder, "req", "-x509", *key(name), "-out", f"{name}.crt", "-days", "2", "-subj", f"/CN={name}")


def certificate(folder, name, by="ca"):
    openssl(folder, "req", *key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / "names").write_text(NAMES)
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.crt")


def put(folder, source, target):
    """Replaces a file in one go."""
    (folder / "fresh").write_bytes((folder / source).read_bytes())
    os.replace(folder / "fresh", folder / target)


@pytest.fixture(scope="module", name="folder")
def fixture_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority(folder, "ca")
    authority(folder, "stranger")
    for name in ("first", "second", "third", "client"):
        certificate(folder, name)
    certificate(folder, "foreign", by="stranger")
    return folder


def a_node(pytestconfig, folder, **config):
    path = folder / "extra.json"
    path.write_text(json.dumps({"tls_certificate": str(folder / "server.crt"),
                                "tls_key": str(folder / "server.key")} | config))
    put(folder, "first.crt", "server.crt")
    put(folder, "first.key", "server.key")
    return start_node(pytestconfig, config=path)


def channel_to(node, folder, client=None):
    pem = [(folder / f"{client}.{end}").read_bytes() for end in ("key", "crt")] if client else [None, None]
    credentials = grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes(), *pem)
    options = [OWN_CONNECTION, ("grpc.initial_reconnect_backoff_ms", 100)]
    return grpc.intercept_channel(grpc.secure_channel(node.address, credentials, options), WithKey(node.key))


def shown(node, folder):
    """The name in the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.set_alpn_protocols(["h2"])
    host, port = node.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname=host) as tls:
            return dict(pair[0] for pair in tls.getpeercert()["subject"])["commonName"]


class Traffic:
    """Calls on one connection, without a pause."""

    def __init__(self, stub):
        self.stub, self.calls, self.wrong = stub, 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            try:
                self.stub.ListSandboxes(pb.ListSandboxesRequest(), timeout=PATIENCE)
            except grpc.RpcError as error:
                self.wrong.append(Failure.of(error))
            self.calls += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@pytest.fixture(scope="module", name="node")
def fixture_node(pytestconfig, folder):
    node = a_node(pytestconfig, folder)
    node.channel = channel_to(node, folder)
    yield node
    node.end_all()
    stop_node(node)


def test_a_renewed_certificate_under_traffic(node, folder):
    """New connections see it; streams and calls of the old one go on."""
    assert shown(node, folder) == "first"
    with channel_to(node, folder) as watched:
        watch = iter(watched.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=300))
        next(watch)
        with Traffic(node.stub) as traffic:
            put(folder, "second.key", "server.key")
            put(folder, "second.crt", "server.crt")
            wait_until(lambda: shown(node, folder) == "second", 60, "the new certificate")
            calls = traffic.calls
            wait_until(lambda: traffic.calls > calls + 20, 60, "calls on the old connection")
        assert not traffic.wrong
        assert watch.is_active()  # the stream that was open before
        assert pb_grpc.SandboxServiceStub(
            channel_to(node, folder)).ListSandboxes(pb.ListSandboxesRequest(), timeout=PATIENCE) is not None


def test_a_broken_pair_changes_nothing(node, folder):
    before = shown(node, folder)
    told = len(settings.logged(node, "tls.kept_old"))
    put(folder, "third.crt", "server.crt")  # without its key
    wait_until(lambda: len(settings.logged(node, "tls.kept_old")) > told, 60, "a word of the broken pair")
    assert "is not the key of tls_certificate" in settings.logged(node, "tls.kept_old")[-1]["why"]
    assert shown(node, folder) == before
    done, wrong = settings.reload(node.channel)
    assert done is None and "tls_key: is not the key of tls_certificate" in wrong[0]
    (folder / "server.crt").write_text("no certificate")
    done, wrong = settings.reload(node.channel)
    assert done is None and "tls_certificate: is not a chain of certificates in PEM" in wrong[0]
    put(folder, "third.key", "server.key")
    put(folder, "third.crt", "server.crt")
    assert settings.reload(node.channel)[0] is not None
    assert shown(node, folder) == "third"  # a reload does not wait


def test_a_hangup_takes_other_files(node, folder):
    settings.change(node, tls_certificate=str(folder / "first.crt"), tls_key=str(folder / "first.key"))
    os.kill(node.pid(), signal.SIGHUP)
    wait_until(lambda: shown(node, folder) == "first", 60, "the other files' certificate")
    settings.change(node, tls_certificate="", tls_key="")
    (changed, waiting), _ = settings.reload(node.channel)
    assert changed == [] and {"tls_certificate", "tls_key"} <= set(waiting)
    assert shown(node, folder) == "first"  # TLS does not go without a restart
    settings.change(node, tls_certificate=str(folder / "server.crt"), tls_key=str(folder / "server.key"))
    assert settings.reload(node.channel)[0] is not None


def test_the_sdk_over_tls(node, folder):
    """The published SDK, which trusts what gRPC trusts."""
    image = "python:3.11" if node.runtime == "fake" else "docker.io/library/busybox:latest"
    script = ("from cwsandbox import Sandbox, SandboxDefaults\n"
              f"with Sandbox.run('sleep', '1000', container_image={image!r}) as sandbox:\n"
              "    print(sandbox.sandbox_id)\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CWSANDBOX_", "WANDB_"))}
    env |= {"CWSANDBOX_BASE_URL": f"https://{node.address}", "CWSANDBOX_API_KEY": node.key,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(folder / "ca.crt")}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=5 * PATIENCE,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(node.node_id)


def test_clients_must_show_a_certificate(pytestconfig, tmp_path_factory, folder):
    """Of the operator's authority, and a key beside it."""
    own = tmp_path_factory.mktemp("mtls")
    for name in ("ca.crt", "first.crt", "first.key"):
        (own / name).write_bytes((folder / name).read_bytes())
    node = a_node(pytestconfig, own, tls_client_ca=str(folder / "ca.crt"))
    try:
        for client in (None, "foreign"):
            with channel_to(node, folder, client) as channel:
                failure = fails(pb_grpc.SandboxServiceStub(channel).ListSandboxes, pb.ListSandboxesRequest(), timeout=PATIENCE)
                assert failure.code == grpc.StatusCode.UNAVAILABLE
        node.channel = channel_to(node, folder, "client")
        assert node.list() == []
        failure = fails(node.stub.ListSandboxes, pb.ListSandboxesRequest(), metadata=[("x-api-key", "wrong-key")],
                        timeout=PATIENCE)
        assert failure.code == grpc.StatusCode.UNAUTHENTICATED
        settings.change(node, tls_client_ca=str(folder / "stranger.crt"))
        assert settings.reload(node.channel)[0][0] == ["tls_client_ca"]
        with channel_to(node, folder, "foreign") as channel:
            assert pb_grpc.SandboxServiceStub(channel).ListSandboxes(pb.ListSandboxesRequest(), timeout=PATIENCE) is not None
        assert node.list() == []  # the connection that was let in stays
    finally:
        stop_node(node)
