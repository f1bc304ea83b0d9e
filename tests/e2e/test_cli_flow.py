"""The sandkeep command as people use it: terminals, copies, logs."""
import fcntl
import hashlib
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from nodes import BUSYBOX, PATIENCE, TO_LEAD, wait_until

PYTHON = "python:3.11"
MIB = 1 << 20

pytestmark = pytest.mark.real


class Terminal:
    """The command on a pseudo-terminal, driven as a person would."""

    def __init__(self, node, *args, size=(24, 80), env=None):
        self.master, slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.text = b""

        self.process = subprocess.Popen([*TO_LEAD, node.build / "sandkeep", *args], stdin=slave, stdout=slave,
                                        stderr=slave, env=os.environ | node.env | (env or {}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            self.text += os.read(self.master, 65536)

    def expect(self, pattern, seconds=PATIENCE):
        """Waits for the pattern; what came up to its end is dropped."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern.encode(), self.text)):
            assert time.monotonic() < deadline, (pattern, self.text[-2000:])
            self.read(0.1)
        self.text = self.text[found.end():]
        return found

    def end(self, seconds=PATIENCE):
        """The exit code; meanwhile output is taken."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text[-2000:]
            self.read(0.05)
        return self.process.returncode

    @property
    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def assert_restored(self):
        assert termios.tcgetattr(self.slave) == self.before


@pytest.fixture
def cli(node):
    return node.cli


def sha(data):
    return hashlib.sha256(data).hexdigest()


def leftovers(node, sandbox, folder):
    return [name for name in node.output(sandbox, f"ls -a {folder}").split() if ".sandkeep-" in name]


# --- terminals ---------------------------------------------------------------------


@pytest.mark.core
def test_exec_it(node):
    sandbox = node.running()
    with Terminal(node, "exec", "-it", sandbox.sandbox_id, "--", "/bin/sh", size=(33, 101),
                  env={"TERM": "screen"}) as terminal:
        terminal.expect("[#$] ")
        assert terminal.is_raw
        terminal.type("tty; stty size; echo $TERM\n")
        terminal.expect("/dev/pts/[0-9]+\r\n33 101\r\nscreen\r\n")
        terminal.type("exit 7\n")
        assert terminal.end() == 7
        terminal.assert_restored()


def test_resize(node):
    sandbox = node.running()
    script = "trap 'stty size; exit 8' WINCH; echo ready; while :; do sleep 0.1; done"
    with Terminal(node, "exec", "-it", sandbox.sandbox_id, "--", "/bin/sh", "-c", script) as terminal:
        terminal.expect("ready\r\n")
        terminal.resize(50, 132)
        terminal.expect("50 132\r\n")
        assert terminal.end() == 8


def test_keys_go_to_the_command(node):
    sandbox = node.running()
    with Terminal(node, "exec", "-it", sandbox.sandbox_id, "--", "/bin/sh") as terminal:
        terminal.expect("[#$] ")
        # What speaks has the terminal: the shell gives it away before a command begins.
        terminal.type("sh -c 'echo be\"\"gun; exec sleep 1000'; echo code=$?\n")
        terminal.expect("begun\r\n")
        terminal.type("\x03")
        terminal.type("echo ali''ve\n")
        terminal.expect("alive\r\n")
        terminal.expect("[#$] ")  # it reads keys by now
        terminal.type("\x04")  # the end of input ends a shell
        terminal.end()
        terminal.assert_restored()


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_gives_the_terminal_back(node, signo):
    sandbox = node.running()
    with Terminal(node, "exec", "-it", sandbox.sandbox_id, "--", "/bin/sh") as terminal:
        terminal.expect("[#$] ")
        assert terminal.is_raw
        terminal.process.send_signal(signo)
        assert terminal.end() == 128 + signo
        terminal.assert_restored()


def is_stopped(process):
    return pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_stopped_program_gives_the_terminal_back(node):
    sandbox = node.running()
    with Terminal(node, "exec", "-it", sandbox.sandbox_id, "--", "/bin/sh") as terminal:
        terminal.expect("[#$] ")
        terminal.process.send_signal(signal.SIGTSTP)
        wait_until(lambda: not terminal.is_raw, 10, "it is given back")
        terminal.assert_restored()
        wait_until(lambda: is_stopped(terminal.process), 60, "it has stopped")
        terminal.process.send_signal(signal.SIGCONT)
        wait_until(lambda: terminal.is_raw, 10, "it is lent again")
        terminal.type("exit 3\n")
        assert terminal.end() == 3


def test_the_sandbox_ends_meanwhile(node):
    sandbox = node.running()
    with Terminal(node, "exec", "-it", sandbox.sandbox_id, "--", "/bin/sh") as terminal:
        terminal.expect("[#$] ")
        node.end(sandbox)
        assert terminal.end() != 0
        terminal.assert_restored()


def test_a_terminal_needs_one(node, cli):
    sandbox = node.running()
    done = cli("exec", "-it", sandbox.sandbox_id, "--", "true", stdin=subprocess.DEVNULL)
    assert done.returncode == 125 and "not a terminal" in done.stderr, done


def test_t_alone_has_no_input(node, cli):
    sandbox = node.running()
    done = cli("exec", "-t", sandbox.sandbox_id, "--", "/bin/sh", "-c", "tty; echo err >&2; exit 4",
               stdin=subprocess.DEVNULL)
    assert done.returncode == 4 and "/dev/pts/" in done.stdout and "err" in done.stdout, done


@pytest.mark.parametrize("image,shell", [(BUSYBOX, "/bin/sh"), (PYTHON, "/bin/bash")])
def test_sh(node, image, shell):
    sandbox = node.running(image=image)
    with Terminal(node, "sh", sandbox.sandbox_id) as terminal:
        terminal.expect("[#$] ")
        terminal.type("echo $0 $((6 * 7))\n")
        terminal.expect(f"{shell} 42\r\n")
        terminal.type("exit 5\n")
        assert terminal.end() == 5


def test_sh_reads_a_script(node, cli):
    sandbox = node.running()
    done = cli("sh", sandbox.sandbox_id, input="echo from $((40 + 2))\nexit 6\n")
    assert (done.stdout, done.returncode) == ("from 42\n", 6), done
    done = cli("sh", sandbox.sandbox_id, "--", "/bin/echo", "-n", "said")
    assert (done.stdout, done.returncode) == ("said", 0), done


def test_run_it(node):
    with Terminal(node, "run", "-it", "--image", BUSYBOX) as terminal:
        terminal.expect("[#$] ")
        terminal.type("exit 9\n")
        assert terminal.end() == 9
    assert node.list() == []


# --- copies ---------------------------------------------------------------------------


def make_tree(root):
    (root / "deep/er").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "zero").touch()
    (root / "script").write_text("#!/bin/sh\n")
    (root / "script").chmod(0o755)
    (root / "secret").write_bytes(os.urandom(100_000))
    (root / "secret").chmod(0o600)
    (root / "deep/er/big").write_bytes(os.urandom(3 * MIB + 7))
    (root / "deep" / ("n" * 200)).write_text("long")
    (root / "deep/n ä'\"\\").write_text("odd")
    (root / "link").symlink_to("deep/er/big")
    (root / "dangling").symlink_to("/no/where")
    (root / "deep").chmod(0o750)


def described(root):
    """Every path below: its kind and mode, and what is in it."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        mode = oct(path.lstat().st_mode)
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = mode
        else:
            found[name] = (mode, sha(path.read_bytes()))
    return found


@pytest.mark.core
@pytest.mark.parametrize("image", [BUSYBOX, PYTHON])
def test_folders_both_ways(node, cli, tmp_path, image):
    sandbox = node.running(image=image)
    make_tree(tmp_path / "tree")
    done = cli("cp", str(tmp_path / "tree"), f"{sandbox.sandbox_id}:/copy")
    assert done.returncode == 0, done
    listed = node.output(sandbox, "cd /copy && find . -type f -exec sha256sum {} + | sort; "
                                  "stat -c '%a %u' script secret deep")
    assert sha((tmp_path / "tree/deep/er/big").read_bytes()) in listed
    assert listed.endswith("755 0\n600 0\n750 0\n"), listed
    done = cli("cp", f"{sandbox.sandbox_id}:/copy", str(tmp_path / "back"))
    assert done.returncode == 0, done
    assert described(tmp_path / "back") == described(tmp_path / "tree")


def test_where_copies_land(node, cli, tmp_path):
    sandbox = node.running()
    there = f"{sandbox.sandbox_id}:"
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_text("1")
    node.output(sandbox, "mkdir /into /plain")
    assert cli("cp", str(tmp_path / "d"), there + "/into").returncode == 0
    assert cli("cp", str(tmp_path / "d") + "/.", there + "/plain").returncode == 0
    assert cli("cp", str(tmp_path / "d/f"), there + "/into/").returncode == 0
    assert cli("cp", str(tmp_path / "d/f"), there + "/new/sub/g").returncode == 0
    assert node.output(sandbox, "cat /into/d/f /plain/f /into/f /new/sub/g") == "1111"
    (tmp_path / "out").mkdir()
    assert cli("cp", there + "/into", str(tmp_path / "out")).returncode == 0
    assert cli("cp", there + "/into/.", str(tmp_path / "out")).returncode == 0
    assert cli("cp", there + "/plain/f", str(tmp_path / "out/f2")).returncode == 0
    assert sorted(described(tmp_path / "out")) == ["d", "d/f", "f", "f2", "into", "into/d", "into/d/f", "into/f"]
    done = cli("cp", str(tmp_path / "d/f"), there + "/not-there/")
    assert done.returncode == 1 and "no such folder" in done.stderr, done
    done = cli("cp", str(tmp_path / "d"), there + "/plain/f")
    assert done.returncode == 1 and "no folder" in done.stderr, done


@pytest.mark.parametrize("size", [0, 1, 32 * MIB, 32 * MIB + 1, 80 * MIB])
def test_files_both_ways(node, cli, tmp_path, size):
    sandbox = node.running()
    there = f"{sandbox.sandbox_id}:/data/file"
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "file").chmod(0o751)
    done = cli("cp", str(tmp_path / "file"), there)
    assert done.returncode == 0, done
    assert node.output(sandbox, "sha256sum < /data/file; stat -c %a /data/file").split() == [sha(data), "-", "751"]
    assert not leftovers(node, sandbox, "/data")
    done = cli("cp", there, str(tmp_path / "back"))
    assert done.returncode == 0, done
    assert sha((tmp_path / "back").read_bytes()) == sha(data)
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o751
    assert sorted(os.listdir(tmp_path)) == ["back", "file"]


def test_standard_streams(node, tmp_path):
    sandbox = node.running()
    command = [str(node.build / "sandkeep"), "cp"]
    data = os.urandom(5 * MIB)
    env = os.environ | node.env
    subprocess.run([*command, "-", f"{sandbox.sandbox_id}:/in"], input=data, env=env, check=True, timeout=60)
    back = subprocess.run([*command, f"{sandbox.sandbox_id}:/in", "-"], stdout=subprocess.PIPE, env=env, check=True,
                          timeout=60)
    assert sha(back.stdout) == sha(data)
    tar = subprocess.run([*command, f"{sandbox.sandbox_id}:/etc", "-"], stdout=subprocess.PIPE, env=env, check=True,
                         timeout=60)
    listed = subprocess.run(["tar", "-t"], input=tar.stdout, stdout=subprocess.PIPE, check=True)
    assert b"./passwd\n" in listed.stdout
    done = subprocess.run([*command, "-", f"{sandbox.sandbox_id}:/etc"], input=b"x", env=env, capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == 1 and b"is a folder" in done.stderr


def test_what_cannot_be_copied(node, cli, tmp_path):
    sandbox = node.running()
    there = f"{sandbox.sandbox_id}:"
    (tmp_path / "f").write_text("x")
    for args, code, said in [
            ((there + "/nothing", str(tmp_path)), 1, "/nothing"),
            ((str(tmp_path / "nothing"), there + "/x"), 1, "No such file"),
            ((str(tmp_path / "f"), there + "relative"), 2, "must begin with /"),
            ((there + "/a", there + "/b"), 2, "one side must be here"),
            ((str(tmp_path), str(tmp_path)), 2, "must be ID:PATH"),
            ((there + "/etc/passwd", str(tmp_path / "no/such")), 1, "No such file"),
            ((there + "/dev/zero", str(tmp_path / "zero")), 1, "/dev/zero"),
            (("no-such-sandbox:/etc", str(tmp_path)), 1, "no-such-sandbox"),
            ((there + "/etc",), 2, "copy what where")]:
        done = cli("cp", *args)
        assert done.returncode == code and said in done.stderr, (args, done)
    assert os.listdir(tmp_path) == ["f"]


def test_no_tar(node, cli, tmp_path):
    sandbox = node.running(image=PYTHON)
    node.output(sandbox, "rm $(command -v tar)")
    done = cli("cp", f"{sandbox.sandbox_id}:/etc", str(tmp_path / "etc"))
    assert done.returncode == 1 and "no tar" in done.stderr and not (tmp_path / "etc").exists(), done
    done = cli("cp", str(tmp_path), f"{sandbox.sandbox_id}:/x")
    assert done.returncode == 1 and "no tar" in done.stderr, done


HOSTILE = r"""
import io, os, sys, tarfile
def add(tar, name, kind=tarfile.REGTYPE, link="", data=b"evil"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    tar.addfile(info, io.BytesIO(data))
tar = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
add(tar, "./fine")
case, outside = os.environ["CASE"], os.environ["OUTSIDE"]
if case == "dots":
    add(tar, "../escaped")
elif case == "deep-dots":
    add(tar, "./a/../../escaped")
elif case == "absolute":
    add(tar, outside + "/escaped")
elif case == "symlink":
    add(tar, "./l", tarfile.SYMTYPE, outside)
    add(tar, "./l/escaped")
elif case == "symlink-up":
    add(tar, "./l", tarfile.SYMTYPE, "..")
    add(tar, "./l/escaped")
elif case == "hardlink":
    add(tar, "./h", tarfile.LNKTYPE, "../precious")
    add(tar, "./h")
elif case == "hardlink-absolute":
    add(tar, "./h", tarfile.LNKTYPE, outside + "/precious")
elif case == "device":
    add(tar, "./null", tarfile.CHRTYPE)
    add(tar, "./pipe", tarfile.FIFOTYPE)
elif case == "cut":
    info = tarfile.TarInfo("./cut")
    info.size = 10000
    tar.fileobj.write(info.tobuf() + b"x" * 5000)
    tar.fileobj.flush()
    sys.stdout.buffer.flush()
    os._exit(1)
tar.close()
"""


@pytest.mark.parametrize("case", ["dots", "deep-dots", "absolute", "symlink", "symlink-up", "hardlink",
                                  "hardlink-absolute", "device", "cut"])
def test_a_hostile_tar_stays_inside(node, cli, tmp_path, case):
    sandbox = node.running(image=PYTHON)
    outside = tmp_path / "outside"
    outside.mkdir()
    for folder in (outside, tmp_path):
        (folder / "precious").write_text("precious")
    script = f"#!/usr/bin/env -S CASE={case} OUTSIDE={outside} python3\n{HOSTILE}"
    (tmp_path / "tar").write_text(script)
    (tmp_path / "tar").chmod(0o755)
    assert cli("cp", str(tmp_path / "tar"), f"{sandbox.sandbox_id}:/usr/local/bin/tar").returncode == 0
    done = cli("cp", f"{sandbox.sandbox_id}:/etc", str(tmp_path / "copy"))
    assert done.returncode == 1 and done.stderr, done
    assert (tmp_path / "copy/fine").read_text() == "evil"
    assert sorted(os.listdir(tmp_path)) == ["copy", "outside", "precious", "tar"]
    assert os.listdir(outside) == ["precious"]
    assert (outside / "precious").read_text() == (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "precious").stat().st_nlink == (outside / "precious").stat().st_nlink == 1
    assert not {"null", "pipe", "cut", "escaped"} & set(os.listdir(tmp_path / "copy"))


def test_what_a_sandbox_says_drives_no_terminal(node, cli, tmp_path):
    sandbox = node.running(image=PYTHON)
    (tmp_path / "tar").write_text("#!/bin/sh\nprintf '\\033]0;evil\\007' >&2\nexit 1\n")
    (tmp_path / "tar").chmod(0o755)
    assert cli("cp", str(tmp_path / "tar"), f"{sandbox.sandbox_id}:/usr/local/bin/tar").returncode == 0
    done = cli("cp", f"{sandbox.sandbox_id}:/etc", str(tmp_path / "copy"))
    assert done.returncode == 1 and "evil" in done.stderr and "\x1b" not in done.stderr, done


def interrupted(node, begun, *args):
    """A copy that gets ^C when it is under way; its exit code. Standard input, if it is read, never ends."""
    with subprocess.Popen([str(node.build / "sandkeep"), "cp", *args], env=os.environ | node.env,
                          stdin=subprocess.PIPE, stderr=subprocess.PIPE) as copy:
        if args[0] == "-":
            copy.stdin.write(b"x" * MIB)
            copy.stdin.flush()
        wait_until(lambda: copy.poll() is not None or begun(), 60, "some of it is there")
        assert copy.poll() is None, copy.stderr.read()
        copy.send_signal(signal.SIGINT)
        code = copy.wait(timeout=60)
        assert copy.stderr.read() == b""
    return code


def test_an_interrupted_copy_leaves_nothing(node, tmp_path):
    sandbox = node.running()
    node.output(sandbox, "mkdir /data; mkfifo /data/endless; echo old > /data/file")
    there = lambda: leftovers(node, sandbox, "/data")
    assert interrupted(node, there, "-", f"{sandbox.sandbox_id}:/data/file") == 130
    assert node.output(sandbox, "cat /data/file") == "old\n"
    assert not there()
    # A big file whose end never comes: `cat` is not what it was.
    node.output(sandbox, "head -c 40000000 /dev/zero > /data/big; rm /bin/cat; printf '#!/bin/sh\n"
                         "head -c 1000000 /dev/zero; exec sleep 1000\n' > /bin/cat; chmod 755 /bin/cat")
    here = lambda: any(file.stat().st_size for file in tmp_path.iterdir())
    assert interrupted(node, here, f"{sandbox.sandbox_id}:/data/big", str(tmp_path / "big")) == 130
    assert os.listdir(tmp_path) == []


def test_progress_is_for_terminals(node, tmp_path):
    sandbox = node.running()
    node.output(sandbox, "rm /bin/cat; printf '#!/bin/sh\nfor i in 1 2 3 4 5; do head -c 8000000 /dev/zero; "
                         "sleep 0.5; done\n' > /bin/cat; chmod 755 /bin/cat; head -c 40000000 /dev/zero > /big")
    with Terminal(node, "cp", f"{sandbox.sandbox_id}:/big", str(tmp_path / "big")) as terminal:
        terminal.expect(r"/big  [0-9.]+ MiB / 38.1 MiB  [0-9]+ %")
        assert terminal.end() == 0
    assert (tmp_path / "big").stat().st_size == 40_000_000
    done = node.cli("cp", f"{sandbox.sandbox_id}:/big", str(tmp_path / "big"))
    assert (done.returncode, done.stderr) == (0, ""), done


# --- logs --------------------------------------------------------------------------------

TO_GO = "while ! [ -e /tmp/go ]; do sleep 0.05; done"
COUNTER = ["/bin/sh", "-c", "i=1; while [ $i -le 200 ]; do echo line $i; i=$((i+1)); sleep 0.02; "
                            f"[ $i != 199 ] || {TO_GO}; done"]


def following(node, sandbox):
    return subprocess.Popen([str(node.build / "sandkeep"), "logs", "-f", sandbox.sandbox_id], env=os.environ | node.env,
                            bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_logs(node, cli):
    sandbox = node.running("/bin/sh", "-c", "echo one; echo two >&2; echo three; sleep 1000")
    done = wait_until(lambda: (said := cli("logs", sandbox.sandbox_id)).stdout.count("\n") == 3 and said, 10, "3 lines")
    assert (done.stdout, done.stderr, done.returncode) == ("one\ntwo\nthree\n", "", 0)
    assert cli("logs", "--tail", "2", sandbox.sandbox_id).stdout == "two\nthree\n"
    assert re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*Z \w+\n){3}", cli("logs", "-t", sandbox.sandbox_id).stdout)
    assert cli("logs", "--since", "1h", sandbox.sandbox_id).stdout == "one\ntwo\nthree\n"
    time.sleep(1.1)
    assert cli("logs", "--since", "1s", sandbox.sandbox_id).stdout == ""
    assert cli("logs", "--since", "tomorrow", sandbox.sandbox_id).returncode == 2
    done = cli("logs", "nothing")
    assert done.returncode == 1 and "nothing" in done.stderr


def test_following_ends_with_the_sandbox(node):
    sandbox = node.running("/bin/sh", "-c", f"echo 1; {TO_GO}; for i in 2 3; do echo $i; sleep 0.5; done")
    with following(node, sandbox) as follow:
        assert follow.stdout.readline() == b"1\n"
        node.output(sandbox, "touch /tmp/go")
        assert follow.communicate(timeout=60) == (b"2\n3\n", b"")
        assert follow.returncode == 0


def test_an_interrupted_follow_is_quiet(node):
    sandbox = node.running("/bin/sh", "-c", "echo begun; sleep 1000")
    with following(node, sandbox) as follow:
        assert follow.stdout.readline() == b"begun\n"
        follow.send_signal(signal.SIGINT)
        assert follow.wait(timeout=60) == 130
        assert follow.stderr.read() == b""


def test_following_outlasts_the_daemon(own_node):
    sandbox = own_node.running(*COUNTER)
    with following(own_node, sandbox) as follow:
        first = follow.stdout.readline()
        own_node.sh("daemon", "kill")
        own_node.sh("daemon", "start")
        go = ("exec", sandbox.sandbox_id, "--", "touch", "/tmp/go")  # before that it does not end
        wait_until(lambda: own_node.cli(*go).returncode == 0, 60, "it serves again")
        rest, said = follow.communicate(timeout=120)
    assert (first + rest).decode() == "".join(f"line {i}\n" for i in range(1, 201)), said
    assert follow.returncode == 0, said
