"""A client that shares nothing with the SDK: Node's own gRPC stack, our .proto loaded at run time."""
import json
import os
import subprocess

import pytest

from nodes import ROOT

FOLDER = ROOT / "tests/e2e/node_client"
MODULES = ROOT / "build/node_client"


@pytest.fixture(scope="module")
def modules():
    """npm's packages, as the lock file pins them, installed below build/."""
    MODULES.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "client.js"):
        (MODULES / name).write_bytes((FOLDER / name).read_bytes())
    if not (MODULES / "node_modules/@grpc/grpc-js").is_dir():
        outside = os.environ.get("SK_MACHINE_NETWORK")
        enter = ["nsenter", f"--net={outside}"] if outside else []
        subprocess.run([*enter, "npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=MODULES, check=True,
                       timeout=300)
    return MODULES


@pytest.mark.real
@pytest.mark.core
def test_node_grpc_js(node, modules):
    done = subprocess.run(["node", "client.js", node.address, node.key, str(ROOT / "proto")], cwd=modules,
                          env=os.environ | node.env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["state"] == "STATE_RUNNING"
    assert said["exec"] == {"stdout": "hello\n", "code": 3}
    assert said["stream"] == {"first": "ready", "stdout": "streamed\n", "last": "exit", "code": 4}
    assert said["deadline"] == 4  # DEADLINE_EXCEEDED
    assert said["unknown"] == {"code": 5, "reason": True}
    assert said["ended"] == "STATE_TERMINATED"
