"""The truth table, from inside sandboxes: what each policy lets out and what not, as the sandbox sees it, as hosts out
there saw it, and as the node counted it."""
import time

import pytest
from cwsandbox import EgressRule, NetworkOptions

import net_boxes
import net_table
from lab import places
from nodes import PATIENCE, wait_until

pytestmark = pytest.mark.real
POLICIES = {policy.name: policy for policy in net_table.all_policies()}
CELLS = [(policy.name, one.name) for policy in POLICIES.values() for one in policy.cells]
GRANT_SECONDS = 300  # a record of one second opens for some more, so that slow programs arrive
RULES = {"egress", "platform", "node", "peer", "ingress", "spoofed", "name", "no name", "hidden name", "refused",
         "private", "rate", "upstream"}


@pytest.fixture(scope="module")
def node(pytestconfig, lab):
    with net_boxes.a_node(pytestconfig, lab) as node:
        yield node


@pytest.fixture(scope="module")
def neighbour(node):
    """It serves, and has said to nobody that it does."""
    return net_boxes.serving(node)


class Outcome:
    """One policy's cells, tried once."""

    def __init__(self, box, policy):
        self.box, self.cells = box, {one.name: one for one in policy.cells}
        self.before = box.network()
        self.answers, self.heard, self.wrong = net_boxes.try_cells(box, policy.cells)
        self.wire = net_boxes.denied_on_the_wire(policy.cells)
        self.refused = [] if policy.dns_denied else [
            one for one in policy.cells if one.attempt["way"] == "dns" and not one.allowed and not one.rule]
        self.after = self.counted()

    def counted(self):
        """The network once all is counted that must be, or when that does not come."""
        end = time.monotonic() + PATIENCE
        while not self.is_counted(self.box.network()) and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.3)  # samples of what was denied come behind
        return self.box.network()

    def is_counted(self, after):
        return (after.denied_packets - self.before.denied_packets >= len(self.wire)
                and after.names_denied - self.before.names_denied >= len(self.refused))


class Outcomes(dict):
    """Policy's name: its outcome, tried when somebody first asks for it."""

    def __init__(self, node, neighbour):
        super().__init__()
        self.node, self.neighbour = node, neighbour

    def __missing__(self, name):
        box = net_boxes.start(self.node, POLICIES[name])
        box.beside(self.neighbour)
        self[name] = Outcome(box, POLICIES[name])
        box.end()
        return self[name]


@pytest.fixture(scope="module")
def outcomes(node, neighbour):
    return Outcomes(node, neighbour)


@pytest.mark.parametrize("policy, one", CELLS, ids=lambda part: str(part).replace("[", "").replace("]", ""))
def test_cell(outcomes, policy, one):
    assert outcomes[policy].wrong.get(one, "") == ""


@pytest.mark.parametrize("policy", POLICIES)
def test_what_was_denied_was_counted(outcomes, policy):
    outcome = outcomes[policy]
    assert outcome.is_counted(outcome.after), (outcome.before, outcome.after, len(outcome.wire), len(outcome.refused))


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_told_of_denials_is_true(outcomes, policy):
    """None is told of what was allowed; those that are told name one of the rules."""
    outcome = outcomes[policy]
    allowed = {(one.attempt["way"].upper(), net_table.normal(one.attempt["to"]), one.attempt["port"])
               for one in outcome.cells.values() if one.allowed and one.attempt["way"] in ("tcp", "udp")}
    for denial in outcome.after.denials:
        assert denial.rule in RULES, denial
        assert (denial.protocol, denial.destination, denial.port) not in allowed, denial


def is_denied(box, attempt):
    """Whether that is denied, not only late: then it was counted."""
    before = box.network().denied_packets
    return not box.probe([attempt])[0]["ok"] and box.network().denied_packets > before


def test_a_grant_ends_with_its_time(node, lab):
    """The address that a name stood for closes when its time is over; the one that it stands for now is open."""
    box = net_boxes.start(node, net_table.Policy("short", NetworkOptions(egress=[EgressRule(dns_name="short.test")])))
    old = {"way": "hello", "to": places.LATE[0], "port": 443, "name": "short.test"}
    new = old | {"to": places.WEB[0], "after": "short.test"}
    assert box.reaches(**old, after="short.test")
    lab.name("short.test", A=[places.WEB[0]], ttl=1)
    try:
        wait_until(lambda: is_denied(box, old), GRANT_SECONDS, "the old address closes")
        assert box.reaches(**new)
        assert is_denied(box, old)
    finally:
        lab.name("short.test", **places.ZONE["short.test"])
