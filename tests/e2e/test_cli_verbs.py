"""Every verb there is, run with what nobody would type: each ends with one of its exit codes. What sanitizers say of it
fails the test, too (sanitizers.py)."""
import os
import subprocess

import pytest

from daemons import daemon
from nodes import PATIENCE, built
from test_completion import verbs

LONG = "x" * 70000
ODD = {"nothing": (), "empty and long": ("", LONG), "bytes": (b"\xff\xfe\x80", "\x1b[2J"),
       "no options": ("--", "/dev/null", "-1")}
# Its own, for failures, for wrong use, and of run and exec for what could not be run.
CODES = {0, 1, 2, 125, 126, 127}


@pytest.mark.parametrize("arguments", ODD.values(), ids=ODD)
def test_odd_arguments(own_node, arguments):
    names = verbs(built())
    assert {"run", "session close", "key entry", "doctor"} <= set(names)
    for verb in names:
        done = own_node.cli(*verb.split(), *arguments, stdin=subprocess.DEVNULL, errors="replace")
        assert done.returncode in CODES, (verb, done.returncode, done.stderr)
        assert done.stdout or done.stderr or not done.returncode, verb


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(own_node, redirection):
    """Their numbers are not given to what verbs open; who cannot write what was asked for fails."""
    for verb in ("ls", "top --once", "doctor", "session run -- /bin/true", "image import -", "session open",
                 "key create", "reload"):
        command = ["sh", "-c", f'exec "$0" {verb} {redirection}', str(own_node.build / "sandkeep")]
        done = subprocess.run(command, capture_output=True, env=os.environ | own_node.env, timeout=PATIENCE, check=False,
                              stdin=subprocess.DEVNULL)
        assert done.returncode in CODES, (verb, done.returncode, done.stderr)
        assert done.returncode or ">&-" not in redirection.split() or verb.startswith("session run"), verb


@pytest.mark.parametrize("verb", ["session open", "key create", "reload"])
def test_what_cannot_be_written(own_node, verb):
    """Nobody else knows what was made: who asked must be told that it did not arrive."""
    command = ["sh", "-c", f'exec "$0" {verb} >/dev/full', str(own_node.build / "sandkeep")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | own_node.env, timeout=PATIENCE, check=False)
    assert done.returncode == 1, done.stderr


def test_a_daemon_without_descriptors():
    """Their numbers are not given to what it opens, which would be written to as a log."""
    with daemon(prefix=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]) as made:
        made.start()
        assert made.cli("ls").returncode == 0
        assert made.stop() == 0
