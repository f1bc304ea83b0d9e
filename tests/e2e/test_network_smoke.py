"""A network of one's own, in a few strokes: the rest is in test_network_*.py. Nothing is beyond the node here, so
names resolve to nothing and only sandboxes and the node answer."""
import pathlib
import subprocess
import urllib.request

import pytest

from conftest import start_node
from network_calls import comes_back
from nodes import KEEP_ALIVE, PATIENCE, pb, wait_until

pytestmark = pytest.mark.real

CLOSED = pb.NetworkOptions(deny_egress=True, dns_egress=pb.DNS_EGRESS_MODE_DENY)
SILENCE = 2  # seconds for what must not come
PAGE = 'mkdir -p /tmp/www && echo "served by $(hostname)" >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www'


def address_of(node, box):
    """IPv4, as the sandbox sees it."""
    return node.output(box, "ip -4 -o address show dev eth0 | awk '{ print $4 }'").strip().removesuffix("/32")


def served(node, **service):
    """A sandbox with a page on port 8080."""
    box = node.running("/bin/sh", "-c", PAGE, services=[pb.Service(port=8080, name="web", **service)])
    wait_until(lambda: node.execute(box, "wget", "-qO-", "http://127.0.0.1:8080/").exit_code == 0, PATIENCE,
               "its own page")
    return box


def url_of(node, box):
    services = node.get(box.sandbox_id).status.services
    assert len(services) == 1
    return services[0].url


def fetch(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as page:
        return page.read().decode().strip()


def reaches(node, box, address, seconds=PATIENCE):
    """Whether there is a page."""
    ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w {seconds} {address} 8080"
    return b"served by" in node.execute(box, "/bin/sh", "-c", ask, timeout=2 * PATIENCE).stdout


def test_each_has_an_address_of_its_own(node):
    boxes = [node.running() for _ in range(2)]
    addresses = [address_of(node, box) for box in boxes]
    assert len(set(addresses)) == 2 and "" not in addresses
    for box, address in zip(boxes, addresses):
        assert f"{address}\t{box.sandbox_id}" in node.output(box, "cat /etc/hosts")


def test_names_that_nobody_can_look_up_are_answered(node):
    box = node.running()
    answer = node.execute(box, "nslookup", "example.com")
    assert answer.exit_code != 0 and b"SERVFAIL" in answer.stdout + answer.stderr, answer


def test_neighbours_do_not_reach_each_other(node):
    box, other = served(node), node.running()
    address = address_of(node, box)
    assert reaches(node, box, address)
    assert not reaches(node, other, address, SILENCE)


def test_a_private_service_is_for_neighbours(node):
    box, other, closed = served(node, visibility=pb.VISIBILITY_PRIVATE), node.running(), node.running(network=CLOSED)
    address = address_of(node, box)
    assert url_of(node, box) == f"http://{address}:8080"
    assert reaches(node, other, address)
    assert not reaches(node, closed, address, SILENCE)


def test_closed_is_loopback_alone(node):
    box = node.running(network=CLOSED)
    assert node.output(box, "ls /sys/class/net").split() == ["lo"]
    assert "nameserver" not in node.output(box, "cat /etc/resolv.conf")


ORDINARY = """import os, socket
os.setgid(1000), os.setuid(1000)
socket.create_server(("127.0.0.1", 80)).close()
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
line.settimeout(60)
line.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 1]) + b"ping", ("127.0.0.1", 0))
print(line.recv(100)[-4:].decode())
"""


def test_ports_and_pings_are_everybodys(node):
    """What is root's alone on a machine of many is nobody's concern in a network of one's own."""
    box = node.running(image="docker.io/library/python:3.11")
    assert node.output(box, f"python3 -c '{ORDINARY}'").strip() == "ping"


def test_a_public_service_answers(node):
    box = served(node, visibility=pb.VISIBILITY_PUBLIC)
    url = url_of(node, box)
    assert fetch(url) == f"served by {node.output(box, 'hostname').strip()}"
    node.end(box)
    with pytest.raises(OSError):
        fetch(url)


def test_a_restart_changes_nothing(own_node):
    node, node_sh = own_node, own_node.sh
    box = served(node, visibility=pb.VISIBILITY_PUBLIC)
    quiet = node.running(*KEEP_ALIVE, network=CLOSED)
    address, url, page = address_of(node, box), url_of(node, box), fetch(url_of(node, box))
    for how in ("stop", "kill"):
        node_sh("daemon", how)
        assert fetch(url) == page  # nobody is needed for what is in force
        node_sh("daemon", "start")
        comes_back(node)
        assert url_of(node, box) == url and fetch(url) == page
        assert address_of(node, box) == address
        assert node.output(quiet, "ls /sys/class/net").split() == ["lo"]
        # The addresses of those who live are nobody else's.
        assert address_of(node, node.running()) != address


def holders(words):
    """What of networks on the host bears one of the words."""
    commands = (["ip", "-o", "link", "show"], ["ip", "-o", "address", "show", "dev", "lo"], ["nft", "list", "tables"])
    said = [subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout for command in commands]
    return [index for index, text in enumerate(said) if any(word in text for word in words)]


def test_a_node_leaves_nothing(pytestconfig):
    node = start_node(pytestconfig, images="busybox")
    served(node, visibility=pb.VISIBILITY_PUBLIC)
    words = (node.folder / "network").read_text().split()  # its name and its addresses
    edge = pathlib.Path("/proc") / (node.folder / "run/edge/pid").read_text().strip() / "exe"
    node.sh("daemon", "kill")
    assert edge.exists() and holders(words) == [0, 1, 2]
    node.sh("down", "--lax")
    assert not edge.exists() and not node.folder.exists()
    assert holders(words) == []
