"""What a person does with the published SDK. Kept to what its oldest supported release has, too."""
import concurrent.futures
import hashlib
import subprocess
import sys
import time

import pytest
from cwsandbox import (Sandbox, SandboxDefaults, SandboxExecutionError, SandboxNotFoundError, SandboxStatus,
                       SandboxTerminatedError, SandboxTimeoutError, Session)

from nodes import wait_until

pytestmark = [pytest.mark.core, pytest.mark.usefixtures("node")]

real = pytest.mark.real
KEEP = ("/bin/sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")


@pytest.fixture(scope="function")
def sandbox(node):
    with Sandbox.run() as sandbox:
        yield sandbox


def run(sandbox, *command, **options):
    return sandbox.exec(list(command), **options).result(timeout=120)


@real
def test_the_documented_example():
    with Sandbox.run() as sandbox:
        result = sandbox.exec(["python", "--version"]).result()
    assert result.stdout.startswith("Python 3.11.")
    assert result.returncode == 0


@real
def test_stdout_stderr_and_code_are_kept_apart(sandbox):
    result = run(sandbox, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 3)


@real
def test_check_raises_with_the_result_attached(sandbox):
    with pytest.raises(SandboxExecutionError) as caught:
        run(sandbox, "sh", "-c", "echo why >&2; exit 9", check=True)
    assert caught.value.exec_result.returncode == 9
    assert caught.value.exec_result.stderr == "why\n"
    assert run(sandbox, "true", check=True).returncode == 0


@real
@pytest.mark.parametrize("command, code", [
    (["no-such-program"], 127), (["/etc/hostname/x"], 127), (["/etc/passwd"], 126), (["/tmp"], 126),
    (["sh", "-c", "kill -9 $$"], 137), (["sh", "-c", "kill -15 $$"], 143), (["sh", "-c", "exit 255"], 255)])
def test_exit_codes(sandbox, command, code):
    result = run(sandbox, *command)
    assert result.returncode == code, result
    assert result.stderr != "" or code not in (126, 127)


@real
@pytest.mark.parametrize("argument", ["", " ", "a\nb", "'\"$(id)`id`\\", "*", "--", "ä€😀", "x" * 100_000])
def test_arguments_pass_untouched(sandbox, argument):
    result = run(sandbox, "python", "-c", "import sys; sys.stdout.write(repr(sys.argv[1:]))", argument, "end")
    assert result.stdout == repr([argument, "end"])


@real
def test_environment_reaches_main_and_exec():
    main = 'echo "$COLOUR.$EMPTY." >/tmp/main; exec sleep 100000'
    with Sandbox.run("sh", "-c", main, environment_variables={"COLOUR": "blue green", "EMPTY": ""}) as sandbox:
        assert run(sandbox, "sh", "-c", "echo $COLOUR.$EMPTY.").stdout == "blue green..\n"
        assert run(sandbox, "sh", "-c", "until cat /tmp/main 2>&-; do sleep 0.1; done").stdout == "blue green..\n"


@real
def test_cwd(sandbox):
    assert run(sandbox, "pwd", cwd="/usr/lib").stdout == "/usr/lib\n"
    assert run(sandbox, "pwd", cwd="/no/such/place").returncode != 0


def test_list_from_id_and_tags():
    with Sandbox.run(tags=["alpha", "both", "both"]) as one, Sandbox.run(tags=["beta", "both"]) as two:
        one.wait()
        two.wait()
        ids = lambda **how: {s.sandbox_id for s in Sandbox.list(**how).result()}
        assert ids(tags=["both"]) == {one.sandbox_id, two.sandbox_id}
        assert ids(tags=["both", "alpha"]) == {one.sandbox_id}
        assert ids(tags=["alpha", "beta"]) == set()
        assert ids(status="running") == {one.sandbox_id, two.sandbox_id}
        assert ids(status="completed", tags=["both"]) == set()
        found = Sandbox.from_id(one.sandbox_id).result()
        assert found.sandbox_id == one.sandbox_id
        assert found.get_status() == SandboxStatus.RUNNING
        assert found.runner_id and found.started_at


def test_a_stopped_sandbox_moves_to_the_terminal_list():
    sandbox = Sandbox.run(tags=["goes"]).wait()
    sandbox.stop().result()
    assert Sandbox.list(tags=["goes"]).result() == []
    ended = Sandbox.list(tags=["goes"], show_terminated=True).result()
    assert [s.sandbox_id for s in ended] == [sandbox.sandbox_id]
    assert Sandbox.from_id(sandbox.sandbox_id).result().get_status() == SandboxStatus.TERMINATED


def test_stop_is_graceful_and_repeatable():
    sandbox = Sandbox.run().wait()
    sandbox.stop(graceful_shutdown_seconds=120).result(timeout=60)
    sandbox.stop().result(timeout=60)


def test_stop_of_what_is_gone():
    sandbox = Sandbox.run().wait()
    other = Sandbox.from_id(sandbox.sandbox_id).result()
    sandbox.stop().result()
    other.stop(missing_ok=True).result()


def test_delete_by_id():
    sandbox = Sandbox.run().wait()
    Sandbox.delete(sandbox.sandbox_id).result()
    with pytest.raises(SandboxNotFoundError):
        # The end may still be on its way the first time.
        for _ in range(600):
            Sandbox.delete(sandbox.sandbox_id).result()
            time.sleep(0.1)
    Sandbox.delete(sandbox.sandbox_id, missing_ok=True).result()
    Sandbox.delete("no-such-sandbox", missing_ok=True).result()


@pytest.mark.parametrize("name", ["x", "does-not-exist", "../..", "ä", "A" * 300])
def test_unknown_ids(name):
    with pytest.raises(SandboxNotFoundError):
        Sandbox.from_id(name).result()
    with pytest.raises(SandboxNotFoundError):
        Sandbox.delete(name).result()


@real
@pytest.mark.parametrize("code", [0, 1, 42])
def test_exit_code_of_the_main_command(code):
    sandbox = Sandbox.run("sh", "-c", f"exit {code}")
    sandbox.wait_until_complete(timeout=60).result()
    assert sandbox.status == SandboxStatus.COMPLETED
    assert sandbox.returncode == code
    assert Sandbox.from_id(sandbox.sandbox_id).result().status == SandboxStatus.COMPLETED
    listed = Sandbox.list(status="completed").result()
    assert sandbox.sandbox_id in [s.sandbox_id for s in listed]


def test_stop_is_seen_by_a_waiter():
    sandbox = Sandbox.run().wait()
    waiter = Sandbox.from_id(sandbox.sandbox_id).result().wait_until_complete(timeout=60)
    sandbox.stop().result()
    with pytest.raises(SandboxTerminatedError):
        waiter.result()
    calm = Sandbox.from_id(sandbox.sandbox_id).result()
    calm.wait_until_complete(timeout=60, raise_on_termination=False).result()
    assert calm.status == SandboxStatus.TERMINATED


def test_waiting_has_its_own_limit():
    with Sandbox.run() as sandbox:
        with pytest.raises(SandboxTimeoutError):
            sandbox.wait_until_complete(timeout=1).result()
        assert sandbox.get_status() == SandboxStatus.RUNNING


@real
def test_a_timed_out_command_is_killed(sandbox):
    with pytest.raises(SandboxTimeoutError):
        run(sandbox, "sh", "-c", "sleep 7654 & exec sleep 7653", timeout_seconds=0.5)
    # The SDK gives the server 5 s more than it takes itself.
    script = "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'sleep 765[34]' | wc -l"
    wait_until(lambda: run(sandbox, "sh", "-c", script).stdout.strip() == "0", 60, "the command and its child are gone")


def test_twenty_sandboxes_at_once():
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        sandboxes = list(pool.map(lambda n: Sandbox.run(*KEEP, tags=["crowd"]), range(20)))
        assert len({s.sandbox_id for s in sandboxes}) == 20
        for sandbox in sandboxes:
            sandbox.wait()
        for stopping in [s.stop() for s in sandboxes]:
            stopping.result(timeout=60)
    assert Sandbox.list(tags=["crowd"]).result() == []
    assert len(Sandbox.list(tags=["crowd"], show_terminated=True).result()) == 20


@real
def test_twenty_commands_at_once(sandbox):
    processes = [sandbox.exec(["sh", "-c", f"sleep 0.2; echo {n}; exit {n}"]) for n in range(20)]
    results = [p.result(timeout=60) for p in processes]
    assert [(r.stdout, r.returncode) for r in results] == [(f"{n}\n", n) for n in range(20)]


@real
def test_fifty_mebibytes_of_output(sandbox):
    script = "import sys; d=bytes(range(32,96))*819200; sys.stdout.buffer.write(d)"
    data = bytes(range(32, 96)) * 819200
    result = run(sandbox, "python", "-c", script)
    assert len(result.stdout) == len(data) == 50 << 20
    assert hashlib.sha256(result.stdout.encode()).hexdigest() == hashlib.sha256(data).hexdigest()


@real
def test_output_arrives_while_the_command_runs(sandbox):
    run(sandbox, "mkfifo", "/tmp/gate", check=True)
    process = sandbox.exec(["sh", "-c", "echo first; cat /tmp/gate"])
    chunks = iter(process.stdout)
    assert next(chunks) == "first\n"
    run(sandbox, "sh", "-c", "echo opened >/tmp/gate")
    result = process.result(timeout=60)
    assert (result.stdout, result.returncode) == ("first\nopened\n", 0)


@real
def test_stdin_by_pipe(sandbox):
    process = sandbox.exec(["sh", "-c", "wc -c; wc -c"], stdin=True)
    for _ in range(20):
        process.stdin.write(b"x" * 65536).result(timeout=60)
    process.stdin.close().result(timeout=60)
    assert process.result(timeout=60).stdout.split() == [str(20 * 65536), "0"]


@real
def test_a_background_child_neither_delays_nor_dies(sandbox):
    result = run(sandbox, "sh", "-c", "sleep 4321 & echo started")
    assert result.stdout == "started\n" and result.returncode == 0
    # It is there, and this command is not taken for it.
    assert run(sandbox, "sh", "-c", "cat /proc/*/cmdline | tr '\\0' ' ' | grep -c '[s]leep 4321'").returncode == 0


@real
def test_two_sandboxes_of_one_session():
    defaults = SandboxDefaults(container_image="python:3.11", tags=("session",),
                               environment_variables={"SHARED": "yes"})
    with Session(defaults) as session:
        one, two = session.sandbox(), session.sandbox(tags=["second"])
        for sandbox in (one, two):
            assert run(sandbox, "sh", "-c", "echo $SHARED").stdout == "yes\n"
        run(one, "sh", "-c", "echo private >/tmp/file")
        assert run(two, "ls", "/tmp/file").returncode != 0
        assert len(session.list().result()) == 2
        ids = {one.sandbox_id, two.sandbox_id}
    assert Sandbox.list(tags=["session"]).result() == []
    ended = Sandbox.list(tags=["session"], show_terminated=True).result()
    assert {s.sandbox_id for s in ended} >= ids


def test_a_program_that_forgets_its_sandbox_stops_it(node):
    """The SDK ends a session's sandboxes when the interpreter exits; our Delete must keep up with that."""
    program = "from cwsandbox import *; s = Session(); b = s.sandbox(tags=['forgotten']); b.wait(); print(b.sandbox_id)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert Sandbox.list(tags=["forgotten"]).result() == []
    assert Sandbox.from_id(done.stdout.strip()).result().status == SandboxStatus.TERMINATED


def test_resources_are_echoed_as_written():
    resources = {"cpu": "500m", "memory": "512Mi"}
    with Sandbox.run(resources=resources) as sandbox:
        sandbox.wait()
        assert sandbox.resource_limits == resources
        assert sandbox.resource_requests == resources
        assert Sandbox.from_id(sandbox.sandbox_id).result().resource_limits == resources


def test_context_manager_stops_on_exceptions():
    with pytest.raises(ZeroDivisionError):
        with Sandbox.run(tags=["boom"]) as sandbox:
            sandbox.wait()
            1 / 0
    assert Sandbox.list(tags=["boom"]).result() == []


@real
def test_async_use():
    import asyncio

    async def use():
        async with Sandbox.run() as sandbox:
            results = await asyncio.gather(*[sandbox.exec(["echo", str(n)]) for n in range(5)])
            return [r.stdout for r in results]
    assert asyncio.run(use()) == [f"{n}\n" for n in range(5)]
