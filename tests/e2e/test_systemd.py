"""What the service manager and the daemon do for each other: units, sockets that are handed over, what is told. No
systemd runs here: its own tools judge the units, and a manager of the test's own stands in for it."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import types

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import web
from daemons import daemon, listening
from nodes import PATIENCE, built, fails, halt, pb, pb_grpc, wait_until
from streams import Exec

# Of 100: what the unit's own comments explain. A change that gives more away is noticed.
EXPOSURE_MAX = 56


def units(folder):
    """The units as built, with programs that exist."""
    build = built()
    for unit in (build / "systemd").iterdir():
        text = unit.read_text()
        for program in ("sandkeepd", "sandkeep"):
            text = text.replace(f"/usr/local/bin/{program}\n", f"{build}/{program}\n")
            text = text.replace(f"/usr/local/bin/{program} ", f"{build}/{program} ")
        (folder / unit.name).write_text(text)
    return sorted(folder.iterdir())


@pytest.fixture
def fake():
    with daemon() as made:
        yield made


def health(channel, timeout=PATIENCE):
    stub = health_pb2_grpc.HealthStub(channel)
    return stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout, wait_for_ready=True).status


SERVING = health_pb2.HealthCheckResponse.SERVING

# --- the units ---------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
class TestUnits:
    def test_systemd_has_nothing_to_say_of_them(self, tmp_path):
        files = units(tmp_path)
        assert [file.name for file in files] == ["sandkeepd.service", "sandkeepd.socket"]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr

    def test_it_would_notice(self, tmp_path):
        service = units(tmp_path)[0]
        service.write_text(service.read_text().replace("Type=notify", "Type=notfy"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", service], capture_output=True, text=True,
                              check=False)
        assert "Failed to parse" in done.stderr

    def test_what_the_service_could_do(self, tmp_path):
        service = units(tmp_path)[0]
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", service],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout.splitlines()[-1]


# --- what the manager is told --------------------------------------------------------------


def test_ready_and_stopping(fake):
    fake.start()
    assert "READY=1" in fake.manager.listen()
    assert fake.stop() == 0
    heard = fake.manager.listen()
    assert heard.index("STOPPING=1") > heard.index("READY=1")


def test_a_start_that_fails_is_never_ready():
    with daemon(listen=["192.0.2.1:1"]) as made:
        made.config["api_keys"] = ["a-key-of-some-length"]
        made.start(ready=False)
        assert made.process.wait(PATIENCE) == 1
        assert "READY=1" not in made.manager.listen()


def test_the_watchdog_is_fed_by_the_loop(fake):
    fake.start(watchdog_s=0.4)
    for _ in range(3):
        fake.manager.hears("WATCHDOG=1")
        fake.manager.forget()
    halt(fake.process.pid)
    fake.manager.forget()  # what it had said before
    time.sleep(1)
    assert "WATCHDOG=1" not in fake.manager.listen()
    fake.tell(signal.SIGCONT)
    fake.manager.hears("WATCHDOG=1")


def test_the_watchdog_is_not_fed_before_the_daemon_is_ready(fake):
    """The manager would begin to count, and steps of the start may block."""
    fake.start(watchdog_s=0.4)
    fake.manager.hears("WATCHDOG=1")
    heard = fake.manager.listen()
    assert heard.index("READY=1") < heard.index("WATCHDOG=1")


def test_a_watchdog_for_somebody_else_is_not_fed(fake):
    fake.prefix = ["env", "WATCHDOG_USEC=200000", "WATCHDOG_PID=1"]
    fake.start()
    time.sleep(0.6)
    assert "WATCHDOG=1" not in fake.manager.listen()


def running(stub, *command):
    container = pb.Container(name="main", image="python:3.11", command=command[0], args=command[1:])
    made = stub.CreateSandbox(pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=pb.SandboxSpec(containers=[container]))),
                              timeout=PATIENCE)
    wait_until(lambda: stub.GetSandbox(pb.GetSandboxRequest(sandbox_id=made.sandbox_id),
                                       timeout=PATIENCE).status.state == pb.STATE_RUNNING, 20, "it runs")
    return made.sandbox_id


def long_exec(fake):
    """A call that does not end by itself, and has arrived."""
    stub = pb_grpc.SandboxServiceStub(fake.channel())
    sandbox = running(stub, "sleep", "infinity")
    call = stub.Exec.future(pb.ExecRequest(sandbox_id=sandbox, command=["sleep", "infinity"]), timeout=5 * PATIENCE)
    wait_until(lambda: web.metrics(fake)["sandkeep_execs_open"] == 1, 20, "the command is under way")
    return call


def test_time_is_asked_for_while_calls_are_waited_for(fake):
    fake.config |= {"shutdown_timeout_s": 600, "http_listen": "127.0.0.1:0"}
    fake.start()
    call = long_exec(fake)
    fake.tell()
    assert fake.manager.hears("EXTEND_TIMEOUT_USEC=") == "EXTEND_TIMEOUT_USEC=15000000"
    assert fake.manager.hears("STATUS=Stopping") == "STATUS=Stopping: waits for 1 calls, 0 sandboxes"
    fake.manager.forget()
    fake.manager.hears("EXTEND_TIMEOUT_USEC=")  # again
    assert fake.process.poll() is None
    assert fake.stop() == 0  # the second signal
    said = fails(call.result)
    assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "CWSANDBOX_RUNNER_UNAVAILABLE")


def test_calls_under_way_may_finish(fake):
    fake.config["shutdown_timeout_s"] = 600
    fake.start()
    stub = pb_grpc.SandboxServiceStub(fake.channel())
    sandbox = types.SimpleNamespace(sandbox_id=running(stub, "sleep", "infinity"))
    with Exec(types.SimpleNamespace(stub=stub), sandbox, "cat") as command:
        command.ready()
        fake.tell()
        fake.manager.hears("STOPPING=1")
        said = fails(running, stub, "sleep", "infinity")
        assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "CWSANDBOX_RUNNER_UNAVAILABLE")
        command.send(b"still here")
        assert command.frame().data == b"still here"
        command.half_close()
        assert command.end() == (b"", b"", 0)
    assert fake.process.wait(PATIENCE) == 0


# --- sockets that the manager holds -----------------------------------------------------------


def files(fake):
    """What the daemon has open, by descriptor."""
    found = {}
    for link in pathlib.Path(f"/proc/{fake.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            found[link.name] = os.readlink(link)
    return found


def test_a_socket_is_taken_over(fake):
    with listening() as port:
        fake.config["listen"] = ["127.0.0.1:%d" % port.getsockname()[1]]
        fake.start([port])
        assert health(fake.channel()) == SERVING
        assert len(fake.events("rpc.socket_taken")) == 1
        # The very socket, not another at its address; and not one more.
        inode = os.fstat(port.fileno()).st_ino
        assert list(files(fake).values()).count(f"socket:[{inode}]") == 2
        fake.stop()
        assert port.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


def test_who_connects_while_there_is_no_daemon_waits(fake):
    with listening() as port:
        fake.config["listen"] = ["127.0.0.1:%d" % port.getsockname()[1]]
        fake.start([port])
        address = fake.address
        assert health(fake.channel()) == SERVING
        for number in (signal.SIGTERM, signal.SIGKILL):
            fake.stop(number)
            answers, waits = [], [threading.Thread(target=lambda: answers.append(health(fake.channel(address))))
                                  for _ in range(8)]
            for one in waits:
                one.start()
            with socket.create_connection(port.getsockname(), timeout=PATIENCE):  # not refused
                time.sleep(0.5)
            assert not answers
            fake.start([port])
            for one in waits:
                one.join()
            assert answers == [SERVING] * 8


def test_with_tls(fake, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with listening() as port:
        fake.config |= {"listen": ["127.0.0.1:%d" % port.getsockname()[1]], "tls_certificate": str(certificate),
                        "tls_key": str(key)}
        fake.start([port])
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        assert health(fake.channel(credentials=credentials)) == SERVING
        assert len(fake.events("rpc.socket_taken")) == 1


@pytest.mark.parametrize("host, listen", [("::1", "[::1]:{}"), ("0.0.0.0", "0.0.0.0:{}"), ("::", "[::]:{}")])
def test_other_addresses(fake, host, listen):
    with listening(host) as port:
        number = port.getsockname()[1]
        fake.config |= {"listen": [listen.format(number)], "api_keys": ["a-key-of-some-length"]}
        fake.start([port])
        assert len(fake.events("rpc.socket_taken")) == 1
        assert health(fake.channel(f"[::1]:{number}" if host == "::1" else f"127.0.0.1:{number}")) == SERVING


def test_one_that_is_not_configured_is_said(fake):
    with listening() as known, listening() as unknown:
        fake.config["listen"] = ["127.0.0.1:%d" % known.getsockname()[1]]
        fake.start([unknown, known])
        assert health(fake.channel()) == SERVING
        assert [line["address"] for line in fake.events("rpc.socket_unused")] == [
            "[127.0.0.1]:%d" % unknown.getsockname()[1]]


def test_programs_of_the_daemon_do_not_get_them(fake):
    with listening() as port:
        fake.config["listen"] = ["127.0.0.1:%d" % port.getsockname()[1]]
        fake.start([port])
        ours = [number for number, name in files(fake).items() if name == f"socket:[{os.fstat(port.fileno()).st_ino}]"]
        assert ours
        for number in ours:
            lines = pathlib.Path(f"/proc/{fake.process.pid}/fdinfo/{number}").read_text().splitlines()
            flags = next(line for line in lines if line.startswith("flags:"))
            assert int(flags.split()[1], 8) & os.O_CLOEXEC


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not installed")
def test_started_by_systemd_at_the_first_connection(fake):
    with listening() as probe:
        number = probe.getsockname()[1]
    fake.config["listen"] = [f"127.0.0.1:{number}"]
    fake.prefix = ["systemd-socket-activate", "-E", "NOTIFY_SOCKET", "-E", "PIDS", "-E", "PATH", "-l",
                   f"127.0.0.1:{number}"]
    fake.start(ready=False)
    time.sleep(0.5)
    assert not fake.log() or "daemon.starting" not in fake.log()
    assert health(fake.channel(f"127.0.0.1:{number}")) == SERVING
    assert len(fake.events("rpc.socket_taken")) == 1
