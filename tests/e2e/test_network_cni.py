"""Networks behind CNI plugins: the truth table holds there as well, services answer at the address that the plugins
gave, and nothing is left. Debian's bridge and host-local."""
import contextlib
import json
import pathlib
import socket
import urllib.request

import pytest
from cwsandbox._proto import sandbox_pb2 as pb

import net_boxes
import net_table
from lab import NODE_PORT, ip, places, run
from net_boxes import holds
from network_calls import comes_back
from nodes import PATIENCE, wait_until

PLUGINS = pathlib.Path("/usr/lib/cni")
BRIDGE, NET4, NET6 = "cni8", "10.88.8.0/24", "fd88:8::/64"
POLICIES = [net_table.default_policy(), net_table.blocks_policy(), net_table.names_policy(), net_table.deny_policy()]
PAGE = "mkdir -p /tmp/www && echo served >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
# As a node's own network would do: what comes from the bridge goes out with the node's address.
MASQUERADE = f"""table inet cni8 {{
 chain postrouting {{
  type nat hook postrouting priority 100
  oifname "lab0" ip saddr {NET4} masquerade
  oifname "lab0" ip6 saddr {NET6} masquerade
 }}
}}"""

pytestmark = [pytest.mark.real, pytest.mark.skipif(not (PLUGINS / "bridge").exists(),
                                                   reason="CNI plugins are not installed (/usr/lib/cni)")]


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """The configuration of a bridge that both families leave by."""
    folder = tmp_path_factory.mktemp("cni")
    ipam = {"type": "host-local", "dataDir": str(folder / "given"), "ranges": [[{"subnet": NET4}], [{"subnet": NET6}]],
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipam": ipam}
    path = folder / "net.conflist"
    path.write_text(json.dumps({"cniVersion": "1.0.0", "name": "net", "plugins": [bridge]}))
    run("nft", "-f", "-", input=MASQUERADE)
    yield path
    given = [file.name for file in (folder / "given/net").iterdir() if file.name[0].isdigit() or ":" in file.name]
    links = run("ip", "-o", "link", "show", "master", BRIDGE)
    run("nft", "delete", "table", "inet", "cni8")
    ip("link", "delete", BRIDGE)
    assert not given and not links, "the plugins were not asked to take it away"


@pytest.fixture(scope="module")
def node(pytestconfig, lab, plugins):
    with net_boxes.a_node(pytestconfig, lab, network="cni", cni_config=str(plugins), cni_plugins=str(PLUGINS)) as node:
        yield node


@pytest.fixture(scope="module")
def neighbour(node):
    """With it comes the plugins' bridge, whose IPv6 address is good for nothing before the kernel has seen to it that it
    is nobody else's."""
    box = net_boxes.serving(node)
    tentative = ("ip", "-6", "address", "show", "scope", "global", "tentative")
    wait_until(lambda: not run(*tentative), PATIENCE, "the bridge has its address")
    return box


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_the_table_holds(node, neighbour, policy):
    box = net_boxes.start(node, policy)
    box.beside(neighbour)
    holds(box, policy.cells, policy.name)
    box.end()


def fetch(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as page:
        return page.read().decode().strip()


def test_services_answer_at_the_plugins_address(node):
    box = node.running("/bin/sh", "-c", PAGE, services=[pb.Service(port=8080, visibility=pb.VISIBILITY_PUBLIC)])
    url = node.get(box.sandbox_id).status.services[0].url
    assert url.startswith("http://10.88.8.")
    wait_until(lambda: serves(url), PATIENCE, "the page")
    for how in ("stop", "kill"):
        node.sh("daemon", how)
        assert fetch(url) == "served"
        node.sh("daemon", "start")
        comes_back(node)
        assert node.get(box.sandbox_id).status.services[0].url == url
        assert fetch(url) == "served"
    node.end(box)


def serves(url):
    with contextlib.suppress(OSError):
        return fetch(url) == "served"
    return False


def test_the_node_itself_answers_the_node(node):
    """What sandboxes cannot reach is there: the fence is theirs alone."""
    with socket.create_connection((places.NODE4, NODE_PORT), timeout=PATIENCE) as line:
        line.sendall(b"hello")
        assert line.recv(100) == b"hello"
    assert node.running()
