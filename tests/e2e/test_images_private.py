"""Images that not everybody may have: a create's own login, the node's, and who may use what was fetched with one."""
import base64
import json
import os
import pathlib
import subprocess

import grpc
import pytest
from cwsandbox import ImagePullCredentials, Sandbox

import images
from conftest import lend
from images import LOGIN, drop, fail, login, make, run, stored, zoo
from nodes import fails

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def world():
    with images.a_world() as world:
        world.basic = world.real.basic.built("busybox", "team/busybox:1")
        world.token = world.real.token.built("busybox", "team/busybox:1")
        yield world


@pytest.fixture(scope="module")
def node_of_module(pytestconfig, world):
    with images.a_node(pytestconfig, world.config(real=True)) as node:
        yield node
        never_written(node, images.faulty.PASSWORD)


@pytest.fixture
def node(node_of_module, world, monkeypatch):
    world.faulty.reset()
    world.other.reset()
    yield from lend(node_of_module, monkeypatch)
    drop(node_of_module, *[name for name in stored(node_of_module) if "127.0.0.1" in name])


def never_written(node, secret):
    """No file of the daemon's has the password, in the forms in which it is sent."""
    forms = [secret.encode(), base64.b64encode(f"{images.faulty.USER}:{secret}".encode())]
    for path in [node.folder / "daemon.log", *(node.folder / "state").rglob("*"), *(node.folder / "run").rglob("*")]:
        if path.is_file() and not os.path.ismount(path):  # the networks of sandboxes are files that cannot be read
            data = path.read_bytes()
            assert not any(form in data for form in forms), path


def registry_of(name):
    return name.split("/")[0]


@pytest.mark.parametrize("kind", ["basic", "token"])
def test_with_a_login(node, world, kind):
    name = getattr(world, kind)
    reason = fail(node, name)
    assert name in reason and "401" in reason, reason
    sandbox = run(node, name, container=login(registry_of(name)))
    assert node.output(sandbox, "echo in") == "in\n"


@pytest.mark.parametrize("kind", ["basic", "token"])
def test_wrong_password(node, world, kind):
    name = getattr(world, kind)
    reason = fail(node, name, container=login(registry_of(name), "stranger"))
    assert name in reason and "401" in reason and "wrong horse" not in reason, reason
    assert name not in stored(node) and not images.loose(node)


def test_not_public_to_the_node(node, world):
    """What one login has fetched is there, and still needs a login that the registry takes."""
    name = world.token
    run(node, name, container=login(registry_of(name)))
    assert name in stored(node)
    assert "401" in fail(node, name)
    assert "401" in fail(node, name, container=login(registry_of(name), "stranger"))
    run(node, name, container=login(registry_of(name)))
    images.restart(node)
    assert "401" in fail(node, name), "a new daemon has forgotten whose image it is"


def test_a_login_goes_to_its_registry_alone(node, world):
    """A login for one registry, an image of another."""
    world.add("curious", zoo.sized(1, seed=98))
    for repository in ("ok/curious", "login/curious", "token-login/curious"):
        try:
            sandbox = make(node, world.name(repository), container=login(registry_of(world.basic)))
            node.delete(sandbox)
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)
        assert not any(world.counters(repository).authorizations)
    assert not any(world.counters("_token").authorizations)


@pytest.mark.parametrize("behaviour", ["login", "token-login", "short-tokens"])
def test_ways_to_log_in(node, world, behaviour):
    name = world.name(f"{behaviour}/many-layers")
    assert run(node, name, container=login(world.faulty.host)).sandbox_id


def test_a_redirect_takes_no_login_along(node, world):
    """Blobs lie with another host, as with most registries."""
    good = zoo.sized(1, seed=99)
    world.faulty.add("stored-elsewhere", good)
    world.other.add("stored-elsewhere", good)
    run(node, world.name("elsewhere/stored-elsewhere"), container=login(world.faulty.host))
    counters = world.other.count("ok/stored-elsewhere")
    assert counters.blobs >= 2 and not any(counters.authorizations), counters.show()


@pytest.mark.parametrize("path, field", [("text", ""), ("nested", "deep")])
def test_forms_of_a_secret(node, world, path, field):
    run(node, world.basic, container=login(registry_of(world.basic), path, field=field))


@pytest.mark.parametrize("fields, reason", [
    ({"store": "no-such"}, "CWSANDBOX_SECRET_STORE_NOT_PROVISIONED"),
    ({"path": "no-such"}, None),
    ({"path": "no-login"}, None),
    ({"path": "nested", "field": "no-such"}, None),
])
def test_no_such_secret(node, world, fields, reason):
    """At the create, before anything is recorded."""
    before = len(node.list(show_terminated=True))
    failure = fails(make, node, world.basic, container=login(registry_of(world.basic), **fields))
    assert failure.code == grpc.StatusCode.FAILED_PRECONDITION, failure
    assert reason is None or failure.reason == reason, failure
    assert images.faulty.PASSWORD not in failure.text
    assert len(node.list(show_terminated=True)) == before


def test_by_the_sdk(node, world):
    credentials = ImagePullCredentials(registry=registry_of(world.basic), store="vault", name="robot")
    with Sandbox.run("sleep", "1000", container_image=world.basic, image_pull_credentials=credentials,
                     max_lifetime_seconds=120) as sandbox:
        assert sandbox.exec(["echo", "private"]).result(timeout=60).stdout == "private\n"


def test_the_nodes_own_logins(pytestconfig, world):
    """A file as `docker login` writes it; an image fetched with it is everybody's."""
    path = world.folder / "config.json"
    path.touch(0o600)
    auth = base64.b64encode(f"{LOGIN['username']}:{LOGIN['password']}".encode()).decode()
    path.write_text(json.dumps({"auths": {registry_of(world.basic): {"auth": auth},
                                          registry_of(world.token): LOGIN}}))
    with images.a_node(pytestconfig, world.config(real=True, registry_logins=str(path))) as node:
        for name in (world.basic, world.token):
            run(node, name)
            run(node, name)
        never_written(node, images.faulty.PASSWORD)


def test_readable_secrets_are_refused(pytestconfig, world):
    """A file with logins that others may read stops the daemon."""
    path = world.folder / "open.json"
    path.write_text("{}")
    path.chmod(0o644)
    with images.a_node(pytestconfig, world.config()) as node:
        config = json.loads((node.folder / "sandkeepd.json").read_text())
        check = pathlib.Path(world.folder / "check.json")
        check.touch(0o600)
        for key in ("registry_logins", "secret_stores"):
            places = {name: str(world.folder / name) for name in ("state_dir", "run_dir")}
            check.write_text(json.dumps(config | places | {key: str(path)}))
            done = subprocess.run([str(node.build / "sandkeepd"), "--config", str(check)], capture_output=True,
                                         text=True, timeout=60, check=False)
            assert done.returncode != 0 and str(path) in done.stderr + done.stdout, done
