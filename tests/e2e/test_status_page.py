"""The status page in a real browser: it shows what is there, and runs nothing that strangers wrote into names."""
import json
import pathlib
import shutil
import subprocess

import pytest

import web
from nodes import PATIENCE, ROOT, TERMINAL, Node

EVIL = ["<script>document.body.dataset.pwned=1</script>", "<img src=x onerror=document.body.dataset.pwned=1>",
        "\"><svg onload=document.body.dataset.pwned=1>", "'-alert(1)-'", "{{7*7}}${7*7}", "</td></tr></table><h1>gone</h1>"]
SHOTS = ROOT / "build/status-page"


@pytest.fixture(scope="module")
def node():
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed (apt install chromium): the status page was looked at by nobody")
    node = Node("fake")
    yield node
    done = node.down()
    assert done.returncode == 0, done.stderr


def browse(node, folder, *options, path="/"):
    """One visit of a fresh browser, until the page has asked twice; what it prints."""
    host, port = web.address(node)
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
               f"--user-data-dir={folder}/profile", "--no-first-run", "--disable-extensions", "--disable-background-networking",
               "--virtual-time-budget=4000", "--window-size=1280,1400", *options, f"http://{host}:{port}{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=5 * PATIENCE)


def populate(node):
    """Sandboxes that live, one that has ended, one that failed, with the worst of names."""
    living = [node.running(tags=[evil, "team-a"]) for evil in EVIL[:4]]
    gone = node.running(tags=EVIL[4:])
    node.end(gone)
    failed = node.create(EVIL[0], tags=[EVIL[5]])
    node.reach(failed, TERMINAL)
    return living, gone, failed


def test_what_is_shown_and_what_does_not_run(node, tmp_path):
    living, gone, failed = populate(node)
    page = browse(node, tmp_path, "--dump-dom").stdout
    assert 'data-shown="yes"' in page, page[-2000:]
    for sandbox in [*living, gone, failed]:
        assert sandbox.sandbox_id in page
    # Every one is there as the text it is, and none has become markup.
    assert "data-pwned" not in page.replace("dataset.pwned", "")
    shown = page.split("<div class=\"tiles\"", 1)[1].split("<script nonce", 1)[0]
    assert "&lt;script&gt;document.body.dataset.pwned=1&lt;/script&gt;" in shown
    for tag in ("<script", "<img", "<svg", "<h1"):
        assert tag not in shown
    assert "serving" in page and node.node_id in page
    node.end_all()


def test_a_picture_of_it(node, tmp_path):
    """For people: build/status-page/page.png."""
    populate(node)
    SHOTS.mkdir(parents=True, exist_ok=True)
    picture = SHOTS / "page.png"
    picture.unlink(missing_ok=True)
    browse(node, tmp_path, f"--screenshot={picture}")
    assert pathlib.Path(picture).read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 20000
    node.end_all()


def test_the_json_is_no_page(node, tmp_path):
    """Opened by itself it stays text: nothing in it is markup to a browser."""
    sandbox = node.running(tags=EVIL)
    page = browse(node, tmp_path, "--dump-dom", path="/status.json").stdout
    assert "data-pwned" not in page.replace("dataset.pwned", "")
    said = json.loads(web.get(node, "/status.json").text)
    row = next(row for row in said["sandboxes"] if row["id"] == sandbox.sandbox_id)
    assert row["tags"] == EVIL and row["state"] == "running"
    assert row["tenant"] == "default"
    assert row["created"] <= said["now"] < row["deadline"]
    node.end_all()
