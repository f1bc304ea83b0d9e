"""Sandboxes on the lab's internet: nodes that know it, sandboxes that try cells of the truth table, and the service
that tells of their networks."""
import contextlib
import ipaddress
import itertools
import json
import os
import pathlib
import tempfile

import pytest
from cwsandbox import Sandbox
from cwsandbox._proto import sandbox_pb2 as pb

import net_table
from conftest import start_node, stop_node
from lab import ECHO, PROBE, probe_inside
from network_calls import Networks
from nodes import PATIENCE, TERMINAL, wait_until

IMAGE = "docker.io/library/python:3.11"
KEEP = ("/bin/sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")
POOLS6 = (f"fd5a:6b:{os.getpid() & 0xFFFF:x}:{number:x}::/112" for number in itertools.count())


def call(node, name, timeout=PATIENCE, **fields):
    return Networks(node).call(name, timeout, **fields)


@contextlib.contextmanager
def a_node(pytestconfig, lab, **keys):
    """A node on that internet; with IPv6. SDK calls find it by the environment."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file, pytest.MonkeyPatch.context() as patch:
        config = lab.config(network_ipv6_pool=next(POOLS6)) | keys
        file.write(json.dumps(config))
        file.flush()
        node = start_node(pytestconfig, config=file.name, images="python busybox bare")
        for name in list(os.environ):
            if name.startswith(("CWSANDBOX_", "WANDB_")):
                patch.delenv(name)
        for name, value in node.env.items():
            patch.setenv(name, value)
        node.lab = lab
        try:
            yield node
            node.end_all()
        finally:
            stop_node(node)


def configuration(node):
    return json.loads(pathlib.Path(node.env["SANDKEEP_CONFIG"]).read_text())


def gateways(node):
    """The node's own addresses in its pools: (IPv4, IPv6)."""
    config = configuration(node)
    return tuple(str(ipaddress.ip_network(config[f"network_{family}_pool"])[1]) for family in ("ipv4", "ipv6"))


class Box:
    """A running sandbox, by its id."""

    def __init__(self, node, sandbox_id):
        self.node, self.id = node, sandbox_id
        gateway4, gateway6 = gateways(node)
        self.words = {"@gateway": gateway4, "@gateway6": gateway6, "@ca": node.lab.ca}
        addresses = list(self.network().addresses)
        self.words |= dict(zip(("@ipv4", "@ipv6"), addresses))

    def network(self):
        return call(self.node, "GetNetwork", sandbox_id=self.id)

    def set_network(self, network):
        fields = {} if network is None else {"network": packed(network)}
        return call(self.node, "SetNetwork", sandbox_id=self.id, **fields)

    def beside(self, other):
        self.words |= {"@neighbour": other.words["@ipv4"], "@neighbour6": other.words["@ipv6"]}

    def run(self, *command, timeout=PATIENCE):
        answer = self.node.stub.Exec(pb.ExecRequest(sandbox_id=self.id, command=command), timeout=timeout)
        assert answer.exit_code == 0, (answer.exit_code, answer.stderr)
        return answer.stdout.decode()

    def probe(self, attempts):
        return json.loads(self.run("python3", "-c", PROBE, json.dumps(attempts), timeout=3 * PATIENCE))

    def reaches(self, **attempt):
        """Whether what must come comes."""
        return self.probe([attempt | {"limit": PATIENCE}])[0]["ok"]

    @property
    def namespace(self):
        """The path of its network, as the node has pinned it."""
        folder = pathlib.Path(self.node.env["SANDKEEP_RUN"]) / "net"
        return next(file.with_suffix("") for file in folder.glob("*.id") if id_in(file) == self.id)

    def rooted(self, attempts):
        return probe_inside(self.namespace, attempts)

    def end(self):
        self.node.stub.DeleteSandbox(pb.DeleteSandboxRequest(sandbox_id=self.id), timeout=PATIENCE)
        wait_until(lambda: self.node.get(self.id).status.state in TERMINAL, PATIENCE, f"the end of {self.id}")


def id_in(file):
    """Whose place that is; files of those who have ended go at any time."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_text().strip()
    return None


def packed(network):
    """The SDK's options as they go over the wire."""
    said = pb.NetworkOptions()
    if network.deny_egress is not None:
        said.deny_egress = network.deny_egress
    for rule in network.egress or ():
        out = said.egress.add()
        if rule.dns_name is not None:
            out.https_hostname = rule.dns_name
        elif rule.cidr is not None:
            out.cidr.cidr = rule.cidr.cidr
            getattr(out.cidr, "except").extend(rule.cidr.except_cidrs or ())
        elif rule.tenant is not None:
            out.tenant = pb.TenantScope.Value(f"TENANT_SCOPE_{rule.tenant.value.upper()}")
        else:
            out.any = True
        for port in rule.ports or ():
            out.ports.add(protocol=port.protocol or "", port=port.port, end_port=port.end_port or 0)
    return said


def start(node, policy, **options):
    """A sandbox under that policy, by the SDK where it can say all of it."""
    if policy.dns_denied:
        network = packed(policy.network)
        network.dns_egress = pb.DNS_EGRESS_MODE_DENY
        return Box(node, node.running(image=IMAGE, network=network).sandbox_id)
    sandbox = Sandbox.run(*KEEP, container_image=IMAGE, network=policy.network, **options)
    sandbox.wait()
    return Box(node, sandbox.sandbox_id)


def serving(node, port=net_table.NEIGHBOUR_PORT, **options):
    """A sandbox in which somebody answers on that port, of both families."""
    sandbox = Sandbox.run("python3", "-c", ECHO.format(port), container_image=IMAGE, **options)
    sandbox.wait()
    box = Box(node, sandbox.sandbox_id)
    wait_until(lambda: listens(box, port), PATIENCE, "it listens")
    return box


def listens(box, port):
    return f":{port:04X} " in box.run("cat", "/proc/net/tcp6")


def try_cells(box, cells):
    """(answers, what was heard, what is wrong)"""
    lab = box.node.lab
    lab.forget()
    answers = net_table.attempts(box, cells)
    heard = lab.heard()
    wrong = {one.name: said for one in cells if (said := net_table.judge(one, answers[one.name], heard, box.words))}
    return answers, heard, wrong


def holds(box, cells, what):
    """The table as one assertion, for those who have done something to it."""
    _, _, wrong = try_cells(box, cells)
    assert not wrong, f"{what}:\n" + "\n".join(wrong.values())


def denied_on_the_wire(cells):
    return [one for one in cells if not one.allowed and one.rule]


def wait_for_log(node, event, since=0, seconds=PATIENCE):
    """The daemon's log has said that."""
    log = node.folder / "daemon.log"
    wait_until(lambda: event in log.read_text(errors="replace")[since:], seconds, f"{event} in the daemon's log")
