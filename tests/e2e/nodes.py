"""A private node (tests/support/node.sh) as an object, and gRPC helpers that owe nothing to the SDK's verbs."""
import os
import pathlib
import re
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2, status_pb2
from cwsandbox._proto import sandbox_pb2 as pb
from cwsandbox._proto import sandbox_pb2_grpc as pb_grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE_SH = str(ROOT / "tests/support/node.sh")
SERVICE = "/coreweave.sandbox.v1.SandboxService/"
PATIENCE = 60  # seconds; a machine that does much else may stand still for some of them
# Among a channel's options: else gRPC shares connections among channels that are alike, and a new one's first call may go
# to a daemon that has just ended.
OWN_CONNECTION = ("grpc.use_local_subchannel_pool", 1)
TERMINAL = {pb.STATE_COMPLETED, pb.STATE_FAILED, pb.STATE_TERMINATED}
BUSYBOX = "docker.io/library/busybox:latest"
KEEP_ALIVE = ["/bin/sh", "-c", 'trap "exit 0" TERM INT; sleep 100000 & wait']
# Before a program that is to lead a session of its own, on the terminal that is its input; it takes the process over.
# By a program: code of ours between fork and exec would meet what gRPC does there, which may end or hang the child.
TO_LEAD = ("setsid", "--ctty")


def built():
    """Where the programs under test are: conftest.py says it, by its --build."""
    return pathlib.Path(os.environ.get("SK_BUILD") or ROOT / "build/dev")


def wait_until(check, seconds, what):
    """Calls check until it gives something true; that is returned. For so long, and never for less than PATIENCE: how quickly
    things happen is not what is tested."""
    seconds = max(seconds, PATIENCE)
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def halt(pid):
    """SIGSTOP; no thread of it does anything any more at the return."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: set(states(pid)) == {"T"}, PATIENCE, f"process {pid} is stopped")


def states(pid):
    """Of its threads, one letter each: proc(5)."""
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        yield (thread / "stat").read_text().rpartition(")")[2].split()[0]


def whole_lines(path, errors="strict"):
    """Of a file that is being written to, which may end within a line."""
    return [line.decode(errors=errors) for line in path.read_bytes().split(b"\n")[:-1]]


@dataclass
class Failure:
    """What a failed call said: the AIP-193 parts by name."""
    code: grpc.StatusCode
    text: str
    reason: str = ""
    domain: str = ""
    metadata: dict = field(default_factory=dict)  # without the call's own name
    request_id: str = ""
    violations: list = field(default_factory=list)

    @classmethod
    def of(cls, error):
        failure = cls(error.code(), error.details() or "")
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                failure.read_details(value)
        return failure

    def read_details(self, packed):
        """The trailer must repeat the call's own code and hold entries that unpack."""
        status = status_pb2.Status.FromString(packed)
        assert status.code == self.code.value[0], (status, self.code)
        for entry in status.details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if entry.Unpack(info):
                self.reason, self.domain, self.metadata = info.reason, info.domain, dict(info.metadata)
                self.request_id = self.metadata.pop("request_id")
            elif entry.Unpack(bad):
                self.violations += [v.field for v in bad.field_violations]


def fails(call, *args, **kwargs):
    """Runs a call that must fail; returns what it said."""
    try:
        answer = call(*args, **kwargs)
        if hasattr(answer, "__next__"):
            answer = list(answer)
    except grpc.RpcError as error:
        return Failure.of(error)
    raise AssertionError(f"the call was answered: {answer}")


class Node:
    def __init__(self, runtime="crun", build=None, config=None, images=None):
        command = [NODE_SH, "up"]
        command += ["--fake"] if runtime == "fake" else ["--runtime", runtime]
        command += ["--build", str(build or built())]
        command += ["--config", str(config)] if config else []
        command += ["--images", images] if images is not None else []
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
        self.env = dict(line.removeprefix("export ").split("=", 1) for line in said.splitlines())
        self.runtime = runtime
        self.folder = pathlib.Path(self.env["SANDKEEP_NODE"])
        self.address = self.env["CWSANDBOX_BASE_URL"].removeprefix("http://")
        self.key = self.env["CWSANDBOX_API_KEY"]
        self.build = pathlib.Path((self.folder / "build").read_text().strip())
        self.node_id = (self.folder / "node_id").read_text().strip()
        self.channel = None

    def sh(self, *args, timeout=300):
        """One verb of node.sh; its output."""
        return subprocess.run([NODE_SH, *args], check=True, stdout=subprocess.PIPE, text=True, timeout=timeout,
                              env=os.environ | self.env).stdout

    def inventory(self):
        """What of the node exists on the host, without pids and without its daemons themselves."""
        lines = (re.sub(r"^process \d+", "process", line) for line in self.sh("inventory").splitlines())
        return sorted(line.strip() for line in lines if not re.match(r"process \S*(containerd|sandkeepd|haproxy) ", line))

    def clean(self, seconds):
        """Waits until nothing of the node is on the host but its daemons; as long as wait_until does."""
        seconds = max(seconds, PATIENCE)
        deadline = time.monotonic() + seconds
        while left := self.inventory():
            assert time.monotonic() < deadline, f"still there after {seconds} s: {left}"
            time.sleep(0.2)

    def pid(self, name="daemon"):
        return int((self.folder / f"{name}.pid").read_text())

    def cli(self, *args, timeout=PATIENCE, **kwargs):
        """The sandkeep command against this node."""
        return subprocess.run([str(self.build / "sandkeep"), *args], capture_output=True, text=True,
                              timeout=timeout, env=os.environ | self.env, check=False, **kwargs)

    def down(self):
        if self.channel:
            self.channel.close()
        return subprocess.run([NODE_SH, "down"], env=os.environ | self.env, check=False, text=True,
                              stderr=subprocess.PIPE, timeout=600)

    # --- the API, bare ---

    @property
    def stub(self):
        if not self.channel:
            limit = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1),
                     ("grpc.max_reconnect_backoff_ms", 500), ("grpc.initial_reconnect_backoff_ms", 100)]
            self.channel = grpc.intercept_channel(grpc.insecure_channel(self.address, limit), WithKey(self.key))
        return pb_grpc.SandboxServiceStub(self.channel)

    def spec(self, *command, **fields):
        """A sandbox of one container; the fake drivers have one image."""
        command = command or KEEP_ALIVE
        image = fields.pop("image", "python:3.11" if self.runtime == "fake" else BUSYBOX)
        container = pb.Container(name="main", image=image, command=command[0],
                                 args=command[1:], **fields.pop("container", {}))
        return pb.SandboxSpec(containers=[container], **fields)

    def create(self, *command, request_id=None, timeout=PATIENCE, **fields):
        request = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=self.spec(*command, **fields)),
                                          request_id=request_id or str(uuid.uuid4()))
        return self.stub.CreateSandbox(request, timeout=timeout)

    def get(self, sandbox_id):
        return self.stub.GetSandbox(pb.GetSandboxRequest(sandbox_id=sandbox_id), timeout=PATIENCE)

    def running(self, *command, **fields):
        """A sandbox that has reached RUNNING."""
        return self.reach(self.create(*command, **fields), {pb.STATE_RUNNING})

    def reach(self, sandbox, states, seconds=30):
        def seen():
            now = self.get(sandbox.sandbox_id)
            assert now.status.state in states or now.status.state not in TERMINAL, now.status
            return now if now.status.state in states else None
        return wait_until(seen, seconds, f"{sandbox.sandbox_id} in {[pb.State.Name(s) for s in states]}")

    def execute(self, sandbox, *command, timeout=PATIENCE, **fields):
        request = pb.ExecRequest(sandbox_id=sandbox.sandbox_id, command=command, **fields)
        return self.stub.Exec(request, timeout=timeout)

    def output(self, sandbox, script, **fields):
        """Standard output of a shell script that must succeed."""
        answer = self.execute(sandbox, "/bin/sh", "-c", script, **fields)
        assert answer.exit_code == 0, (script, answer.exit_code, answer.stdout, answer.stderr)
        return answer.stdout.decode()

    def delete(self, sandbox, grace=0, **fields):
        request = pb.DeleteSandboxRequest(sandbox_id=sandbox.sandbox_id, grace_period_seconds=grace, **fields)
        return self.stub.DeleteSandbox(request, timeout=PATIENCE)

    def end(self, sandbox, grace=0):
        """Deletes and waits for the end; the terminal record."""
        self.delete(sandbox, grace)
        return self.reach(sandbox, TERMINAL)

    def list(self, **fields):
        return list(self.stub.ListSandboxes(pb.ListSandboxesRequest(**fields), timeout=PATIENCE).sandboxes)

    def end_all(self):
        """Ends whatever is active; called after each test so that none sees another's."""
        active = self.list()
        for sandbox in active:
            try:
                self.delete(sandbox)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.NOT_FOUND, error
        for sandbox in active:
            self.reach(sandbox, TERMINAL)


class WithKey(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor,
              grpc.StreamUnaryClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Adds the API key to every call that names no credentials itself."""

    def __init__(self, key):
        self.key = key

    def _call(self, continuation, details, request):
        metadata = details.metadata
        if metadata is None:
            metadata = [("authorization", f"Bearer {self.key}")]
        details = _Details(details.method, details.timeout, metadata, details.credentials,
                           details.wait_for_ready, details.compression)
        return continuation(details, request)

    intercept_unary_unary = intercept_unary_stream = _call
    intercept_stream_unary = intercept_stream_stream = _call


@dataclass
class _Details(grpc.ClientCallDetails):
    method: str
    timeout: float
    metadata: list
    credentials: object
    wait_for_ready: bool
    compression: object
