"""The session service over bare gRPC."""
import contextlib
import threading
import time
import uuid

import services
from nodes import PATIENCE, pb, wait_until

SERVICE = "sandkeep.v1.SessionService"
OPEN, CLOSING, CLOSED = 1, 2, 3
NOW, ON_FIRST_USE = 1, 2


_methods = services.load("sandkeep/session.proto", SERVICE)


class Sessions:
    """The service of one node."""

    def __init__(self, node):
        self.node = node
        _ = node.stub  # makes the channel

    def call(self, name, timeout=PATIENCE, **fields):
        return services.ask(self.node, SERVICE, _methods, name, timeout, **fields)

    def open(self, lease=300, request_id=None, **defaults):
        fields = {"defaults": {"container_image": image(self.node)} | defaults}
        return self.call("OpenSession", lease_seconds=lease, request_id=request_id or str(uuid.uuid4()), **fields)

    def get(self, session):
        return self.call("GetSession", session_id=session.session_id)

    def close(self, session, grace=0, wait=True, timeout=60):
        return self.call("CloseSession", session_id=session.session_id, grace_period_seconds=grace, wait=wait,
                         timeout=timeout)

    def create(self, session, *command, start=NOW, request_id=None, timeout=60, **fields):
        """A sandbox in the session; what it is, but for the command, is the session's affair."""
        spec = pb.SandboxSpec(**fields)
        if command:
            spec.containers.add(name="main", command=command[0], args=command[1:])
        return self.call("CreateSandbox", session_id=session.session_id, overrides=pb.Sandbox(spec=spec), start=start,
                         request_id=request_id or str(uuid.uuid4()), timeout=timeout)

    def list(self, **fields):
        return self.call("ListSessions", **fields)

    def keep_alive(self, messages, timeout=None):
        request, answer = _methods["KeepAlive"]
        method = self.node.channel.stream_stream(f"/{SERVICE}/KeepAlive",
                                                 request_serializer=request.SerializeToString,
                                                 response_deserializer=answer.FromString)
        return method((request(session_id=m) for m in messages), timeout=timeout)

    def reach(self, session, state, seconds):
        def seen():
            now = self.get(session)
            return now if now.state == state else None
        return wait_until(seen, seconds, f"{session.session_id} in state {state}")

    def close_all(self):
        for session in self.list(page_size=1000).sessions:
            self.close(session)


class Held:
    """A client that holds a session, in a thread: what it was told, and how the stream ended."""

    def __init__(self, sessions, session):
        self.answers, self.ended = [], threading.Event()
        self.stream = sessions.keep_alive([session.session_id])
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        wait_until(lambda: self.answers or self.ended.is_set(), PATIENCE, "the lease is held")

    def _read(self):
        with contextlib.suppress(Exception):
            for answer in self.stream:
                self.answers.append(answer.state)
        self.ended.set()

    def let_go(self):
        self.stream.cancel()
        self.thread.join(timeout=PATIENCE)


def open_and_hold(sessions, lease, **fields):
    """A session with a short lease, and who holds it. One that was over before it could be held was over no sooner
    than its lease said: then a machine that is so slow gets a longer one."""
    while True:
        began = time.monotonic()
        session = sessions.open(lease=lease, **fields)
        held = Held(sessions, session)
        if held.answers[:1] == [OPEN]:
            return session, held
        assert time.monotonic() - began >= lease, f"over before its lease of {lease} s: {held.answers}"
        lease *= 2


def image(node):
    return "python:3.11" if node.runtime == "fake" else "docker.io/library/busybox:latest"
