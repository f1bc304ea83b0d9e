"""An audit that keeps what it has: nobody pushes out what was written of others; changes are refused instead."""
import json
import time

import grpc
import pytest

import settings
import web
from callers import Caller, make_key
from nodes import Node, fails, pb, wait_until
from test_audit import audit, lines

DELETE = "coreweave.sandbox.v1.SandboxService/DeleteSandbox"
PACED = {"quotas": {"loud": {"audit_per_min": "8Ki"}}}
FULL = {"audit_required": True, "audit_full": "refuse_changes", "audit_file_bytes": 4096, "audit_files": 2}


@pytest.fixture
def small(request, tmp_path):
    extra = tmp_path / "extra.json"
    extra.write_text(json.dumps(request.param))
    node = Node("fake", config=extra)
    yield node
    done = node.down()
    assert done.returncode == 0, done.stderr


def fill(node, box):
    """Until a command is refused; what that said."""
    def refused():
        try:
            node.execute(box, "echo", "hello")
        except grpc.RpcError:
            return fails(node.stub.Exec, pb.ExecRequest(sandbox_id=box.sandbox_id, command=["echo"]))
        return None
    return wait_until(refused, 60, "a command is refused")


@pytest.mark.parametrize("small", [FULL], indirect=True, ids=["full"])
def test_changes_are_refused_until_there_is_room(small):
    box = small.running()
    said = fill(small, box)
    assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "CWSANDBOX_AUDIT_UNAVAILABLE")
    began = time.monotonic()
    for _ in range(200):
        assert fails(small.stub.Exec, pb.ExecRequest(sandbox_id=box.sandbox_id, command=["echo"])).code == said.code
    took = time.monotonic() - began
    seen = web.metrics(small)
    assert (seen["sandkeep_audit_write_success"], seen["sandkeep_audit_room_ratio"] < 0.1) == (0, True)
    assert small.get(box.sandbox_id).sandbox_id == box.sandbox_id
    small.end(box)
    assert lines(small, event="created", sandbox=box.sandbox_id)
    assert not lines(small, event="deleted")
    settings.change(small, audit_files=50)
    settings.reload(small.channel)
    wait_until(lambda: web.metrics(small)["sandkeep_audit_write_success"] == 1, 20, "there is room")
    small.end(small.running())
    assert lines(small, event="created", sandbox=box.sandbox_id)
    wait_until(lambda: lines(small, event="deleted", sandbox=box.sandbox_id), 20, "what waited is written")
    wait_until(lambda: [line["files"] for line in lines(small, event="audit.terms")] == [50], 20, "it tells of that")
    told = lines(small, event="executed", code="unavailable")  # what is refused takes the room of no end
    assert 0 < len(told) <= 10 * (took + 3)
    assert audit(small, "verify").returncode == 0


@pytest.mark.parametrize("small", [FULL | {"audit_reads": True}], indirect=True, ids=["full"])
def test_who_reads_without_end_keeps_no_other_from_reading(small):
    """While lines wait, one tenant's reads get a part of the room for them, and are refused beyond it."""
    admin = Caller(small.address, small.key)
    loud, quiet = (Caller(small.address, make_key(admin, tenant)[1]) for tenant in ("loud", "quiet"))
    fill(small, small.running())
    none = ("sandkeep.v1.ImageService/GetImage", {"name": "\1" * 1000})  # written down with six letters for each
    seen = [loud.refused(*none) for _ in range(400)]
    assert {said.code for said in seen} == {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert (seen[-1].code, seen[-1].reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CWSANDBOX_RUNNER_OVERLOADED")
    assert quiet.refused(*none).code == grpc.StatusCode.INVALID_ARGUMENT
    assert loud.refused(DELETE, {"sandboxId": "vm-none"}).code == grpc.StatusCode.NOT_FOUND  # no read, so it goes on
    for caller in (admin, loud, quiet):
        caller.close()
    small.end_all()


@pytest.mark.parametrize("small", [PACED], indirect=True, ids=["paced"])
def test_each_tenant_has_its_share(small):
    """What is refused for it is told a few times a second, whoever asks how often."""
    admin = Caller(small.address, small.key)
    loud, quiet = (Caller(small.address, make_key(admin, tenant)[1]) for tenant in ("loud", "quiet"))
    gone = {"sandboxId": small.create("sh").sandbox_id}  # an admin's: for both as if it were not there
    began = time.monotonic()
    seen = [loud.refused(DELETE, gone) for _ in range(300)]
    took = time.monotonic() - began
    refused = [said for said in seen if said.code == grpc.StatusCode.RESOURCE_EXHAUSTED]
    assert {said.code for said in seen} == {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert refused and {said.reason for said in refused} == {"CWSANDBOX_RUNNER_OVERLOADED"}
    for _ in range(60):
        assert quiet.refused(DELETE, gone).code == grpc.StatusCode.NOT_FOUND
        assert admin.refused(DELETE, {"sandboxId": "vm-none"}).code == grpc.StatusCode.NOT_FOUND
    loud.get("coreweave.sandbox.v1.SandboxService/ListSandboxes")  # what the audit does not tell of goes on
    wait_until(lambda: len(lines(small, event="deleted", tenant="quiet")) == 60, 20, "the quiet one's lines")
    told = lines(small, event="deleted", tenant="loud", code="not_found")
    assert len(told) == len(seen) - len(refused)
    assert len(told) * 200 < 8192 * (1 + took / 60) + 4096
    assert len(lines(small, event="deleted", tenant="loud", code="resource_exhausted")) <= 10 * (took + 2)
    for caller in (admin, loud, quiet):
        caller.close()
    small.end_all()


@pytest.mark.parametrize("small", [{"quotas": {}}], indirect=True, ids=["unpaced"])
def test_nobody_is_kept_from_cleaning_up(small):
    """Who has no share left still ends what is theirs, once; that is told. Asked for again it is refused."""
    admin = Caller(small.address, small.key)
    loud = Caller(small.address, make_key(admin, "loud")[1])
    box = {"name": "main", "image": "python:3.11", "command": "/bin/sh", "args": ["-c", "sleep 1000"]}
    spec = {"sandbox": {"spec": {"containers": [box]}}}
    boxes = [loud.get("coreweave.sandbox.v1.SandboxService/CreateSandbox", spec).sandbox_id for _ in range(3)]
    session = loud.get("sandkeep.v1.SessionService/OpenSession", {"leaseSeconds": 3600}).session_id
    settings.change(small, quotas={"loud": {"audit_per_min": 0}})
    admin.get("sandkeep.v1.NodeService/Reload")
    ends = [(DELETE, {"sandboxId": boxes[0]}), ("sandkeep.v1.SessionService/CloseSession", {"sessionId": session}),
            ("coreweave.sandbox.v1.SandboxService/PurgeSandboxes", {"purgeAll": True})]
    full = grpc.StatusCode.RESOURCE_EXHAUSTED
    assert loud.refused(DELETE, {"sandboxId": "vm-none"}).code == full
    assert loud.refused(DELETE, {"sandboxId": boxes[0], "snapshotVolumes": ["v"]}).code == full
    assert loud.refused(ends[2][0], {"purgeAll": True, "dryRun": True}).code == full
    for name, request in ends:
        loud.get(name, request)
    for name, request in ends:
        assert (loud.refused(name, request).code, name) == (full, name)
    assert loud.refused("coreweave.sandbox.v1.SandboxService/CreateSandbox", spec).code == full
    wait_until(lambda: lines(small, event="purged", tenant="loud", code="ok"), 20, "the last end is told")
    assert lines(small, event="deleted", tenant="loud", code="ok", sandbox=boxes[0])
    assert lines(small, event="closed", tenant="loud", code="ok", session=session)
    for caller in (admin, loud):
        caller.close()


@pytest.mark.parametrize("small", [PACED], indirect=True, ids=["paced"])
def test_a_share_counts_on_the_node_that_is_asked(small):
    """What that asks of the others does not, else their shares would stop it half way."""
    hop = Caller(small.address, small.key, extra=[("x-sandkeep-hop", "x"), ("x-sandkeep-tenant", "loud")])
    seen = [hop.refused(DELETE, {"sandboxId": "vm-none"}).code for _ in range(150)]
    assert set(seen) == {grpc.StatusCode.NOT_FOUND}
    assert wait_until(lambda: len(lines(small, event="deleted", tenant="loud")) == len(seen), 20, "all are told")
    hop.close()


@pytest.mark.parametrize("small", [PACED], indirect=True, ids=["paced"])
def test_who_may_not_has_no_more_of_it(small):
    admin = Caller(small.address, small.key)
    loud = Caller(small.address, make_key(admin, "loud")[1])
    seen = [loud.refused("sandkeep.v1.KeyService/CreateKey", {"tenant": "loud"}).code for _ in range(150)]
    assert set(seen) == {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    for caller in (admin, loud):
        caller.close()
