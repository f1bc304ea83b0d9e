"""The truth table again while things go wrong or change: the daemon killed and started again, the packet filter
emptied by somebody else, policies changed under live connections, two hundred sandboxes at once."""
import concurrent.futures
import contextlib
import dataclasses
import json
import subprocess
import threading
import time

import grpc
import pytest
from cwsandbox import EgressRule, NetworkOptions
from cwsandbox._proto import sandbox_pb2 as pb

import net_boxes
import net_table
from lab import places, run
from net_boxes import Box, holds
from network_calls import comes_back
from nodes import PATIENCE, fails, wait_until

pytestmark = pytest.mark.real
BARE = "sandkeep.test/bare:latest"
POLICIES = {policy.name: policy for policy in (net_table.default_policy(), net_table.blocks_policy(),
                                               net_table.names_policy(), net_table.deny_policy())}
# The same for a sandbox beside theirs, which sends what has no ports to hosts that none of them sends such things to.
BESIDE = {policy.name: policy for policy in (net_table.default_policy(places.BESIDE[0]),
                                             net_table.blocks_policy(places.RESOLVER[0]))}
READY = 8  # network_ready_slots, as it is when nobody says
CROWD, CROWD_PORT = 200, 8025  # a port that no other test asks for
# Keeps connections, each in a thread of its own, and writes down whether it still answers: what is silent for a second
# does not, until it does again. A datagram may be lost, so another is sent.
KEEPER = """import json, os, socket, ssl, sys, threading, time
flows = json.loads(sys.argv[1])
state = {flow["name"]: {"turns": 0, "alive": False} for flow in flows}
def dial(flow):
    family = socket.AF_INET6 if ":" in flow["to"] else socket.AF_INET
    line = socket.socket(family, socket.SOCK_DGRAM if flow["way"] == "udp" else socket.SOCK_STREAM)
    line.settimeout(60)
    if "resolve" in flow:
        socket.getaddrinfo(flow["resolve"], 443)
    line.connect((flow["to"], flow["port"]))
    if flow["way"] == "tls":
        line = ssl._create_unverified_context().wrap_socket(line, server_hostname=flow["resolve"])
    line.settimeout(1)
    return line
def receive(mine, line, again):
    while True:
        try:
            return line.recv(4)
        except TimeoutError as error:
            mine["alive"], mine["why"] = False, repr(error)
            if again:
                return b""
def keep(flow):
    mine, line = state[flow["name"]], None
    while True:
        try:
            line = line or dial(flow)
            line.sendall(b"turn")
            mine["alive"] = receive(mine, line, flow["way"] == "udp") == b"turn"
            mine["turns"] += mine["alive"]
        except OSError as error:
            mine["alive"], mine["why"] = False, repr(error)
            if flow["way"] != "udp":
                return
        time.sleep(0.05)
for flow in flows:
    threading.Thread(target=keep, args=(flow,), daemon=True).start()
while True:
    with open("/tmp/keeper.new", "w") as out:
        json.dump(state, out)
    os.rename("/tmp/keeper.new", "/tmp/keeper.json")
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def node(pytestconfig, lab):
    with net_boxes.a_node(pytestconfig, lab) as node:
        yield node


@pytest.fixture(scope="module")
def neighbour(node):
    return net_boxes.serving(node)


@pytest.fixture(scope="module")
def boxes(node, neighbour):
    """One for each policy, for all that follows."""
    boxes = {name: net_boxes.start(node, policy) for name, policy in POLICIES.items()}
    for box in boxes.values():
        box.beside(neighbour)
    return boxes


@pytest.fixture
def box(node, neighbour):
    """A sandbox of the test's own, open to the world."""
    box = net_boxes.start(node, net_table.Policy("own", None))
    box.beside(neighbour)
    yield box
    box.end()


def all_hold(boxes, what):
    for name, box in boxes.items():
        holds(box, POLICIES[name].cells, f"{what}, {name}")


def on_the_wire(cells):
    """Cells that need nobody to answer for names, nor anybody to run a program inside."""
    ways = ("tcp", "udp", "ping", "spoof", "slices", "packet", "hello")
    return [dataclasses.replace(one, attempt={key: value for key, value in one.attempt.items() if key != "after"})
            for one in cells if one.attempt["way"] in ways]


class Outside:
    """A box without the daemon: the same network, tried from outside by root."""

    def __init__(self, box):
        self.node, self.words, self.namespace = box.node, box.words, box.namespace

    def probe(self, attempts):
        return net_boxes.probe_inside(self.namespace, attempts)

    rooted = probe


def log_size(node):
    return (node.folder / "daemon.log").stat().st_size


def table(node):
    return net_boxes.configuration(node)["network_name"]


def ruleset(node):
    """The node's rules, without what changes by itself; None when there are none."""
    listed = subprocess.run(["nft", "-j", "list", "table", "inet", table(node)], capture_output=True, text=True,
                            check=False)
    if listed.returncode:
        return None
    rules, others = [], []
    for entry in json.loads(listed.stdout)["nftables"]:
        (kind, what), = entry.items()
        what = stripped(what)
        if kind == "rule":
            rules.append(what)
        elif kind in ("set", "map"):
            passing = "timeout" in what.get("flags", []) or what["name"].startswith("connections")
            elements = [] if passing else sorted(map(json.dumps, what.get("elem", [])))
            others.append(kind + json.dumps(what | {"elem": elements}))
        elif kind != "metainfo":
            others.append(kind + json.dumps(what, sort_keys=True))
    # Rules stand in an order, chains and sets do not.
    return sorted(others) + [json.dumps(rule) for rule in sorted(rules, key=lambda rule: rule["chain"])]


def made_ahead(node):
    """How many networks there are in the rules that nobody has yet."""
    listed = json.loads(run("nft", "-j", "list", "set", "inet", table(node), "source4"))["nftables"]
    known, = (entry["set"].get("elem", []) for entry in listed if "set" in entry)
    return len(known) - len([file for file in (node.folder / "run/net").glob("*.id") if file.stem.isdigit()])


def settled(node):
    """The rules, once they stand still: networks are made ahead, after a start and after each that was taken."""
    seen = [ruleset(node)]

    def stands():
        time.sleep(0.3)
        seen.append(ruleset(node))
        return made_ahead(node) == READY and seen[-1] == seen[-2]
    wait_until(stands, PATIENCE, "the rules stand still")
    return seen[-1]


def other_than(node, before):
    """What of the rules is not as it was, once there was time to see to it."""
    end = time.monotonic() + PATIENCE
    while (now := ruleset(node)) != before and time.monotonic() < end:
        time.sleep(0.1)
    if now == before:
        return ""
    return [line for line in (now or []) + before if (line in before) != (line in (now or []))] or now


def stripped(what):
    """Without handles and counts."""
    if isinstance(what, list):
        return [stripped(entry) for entry in what]
    if not isinstance(what, dict):
        return what
    return {key: stripped(entry) for key, entry in what.items() if key not in ("handle", "packets", "bytes", "expires")}


# --- the daemon comes and goes ---------------------------------------------------------------------------------------

def test_without_the_daemon(node, boxes):
    all_hold(boxes, "before")
    outside = {name: Outside(box) for name, box in boxes.items()}
    node.sh("daemon", "kill")
    try:
        for name, box in outside.items():
            holds(box, on_the_wire(POLICIES[name].cells), f"the daemon is dead, {name}")
            answer = box.rooted([{"way": "dns", "name": "pkg.test", "to": box.words["@gateway"], "limit": 1}])
            assert not answer[0]["ok"], answer
    finally:
        node.sh("daemon", "start")
    comes_back(node)


def test_after_a_restart(node, boxes):
    before = {name: box.network() for name, box in boxes.items()}
    node.sh("daemon", "kill")
    node.sh("daemon", "start")
    comes_back(node)
    all_hold(boxes, "after a restart")
    for name, box in boxes.items():
        assert box.network().addresses == before[name].addresses, name
        assert box.network().effective_egress == before[name].effective_egress, name
        assert box.network().denied_packets >= before[name].denied_packets, name


def test_connections_outlive_the_daemon(node, box):
    keep(box, flow("web", "tcp", places.WEB[0], 8000), flow("datagrams", "udp", places.WEB[1], 8000))
    wait_until(lambda: alive(box, "web", "datagrams"), PATIENCE, "both answer")
    node.sh("daemon", "kill")
    time.sleep(1)
    node.sh("daemon", "start")
    comes_back(node)
    turns = kept(box)["web"]["turns"]
    wait_until(lambda: kept(box)["web"]["turns"] > turns, PATIENCE, "it still answers")
    wait_until(lambda: alive(box, "web", "datagrams"), PATIENCE, "both still answer")


# --- somebody else at the packet filter ------------------------------------------------------------------------------

@pytest.mark.parametrize("damage", [
    "flush ruleset", "delete table inet {table}", "flush table inet {table}", "flush chain inet {table} forward",
    "flush chain inet {table} prerouting", "flush map inet {table} egress", "flush set inet {table} source4",
    "flush map inet {table} denied", "add rule inet {table} forward accept",
    "insert rule inet {table} forward accept", "add rule inet {table} input accept",
    "add chain inet {table} forward {{ policy accept; }}", "delete chain inet {table} steer",
    "add table inet {table} {{ flags dormant; }}"])
def test_somebody_else_changes_the_rules(node, boxes, damage):
    before, since = settled(node), log_size(node)
    words = damage.format(table=table(node)).split()
    done = subprocess.run(["nft", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    net_boxes.wait_for_log(node, "network.restored", since)
    assert not other_than(node, before)
    holds(boxes["blocks"], POLICIES["blocks"].cells, damage)
    holds(boxes["deny"], POLICIES["deny"].cells, damage)


def test_whole_table_after_a_flush(node, boxes):
    since = log_size(node)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    net_boxes.wait_for_log(node, "network.restored", since)
    all_hold(boxes, "after a flush")


def test_what_was_opened_in_the_gap_is_cut(node, box):
    """Whoever finds the door open for a moment does not keep it open."""
    box.set_network(NetworkOptions(deny_egress=True))
    namespace = box.namespace
    since, tried = log_size(node), []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        lines = pool.submit(net_boxes.probe_inside, namespace, [
            {"way": "tcp", "to": places.FAR[0], "port": 8000 + n, "limit": 2} for n in range(20)])
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        tried = lines.result()
    net_boxes.wait_for_log(node, "network.restored", since)
    node.lab.forget()
    answers = net_boxes.probe_inside(namespace, [{"way": "tcp", "to": places.FAR[0], "port": 8021}])
    assert not answers[0]["ok"] and len(tried) == 20
    time.sleep(1)
    assert not [packet for packet in node.lab.heard()["packets"] if packet["to"] == places.FAR[0]]


# --- policies that change --------------------------------------------------------------------------------------------

def flow(name, way, to, port, resolve=None):
    return {"name": name, "way": way, "to": to, "port": port} | ({"resolve": resolve} if resolve else {})


def keep(box, *flows):
    box.run("sh", "-c", 'rm -f /tmp/keeper.json; setsid -f python3 -c "$0" "$1" >/tmp/keeper.log 2>&1 </dev/null',
            KEEPER, json.dumps(flows))
    wait_until(lambda: kept(box), PATIENCE, "the keeper keeps")


def kept(box):
    return json.loads(box.run("sh", "-c", "cat /tmp/keeper.json 2>/dev/null || echo '{}'"))


def alive(box, *names):
    state = kept(box)
    return all(state[name]["alive"] for name in names)


def dead(box, *names):
    state = kept(box)
    return not any(state[name]["alive"] for name in names)


def goes_on(box, name):
    turns = kept(box)[name]["turns"]
    wait_until(lambda: kept(box)[name]["turns"] > turns + 3, PATIENCE, f"{name} goes on")


def test_tightening_cuts_what_is_open(node, box):
    """TCP, datagrams, both families, and the same host by another port; what is still allowed is not disturbed."""
    cut = [flow("stream", "tcp", places.FAR[0], 8000), flow("stream6", "tcp", places.FAR[1], 8000),
           flow("datagrams", "udp", places.FAR[0], 8001), flow("datagrams6", "udp", places.FAR[1], 8001),
           flow("port", "tcp", places.WEB[0], 8002)]
    keep(box, flow("stays", "tcp", places.WEB[0], 8003), flow("stays6", "udp", places.WEB[1], 8003), *cut)
    names = [one["name"] for one in cut]
    wait_until(lambda: alive(box, "stays", "stays6", *names), PATIENCE, "all answer")
    ports = [{"port": 8003}, {"port": 8003, "protocol": "UDP"}]
    box.set_network(NetworkOptions(egress=[net_table.block("44.1.0.0/24", ports),
                                           net_table.block("2a00:44:1::/64", ports)]))
    node.lab.forget()
    wait_until(lambda: dead(box, *names), PATIENCE, "all that is closed is cut")
    goes_on(box, "stays")
    goes_on(box, "stays6")
    packets = node.lab.heard()["packets"]
    assert not [one for one in packets if one["to"] in places.FAR or one["port"] == 8002], packets


def test_tightening_cuts_tls_behind_the_gate(node, box):
    box.set_network(NetworkOptions(egress=[EgressRule(dns_name="pkg.test"), EgressRule(dns_name="chain.test")]))
    keep(box, flow("cut", "tls", places.SHARED[0], 443, "pkg.test"),
         flow("cut6", "tls", places.SHARED[1], 443, "pkg.test"))
    wait_until(lambda: alive(box, "cut", "cut6"), PATIENCE, "both answer")
    box.set_network(NetworkOptions(egress=[EgressRule(dns_name="chain.test")]))
    wait_until(lambda: dead(box, "cut", "cut6"), PATIENCE, "what is not granted any more is cut")
    after = box.probe([{"way": "hello", "to": places.SHARED[0], "port": 443, "name": "pkg.test"},
                       {"way": "https", "name": "chain.test", "ca": node.lab.ca, "limit": PATIENCE}])
    assert [answer["ok"] for answer in after] == [False, True], after


def test_tls_to_names_that_stay_goes_on(node, box):
    """Whatever else changes: fewer names, others, and wider ones."""
    box.set_network(NetworkOptions(egress=[EgressRule(dns_name="pkg.test"), EgressRule(dns_name="only4.test")]))
    keep(box, flow("stays", "tls", places.SHARED[0], 443, "pkg.test"),
         flow("stays6", "tls", places.SHARED[1], 443, "pkg.test"))
    wait_until(lambda: alive(box, "stays", "stays6"), PATIENCE, "both answer")
    for names in (["pkg.test"], ["pkg.test", "chain.test"], ["*.files.test", "pkg.test"]):
        box.set_network(NetworkOptions(egress=[EgressRule(dns_name=name) for name in names]))
        goes_on(box, "stays")
        goes_on(box, "stays6")
        assert box.reaches(way="https", name="pkg.test", ca=node.lab.ca), names
    box.set_network(NetworkOptions(egress=[EgressRule(dns_name="chain.test")]))
    wait_until(lambda: dead(box, "stays", "stays6"), PATIENCE, "what is not granted any more is cut")


def test_opening_works_and_closing_again(node, box):
    denied, opened = POLICIES["deny"], BESIDE["default"]
    for _ in range(2):
        assert box.set_network(denied.network).effective_egress == []
        holds(box, denied.cells, "closed")
        box.set_network(opened.network)
        holds(box, opened.cells, "opened")


def test_a_change_outlives_the_daemon(node, box):
    box.set_network(BESIDE["blocks"].network)
    node.sh("daemon", "kill")
    node.sh("daemon", "start")
    comes_back(node)
    holds(box, BESIDE["blocks"].cells, "changed, then restarted")


def test_while_others_change(node, boxes, box):
    """One sandbox's policy changes all the time; nobody else's table does."""
    stop, changes, faults = threading.Event(), [], []

    def change():
        turn = 0
        while not stop.is_set():
            policy = POLICIES[["default", "blocks", "names", "deny"][turn % 4]]
            try:
                box.set_network(policy.network)
                changes.append(policy.name)
            except grpc.RpcError as error:
                faults.append(error)
            turn += 1

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(2):
            all_hold(boxes, "while another changes")
        platform = [one for one in net_table.never() if one.attempt["way"] == "tcp"]
        holds(box, platform, "the platform is closed under each of its policies")
        wait_until(lambda: faults or len(changes) > 20, PATIENCE, "it has changed often")
    finally:
        stop.set()
        changer.join()
    assert not faults, faults


# --- many, and none --------------------------------------------------------------------------------------------------

def many_spec(node):
    """It answers on a port, and may go to one host."""
    network = net_boxes.packed(NetworkOptions(egress=[net_table.block("44.1.0.10/32"),
                                                      net_table.block("2a00:44:1::10/128")]))
    side = pb.Resources(cpu="0.5", memory="64Mi")
    limits = pb.ResourceRequirements(requests=side, limits=side)
    return {"image": BARE, "network": network, "container": {"resource_requirements": limits}}


def attempts_of(neighbour):
    """(address, port, whether somebody may answer)"""
    return [(places.WEB[0], CROWD_PORT, True), (places.WEB[1], CROWD_PORT, True),
            (places.FAR[0], CROWD_PORT, False), (places.FAR[1], CROWD_PORT, False),
            (places.METADATA4[0], CROWD_PORT, False),
            (neighbour.words["@ipv4"], 8080, False), (neighbour.words["@ipv6"], 8080, False)]


def try_in_crowd(box, neighbour):
    """All at once, as soon as its own server listens; what is wrong."""
    tries = attempts_of(neighbour)
    script = "until echo ping | /busybox nc 127.0.0.1 8080 >/dev/null 2>&1; do /busybox sleep 0.1; done; "
    script += "".join(f'(said=$(echo ping | /busybox nc -w {PATIENCE if allowed else 2} {to} {port} 2>/dev/null); '
                      f'echo {n} "${{said:+yes}}") & ' for n, (to, port, allowed) in enumerate(tries)) + "wait"
    said = box.run("/busybox", "sh", "-c", script, timeout=3 * PATIENCE).splitlines()
    return [f"{box.id}: {to} {port}" for n, (to, port, allowed) in enumerate(tries)
            if (f"{n} yes" in said) != allowed]


def end_crowd(node, made):
    """However the test went."""
    for one in made:
        with contextlib.suppress(grpc.RpcError):
            node.delete(one)


def test_a_crowd(node):
    """Each reaches what it may, and no neighbour; nothing of them is left."""
    before, spec, made = set(node.inventory()), many_spec(node), []
    command = ("/busybox", "httpd", "-f", "-p", "8080", "-h", "/")
    try:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for one in pool.map(lambda _: node.running(*command, timeout=120, **spec), range(CROWD)):
                made.append(one)
            crowd = list(pool.map(lambda one: Box(node, one.sandbox_id), made))
            for word in ("@ipv4", "@ipv6"):
                assert len({box.words[word] for box in crowd}) == CROWD
            node.lab.forget()
            wrong = sum(pool.map(try_in_crowd, crowd, crowd[1:] + crowd[:1]), [])
            assert not wrong, wrong[:10]
            packets = {one["to"] for one in node.lab.heard()["packets"] if one["port"] in (CROWD_PORT, 8080)}
            assert packets == set(places.WEB), packets
            counted = list(pool.map(lambda box: box.network().denied_packets, crowd))
            assert min(counted) >= 5, sorted(counted)[:5]
    finally:
        end_crowd(node, made)
    wait_until(lambda: set(node.inventory()) <= before, 90, "nothing is left of the crowd")


def test_no_address_no_start(pytestconfig, lab):
    """A sandbox that cannot have its network does not run without."""
    with net_boxes.a_node(pytestconfig, lab, network_ipv4_pool="10.121.7.0/29", network_ready_slots=0) as node:
        running = []
        for _ in range(8):
            made = node.create(timeout=60)
            state = node.reach(made, {pb.STATE_RUNNING, pb.STATE_FAILED}).status
            if state.state == pb.STATE_FAILED:
                break
            running.append(made)
        assert state.state == pb.STATE_FAILED and "address" in state.state_reason, state
        assert 1 <= len(running) <= 6
        for one in running:
            node.end(one)


def test_no_gate_no_names(pytestconfig, lab):
    """Without the edge what it alone could allow is denied, and nothing else opens."""
    with net_boxes.a_node(pytestconfig, lab, edge_program="none") as node:
        refused = fails(node.create, image=net_boxes.IMAGE,
                        network=net_boxes.packed(NetworkOptions(egress=[EgressRule(dns_name="pkg.test")])))
        assert refused.code == grpc.StatusCode.FAILED_PRECONDITION
        assert "https_hostname" in refused.text and refused.reason == "CWSANDBOX_NO_SUITABLE_RUNNER", refused


def test_the_edge_is_killed(node, boxes):
    """It comes back by itself; until then the names' addresses are closed."""
    pid = int((node.folder / "run/edge/pid").read_text())
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    denied = [one for one in POLICIES["names"].cells if not one.allowed]
    holds(boxes["names"], denied, "no edge")
    granted = {"way": "https", "name": "pkg.test", "ca": node.lab.ca}
    wait_until(lambda: boxes["names"].probe([granted])[0]["ok"], PATIENCE, "the edge is back")
    holds(boxes["names"], POLICIES["names"].cells, "the edge is back")
