"""Images that are not here yet: fetched once, from where the config says, by policy, and kept in order."""
import json
import re
import socket
import threading
import time

import grpc
import pytest
from cwsandbox import Sandbox

import images
from conftest import lend
from images import drop, fail, loose, make, run, stored, zoo
from nodes import TERMINAL, fails, pb, wait_until

pytestmark = pytest.mark.real
CROWD = 100
NOWHERE = "127.0.0.1:9"  # nobody listens there
FAST = 100 * zoo.MIB  # bytes a second, of blobs that are held back by shares


@pytest.fixture(scope="module")
def world():
    with images.a_world() as world:
        yield world


@pytest.fixture(scope="module")
def cache(world):
    """A pull-through cache of the plain registry."""
    cache = images.registries.Registry(world.folder / "cache", proxy={"remoteurl": world.real.plain.url})
    yield cache
    cache.stop()


@pytest.fixture(scope="module")
def node_of_module(pytestconfig, world, cache):
    # Hosts that are nowhere have addresses of this machine: no name is asked for outside.
    mirrors = {NOWHERE: {"plain_http": True, "mirrors": [cache.url, world.real.plain.url]},
               "docker.io": {"mirrors": [f"http://127.0.0.1:{closed_port()}", world.real.plain.url]},
               world.other.host: {"plain_http": True, "mirrors": [f"http://127.0.0.1:{closed_port()}",
                                                                  f"http://{world.faulty.host}/v2/wrong-layer"]}}
    with images.a_node(pytestconfig, world.config(real=True, registries=mirrors)) as node:
        yield node


@pytest.fixture
def node(node_of_module, world, monkeypatch):
    world.faulty.reset()
    yield from lend(node_of_module, monkeypatch)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def works(node, sandbox):
    assert node.output(sandbox, "echo $((6 * 7))") == "42\n"


# --- from real registries ---

def test_from_a_registry(node, world):
    """Fetched, run, and on the node afterwards under its full name."""
    name = world.real.plain.built("busybox", "some/busybox:1")
    works(node, run(node, name))
    assert name in stored(node)
    assert not loose(node)


def test_by_the_sdk(node, world):
    name = world.real.plain.built("busybox", "sdk/busybox:1")
    with Sandbox.run("sleep", "1000", container_image=name, max_lifetime_seconds=120) as sandbox:
        assert sandbox.exec(["echo", "pulled"]).result(timeout=60).stdout == "pulled\n"
    assert name in stored(node)


def test_by_digest(node, world):
    good = zoo.ZOO["good"]()
    name = f"{world.faulty.host}/ok/pinned@{good.digest}"
    world.add("pinned", good)
    works(node, run(node, name))
    world.add("pinned", zoo.sized(1))
    drop(node, name)
    assert good.digest in fail(node, name), "the tag moved, and the digest is no longer there"


@pytest.mark.parametrize("options", [("--format", "v2s2"), ("--format", "oci"),
                                     ("--format", "oci", "--dest-compress-format", "zstd")])
def test_formats(node, world, options):
    """Docker's schema 2, OCI with gzip and with zstd."""
    works(node, run(node, world.real.plain.built("busybox", f"formats/{options[-1]}:1", *options)))


@pytest.mark.parametrize("name", ["plain-tar", "many-layers", "both-platforms"])
def test_shapes(node, world, name):
    works(node, run(node, world.real.plain.push(zoo.ZOO[name](), f"shapes/{name}:1", "--all")))


def test_tokens_for_everybody(node, world):
    works(node, run(node, world.real.token.built("busybox", "public/busybox:1")))
    assert any("scope=repository" in path and "public" in path for path, _ in world.real.tokens.asked)


def test_a_mirror_serves(node, world):
    """The first of docker.io's mirrors is down, the second has it; Docker's short form of the name."""
    world.real.plain.built("busybox", "library/from-mirror:1")
    works(node, run(node, "from-mirror:1"))
    assert "docker.io/library/from-mirror:1" in stored(node)


def test_a_pull_through_cache(node, world, cache):
    world.real.plain.built("busybox", "through/busybox:1")
    works(node, run(node, f"{NOWHERE}/through/busybox:1"))
    assert list((cache.where / "data").rglob("through/busybox")), "the cache was not asked"


def test_mirrors_fail_and_the_registry_serves(node, world):
    """One mirror is down and one lies about bytes: neither fails the pull, nor gets its bytes in."""
    made = zoo.sized(1, seed=7)
    world.other.add("unmirrored", made)
    world.faulty.add("ok/unmirrored", made)
    works(node, run(node, f"{world.other.host}/ok/unmirrored:1"))
    assert world.counters("wrong-layer/ok/unmirrored").blobs and world.other.count("ok/unmirrored").blobs
    assert not loose(node)


def test_the_registry_of_a_mirror_is_never_guessed(node, world):
    """The mirror says no and the registry itself does not exist: the reason names the image and who was asked."""
    reason = fail(node, f"{NOWHERE}/gone/nothing:1")
    assert f"image {NOWHERE}/gone/nothing:1" in reason and reason.count(NOWHERE) > 1, reason


def test_no_such_image(node, world):
    before = loose(node)
    reason = fail(node, world.name("ok/nothing"))
    assert world.name("ok/nothing") in reason and world.faulty.host in reason and "404" in reason, reason
    reason = fail(node, f"{world.real.plain.host}/no/such:1")
    assert "404" in reason, reason
    assert loose(node) == before


def test_tls_needs_trust(node, world, pytestconfig):
    """The same registry by a name for which the config has no CA; one that speaks no TLS; one that nobody named."""
    _, port = world.real.basic.host.split(":")
    _, plain_port = world.real.plain.host.split(":")
    config = world.config(registries={f"localhost:{port}": {}, f"localhost:{plain_port}": {}})
    with images.a_node(pytestconfig, config) as other:
        assert "certificate" in fail(other, f"localhost:{port}/team/x:1").lower()
        if pytestconfig.getoption("--torture") == "full":  # six tries
            assert f"localhost:{plain_port}" in fail(other, f"localhost:{plain_port}/team/x:1")
        began = world.real.plain.where.joinpath("log").stat().st_size
        reason = fail(other, f"{world.real.plain.host}/some/x:1")
        assert world.real.plain.host in reason
        assert world.real.plain.where.joinpath("log").stat().st_size == began, "an unnamed internal host was asked"


# --- one pull for all ---

def test_one_pull_for_a_crowd(node, world):
    """A hundred creates of one image: each blob and the manifest are fetched once."""
    world.faulty.rate = 2 * 1024 * 1024
    world.faulty.add("crowd", zoo.sized(4, seed=1))
    made, wrong = [], []

    def one():
        try:
            made.append(make(node, world.name("slow/crowd")))
        except grpc.RpcError as error:
            wrong.append(error)
    threads = [threading.Thread(target=one) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]
    for sandbox in made:
        node.reach(sandbox, {pb.STATE_RUNNING}, 120)
    counters = world.counters("slow/crowd")
    assert counters.manifests == 1 and set(counters.by_blob.values()) == {1}, counters.show()


def test_shared_layers_are_fetched_once(node, world):
    """Two images at once that have a layer in common."""
    world.faulty.rate = 1024 * 1024
    common = zoo.tar(zoo.entry("common", zoo.noise(2 * zoo.MIB, seed=2)))
    for name in ("twin-a", "twin-b"):
        world.faulty.add(name, zoo.image([zoo.busybox(), common, zoo.tar(zoo.entry(name))]))
    both = [make(node, world.name(f"slow/{name}")) for name in ("twin-a", "twin-b")]
    for sandbox in both:
        works(node, node.reach(sandbox, {pb.STATE_RUNNING}))
    blob = zoo.digest(zoo.zipped(common)[0])
    assert sum(world.counters(f"slow/{name}").by_blob[blob] for name in ("twin-a", "twin-b")) == 1


def test_progress_is_shown(node, world):
    """The registry sends a sixth more each time that the share has grown."""
    world.faulty.rate, world.faulty.upto = FAST, 0
    world.faulty.add("progress", zoo.sized(2, seed=3))
    name = world.name("slow/progress")
    sandbox = make(node, name)
    seen, shares = [], [0]

    def grown():
        seen.append(node.get(sandbox.sandbox_id).status.state_reason)
        match = re.fullmatch(rf"pulling {re.escape(name)} (\d+) ?%", seen[-1])
        shares.append(int(match[1]) if match else shares[-1])
        return shares[-1] > shares[-2]
    for sixth in range(1, 6):
        world.faulty.upto = sixth / 6
        wait_until(grown, 60, f"{sixth} sixths are shown: {seen}")
    assert shares == sorted(shares) and shares[-1] <= 100, seen
    world.faulty.upto = 1
    node.reach(sandbox, {pb.STATE_RUNNING})
    assert node.get(sandbox.sandbox_id).status.state_reason == ""


def test_one_of_them_is_cancelled(node, world):
    """Two of three wait on; when all have gone the pull stops, and the next goes on where it was."""
    world.faulty.rate, world.faulty.upto = FAST, 0.5
    world.faulty.add("cancelled", zoo.sized(3, seed=4))
    name = world.name("slow/cancelled")
    trio = [make(node, name) for _ in range(3)]
    wait_until(lambda: "pulling" in node.get(trio[0].sandbox_id).status.state_reason, 10, "the pull goes on")
    node.delete(trio[0])
    node.reach(trio[0], {pb.STATE_TERMINATED})
    world.faulty.upto = 1
    for sandbox in trio[1:]:
        works(node, node.reach(sandbox, {pb.STATE_RUNNING}))
    assert set(world.counters("slow/cancelled").by_blob.values()) == {1}


def test_all_of_them_are_cancelled(node, world):
    world.faulty.rate, world.faulty.upto = FAST, 0.8
    made = zoo.sized(4, seed=5)
    world.faulty.add("abandoned", made)
    name = world.name("slow/abandoned")
    pair = [make(node, name) for _ in range(2)]
    wait_until(lambda: re.search(r" [6-9]\d ?%", node.get(pair[0].sandbox_id).status.state_reason), 20, "most of it came")
    for sandbox in pair:
        node.delete(sandbox)
    for sandbox in pair:
        node.reach(sandbox, {pb.STATE_TERMINATED})
    assert name not in stored(node)
    world.faulty.upto = 1
    works(node, run(node, name))
    assert world.counters("slow/abandoned").ranges >= 1, "what had come was thrown away"


def test_a_daemon_that_stops_leaves_the_pull(node, world):
    """Stopped in mid-pull: the create goes on with the next daemon."""
    before = loose(node)
    world.faulty.rate, world.faulty.upto = FAST, 0.5
    world.faulty.add("restarted", zoo.sized(2, seed=6))
    sandbox = make(node, world.name("slow/restarted"))
    wait_until(lambda: "pulling" in node.get(sandbox.sandbox_id).status.state_reason, 10, "the pull goes on")
    images.restart(node)
    world.faulty.upto = 1
    works(node, node.reach(sandbox, {pb.STATE_RUNNING}, 60))
    assert set(loose(node)) <= set(before)


# --- policy ---

def test_deadline(pytestconfig, world):
    """A pull that stalls fails the create when its time is over, and says what it waited for."""
    world.faulty.add("stalled", zoo.sized(1, seed=8))
    with images.a_node(pytestconfig, world.config(create_limit_s=4)) as node:
        began = time.monotonic()
        reason = fail(node, world.name("stall/stalled"), seconds=60)
        assert time.monotonic() - began > 3
        assert world.name("stall/stalled") in reason, reason
        rewrite(node, create_limit_s=300)
        works(node, run(node, world.name("ok/good")))


def test_missing_keeps_what_is_here(node, world):
    name = world.add("moving", zoo.layered(zoo.entry("etc/version", b"1")))
    assert node.output(run(node, name), "cat /etc/version") == "1"
    world.add("moving", zoo.layered(zoo.entry("etc/version", b"2")))
    assert node.output(run(node, name), "cat /etc/version") == "1"
    assert world.counters("ok/moving").manifests == 1


def test_always_asks(pytestconfig, world):
    """The registry is asked each time, and blobs that are here do not come again."""
    with images.a_node(pytestconfig, world.config(image_pull_policy="always")) as node:
        name = world.add("always", zoo.layered(zoo.entry("etc/version", b"1")))
        assert node.output(run(node, name), "cat /etc/version") == "1"
        blobs = world.counters("ok/always").blobs
        assert node.output(run(node, name), "cat /etc/version") == "1"
        assert world.counters("ok/always").blobs == blobs
        world.add("always", zoo.layered(zoo.entry("etc/version", b"2")))
        assert node.output(run(node, name), "cat /etc/version") == "2"


def test_never_asks(pytestconfig, world):
    world.faulty.reset()
    with images.a_node(pytestconfig, world.config(image_pull_policy="never")) as node:
        name = world.name("ok/good")
        assert name in fail(node, name)
        assert not world.counters("ok/good").paths
        works(node, run(node, "busybox"))


def test_allow_and_deny(pytestconfig, world):
    """Refused at the create, before anything is recorded or asked for."""
    host = world.faulty.host
    config = world.config(image_allow=[f"{host}/ok/*", "docker.io/library/*"], image_deny=[f"{host}/ok/good:bad"])
    world.faulty.reset()
    with images.a_node(pytestconfig, config) as node:
        works(node, run(node, f"{host}/ok/good:1"))
        for name in (f"{host}/ok/good:bad", f"{host}/slow/good:1", "docker.io/other/x:1", f"{host}/OK/good:1"):
            failure = fails(make, node, name)
            assert failure.code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT), failure
            if "OK" not in name:
                assert failure.reason == "CWSANDBOX_IMAGE_NOT_ALLOWED" and name in failure.text, failure
        assert len(node.list(show_terminated=True)) == 1
        assert not world.counters("slow/good").paths


def test_too_large(pytestconfig, world):
    world.faulty.add("large", zoo.sized(6))
    with images.a_node(pytestconfig, world.config(image_max_bytes="4Mi")) as node:
        reason = fail(node, world.name("ok/large"))
        assert world.name("ok/large") in reason and not loose(node), reason
        assert world.counters("ok/large").blob_bytes < zoo.MIB, "its layers were fetched all the same"
        works(node, run(node, world.name("ok/good")))


def test_prepull_pins_and_pressure(pytestconfig, world):
    """Fetched at start and kept; a disk that is always too full takes only what nobody uses."""
    pinned, fetched = world.add("pinned-1", zoo.sized(1, 11)), world.add("prepulled", zoo.sized(1, 12))
    used, unused = world.add("used", zoo.sized(1, 13)), world.add("unused", zoo.sized(1, 14))
    config = world.config(image_prepull=[fetched], image_pins=[f"{world.faulty.host}/ok/pinned-*"],
                          image_disk_high_percent=100)
    with images.a_node(pytestconfig, config) as node:
        wait_until(lambda: fetched in stored(node), 60, "the pre-pull list is fetched")
        for name in (pinned, unused):
            node.end(run(node, name))
        kept = run(node, used)
        rewrite(node, image_disk_high_percent=1, image_disk_low_percent=0)
        wait_until(lambda: unused not in stored(node), 180, "the unused image goes")
        assert {pinned, fetched, used} <= set(stored(node))
        works(node, node.get(kept.sandbox_id))
        works(node, run(node, used))
        assert not loose(node)


def rewrite(node, **keys):
    """Other values in the config of a node, and a daemon that has read them."""
    extra = node.folder / "sandkeepd.json"
    config = json.loads(extra.read_text()) | keys
    extra.write_text(json.dumps(config))
    images.restart(node)


def test_an_image_outlives_its_sandboxes_and_the_daemon(node, world):
    name = world.add("lasting", zoo.sized(1, 15))
    node.end(run(node, name))
    images.restart(node)
    works(node, run(node, name))
    assert world.counters("ok/lasting").manifests == 1
    assert not [row for row in node.list(show_terminated=True) if row.status.state not in TERMINAL | {pb.STATE_RUNNING}]
