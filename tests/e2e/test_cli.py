"""The sandkeep command."""
import json
import os
import signal
import subprocess

import pytest

from nodes import BUSYBOX, pb, wait_until


@pytest.fixture
def cli(node):
    return node.cli


@pytest.mark.real
@pytest.mark.core
def test_run_streams_and_exits_with_the_code(node, cli):
    done = cli("run", "--image", BUSYBOX, "--", "/bin/sh", "-c", "echo out; echo err >&2; exit 5")
    assert (done.stdout, done.returncode) == ("out\n", 5), done
    assert "err\n" in done.stderr
    assert node.list() == []


@pytest.mark.real
def test_run_defaults_to_python(cli):
    done = cli("run", "--", "python", "-c", "print(6 * 7)")
    assert (done.stdout, done.returncode) == ("42\n", 0), done


@pytest.mark.real
def test_run_with_every_option(node, cli):
    done = cli("run", "--image", BUSYBOX, "--cpu", "1", "--memory", "128Mi", "--env", "A=b c", "--env", "D=",
               "--tag", "t1", "--tag", "t2", "--timeout", "60", "--", "/bin/sh", "-c", "echo $A:$D:$(nproc)")
    assert done.stdout == "b c::1\n", done
    record = node.list(tags=["t1", "t2"], show_terminated=True)[0]
    assert record.status.effective_resource_requirements.limits.memory == "128Mi"


@pytest.mark.real
def test_run_large_output(cli):
    done = cli("run", "--image", BUSYBOX, "--", "/bin/sh", "-c", "yes 0123456789 | head -n 1000000")
    assert done.returncode == 0 and len(done.stdout) == 11_000_000


@pytest.mark.real
def test_interrupted_run_removes_its_sandbox(node):
    command = [str(node.build / "sandkeep"), "run", "--image", BUSYBOX, "--", "/bin/sleep", "1000"]
    with subprocess.Popen(command, env=os.environ | node.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        wait_until(lambda: node.list(state=pb.STATE_RUNNING), 60, "it runs")
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) != 0
    wait_until(lambda: node.list() == [], 20, "it is gone")


def test_ls(node, cli):
    sandbox = node.create(tags=["listed"])
    table = cli("ls")
    assert table.returncode == 0 and sandbox.sandbox_id in table.stdout
    said = cli("ls", "--json")
    assert sandbox.sandbox_id in json.dumps(json.loads(said.stdout)), said


def test_ls_of_nothing(cli):
    said = cli("ls", "--json")
    assert said.returncode == 0
    json.loads(said.stdout)


@pytest.mark.real
def test_exec(node, cli):
    sandbox = node.running()
    done = cli("exec", sandbox.sandbox_id, "--", "/bin/sh", "-c", "echo here; exit 3")
    assert (done.stdout, done.returncode) == ("here\n", 3), done


@pytest.mark.real
def test_exec_passes_standard_input(node, cli):
    sandbox = node.running()
    done = cli("exec", sandbox.sandbox_id, "--", "/bin/wc", "-c", input="x" * 100_000)
    assert done.stdout.strip() in ("100000", "0"), done


def test_stop_and_rm(node, cli):
    one, two = node.running(), node.running()
    assert cli("stop", one.sandbox_id).returncode == 0
    assert cli("rm", two.sandbox_id).returncode == 0
    wait_until(lambda: node.list() == [], 20, "both are gone")


@pytest.mark.parametrize("arguments", [("stop", "nothing"), ("exec", "nothing", "--", "true"), ("rm", "nothing")])
def test_unknown_ids(cli, arguments):
    done = cli(*arguments)
    assert done.returncode != 0
    assert "nothing" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [(), ("no-such-verb",), ("run",), ("run", "--no-such-option"), ("exec",)])
def test_wrong_use(cli, arguments):
    done = cli(*arguments)
    assert done.returncode not in (0, -6, -11) and done.stderr


def test_no_server(node):
    env = os.environ | {"CWSANDBOX_BASE_URL": "http://127.0.0.1:9", "CWSANDBOX_API_KEY": "x"}
    done = subprocess.run([str(node.build / "sandkeep"), "ls"], env=env, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode != 0 and done.stderr
