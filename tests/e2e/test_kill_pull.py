"""The daemon and containerd are killed at the steps of a pull: the create ends well, and nothing of the pull stays.

The story is "delete" of test_kill_matrix.py with an image that has to be fetched; its points are those that the same
story does not pass when the image is there. A small image with three layers, slowed down so that steps do not coincide.
"""
import time

import grpc
import pytest

import checker
import images
from conftest import start_node
from images import zoo
from nodes import pb, whole_lines
from test_kill_matrix import (LATE, LATE_SECONDS, Story, check_the_end, bring_to_its_end, delete, die_at, held_at,
                              kill_containerd, once_each, passed, settle_without_dead_sockets, start)

pytestmark = pytest.mark.real
# So many of the points are tried unless --matrix=full: the first, the last, and others between them.
DAEMON_DIES, CONTAINERD_DIES = 8, 5


@pytest.fixture(scope="module")
def world():
    with images.a_world() as world:
        world.faulty.rate = 4 * zoo.MIB
        layers = [zoo.tar(zoo.entry(f"layer-{n}", zoo.noise(size * zoo.MIB, n))) for n, size in enumerate((2, 1))]
        world.faulty.add("mortal", zoo.image([layers[0], zoo.busybox(), layers[1]]))
        yield world


@pytest.fixture(scope="module")
def node(pytestconfig, world):
    with images.tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        images.json.dump(world.config(log_level="debug"), file)
        file.flush()
        node = start_node(pytestconfig, config=file.name, images="busybox")
    yield node
    start(node)
    node.clean(LATE_SECONDS)
    done = node.down()
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def story(world):
    return Story(delete, pb.STATE_TERMINATED, "deleted", fields={"image": world.name("lowest-last/mortal")})


@pytest.fixture(scope="module")
def points(node, story, world, pytestconfig):
    forget(node, story, world)
    cold = passed(node, story)
    warm = set(passed(node, story))
    found = [("pull", point) for point in cold if point not in warm]
    start(node)
    return found if pytestconfig.getoption("--matrix") == "full" else once_each(found)


def some(points, count, pytestconfig):
    if pytestconfig.getoption("--matrix") == "full":
        return points
    return [points[place * (len(points) - 1) // (count - 1)] for place in range(count)]


def kept_ahead(node, seen):
    """How many layers lie there before their turn, by the log from there on."""
    lines = whole_lines(node.folder / "daemon.log")[seen:]
    return sum('"unpack_ahead"' in line and '"keep"' in line for line in lines)


def forget(node, story, world):
    """As if the image had never been here: its blobs and layers are gone too. The lowest layer, when it is asked for the
    first time, comes after those above it have been unpacked before their turn."""
    world.faulty.reset()
    seen = len(whole_lines(node.folder / "daemon.log"))
    world.faulty.may_end = lambda: kept_ahead(node, seen) >= 2
    images.drop(node, story.fields["image"])
    images.ctr(node, "leases", "create", "--id", "collect")
    images.ctr(node, "leases", "delete", "--sync", "collect")


def test_the_points_are_those_that_matter(points):
    """The dry run has seen the pull at all."""
    flows = {point.split(".")[0] for _, point in points}
    assert len(points) >= 10 and len(flows) >= 2, points


def test_the_daemon_dies_at_steps_of_a_pull(node, story, world, points, pytestconfig):
    wrong = []
    for _, point in some(points, DAEMON_DIES, pytestconfig):
        began = time.monotonic()
        try:
            forget(node, story, world)
            die_at(node, story, point)
        except (AssertionError, grpc.RpcError) as error:
            wrong.append(f"{point}: {error}")
        print(f"{point} {time.monotonic() - began:.1f} s")
    assert not wrong, "\n".join(wrong)
    checker.settle(node, LATE_SECONDS)


def test_containerd_dies_at_steps_of_a_pull(node, story, world, points, pytestconfig):
    """The daemon stands still meanwhile; it tries again what failed."""
    def kill_and_send_all(node):
        kill_containerd(node)
        world.faulty.may_end = lambda: True  # whatever is unpacked before its turn now
    wrong = []
    for _, point in some(points, CONTAINERD_DIES, pytestconfig):
        began = time.monotonic()
        try:
            forget(node, story, world)
            held_at(node, point, kill_and_send_all, story)
        except (AssertionError, grpc.RpcError) as error:
            wrong.append(f"{point}: {error}")
        print(f"{point} {time.monotonic() - began:.1f} s")
    assert not wrong, "\n".join(wrong)
    settle_without_dead_sockets(node)


def test_a_pull_after_all_that(node, story, world):
    """Whole: what was fetched in pieces is the image."""
    forget(node, story, world)
    start(node)
    tale = story.tale()
    check_the_end(story, bring_to_its_end(node, story, tale))
    assert not checker.settle(node, 60, LATE.search)
