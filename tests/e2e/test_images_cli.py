"""sandkeep image: import, list, inspect, remove, pull."""
import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import tarfile
import time

import pytest

from nodes import BUSYBOX, ROOT, pb, wait_until

MINE = "example.test/imported/busybox:1"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def archive():
    """An OCI archive of busybox; its index says docker.io/library/busybox:latest."""
    subprocess.run([str(ROOT / "tests/support/image.sh"), "build", "busybox"], check=True, timeout=300)
    return ROOT / "build/images/busybox.tar"


@pytest.fixture
def cli(node):
    yield node.cli
    for image in images(node):
        if image["name"].startswith("example.test/"):
            node.end_all()
            node.cli("image", "rm", image["name"])


def images(node):
    said = node.cli("image", "ls", "--json")
    assert said.returncode == 0, said
    return json.loads(said.stdout)


def named(node, name):
    return next((image for image in images(node) if image["name"] == name), None)


def imported(done, name=MINE):
    """What an import or a pull printed: the digest, after the name."""
    assert done.returncode == 0, done
    said, digest = done.stdout.split()
    assert said == name and DIGEST.fullmatch(digest), done
    return digest


def runs(node, name):
    done = node.cli("run", "--image", name, "--", "/bin/sh", "-c", "echo from $0")
    assert (done.stdout, done.returncode) == ("from /bin/sh\n", 0), done


@pytest.mark.core
def test_import_and_look(node, cli, archive):
    digest = imported(cli("image", "import", str(archive), "--name", MINE))
    row = named(node, MINE)
    assert row["digest"] == digest and row["size_bytes"] > 1_000_000 and row["created"]
    assert (row["in_use"], row["pinned"], row["private"], row["last_used"]) == (False, False, False, None)
    shown = json.loads(cli("image", "inspect", MINE).stdout)
    assert shown["digest"] == digest and shown["config"]["cmd"] == ["sh"]
    assert any(entry.startswith("PATH=") for entry in shown["config"]["env"])
    table = cli("image", "ls").stdout.splitlines()
    assert table[0].split() == ["NAME", "DIGEST", "SIZE", "CREATED", "USED", "MARKS"]
    line = next(line for line in table if line.startswith(MINE))
    assert digest[7:19] in line and "MiB" in line


@pytest.mark.real
@pytest.mark.core
def test_run_from_the_imported(node, cli, archive):
    imported(cli("image", "import", str(archive), "--name", MINE))
    runs(node, MINE)
    assert named(node, MINE)["last_used"]


@pytest.mark.real
def test_import_of_a_docker_archive(node, cli, archive, tmp_path):
    saved = tmp_path / "saved.tar"
    subprocess.run(["skopeo", "copy", "--quiet", f"oci-archive:{archive}", f"docker-archive:{saved}:{MINE}"],
                   check=True, timeout=60)
    imported(cli("image", "import", str(saved)))  # by the name that it carries
    runs(node, MINE)


def test_import_by_the_name_in_the_archive(cli, archive):
    imported(cli("image", "import", str(archive)), BUSYBOX)


def test_import_of_what_is_compressed_a_folder_or_a_stream(cli, archive, tmp_path):
    squeezed, folder = tmp_path / "squeezed.tar.gz", tmp_path / "folder"
    squeezed.write_bytes(gzip.compress(archive.read_bytes(), 1))
    folder.mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    digest = imported(cli("image", "import", str(archive), "--name", MINE))
    assert imported(cli("image", "import", str(squeezed), "--name", MINE)) == digest
    assert imported(cli("image", "import", str(folder), "--name", MINE)) == digest
    with open(archive, "rb") as stream:
        said = cli("image", "import", "-", "--quiet", "--name", MINE, stdin=stream)
    assert (said.stdout, said.returncode) == (digest + "\n", 0), said


def test_imports_that_cannot_be(node, cli, archive, tmp_path):
    def refused(why, *args, code=1):
        done = cli("image", "import", *args)
        assert done.returncode == code and why in done.stderr and done.stdout == "", done

    junk, cut, other = tmp_path / "junk", tmp_path / "cut.tar", tmp_path / "other.tar"
    junk.write_bytes(os.urandom(4096))
    cut.write_bytes(archive.read_bytes()[:500_000])
    with tarfile.open(other, "w") as tar:
        tar.add(junk, "junk")
    refused("No such file", str(tmp_path / "absent"))
    refused("", str(junk))
    refused("", str(cut))
    refused("neither an OCI layout", str(other))
    refused("is not a valid reference", str(archive), "--name", "Not A Name")
    refused("which file?", code=2)
    assert not [image for image in images(node) if image["name"].startswith("example.test/")]


def lying_layout(folder):
    """An OCI layout whose layer has other bytes than its digest says; (the folder, that digest)."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(kind, content, written=None):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(written or content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    truth = os.urandom(100_000)
    layer = blob("layer.v1.tar", truth, truth[:-1] + bytes([truth[-1] ^ 1]))
    config = blob("config.v1+json", json.dumps(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode())
    manifest = blob("manifest.v1+json", json.dumps(
        {"schemaVersion": 2, "config": config, "layers": [layer]}).encode())
    (folder / "oci-layout").write_text("{}")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return folder, layer["digest"]


def test_an_archive_that_lies_leaves_nothing(node, cli, tmp_path):
    folder, digest = lying_layout(tmp_path / "lie")
    done = cli("image", "import", str(folder), "--name", MINE)
    assert done.returncode == 1 and digest in done.stderr, done
    assert named(node, MINE) is None


@pytest.mark.real
@pytest.mark.core
def test_one_in_use_stays(node, cli, archive):
    imported(cli("image", "import", str(archive), "--name", MINE))
    sandbox = node.running(image=MINE)
    assert named(node, MINE)["in_use"]
    refused = cli("image", "rm", MINE)
    assert refused.returncode == 1 and MINE in refused.stderr and refused.stdout == "", refused
    node.cli("rm", sandbox.sandbox_id)
    wait_until(lambda: not named(node, MINE)["in_use"], 20, "nothing uses it")
    gone = cli("image", "rm", MINE)
    assert (gone.stdout, gone.returncode) == (MINE + "\n", 0), gone
    assert named(node, MINE) is None


def test_rm_of_what_is_not_there(cli):
    absent = "example.test/absent:1"
    refused = cli("image", "rm", absent)
    assert refused.returncode == 1 and absent in refused.stderr, refused
    forced = cli("image", "rm", "--force", absent)
    assert (forced.stdout, forced.returncode) == (absent + "\n", 0), forced
    missing = cli("image", "inspect", absent)
    assert missing.returncode == 1 and absent in missing.stderr, missing


def test_wrong_use(cli):
    for args in (["image"], ["image", "pull"], ["image", "rm"], ["image", "inspect"], ["image", "ls", "x"],
                 ["image", "pull", "a", "--username", "u"], ["image", "pull", "a", "--password-stdin"]):
        done = cli(*args, stdin=subprocess.DEVNULL)
        assert done.returncode == 2 and done.stderr, (args, done)
    for verb in ("pull", "ls", "rm", "inspect", "import"):
        assert cli("image", verb, "--help").stdout.startswith(f"Usage: sandkeep image {verb} ")


def test_an_interrupted_import_ends(node, cli, archive):
    """A stream that stands still: the signal ends the program."""
    command = [str(node.build / "sandkeep"), "image", "import", "-", "--name", MINE]
    with subprocess.Popen(command, env=os.environ | node.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as run:
        run.stdin.write(archive.read_bytes()[:1000])
        run.stdin.flush()
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) != 0
    assert named(node, MINE) is None


# --- pull -----------------------------------------------------------------------


def test_pull_of_a_bad_name(cli):
    done = cli("image", "pull", "Not A Name")
    assert done.returncode == 1 and "not a valid reference" in done.stderr and done.stdout == "", done


@pytest.fixture(scope="module")
def pulling(pytestconfig):
    """A node that knows registries."""
    if pytestconfig.getoption("--runtime") == "fake":
        pytest.skip("needs real containers")
    from images import a_node, a_world
    with a_world() as world, a_node(pytestconfig, world.config()) as node:
        yield world, node


@pytest.mark.real
@pytest.mark.core
def test_pull(pulling):
    world, node = pulling
    _, name = world.fresh("ok")
    done = node.cli("image", "pull", name)
    digest = imported(done, name)
    assert name in done.stderr  # how far it is, in lines: this is no terminal
    quiet = node.cli("image", "pull", "-q", name)
    assert (quiet.stdout, quiet.stderr, quiet.returncode) == (digest + "\n", "", 0), quiet
    assert named(node, name)["digest"] == digest
    runs(node, name)
    assert node.cli("image", "rm", name).returncode == 0


@pytest.mark.real
def test_pull_of_what_is_not_there(pulling):
    world, node = pulling
    done = node.cli("image", "pull", world.name("ok/nowhere"))
    assert done.returncode == 1 and "nowhere" in done.stderr and "404" in done.stderr, done
