"""`sandkeep doctor` on this very host, and on one that is made of files."""
import json
import os
import subprocess

import pytest


def doctor(node, *args):
    done = node.cli("doctor", "--json", *args)
    told = json.loads(done.stdout)
    worst = {"ok": 0, "note": 0, "warning": 1, "failure": 2}[told["worst"]]
    assert done.returncode == worst, done.stderr
    return {(found["family"], found["name"]): found for found in told["findings"]}


@pytest.mark.real
def test_this_host(node):
    found = doctor(node, "--config", str(node.folder / "sandkeepd.json"))
    for name in (("kernel", "namespaces"), ("kernel", "seccomp"), ("cgroups", "controllers"), ("configuration", "file"),
                 ("runtimes", "containerd socket"), ("files", "state_dir"), ("daemon", "serves")):
        assert found[name]["verdict"] == "ok", found[name]
    text = node.cli("doctor", "--config", str(node.folder / "sandkeepd.json")).stdout
    assert "daemon        serves            yes" in text and text.rstrip().endswith("failures")


def test_a_runtime_named_by_its_path(node, tmp_path):
    """The configuration, and the name in it, are gone when the findings are told."""
    program, config = tmp_path / "crun-of-ours", tmp_path / "sandkeepd.json"
    program.write_text("#!/bin/sh\necho crun version 99.1.2\n")
    program.chmod(0o755)
    config.write_text(json.dumps(json.loads((node.folder / "sandkeepd.json").read_text()) | {"runtime": str(program)}))
    config.chmod(0o600)
    told = doctor(node, "--config", str(config))["runtimes", "runtime"]
    assert (told["verdict"], told["text"]) == ("ok", "crun version 99.1.2")
    lines = node.cli("doctor", "--config", str(config)).stdout.splitlines()
    assert "ok       runtimes      runtime           crun version 99.1.2" in lines


def test_a_daemon_that_is_not_there_is_a_warning(node):
    found = doctor(node, "--address", "http://127.0.0.1:1")
    assert found["daemon", "answers"]["verdict"] == "warning" and "systemctl" in found["daemon", "answers"]["advice"]


def test_a_host_of_files(node, tmp_path):
    (tmp_path / "usr/sbin").mkdir(parents=True)
    runc = tmp_path / "usr/sbin/runc"
    runc.write_text("#!/bin/sh\nprintf 'runc version 1.1.5\\033[2J\\n'\n")
    runc.chmod(0o755)
    (tmp_path / "etc/sandkeep").mkdir(parents=True)
    (tmp_path / "etc/sandkeep/sandkeepd.json").write_text('{"listn": []}')
    found = doctor(node, "--root", str(tmp_path))
    assert found["configuration", "fault"]["verdict"] == "failure" and "listn" in found["configuration", "fault"]["text"]
    assert "CVE-2024-21626" in json.dumps(list(found.values())) or found["runtimes", "runc"]["verdict"] == "warning"
    assert ("daemon", "serves") not in found
    assert "\x1b" not in node.cli("doctor", "--root", str(tmp_path)).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_without_root_it_sees_less_and_says_so(node):
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat"], input="", text=True,
                          capture_output=True, check=False)
    if done.returncode:
        pytest.skip("setpriv cannot be used here")
    copied = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", node.build / "sandkeep",
                             "doctor", "--json", "--config", node.folder / "sandkeepd.json"], capture_output=True, text=True,
                            env=os.environ | node.env, timeout=60, check=False)
    if not copied.stdout:
        pytest.skip(f"the build cannot be run by others here: {copied.stderr}")
    told = json.loads(copied.stdout)
    assert copied.returncode in (0, 1, 2)
    assert any("root" in found["advice"] for found in told["findings"] if found["advice"])
