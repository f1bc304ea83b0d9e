"""Two tenants, and every method of every service: what belongs to one answers the other exactly as what is not there."""
import uuid

import grpc
import pytest

from callers import METHODS, Caller, make_key
from nodes import BUSYBOX, Failure, wait_until

SANDBOX = "coreweave.sandbox.v1.SandboxService/"
DATA = "coreweave.sandbox.v1.SandboxDataPlaneService/"
SESSION = "sandkeep.v1.SessionService/"
IMAGE = "sandkeep.v1.ImageService/"
NETWORK = "sandkeep.v1.NetworkService/"
KEY = "sandkeep.v1.KeyService/"
NODE = "sandkeep.v1.NodeService/"
DISCOVERY = "coreweave.sandbox.v1.DiscoveryService/"
NOT_FOUND, DENIED, UNIMPLEMENTED, FAILED, INVALID = (
    grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT)


class World:
    """Tenant a has a sandbox, one in a session, one that ended; tenant b has something of its own, and wants more."""

    def __init__(self, node):
        self.node = node
        self.image = "python:3.11" if node.runtime == "fake" else BUSYBOX
        self.admin = Caller(node.address, node.key)
        self.key_a, secret_a = make_key(self.admin, "team-a", "of a")
        _, secret_b = make_key(self.admin, "team-b")
        self.a, self.b = Caller(node.address, secret_a), Caller(node.address, secret_b, header="x-api-key")
        self.session = self.a.get(SESSION + "OpenSession", self.opening()).session_id
        self.request_id = str(uuid.uuid4())
        self.theirs = self.running(self.a, request_id=self.request_id)
        self.member = self.running(self.a, annotations={"sandkeep.dev/session": self.session})
        self.own = self.running(self.b)
        self.nothing = f"{node.node_id}-{'a' * 26}"
        self.no_session = f"{node.node_id}-s-{'a' * 24}"

    def close(self):
        for caller in (self.admin, self.a, self.b):
            caller.close()

    def opening(self, **fields):
        return {"defaults": {"containerImage": self.image}, "leaseSeconds": 3600, "requestId": str(uuid.uuid4())} | fields

    def spec(self, **fields):
        return {"spec": {"containers": [{"name": "main", "image": self.image, "command": "/bin/sh",
                                         "args": ["-c", "echo hello; sleep 1000"]}], "tags": ["tagged"]} | fields}

    def creating(self, request_id=None, **fields):
        return {"sandbox": self.spec(**fields), "requestId": request_id or str(uuid.uuid4())}

    def running(self, caller, request_id=None, **fields):
        made = caller.get(SANDBOX + "CreateSandbox", self.creating(request_id, **fields))
        wait_until(lambda: self.state(caller, made.sandbox_id) == "STATE_RUNNING", 30, "RUNNING")
        return made.sandbox_id

    @staticmethod
    def state(caller, sandbox_id):
        status = caller.get(SANDBOX + "GetSandbox", {"sandboxId": sandbox_id}).status
        return status.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[status.state].name

    def clean(self, answer):
        """Without what must differ: which id was asked for."""
        text = repr(answer)
        for there, name in ((self.nothing, "ID"), (self.theirs, "ID"), (self.no_session, "SESSION"),
                            (self.session, "SESSION")):
            text = text.replace(there, name)
        return text

    def same(self, method, build, code, kind="sandbox"):
        """b asks for what is a's, and for what there is not: one answer."""
        there, absent = (self.session, self.no_session) if kind == "session" else (self.theirs, self.nothing)
        answers = [self.b.ask(method, build(target)) for target in (there, absent)]
        assert self.clean(answers[0]) == self.clean(answers[1]), method
        if code:
            assert isinstance(answers[0], Failure) and answers[0].code == code, answers[0]


def of_sandbox(method, code=NOT_FOUND, **fields):
    return lambda w: w.same(method, lambda target: {"sandboxId": target} | fields, code)


def of_session(method, code=NOT_FOUND, **fields):
    return lambda w: w.same(method, lambda target: {"sessionId": target} | fields, code, "session")


def stream_exec(method):
    return lambda w: w.same(method, lambda target: {"init": {"sandboxId": target, "command": ["true"]}}, NOT_FOUND)


def stream_logs(method):
    def check(w):
        w.same(method, lambda target: {"sandboxId": target}, NOT_FOUND)
        if w.node.runtime == "fake":
            return  # whose sandboxes print nothing
        reading = w.a.start(method, {"sandboxId": w.theirs, "follow": True})
        entry = next(iter(reading))
        reading.cancel()
        resumed = {"resumeLogSessionId": entry.log_session_id, "resumeLogOffset": str(entry.next_log_offset), "follow": True}
        w.same(method, lambda target: {"sandboxId": target} | resumed, NOT_FOUND)
        answers = [w.b.ask(method, {"sandboxId": w.own} | resumed | {"resumeLogSessionId": session})
                   for session in (entry.log_session_id, "0" * len(entry.log_session_id))]
        assert answers[0] == answers[1] and answers[0][-1].error.code, answers
    return check


def admins_only(method, **fields):
    def check(w):
        assert w.b.refused(method, fields).code == DENIED
        assert w.a.refused(method, fields).code == DENIED
    return check


def unimplemented(method):
    """With nothing behind it there is nothing to reach; whoever builds it says here how it is kept apart."""
    return lambda w: w.b.refused(method).code == UNIMPLEMENTED or pytest.fail(f"{method} is there: give it a case")


def create(w):
    # Another tenant's request id is no duplicate, and their session not there.
    mine = w.running(w.b, request_id=w.request_id)
    assert mine not in (w.theirs, w.member)
    w.same(SANDBOX + "CreateSandbox",
           lambda target: w.creating(annotations={"sandkeep.dev/session": target}), FAILED, "session")
    w.same(SANDBOX + "CreateSandbox",
           lambda target: w.creating(tags=[f"sandkeep-session.{target}"]), FAILED, "session")


def list_sandboxes(w):
    asked = {"showTerminated": True, "tags": ["tagged"]}
    ids = lambda caller, **fields: {s.sandbox_id for s in caller.get(SANDBOX + "ListSandboxes", asked | fields).sandboxes}
    assert w.own in ids(w.b) and not {w.theirs, w.member} & ids(w.b)
    assert {w.theirs, w.member} <= ids(w.a) and w.own not in ids(w.a)
    assert {w.theirs, w.member, w.own} <= ids(w.admin)
    # A token that names another's sandbox is like one that names nothing.
    pages = [w.b.get(SANDBOX + "ListSandboxes", asked | {"pageToken": f"9000000000000000000.{target}"}).sandboxes
             for target in (w.theirs, w.nothing)]
    assert [s.sandbox_id for s in pages[0]] == [s.sandbox_id for s in pages[1]]


def purge(w):
    victim = w.running(w.b, tags=["victim"])
    assert w.b.get(SANDBOX + "PurgeSandboxes", {"tags": ["tagged"], "dryRun": True}).purge_count >= 1
    assert w.a.get(SANDBOX + "PurgeSandboxes", {"tags": ["victim"]}).purge_count == 0
    assert w.b.get(SANDBOX + "PurgeSandboxes", {"tags": ["victim"]}).purge_count == 1
    assert w.state(w.b, victim) in ("STATE_TERMINATING", "STATE_TERMINATED")


def delete(w):
    w.same(SANDBOX + "DeleteSandbox", lambda target: {"sandboxId": target}, NOT_FOUND)
    w.same(SANDBOX + "DeleteSandbox", lambda target: {"sandboxId": target, "allowMissing": True}, None)
    assert w.state(w.a, w.theirs) == "STATE_RUNNING"


def open_session(w):
    request_id = str(uuid.uuid4())
    mine = [caller.get(SESSION + "OpenSession", w.opening(requestId=request_id)).session_id for caller in (w.a, w.b, w.b)]
    assert mine[0] != mine[1] and mine[1] == mine[2]


def list_sessions(w):
    ids = lambda caller: {s.session_id for s in caller.get(SESSION + "ListSessions", {"showClosed": True}).sessions}
    assert w.session not in ids(w.b)
    assert w.session in ids(w.a) and w.session in ids(w.admin)
    pages = [w.b.get(SESSION + "ListSessions", {"pageToken": f"9000000000000000000.{target}"}).sessions
             for target in (w.session, w.no_session)]
    assert [s.session_id for s in pages[0]] == [s.session_id for s in pages[1]]


def create_in_session(w):
    w.same(SESSION + "CreateSandbox",
           lambda target: {"sessionId": target, "requestId": str(uuid.uuid4())}, NOT_FOUND, "session")
    # What an admin puts into a tenant's session is that tenant's.
    made = w.admin.get(SESSION + "CreateSandbox", {"sessionId": w.session, "overrides": w.spec(),
                                                   "requestId": str(uuid.uuid4())})
    assert w.a.get(SANDBOX + "GetSandbox", {"sandboxId": made.sandbox_id}).sandbox_id == made.sandbox_id
    assert w.b.refused(SANDBOX + "GetSandbox", {"sandboxId": made.sandbox_id}).code == NOT_FOUND


def images(method, **fields):
    """The node's images are everybody's to see and to use."""
    return lambda w: w.clean(w.a.ask(method, fields)) == w.clean(w.b.ask(method, fields)) or pytest.fail(method)


def status(w):
    asked = {"withSandboxes": True, "withSessions": True}
    a, b, everything = (caller.get(NODE + "GetStatus", asked) for caller in (w.a, w.b, w.admin))
    assert {s.tenant for s in b.sandboxes} <= {"team-b"} and {s.tenant for s in a.sandboxes} == {"team-a"}
    assert {s.tenant for s in b.sessions} <= {"team-b"} and w.session in {s.session_id for s in a.sessions}
    assert {"team-a", "team-b"} <= {s.tenant for s in everything.sandboxes}
    assert sum(everything.sandboxes_by_state.values()) >= sum(a.sandboxes_by_state.values()) + \
        sum(b.sandboxes_by_state.values())
    assert everything.HasField("capacity") and not b.HasField("capacity")


def discovery(method, **fields):
    """Of the node, and of no tenant."""
    def check(w):
        assert repr(w.b.ask(method, fields)) == repr(w.a.ask(method, fields))
        for id_ in (w.theirs, w.session, "team-a"):
            assert id_ not in repr(w.b.ask(method, fields))
    return check


def open_to_all(w):
    anybody = Caller(w.node.address)
    assert anybody.get("grpc.health.v1.Health/Check").status == 1
    anybody.close()


SNAPSHOTS = ("CreateFileSystemSnapshot", "GetFileSystemSnapshot", "ListFileSystemSnapshots", "DeleteFileSystemSnapshot")
CASES = {
    SANDBOX + "CreateSandbox": create,
    SANDBOX + "GetSandbox": of_sandbox(SANDBOX + "GetSandbox"),
    SANDBOX + "ListSandboxes": list_sandboxes,
    SANDBOX + "DeleteSandbox": delete,
    SANDBOX + "PurgeSandboxes": purge,
    **{service + "Exec": of_sandbox(service + "Exec", command=["true"]) for service in (SANDBOX, DATA)},
    **{service + "StreamExec": stream_exec(service + "StreamExec") for service in (SANDBOX, DATA)},
    **{service + "StreamLogs": stream_logs(service + "StreamLogs") for service in (SANDBOX, DATA)},
    **{service + "ReadFile": of_sandbox(service + "ReadFile", path="/etc/hostname") for service in (SANDBOX, DATA)},
    **{service + "WriteFile": of_sandbox(service + "WriteFile", path="/tmp/x", content="eA==")
       for service in (SANDBOX, DATA)},
    **{SANDBOX + name: unimplemented(SANDBOX + name)
       for name in SNAPSHOTS + ("CreateSandboxFromTemplate", "CreateSandboxFromFile", "GetSandboxBuildLogs",
                                "ConnectSandbox")},
    **{name: unimplemented(name) for name in METHODS
       if name.split("/")[0].rsplit(".", 1)[1] in ("SandboxTemplateService", "VolumeService", "SettingsService")},
    DISCOVERY + "ListAvailableRunners": discovery(DISCOVERY + "ListAvailableRunners", view="RUNNER_VIEW_BASIC"),
    DISCOVERY + "GetAvailableRunner": discovery(DISCOVERY + "GetAvailableRunner", runnerId="no-such"),
    SESSION + "OpenSession": open_session,
    SESSION + "GetSession": of_session(SESSION + "GetSession"),
    SESSION + "ListSessions": list_sessions,
    SESSION + "KeepAlive": of_session(SESSION + "KeepAlive"),
    SESSION + "RenewSession": of_session(SESSION + "RenewSession"),
    SESSION + "CreateSandbox": create_in_session,
    SESSION + "CloseSession": of_session(SESSION + "CloseSession"),
    IMAGE + "PullImage": images(IMAGE + "PullImage", name="no/such/image:ever!"),
    IMAGE + "ListImages": images(IMAGE + "ListImages"),
    IMAGE + "GetImage": images(IMAGE + "GetImage", name="no.such/image:ever"),
    IMAGE + "RemoveImage": admins_only(IMAGE + "RemoveImage", name="no.such/image:ever"),
    IMAGE + "ImportImage": admins_only(IMAGE + "ImportImage"),
    NETWORK + "GetNetwork": of_sandbox(NETWORK + "GetNetwork"),
    NETWORK + "SetNetwork": of_sandbox(NETWORK + "SetNetwork"),
    KEY + "CreateKey": admins_only(KEY + "CreateKey", tenant="team-a"),
    KEY + "ListKeys": admins_only(KEY + "ListKeys"),
    KEY + "RevokeKey": lambda w: admins_only(KEY + "RevokeKey", keyId=w.key_a)(w),
    NODE + "GetStatus": status,
    NODE + "Reload": admins_only(NODE + "Reload"),
    NODE + "Drain": admins_only(NODE + "Drain"),
    NODE + "Undrain": admins_only(NODE + "Undrain"),
    "grpc.health.v1.Health/Check": open_to_all,
    "grpc.health.v1.Health/List": open_to_all,
    "grpc.health.v1.Health/Watch": open_to_all,
    # What services there are is no tenant's.
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": lambda w: None,
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": lambda w: None,
}


@pytest.fixture(scope="module")
def world(own_node_shared):
    w = World(own_node_shared)
    yield w
    w.close()
    own_node_shared.end_all()


@pytest.mark.core
@pytest.mark.parametrize("method", METHODS)
def test_kept_apart(world, method):
    assert method in CASES, f"{method} is new: say in CASES how tenants are kept apart in it"
    CASES[method](world)


@pytest.mark.core
def test_all_is_as_it_was(world):
    """After all of that: what is a's lives, and a has it."""
    for sandbox in (world.theirs, world.member):
        assert world.state(world.a, sandbox) == "STATE_RUNNING"
        assert world.state(world.admin, sandbox) == "STATE_RUNNING"
    session = world.a.get(SESSION + "GetSession", {"sessionId": world.session})
    assert session.state == 1 and session.live_sandboxes >= 1
    assert world.a.get(SANDBOX + "Exec", {"sandboxId": world.theirs, "command": ["true"]}).exit_code == 0
    assert world.a.refused(KEY + "ListKeys").code == DENIED


def test_nobody_gets_in_without_a_key(world):
    for caller in (Caller(world.node.address), Caller(world.node.address, "sk-000000000000-" + "a" * 32)):
        for method in METHODS:
            if method.startswith("grpc.health"):
                continue
            assert caller.refused(method).code == grpc.StatusCode.UNAUTHENTICATED, method
        caller.close()
