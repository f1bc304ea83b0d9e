"""What a sandbox's program sees and may do. Most of it runs once, in one sandbox, read by a shell."""
import os
import pathlib
import time

import pytest

from nodes import BUSYBOX, KEEP_ALIVE, TERMINAL, pb, wait_until

pytestmark = pytest.mark.real

CONFIGURED = "sandkeep.test/configured:latest"
BARE = "sandkeep.test/bare:latest"


def limits(cpu="1", memory="256Mi"):
    side = pb.Resources(cpu=cpu, memory=memory)
    return {"resource_requirements": pb.ResourceRequirements(requests=side, limits=side)}


@pytest.fixture
def box(node):
    return node.running()


def test_network_is_its_own(node, box):
    assert sorted(node.output(box, "ls /sys/class/net").split()) == ["eth0", "lo"]
    # Nothing of the host's sockets, abstract ones included.
    assert "@" not in node.output(box, "cat /proc/net/unix")


def test_a_closed_network_is_loopback_alone(node):
    closed = pb.NetworkOptions(deny_egress=True, dns_egress=pb.DNS_EGRESS_MODE_DENY)
    box = node.running(network=closed)
    assert node.output(box, "ls /sys/class/net").split() == ["lo"]
    assert node.output(box, "wc -l </proc/net/route").strip() == "1"
    assert "@" not in node.output(box, "cat /proc/net/unix")
    assert node.execute(box, "/bin/sh", "-c", "nc -w 1 192.0.2.1 80 </dev/null").exit_code != 0


def test_pids_and_host_name_are_its_own(node, box):
    assert int(node.output(box, "ls -d /proc/[0-9]* | wc -l")) < 10
    assert node.output(box, "readlink /proc/1/exe || cat /proc/1/comm").strip() != ""
    assert node.output(box, "hostname").strip() != os.uname().nodename
    for kind in ("pid", "net", "mnt", "ipc", "uts", "cgroup"):
        assert node.output(box, f"readlink /proc/self/ns/{kind}").strip() != os.readlink(f"/proc/self/ns/{kind}")


def test_privileges(node, box):
    status = dict(line.split(":\t", 1) for line in node.output(box, "cat /proc/self/status").splitlines() if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    # Docker's default set: nothing beyond it may be in any of the sets.
    docker = 0x00000000A80425FB
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) & ~docker == 0, (name, status[name])
    assert int(status["CapInh"], 16) == 0 and int(status["CapAmb"], 16) == 0


@pytest.mark.parametrize("script", [
    "mount -t tmpfs none /mnt", "mount -t proc proc /proc", "umount /proc", "unshare -m true", "unshare -U true",
    "echo 1 >/proc/sys/kernel/sysrq", "echo x >/proc/sys/kernel/core_pattern", "echo b >/proc/sysrq-trigger",
    "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk", "chroot / true && false", "date -s 2001-01-01 >/dev/null; [ $(date +%Y) = 2001 ]",
    "hostname other", "dmesg", "cat /dev/mem", "cat /proc/kcore | head -c 1 | grep -q .",
    "insmod /tmp/x.ko", "echo 1 >/sys/kernel/uevent_seqnum", "mkdir /sys/fs/cgroup/memory/x || mkdir /sys/fs/cgroup/x/y",
    "mkdir -p /tmp/c && mount -t cgroup -o memory cgroup /tmp/c", "swapoff -a && false",
    "echo x >/.sandkeep/guest", "rm -f /.sandkeep/guest", "touch /.sandkeep/new",
])
def test_kernel_doors_are_shut(node, box, script):
    assert node.execute(box, "/bin/sh", "-c", script).exit_code != 0


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"])
def test_masked_paths_are_empty(node, box, path):
    assert node.output(box, f"[ ! -e {path} ] || head -c 64 {path} | wc -c").strip() in ("", "0")
    assert node.output(box, "ls -A /sys/firmware 2>/dev/null | wc -l").strip() == "0"


def test_read_only_paths(node, box):
    for path in ("/proc/sys", "/proc/bus", "/proc/irq"):
        options = node.output(box, f"awk '$2 == \"{path}\" {{ print $4 }}' /proc/mounts").strip()
        assert options.split(",")[0] == "ro", (path, options)


def test_exec_gets_its_three_descriptors_and_no_more(node, box):
    # `ls` itself opens the folder: one more, which is gone when it is looked at.
    listed = node.output(box, "ls -l /proc/self/fd | awk 'NR > 1 { print $9, $11 }'").splitlines()
    numbers = [line.split()[0] for line in listed]
    assert numbers[:3] == ["0", "1", "2"] and len(numbers) <= 4, listed
    assert all("pipe:" in line or "/dev/null" in line for line in listed[:3]), listed


def test_main_gets_three_descriptors(node):
    box = node.running("/bin/sh", "-c", "ls /proc/$$/fd >/tmp/fds; sleep 100000")
    seen = wait_until(lambda: node.execute(box, "/bin/cat", "/tmp/fds").stdout.split(), 10, "the list")
    assert [n for n in seen if n in (b"0", b"1", b"2")] == [b"0", b"1", b"2"]
    assert set(seen) - {b"0", b"1", b"2", b"10", b"255"} == set()


@pytest.mark.parametrize("number", [3, 7, 8, 16])
def test_working_directory_by_descriptor(node, number):
    """A leaked descriptor as the working directory led out to the host once (CVE-2024-21626)."""
    made = node.create(container={"working_dir": f"/proc/self/fd/{number}"})
    now = node.reach(made, {pb.STATE_RUNNING} | TERMINAL)
    if now.status.state == pb.STATE_RUNNING:
        assert node.execute(now, "/bin/sh", "-c", "[ -e ../../../../etc/hostname-of-host ]").exit_code != 0
        assert node.output(now, "pwd -P").startswith("/")
        assert "containerd" not in node.output(now, "ls -a . .. 2>/dev/null || true")


def test_fork_bomb_is_contained(node, box):
    node.execute(box, "/bin/sh", "-c", "for i in $(seq 3000); do sleep 300 & done; true", timeout=60)
    # The limit leaves too little for the shell's children; the sandbox still answers and can be ended.
    counts = pathlib.Path("/sys/fs/cgroup").glob(f"**/{node.env['SANDKEEP_CGROUP']}/{box.sandbox_id}/pids.current")
    assert 1000 < max(int(c.read_text()) for c in counts) <= 1024
    assert node.get(box.sandbox_id).status.state == pb.STATE_RUNNING
    assert node.end(box).status.state == pb.STATE_TERMINATED


def test_memory_of_an_exec_does_not_end_the_sandbox(node):
    box = node.running(container=limits(memory="64Mi"))
    eaten = node.execute(box, "/bin/sh", "-c", "tail /dev/zero", timeout=60)
    assert eaten.exit_code == 137
    assert node.execute(box, "/bin/true").exit_code == 0
    assert node.get(box.sandbox_id).status.state == pb.STATE_RUNNING


def test_memory_of_the_main_process_ends_it_with_a_reason(node):
    made = node.create("/bin/sh", "-c", "sleep 1; exec tail /dev/zero", container=limits(memory="64Mi"))
    ended = node.reach(made, TERMINAL, seconds=60)
    assert ended.status.state == pb.STATE_FAILED
    assert "memory" in ended.status.state_reason.lower()


def test_limits_are_true(node):
    box = node.running(container=limits(cpu="1", memory="128Mi"))
    assert node.output(box, "nproc").strip() == "1"
    v2 = "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    assert node.output(box, v2).strip() == str(128 << 20)
    cpu = "cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us"
    assert node.output(box, cpu).split()[0] == "100000"


@pytest.mark.parametrize("user, uid", [("worker:extra", "1000")])
def test_image_configuration_is_followed(node, user, uid):
    box = node.running("/bin/sleep", "100000", image=CONFIGURED)
    script = "id -u; id -g; pwd; echo $FROM_IMAGE $BOTH $HOME"
    assert node.output(box, script).splitlines() == [uid, "1234", "/srv/app", "yes image /srv/app"]
    bound = node.running("/bin/sleep", "100000", image=CONFIGURED,
                         container={"environment_variables": {"BOTH": "spec"}, "working_dir": "/tmp"})
    assert node.output(bound, "pwd; echo $FROM_IMAGE $BOTH").splitlines() == ["/tmp", "yes spec"]


def test_entrypoint_and_arguments_of_the_image(node):
    spec = pb.SandboxSpec(containers=[pb.Container(name="main", image=CONFIGURED)])
    made = node.stub.CreateSandbox(pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=spec), request_id="entry-a"))
    assert node.reach(made, TERMINAL).status.exit_code == 7
    spec.containers[0].args.append("exit 8")
    made = node.stub.CreateSandbox(pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=spec), request_id="entry-b"))
    assert node.reach(made, TERMINAL).status.exit_code == 8


def test_labels_and_annotations_never_reach_containerd(node):
    """Labels of other containerd clients make it run host programs (CVE-2026-53488)."""
    box = node.running("/bin/sleep", "100000", image=CONFIGURED, tags=["containerd.io/restart.status=running"],
                       annotations={"io.containerd.runc.v2.group": "stolen", "run.oci.hooks": "x"})
    socket = node.env["SANDKEEP_CONTAINERD_SOCKET"]
    info = os.popen(f"ctr --address {socket} -n sandkeep containers info {box.sandbox_id}").read()
    assert box.sandbox_id in info
    for word in ("containerd.io/restart", "stolen", "run.oci.hooks", "io.kubernetes"):
        assert word not in info, word


def test_an_image_with_no_shell(node):
    box = node.running("/busybox", "sleep", "100000", image=BARE)
    assert node.execute(box, "/busybox", "echo", "hi").stdout == b"hi\n"
    assert node.execute(box, "/bin/sh").exit_code == 127
    node.end(box, grace=5)


@pytest.mark.parametrize("user", [4294967295, 4294967294, 2147483648, 65534])
def test_user_by_number(node, user):
    context = pb.SecurityContext(run_as_user=user)
    try:
        made = node.create(container={"security_context": context})
    except Exception as error:  # a refusal is fine; becoming root is not
        assert "INVALID_ARGUMENT" in str(error) or "UNIMPLEMENTED" in str(error)
        return
    now = node.reach(made, {pb.STATE_RUNNING} | TERMINAL)
    if now.status.state == pb.STATE_RUNNING:
        assert node.output(now, "id -u").strip() == str(user)


def test_guest_program_cannot_be_changed_from_inside(node, box):
    """Overwriting the runtime through /proc/self/exe is CVE-2019-5736; ours is the guest."""
    before = (node.build / "sandkeep-guest").read_bytes()
    for script in ("echo x >/proc/1/exe", "cp /bin/busybox /proc/1/exe", "exec 3</proc/1/exe; echo x >/proc/self/fd/3"):
        assert node.execute(box, "/bin/sh", "-c", script).exit_code != 0
    assert (node.build / "sandkeep-guest").read_bytes() == before
    assert node.execute(box, "/bin/true").exit_code == 0


def test_killing_the_guest_from_inside(node):
    """PID 1 passes on what is asked of it, ignores the rest and cannot be killed from within."""
    box = node.running("/bin/sh", "-c", "trap '' TERM INT HUP USR1; touch /tmp/ready; while :; do sleep 1; done")
    wait_until(lambda: node.execute(box, "/bin/ls", "/tmp/ready").exit_code == 0, 60, "the trap is set")
    for signal in ("TERM", "INT", "HUP", "KILL", "STOP", "USR1", "WINCH"):
        node.execute(box, "/bin/sh", "-c", f"kill -{signal} 1; true")
    assert node.execute(box, "/bin/true").exit_code == 0
    assert node.end(box, grace=1).status.state == pb.STATE_TERMINATED


def test_signals_reach_the_main_process(node):
    box = node.running("/bin/sh", "-c", "trap 'exit 33' TERM; touch /tmp/ready; while :; do sleep 0.1; done")
    wait_until(lambda: node.execute(box, "/bin/ls", "/tmp/ready").exit_code == 0, 10, "the trap is set")
    ended = node.end(box, grace=120)
    assert (ended.status.state, ended.status.exit_code) == (pb.STATE_TERMINATED, 33)


def test_grace_ends(node):
    box = node.running("/bin/sh", "-c", "trap '' TERM; touch /tmp/ready; while :; do sleep 0.1; done")
    wait_until(lambda: node.execute(box, "/bin/ls", "/tmp/ready").exit_code == 0, 60, "the trap is set")
    began = time.monotonic()
    assert node.end(box, grace=2).status.state == pb.STATE_TERMINATED
    assert time.monotonic() - began >= 1.9


def test_lifetime(node):
    box = node.reach(node.create(max_lifetime_seconds=2), {pb.STATE_RUNNING} | TERMINAL)
    assert box.status.effective_max_lifetime_seconds == 2
    ended = node.reach(box, {pb.STATE_TERMINATED})
    assert "lifetime" in ended.status.state_reason


def test_two_sandboxes_share_nothing(node):
    one, two = node.running(), node.running()
    node.output(one, "echo secret >/tmp/file; sleep 7777 >/dev/null 2>&1 &")
    assert node.execute(two, "/bin/cat", "/tmp/file").exit_code != 0
    assert "7777" not in node.output(two, "ps -o args")
    assert node.output(one, "readlink /proc/self/ns/net") != node.output(two, "readlink /proc/self/ns/net")


def test_a_tight_sandbox_runs_python(node):
    box = node.running(image="python:3.11", container=limits(cpu="100m", memory="128Mi"))
    answer = node.execute(box, "python", "-c", "print(sum(range(10)))", timeout=120)
    assert answer.stdout == b"45\n"


def test_default_image_name_forms(node):
    for name in ("busybox", "busybox:latest", "docker.io/busybox", BUSYBOX):
        node.end(node.running(*KEEP_ALIVE, image=name))
