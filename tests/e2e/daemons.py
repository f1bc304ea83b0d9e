"""Daemons on the fake drivers, started as the service manager starts them: with sockets that it holds, and a socket
where it is told things."""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import grpc

import sanitizers
from nodes import OWN_CONNECTION, PATIENCE, built, wait_until, whole_lines

# LISTEN_PID and WATCHDOG_PID are the daemon's own, and its sockets begin at 3. By a shell: code of our own between fork
# and exec would meet what gRPC does there in a process with threads.
AS_MANAGER = """
for name in $PIDS; do export "$name=$$"; done
at=3
for socket in $SOCKETS; do eval "exec $at<&$socket $socket<&-"; at=$((at + 1)); done
exec "$@"
"""


class Manager:
    """Where sd_notify(3) sends to."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        self.heard = []  # lines

    def listen(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard += self.socket.recv(4096).decode().splitlines()
        return self.heard

    def hears(self, line, seconds=20):
        """Waits for a line that begins like that; it."""
        return wait_until(lambda: next((said for said in self.listen() if said.startswith(line)), None), seconds, line)

    def forget(self):
        self.listen()
        self.heard.clear()

    def close(self):
        self.socket.close()


def listening(host="127.0.0.1", port=0):
    """As the manager makes them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(128)
    return made


class Daemon:
    """A folder, a configuration, and at most one process."""

    def __init__(self, build=None, prefix=(), **config):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skd."))
        self.build = pathlib.Path(build or built())
        self.prefix = list(map(str, prefix))
        self.manager = Manager(self.folder)
        self.config = {"drivers": "fake", "listen": ["127.0.0.1:0"], "state_dir": str(self.folder / "state"),
                       "run_dir": str(self.folder / "run"), "node_id": "d1", "http_listen": ""} | config
        self.process, self.channels = None, []

    def start(self, sockets=(), watchdog_s=None, program=None, ready=True):
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.config))
        config.chmod(0o600)
        (self.folder / "run/address").unlink(missing_ok=True)
        env = sanitizers.environment() | {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(self.manager.path), "PIDS": ""}
        if sockets:
            env |= {"LISTEN_FDS": str(len(sockets)), "PIDS": "LISTEN_PID "}
        if watchdog_s:
            env |= {"WATCHDOG_USEC": str(int(watchdog_s * 1e6)), "PIDS": env["PIDS"] + "WATCHDOG_PID"}
        high = [fcntl.fcntl(made.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for made in sockets]  # above what they become
        env["SOCKETS"] = " ".join(map(str, high))
        self.manager.forget()
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*self.prefix, "bash", "-c", AS_MANAGER, "bash", program or self.build / "sandkeepd", "--config", config],
                env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=high)
        for number in high:
            os.close(number)
        if ready:
            wait_until(lambda: self.process.poll() is not None or any(s == "READY=1" for s in self.manager.listen()),
                       30, "the daemon is ready")
            assert self.process.poll() is None, self.log()
        return self

    def log(self):
        return (self.folder / "log").read_text()

    def events(self, name):
        """What was logged under that name."""
        lines = [json.loads(line) for line in whole_lines(self.folder / "log") if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    @property
    def address(self):
        lines = (self.folder / "run/address").read_text().split()
        return next(line for line in lines if not line.startswith("unix:"))

    def channel(self, address=None, credentials=None):
        options = [OWN_CONNECTION, ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
        made = (grpc.secure_channel(address or self.address, credentials, options) if credentials else
                grpc.insecure_channel(address or self.address, options))
        self.channels.append(made)
        return made

    def cli(self, *args, timeout=PATIENCE):
        env = sanitizers.environment() | {"PATH": os.environ["PATH"], "CWSANDBOX_BASE_URL": "http://" + self.address}
        return subprocess.run([self.build / "sandkeep", *args], capture_output=True, text=True, timeout=timeout,
                              env=env, check=False)

    def tell(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=PATIENCE):
        """The exit code; None when there is nothing to stop."""
        if not self.process:
            return None
        self.tell(number)
        code = self.process.wait(seconds)
        self.process = None
        return code

    def close(self):
        for channel in self.channels:
            channel.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        self.manager.close()
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def daemon(*args, **kwargs):
    made = Daemon(*args, **kwargs)
    try:
        yield made
    finally:
        made.close()


