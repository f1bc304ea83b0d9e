"""An OCI runtime that somebody kills while it makes a container: it has refused nothing, so it is asked again."""
import shutil

import pytest

from conftest import stop_node
from nodes import Node, pb, wait_until

pytestmark = pytest.mark.real

# Named as the runtime that it stands for. Dies of "create" as often as there are lives.
WRAPPER = """#!/bin/sh
case " $* " in *" create "*)
    echo >>{folder}/creates
    [ "$(wc -l <{folder}/creates)" -gt "$(cat {folder}/lives)" ] || kill -KILL $$
esac
exec {runtime} "$@"
"""


@pytest.fixture(scope="module")
def mortal(pytestconfig, tmp_path_factory):
    """A node, and the folder that says how often its runtime dies."""
    folder = tmp_path_factory.mktemp("mortal")
    name = pytestconfig.getoption("--runtime")
    wrapper = folder / name
    wrapper.write_text(WRAPPER.format(folder=folder, runtime=shutil.which(name)))
    wrapper.chmod(0o755)
    let_die(folder, 0)
    node = Node(str(wrapper), pytestconfig.getoption("--build"))
    try:
        yield node, folder
    finally:
        stop_node(node)


def let_die(folder, lives):
    (folder / "lives").write_text(f"{lives}\n")
    (folder / "creates").write_text("")


def creates(folder):
    return len((folder / "creates").read_text().splitlines())


def test_killed_twice(mortal):
    node, folder = mortal
    node.clean(0)
    let_die(folder, 2)
    sandbox = node.create("/bin/sleep", "100000")
    assert node.execute(sandbox, "/bin/echo", "well").stdout == b"well\n"
    assert creates(folder) == 3
    node.end(sandbox)
    node.clean(0)


def test_killed_always(mortal):
    """It ends, and says why; nothing stays."""
    node, folder = mortal
    let_die(folder, 1000)
    sandbox = node.create("/bin/sleep", "100000")
    wait_until(lambda: node.get(sandbox.sandbox_id).status.state == pb.STATE_FAILED, 120, "it has failed")
    assert "OCI runtime" in node.get(sandbox.sandbox_id).status.state_reason
    assert 1 < creates(folder) <= 41
    let_die(folder, 0)
    node.clean(0)
