"""Files: written, read, streamed and mounted, through the published SDK and by hand."""
import concurrent.futures
import hashlib
import os
import time

import grpc
import pytest
from cwsandbox import Sandbox, SandboxFileError, Session

from nodes import TERMINAL, fails, pb, wait_until

pytestmark = pytest.mark.core

real = pytest.mark.real
Code = grpc.StatusCode
MIB = 1 << 20
CAP = 32 * MIB
NOT_FOUND = "CWSANDBOX_FILE_NOT_FOUND"
IS_DIRECTORY = "CWSANDBOX_FILE_IS_DIRECTORY"
DENIED = "CWSANDBOX_FILE_PERMISSION_DENIED"
TOO_LARGE = "CWSANDBOX_FILE_TOO_LARGE"
IO_FAILED = "CWSANDBOX_FILE_IO_FAILED"


@pytest.fixture
def sandbox(node):
    with Sandbox.run() as sandbox:
        yield sandbox


@pytest.fixture
def box(node):
    return node.running()


def run(sandbox, script):
    result = sandbox.exec(["sh", "-c", script]).result(timeout=120)
    assert result.returncode == 0, (script, result)
    return result.stdout


def write(node, box, path, content, **fields):
    request = pb.WriteFileRequest(sandbox_id=box.sandbox_id, path=path, content=content, **fields)
    return node.stub.WriteFile(request, timeout=60)


def read(node, box, path, **fields):
    request = pb.ReadFileRequest(sandbox_id=box.sandbox_id, path=path, **fields)
    return node.stub.ReadFile(request, timeout=60).content


def mounts(**contents):
    return {"files": [pb.FileMount(path=path, content=content) for path, content in contents.items()]}


def descriptors(node):
    return len(os.listdir(f"/proc/{node.pid()}/fd"))


# --- write_file, read_file ---

@pytest.mark.parametrize("content", [b"", b"x", b"a\0\xff\r\n\n", bytes(range(256)) * 4097], ids=len)
def test_bytes_come_back_as_they_were(sandbox, content):
    sandbox.write_file("/tmp/f.bin", content).result(timeout=60)
    assert sandbox.read_file("/tmp/f.bin").result(timeout=60) == content


@pytest.mark.parametrize("name", ["a b", "ünï-😀", "-rf", "'\"$(id)`", "new\nline", "...", "*", "n" * 255, "\\"],
                         ids=ascii)
def test_odd_names(sandbox, name):
    sandbox.write_file(f"/tmp/odd/{name}", name.encode()).result(timeout=60)
    assert sandbox.read_file(f"/tmp/odd/{name}").result(timeout=60) == name.encode()


@real
def test_what_is_made_has_plain_modes_and_the_users_name(sandbox):
    sandbox.write_file("/data/deep/er/f", b"1").result(timeout=60)
    said = run(sandbox, "stat -c '%a %u:%g %F' /data /data/deep/er /data/deep/er/f; ls -A /data/deep/er")
    assert said.splitlines() == ["755 0:0 directory", "755 0:0 directory", "644 0:0 regular file", "f"]


@real
def test_a_file_keeps_its_mode_and_is_replaced_at_once(sandbox):
    run(sandbox, "cd /tmp; echo old >f; chmod 750 f; ln f other; exec 3<f;"
                 "(until [ -e go ]; do sleep 0.05; done; cat <&3 >seen; touch done) >/dev/null 2>&1 &")
    sandbox.write_file("/tmp/f", b"new\n").result(timeout=60)
    assert run(sandbox, "stat -c %a /tmp/f; cat /tmp/f").split() == ["750", "new"]
    seen = run(sandbox, "cd /tmp; touch go; until [ -e done ]; do sleep 0.05; done; cat seen other")
    assert seen == "old\nold\n"


@real
def test_relative_paths_begin_at_the_working_directory(node):
    box = node.running(container={"working_dir": "/var"})
    write(node, box, "made/here", b"x")
    assert read(node, box, "/var/made/here") == b"x"
    assert read(node, box, "../var/made/here") == b"x"


@real
def test_links_stay_inside(sandbox):
    run(sandbox, "mkdir -p /safe && echo inside >/safe/secret && ln -s /safe /link && ln -s ../../../../safe/secret /up")
    assert sandbox.read_file("/link/secret").result(timeout=60) == b"inside\n"
    assert sandbox.read_file("/up").result(timeout=60) == b"inside\n"
    sandbox.write_file("/up", b"changed").result(timeout=60)
    assert run(sandbox, "cat /safe/secret; readlink /up") == "changed../../../../safe/secret\n"
    host = f"/tmp/sandkeep-must-not-appear-{os.getpid()}"
    run(sandbox, f"ln -s /proc/1/root/tmp /escape; ln -s /../../../.. /top")
    for path in (f"/top{host}", f"/tmp/../../..{host}"):
        sandbox.write_file(path, b"x").result(timeout=60)
    assert not os.path.exists(host)
    with pytest.raises(SandboxFileError):
        sandbox.write_file("/escape/x", b"x").result(timeout=60)


@real
def test_loops_and_things_that_are_no_files(sandbox):
    run(sandbox, "cd /tmp; ln -s loop loop; mkfifo fifo; python -c \"import socket;"
                 "socket.socket(socket.AF_UNIX).bind('sock')\"")
    for path in ("/tmp/loop", "/tmp/fifo", "/tmp/sock", "/dev/zero", "/dev/null/x", "/proc/1/fd/0/x"):
        for attempt in (sandbox.read_file(path), sandbox.write_file(path, b"x")):
            with pytest.raises(SandboxFileError) as caught:
                attempt.result(timeout=60)
            assert caught.value.filepath == path
    assert run(sandbox, "ls -l /tmp/fifo /dev/zero | cut -c1 | tr -d '\\n'") in ("cp", "pc")


@real
def test_what_the_kernel_makes_up_can_be_read(sandbox):
    assert b"MemTotal" in sandbox.read_file("/proc/meminfo").result(timeout=60)
    limit = run(sandbox, "find /sys/fs/cgroup -name pids.max | head -1").strip()
    assert sandbox.read_file(limit).result(timeout=60).strip().isdigit()


@real
def test_memory_file_systems_are_seen(sandbox):
    sandbox.write_file("/dev/shm/x", b"shared").result(timeout=60)
    assert run(sandbox, "cat /dev/shm/x") == "shared"


@pytest.mark.parametrize("path, reading, writing", [
    ("/tmp/none", NOT_FOUND, None), ("/none/at/all", NOT_FOUND, None), ("/tmp", IS_DIRECTORY, IS_DIRECTORY),
    ("/", IS_DIRECTORY, IS_DIRECTORY)])
def test_errors_have_a_reason_and_the_path(sandbox, path, reading, writing):
    attempts = [("read", sandbox.read_file(path), reading)]
    if writing:
        attempts.append(("write", sandbox.write_file(path, b"x"), writing))
    for operation, call, reason in attempts:
        with pytest.raises(SandboxFileError) as caught:
            call.result(timeout=60)
        assert (caught.value.reason, caught.value.filepath) == (reason, path)
        told = dict(caught.value.metadata)
        assert len(told.pop("request_id")) == 16 and told == {"filepath": path, "operation": operation}


@real
def test_rights_are_those_of_the_user(node):
    box = node.running(container={"security_context": pb.SecurityContext(run_as_user=1234, run_as_group=5678)})
    write(node, box, "/tmp/mine", b"x")
    assert node.output(box, "stat -c '%u:%g %a' /tmp/mine; id -u").split() == ["1234:5678", "644", "1234"]
    for attempt, path in ((read, "/proc/1/environ"), (write, "/etc/new"), (write, "/root/x"), (write, "/new/x")):
        content = (b"x",) if attempt is write else ()
        failure = fails(attempt, node, box, path, *content)
        assert (failure.code, failure.reason) == (Code.PERMISSION_DENIED, DENIED), (path, failure)
        assert failure.metadata["filepath"] == path
        assert failure.domain == "cwsandbox.com"


@real
def test_a_read_only_root(node):
    box = node.running(container={"security_context": pb.SecurityContext(read_only_root_filesystem=True)})
    failure = fails(write, node, box, "/etc/x", b"x")
    assert failure.reason in (IO_FAILED, DENIED), failure
    write(node, box, "/dev/shm/x", b"x")


@real
def test_a_full_file_system_leaves_the_old_content(node):
    box = node.running()
    write(node, box, "/dev/shm/f", b"old")
    node.output(box, "dd if=/dev/zero of=/dev/shm/fill bs=1M count=63 2>/dev/null")
    failure = fails(write, node, box, "/dev/shm/f", os.urandom(4 * MIB))
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, IO_FAILED), failure
    assert read(node, box, "/dev/shm/f") == b"old"
    assert node.output(box, "ls -A /dev/shm | sort").split() == ["f", "fill"]


# --- requests by hand ---

def test_requests_are_checked(node, box):
    assert fails(read, node, box, "").violations == ["path"]
    assert fails(write, node, box, "", b"x").violations == ["path"]
    assert fails(read, node, box, "/" + "x" * 4095).violations == ["path"]
    assert fails(read, node, box, "/a\0b").code == Code.INVALID_ARGUMENT
    missing = fails(node.stub.ReadFile, pb.ReadFileRequest(sandbox_id="x", path="/f"))
    assert (missing.code, missing.reason) == (Code.NOT_FOUND, "CWSANDBOX_SANDBOX_NOT_FOUND")
    assert fails(read, node, box, "/f", container="other").code == Code.NOT_FOUND
    write(node, box, "/tmp/f", b"x", container="main")
    assert read(node, box, "/tmp/f", container="main") == b"x"


def test_longest_path_comes_back_in_the_error(node, box):
    path = "/" + "/".join(["p" * 255] * 15) + "/" + "q" * 200
    failure = fails(read, node, box, path)
    assert failure.metadata["filepath"] == path
    assert failure.reason == NOT_FOUND


def test_what_has_ended_has_no_files(node, box):
    node.end(box)
    for attempt in ((read, node, box, "/f"), (write, node, box, "/f", b"x")):
        failure = fails(*attempt)
        assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, "CWSANDBOX_SANDBOX_NOT_RUNNING")


@real
def test_large_ones_are_refused_with_their_size(node):
    box = node.running()
    failure = fails(write, node, box, "/tmp/f", bytes(CAP + 1))
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, TOO_LARGE)
    assert failure.metadata == {"filepath": "/tmp/f", "operation": "write", "size_bytes": str(CAP + 1),
                                "max_size_bytes": str(CAP)}
    node.output(box, "dd if=/dev/zero of=/tmp/g bs=1M count=33 2>/dev/null")
    failure = fails(read, node, box, "/tmp/g")
    assert failure.reason == TOO_LARGE
    assert failure.metadata == {"filepath": "/tmp/g", "operation": "read", "size_bytes": str(33 * MIB),
                                "max_size_bytes": str(CAP)}
    failure = fails(write, node, box, "/tmp/f", bytes(99 * MIB))
    assert failure.metadata["size_bytes"] == str(99 * MIB)
    assert fails(write, node, box, "/tmp/f", bytes(100 * MIB)).code == Code.RESOURCE_EXHAUSTED  # as a message
    write(node, box, "/tmp/f", bytes(CAP))
    assert len(read(node, box, "/tmp/f")) == CAP


@real
def test_a_cancelled_write_leaves_nothing(node):
    box = node.running()
    node.output(box, "mkdir /w; echo old >/w/f")
    content = os.urandom(CAP)
    for pause in (0, 0.005, 0.02, 0.05, 0.1):
        request = pb.WriteFileRequest(sandbox_id=box.sandbox_id, path="/w/f", content=content)
        call = node.stub.WriteFile.future(request, timeout=60)
        time.sleep(pause)
        call.cancel()
    wait_until(lambda: node.output(box, "ls -A /w").split() == ["f"], 10, "temporary files gone")
    assert node.output(box, "wc -c </w/f").strip() in ("4", str(CAP))


@real
def test_deleted_in_the_middle(node):
    before = descriptors(node)
    box = node.running()
    content = os.urandom(CAP)
    calls = [node.stub.WriteFile.future(pb.WriteFileRequest(sandbox_id=box.sandbox_id, path=f"/tmp/{i}",
                                                           content=content), timeout=60) for i in range(6)]
    time.sleep(0.05)
    node.end(box)
    for call in calls:
        assert call.code() in (Code.OK, Code.FAILED_PRECONDITION, Code.UNAVAILABLE), call
    wait_until(lambda: descriptors(node) <= before + 3, 20, "descriptors closed")


@real
def test_the_gate_is_shared_fairly_and_left(node):
    """More big files at a time than are let in; small ones go on; those that give up leave no trace."""
    box = node.running()
    content = os.urandom(8 * MIB)
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        big = [pool.submit(write, node, box, f"/tmp/{i}", content) for i in range(40)]
        given_up = [node.stub.ReadFile.future(pb.ReadFileRequest(sandbox_id=box.sandbox_id, path="/tmp/0"))
                    for _ in range(40)]
        for call in given_up:
            call.cancel()
        for future in big:
            future.result(timeout=120)
    want = hashlib.sha256(content).hexdigest()
    assert node.output(box, "sha256sum /tmp/[0-9]* | cut -d' ' -f1 | sort -u").strip() == want
    assert read(node, box, "/tmp/0") == content


# --- the SDK's ways ---

def test_batches(sandbox):
    calls = [sandbox.write_file(f"/tmp/batch/{i}", b"%d" % i * i) for i in range(64)]
    for call in calls:
        call.result(timeout=60)
    calls = [sandbox.read_file(f"/tmp/batch/{i}") for i in range(64)]
    assert [call.result(timeout=60) for call in calls] == [b"%d" % i * i for i in range(64)]


@real
def test_a_big_file_in_a_small_sandbox(node):
    content = os.urandom(20 * MIB)
    with Sandbox.run(resources={"cpu": "500m", "memory": "256Mi"}) as sandbox:
        sandbox.write_file("/tmp/f", content).result(timeout=60)
        assert run(sandbox, "sha256sum /tmp/f").split()[0] == hashlib.sha256(content).hexdigest()
        assert sandbox.read_file("/tmp/f").result(timeout=60) == content


@real
@pytest.mark.parametrize("size", [CAP, 40 * MIB, 200 * MIB], ids=lambda n: f"{n // MIB}MiB")
def test_large_files_fall_back_to_streaming(node, size):
    content = os.urandom(size)
    digest = hashlib.sha256(content).hexdigest()
    with Sandbox.run(resources={"cpu": "1", "memory": "256Mi"}) as sandbox:
        sandbox.write_file("/tmp/f", content).result(timeout=240)
        assert run(sandbox, "sha256sum /tmp/f").split()[0] == digest
        assert hashlib.sha256(sandbox.read_file("/tmp/f").result(timeout=240)).hexdigest() == digest


@real
def test_streaming_verbs(sandbox):
    pieces = [os.urandom(MIB) for _ in range(40)]
    sandbox.write_file_streaming("/tmp/f", iter(pieces)).result(timeout=120)
    whole = b"".join(sandbox.read_file_streaming("/tmp/f"))
    assert hashlib.sha256(whole).digest() == hashlib.sha256(b"".join(pieces)).digest()


@real
def test_functions_travel_as_files(node):
    with Session() as session:
        @session.function()
        def add(a, b):
            return a + b

        assert add.remote(2, 3).result(timeout=60) == 5

        @session.function(temp_dir="/not/there/yet")
        def far():
            return "x" * 100_000

        assert far.remote().result(timeout=60) == "x" * 100_000


# --- mounted files ---

@real
def test_mounted_files_are_there_before_the_main_process(node):
    content = bytes(range(256)) * 100
    box = node.create("/bin/sh", "-c", "sha256sum /in/place/x >/seen; cat '/etc/o dd' >>/seen; sleep 100000",
                      container=mounts(**{"/in/place/x": content, "/etc/o dd": b"hello\n", "/empty": b""}))
    box = node.reach(box, {pb.STATE_RUNNING})
    wait_until(lambda: "hello" in node.output(box, "cat /seen || true"), 60, "the main process has read them")
    assert node.output(box, "cat /seen").split()[0] == hashlib.sha256(content).hexdigest()
    assert read(node, box, "/in/place/x") == content
    assert read(node, box, "/empty") == b""
    for script in ("echo x >/in/place/x", "rm /in/place/x", "mv /in/place/x /y", "chmod 777 /in/place/x",
                   "mount -o remount,rw /in/place/x", "echo x >/.sandkeep/files/0"):
        assert node.execute(box, "/bin/sh", "-c", script).exit_code != 0, script
    assert fails(write, node, box, "/in/place/x", b"no").reason in (IO_FAILED, DENIED)
    assert read(node, box, "/in/place/x") == content
    again = node.get(box.sandbox_id)
    files = {f.path: f.content for f in again.spec.containers[0].files}
    assert files == {"/in/place/x": content, "/etc/o dd": b"hello\n", "/empty": b""}


@real
def test_a_mounted_file_is_the_command(node):
    script = b"#!/bin/sh\necho \"$0 $1\" >/ran\ntrap 'exit 0' TERM\nsleep 100000 & wait\n"
    box = node.reach(node.create("/opt/bin/start", "now", container=mounts(**{"/opt/bin/start": script})),
                     {pb.STATE_RUNNING})
    wait_until(lambda: node.execute(box, "cat", "/ran").stdout == b"/opt/bin/start now\n", 20, "it ran")


@real
def test_every_user_may_read_and_run_them(node):
    fields = mounts(**{"/x": b"#!/bin/sh\nid -u\n"})
    box = node.running(container={**fields, "security_context": pb.SecurityContext(run_as_user=1234)})
    assert node.output(box, "/x") == "1234\n"
    assert node.output(box, "stat -c %a /x") == "555\n"


@real
def test_the_sdk_mounts_files(node):
    mounted = [{"mount_path": "/app/main.py", "file_content": "print('from the file', flush=True)\n"
                "import time; time.sleep(100000)"}]
    with Sandbox.run("python", "/app/main.py", mounted_files=mounted) as sandbox:
        sandbox.wait()
        assert sandbox.read_file("/app/main.py").result(timeout=60).startswith(b"print(")


@real
def test_a_mount_over_a_file_and_below_links_of_the_image(node):
    """In python:3.11 /bin and /lib are links into /usr, and /var/run one to /run."""
    image = "docker.io/library/python:3.11"
    box = node.running(image=image, container=mounts(**{"/bin/tool": b"#!/bin/sh\necho tool\n", "/etc/passwd": b"x",
                                                        "/var/run/deep/er/f": b"1"}))
    assert node.output(box, "/usr/bin/tool; cat /etc/passwd /run/deep/er/f") == "tool\nx1"
    assert not os.path.exists("/usr/bin/tool") and not os.path.exists("/run/deep")


@real
def test_no_place_for_a_file_is_a_failure_with_a_reason(node):
    for path in ("/etc/passwd/below", "/etc"):
        box = node.reach(node.create(container=mounts(**{path: b"x"})), TERMINAL)
        assert box.status.state == pb.STATE_FAILED
        assert box.status.state_reason
    node.clean(30)


@pytest.mark.parametrize("path", ["", "relative", "/", "/a/../b", "/a//b", "/a/", "/proc/x", "/sys/x", "/dev/x",
                                  "/.sandkeep/guest"])
def test_bad_mounts_are_named(node, path):
    files = [pb.FileMount(path="/fine", content=b"x"), pb.FileMount(path=path, content=b"x")]
    request = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=node.spec(container={"files": files})))
    failure = fails(node.stub.CreateSandbox, request, timeout=60)
    assert failure.code == Code.INVALID_ARGUMENT
    assert failure.violations == ["sandbox.spec.containers[0].files[1].path"]


def test_mounts_that_overlap_or_are_too_much(node):
    def refused(files):
        spec = node.spec(container={"files": files})
        return fails(node.stub.CreateSandbox, pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=spec)), timeout=60)
    at = "sandbox.spec.containers[0].files"
    assert refused([pb.FileMount(path=p) for p in ("/a", "/b", "/a")]).violations == [f"{at}[2].path"]
    assert refused([pb.FileMount(path=p) for p in ("/a/b", "/a")]).violations == [f"{at}[0].path"]
    assert refused([pb.FileMount(path=f"/f/{i}") for i in range(1001)]).violations == [at]
    assert refused([pb.FileMount(path=p, content=bytes(8 * MIB + 1)) for p in ("/a", "/b")]).violations == [at]


@real
def test_a_thousand_mounts_of_16_mebibytes(node):
    files = {f"/many/{i}": os.urandom(16000) for i in range(1000)}
    box = node.running(container=mounts(**files))
    assert node.output(box, "ls /many | wc -l").strip() == "1000"
    assert read(node, box, "/many/999") == files["/many/999"]
    listed = node.list()[0]
    assert len(listed.spec.containers[0].files) == 1000
    assert not listed.spec.containers[0].files[0].content  # lists go without
    ended = node.end(box)
    assert not ended.spec.containers[0].files[0].content
    node.clean(30)


@real
def test_mounted_files_and_a_killed_daemon(own_node):
    node = own_node
    content = os.urandom(4 * MIB)
    kept = node.running(container=mounts(**{"/f": content}))
    digest = hashlib.sha256(content).hexdigest()
    for pause in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4):
        request = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=node.spec(container=mounts(**{"/f": content}))))
        call = node.stub.CreateSandbox.future(request, timeout=60)
        time.sleep(pause)
        node.sh("daemon", "kill")
        call.cancel()
        node.sh("daemon", "start")
        wait_until(lambda: lists(node), 30, "the daemon serves")
    for box in node.list():
        box = node.reach(box, {pb.STATE_RUNNING}, 60)
        assert node.output(box, "sha256sum </f").split()[0] == digest
    assert read(node, kept, "/f") == content
    node.end_all()
    node.clean(60)


def lists(node):
    try:
        node.list()
        return True
    except grpc.RpcError:
        return False


@real
def test_files_of_a_sandbox_that_a_new_daemon_adopted(own_node):
    box = own_node.running()
    write(own_node, box, "/tmp/f", b"before")
    own_node.sh("daemon", "kill")
    own_node.sh("daemon", "start")
    wait_until(lambda: lists(own_node), 30, "the daemon serves")
    assert read(own_node, box, "/tmp/f") == b"before"
    write(own_node, box, "/tmp/f", b"after")
    assert own_node.output(box, "cat /tmp/f; ls -A /tmp") == "afterf\n"
