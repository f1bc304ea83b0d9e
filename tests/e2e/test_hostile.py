"""Clients, sandboxes and a machine that mean no good; each test ends with a daemon that works."""
import os
import re
import resource
import socket
import threading
import time

import grpc
import pytest

from conftest import start_node
from nodes import TERMINAL, fails, pb, wait_until

GARBAGE = [b"", b"\0" * 64, b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
           b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 512]


def connect(node):
    host, port = node.address.split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def open_files(node):
    return len(os.listdir(f"/proc/{node.pid()}/fd"))


def answers_a_newcomer(node):
    """Whether the daemon still accepts connections, which one made earlier would not tell."""
    with grpc.insecure_channel(node.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.unary_unary("/coreweave.sandbox.v1.SandboxService/ListSandboxes")
        return fails(call, b"", timeout=60).code == grpc.StatusCode.UNAUTHENTICATED


def exec_stream(node, sandbox, *command):
    """A StreamExec that nobody reads; its call."""
    over = threading.Event()

    def requests():
        yield pb.ExecStreamRequest(init=pb.ExecStreamInit(sandbox_id=sandbox.sandbox_id, command=command))
        over.wait(60)

    call = node.stub.StreamExec(requests())
    call.add_callback(over.set)
    return call


# --- at the door ---

def test_garbage_and_silence_on_the_port(node):
    before = open_files(node)
    strangers = [connect(node) for _ in range(200)]
    for number, stranger in enumerate(strangers):
        stranger.sendall(GARBAGE[number % len(GARBAGE)])
    assert answers_a_newcomer(node)
    for stranger in strangers:
        stranger.close()
    wait_until(lambda: open_files(node) <= before + 5, 60, "the strangers' descriptors closed")


@pytest.mark.real
def test_connections_do_not_use_up_the_descriptors(own_node):
    """More connections than the daemon may have files: neither it nor its sandboxes suffer, then or later."""
    sandbox = own_node.running()
    limit = resource.prlimit(own_node.pid(), resource.RLIMIT_NOFILE)
    resource.prlimit(own_node.pid(), resource.RLIMIT_NOFILE, (80, limit[1]))
    try:
        strangers = [connect(own_node) for _ in range(120)]
        assert own_node.output(sandbox, "echo during") == "during\n"
        for stranger in strangers:
            stranger.close()
        wait_until(lambda: answers_a_newcomer(own_node), 60, "a newcomer is answered")
    finally:
        resource.prlimit(own_node.pid(), resource.RLIMIT_NOFILE, limit)
    assert own_node.output(sandbox, "echo after") == "after\n"


# --- clients that let go ---

@pytest.mark.real
def test_streams_that_nobody_reads(node):
    sandbox = node.running()
    before = open_files(node)
    calls = [exec_stream(node, sandbox, "/bin/dd", "if=/dev/zero", "bs=1000000", "count=100") for _ in range(60)]
    wait_until(lambda: open_files(node) > before + 60, 60, "the streams open")
    assert node.output(sandbox, "echo still here") == "still here\n"
    for call in calls:
        call.cancel()
    wait_until(lambda: open_files(node) <= before + 5, 60, "the streams' pipes closed")
    left = lambda: node.output(sandbox, "ps | grep -c '[d]d if=/dev/zero' || true").strip() == "0"
    wait_until(left, 60, "the commands killed")


def test_one_request_id_from_everywhere(node):
    def create(answers):
        try:
            answers.append(node.create(request_id="the-same").sandbox_id)
        except grpc.RpcError as error:
            answers.append(error)

    answers = []
    threads = [threading.Thread(target=create, args=(answers,)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 30 and len(set(answers)) == 1, answers
    assert len(node.list()) == 1


# --- from inside ---

@pytest.mark.real
@pytest.mark.parametrize("script", [
    "kill -9 1; kill -STOP 1; kill -SEGV 1; echo x >/proc/1/oom_score_adj; renice 19 1",
    "while :; do sleep 100 & done >/dev/null 2>&1 & sleep 2",
    "tail /dev/zero",
    "rm -f /etc/passwd /etc/group; mkfifo /etc/passwd; mkdir /etc/group",
    "ulimit -n 3; (while :; do kill -STOP -1; done) & sleep 1",
])
def test_a_sandbox_harms_itself_alone(node, script):
    neighbour, sandbox = node.running(), node.running()
    try:
        node.execute(sandbox, "/bin/sh", "-c", script, timeout=10)
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.FAILED_PRECONDITION,
                                grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED), error
    assert node.output(neighbour, "echo well") == "well\n"
    assert node.end(sandbox).status.state in TERMINAL


@pytest.mark.real
@pytest.mark.parametrize("attempt", [
    "echo x >/.sandkeep/guest", "rm /.sandkeep/sock", "mv /.sandkeep /tmp/mine", "umount /.sandkeep/guest",
    "echo x >/proc/sys/kernel/core_pattern", "echo b >/proc/sysrq-trigger", "echo -1000 >/proc/self/oom_score_adj",
    "mkdir $(ls -d /sys/fs/cgroup/memory || echo /sys/fs/cgroup)/mine", "mknod /tmp/disk b 254 0",
    "ls -l /proc/1/fd/0 | grep -e '->'", "cat /proc/1/environ", "cat /proc/1/mem", "ls /proc/1/root/",
    "mount -t tmpfs none /tmp", "unshare -U true", "hostname other", "dmesg",
])
def test_what_root_in_a_sandbox_may_not(node, attempt):
    sandbox = node.running()
    answer = node.execute(sandbox, "/bin/sh", "-c", attempt)
    assert answer.exit_code != 0, (attempt, answer.stdout, answer.stderr)


@pytest.mark.real
@pytest.mark.parametrize("working_dir", ["/proc/self/fd/7", "/proc/1/root", "/proc/1/cwd", "/.sandkeep/guest"])
def test_a_working_dir_that_leads_out(node, working_dir):
    sandbox = node.reach(node.create(container={"working_dir": working_dir}), {pb.STATE_FAILED})
    assert "working directory" in sandbox.status.state_reason, sandbox.status


# --- a daemon that is killed ---

@pytest.fixture
def doomed_node(pytestconfig):
    """A create that a killed daemon leaves half-way can cost containerd 1.6 an idle shim: only that may stay."""
    node = start_node(pytestconfig)
    yield node
    node.end_all()
    left = node.down().stderr.splitlines()
    assert not [line for line in left if not re.search("^left behind|containerd-shim|/run/containerd/s/", line)], left


@pytest.mark.real
def test_killed_in_the_middle_of_creates(doomed_node):
    """Each create that was answered is there afterwards, whatever was going on in containerd."""
    answered = []

    def create():
        try:
            answered.append(doomed_node.create())
        except grpc.RpcError:
            pass

    for pause in (0.05, 0.15, 0.3, 0.6):
        threads = [threading.Thread(target=create) for _ in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(pause)
        doomed_node.sh("daemon", "kill")
        doomed_node.sh("daemon", "start")
        for thread in threads:
            thread.join()
    wait_until(lambda: answers_a_newcomer(doomed_node), 60, "the daemon is back")
    settled = lambda: all(s.status.state == pb.STATE_RUNNING for s in doomed_node.list()) or None
    wait_until(settled, 180, "all sandboxes RUNNING")
    ids = {sandbox.sandbox_id for sandbox in doomed_node.list()}
    assert {sandbox.sandbox_id for sandbox in answered} <= ids
    tasks = lambda: {line.split()[1] for line in doomed_node.inventory() if re.match("task ", line)}
    # Of a create that was cut off the daemon takes away what there is when it finds it.
    wait_until(lambda: tasks() == ids, 120, "each has its task, and nobody else has one")
    failed = [s.status for s in doomed_node.list(show_terminated=True) if s.status.state == pb.STATE_FAILED]
    assert not failed, failed
