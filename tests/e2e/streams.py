"""StreamExec by hand: its messages, a call that is fed piece by piece, and what its ends hold on the host."""
import pathlib
import queue

from nodes import pb

CLOSE = pb.ExecStreamRequest(close=pb.ExecStreamClose())
PYTHON = "docker.io/library/python:3.11"


def init(box, *command, **fields):
    return pb.ExecStreamRequest(
        init=pb.ExecStreamInit(sandbox_id=box.sandbox_id, command=command, **fields))


def stdin(data):
    return pb.ExecStreamRequest(stdin=data)


class Exec:
    """One command under way. Requests are sent as they are put; answers are taken one at a time."""

    def __init__(self, node, box, *command, timeout=300, **fields):
        self.requests = queue.SimpleQueue()
        self.requests.put(init(box, *command, **fields))
        self.call = node.stub.StreamExec(iter(self.requests.get, None), timeout=timeout)
        self.call.add_callback(lambda: self.requests.put(None))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call.cancel()
        self.requests.put(None)

    def ready(self):
        answer = next(self.call)
        assert answer.WhichOneof("message") == "ready", answer
        return self

    def send(self, data):
        self.requests.put(stdin(data))

    def half_close(self):
        self.requests.put(None)

    def frame(self):
        """The next frame of output."""
        answer = next(self.call)
        assert answer.WhichOneof("message") == "output", answer
        return answer.output

    def end(self):
        """The rest: standard output, standard error, exit code."""
        return collect(self.call)


def collect(answers):
    """What a call says up to its end: standard output, standard error, exit code."""
    said, code = {pb.ExecStreamOutput.STREAM_STDOUT: [], pb.ExecStreamOutput.STREAM_STDERR: []}, None
    for answer in answers:
        assert code is None, f"after the exit: {answer}"
        if answer.HasField("output"):
            said[answer.output.stream].append(answer.output.data)
        elif answer.HasField("exit"):
            code = answer.exit.exit_code
        else:
            assert answer.HasField("ready"), answer
    out, err = (b"".join(pieces) for pieces in said.values())
    return out, err, code


def run(node, box, *command, pieces=(), timeout=300):
    """One command with all of its input sent at once."""
    messages = [init(box, *command), *map(stdin, pieces)]
    return collect(node.stub.StreamExec(iter(messages), timeout=timeout))


class Process:
    """A process of the host, read from /proc."""

    def __init__(self, pid):
        self.pid = pid
        self.proc = pathlib.Path(f"/proc/{pid}")

    def descriptors(self):
        return len(list((self.proc / "fd").iterdir()))

    def kib(self, name="VmRSS"):
        status = (self.proc / "status").read_text()
        return int(status.split(name + ":")[1].split()[0])

    def forget_peak(self):
        """VmHWM begins anew from here."""
        (self.proc / "clear_refs").write_text("5")


def pids_of(box):
    """The host's pids of everything in a sandbox: its cgroup's name is the sandbox's id."""
    return [int(path.parent.name) for path in pathlib.Path("/proc").glob("[0-9]*/cgroup")
            if box.sandbox_id in _read(path)]


def guest_of(box):
    """PID 1 of a sandbox."""
    for pid in pids_of(box):
        inner = _read(pathlib.Path(f"/proc/{pid}/status")).partition("NSpid:")[2].partition("\n")[0].split()
        if inner[-1:] == ["1"]:
            return Process(pid)
    raise AssertionError(f"{box.sandbox_id} has no first process")


def _read(path):
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
