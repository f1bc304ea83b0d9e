"""Networks in requests and answers: rules, services, what is refused and how; bare and by the published SDK."""
import uuid

import cwsandbox
import grpc
import pytest
from cwsandbox import Sandbox

from network_calls import ANY, TENANT, Networks, block, comes_back, ports
from nodes import PATIENCE, fails, pb, wait_until
from sessions import Sessions

Code = grpc.StatusCode
HOST = pb.EgressRule(https_hostname="pypi.org")


@pytest.fixture(scope="module")
def named_shared(pytestconfig, tmp_path_factory):
    """A node that can hold to rules with names without looking into HTTPS."""
    from conftest import start_node, stop_node
    config = tmp_path_factory.mktemp("named") / "extra.json"
    config.write_text('{"tls_names": false}')
    node = start_node(pytestconfig, config=config)
    yield node
    stop_node(node)


@pytest.fixture
def named(named_shared, monkeypatch):
    from conftest import lend
    yield from lend(named_shared, monkeypatch)


def network(**options):
    return {"network": pb.NetworkOptions(**options)}


def refused(node, **fields):
    request = pb.CreateSandboxRequest(sandbox=pb.Sandbox(spec=node.spec(**fields)), request_id=str(uuid.uuid4()))
    return fails(node.stub.CreateSandbox, request, timeout=30)


def everywhere(node, sandbox):
    """The status in Create's answer, in Get's and in List's."""
    listed = [s for s in node.list() if s.sandbox_id == sandbox.sandbox_id]
    assert len(listed) == 1
    return [sandbox.status, node.get(sandbox.sandbox_id).status, listed[0].status]


# --- rules in force -------------------------------------------------------------------


@pytest.mark.core
@pytest.mark.parametrize("options", [None, {}, {"deny_egress": False, "deny_ingress": False}, {"deny_ingress": True}])
def test_the_default_is_said_by_one_rule(node, options):
    sandbox = node.running(**({} if options is None else network(**options)))
    for status in everywhere(node, sandbox):
        assert list(status.effective_egress) == [ANY]
        assert list(status.effective_ingress) == []
        assert status.effective_dns_egress == pb.DNS_EGRESS_MODE_ALLOW


@pytest.mark.core
def test_denied_is_no_rule(node):
    sandbox = node.running(**network(deny_egress=True))
    for status in everywhere(node, sandbox):
        assert list(status.effective_egress) == []
        assert status.effective_dns_egress == pb.DNS_EGRESS_MODE_ALLOW
    sandbox = node.running(**network(deny_egress=True, dns_egress=pb.DNS_EGRESS_MODE_DENY))
    for status in everywhere(node, sandbox):
        assert status.effective_dns_egress == pb.DNS_EGRESS_MODE_DENY


@pytest.mark.core
def test_rules_are_told_as_they_were_said(node):
    egress = [block("10.0.0.0/8", "10.1.0.0/16", "10.2.3.4", ports=[ports("", 443), ports("udp", 53, 60)]), TENANT,
              block("2001:db8::/32", ports=[ports("SCTP", 0)]), ANY, ANY]
    ingress = [pb.IngressRule(any=True, ports=[ports("TCP", 80)]), pb.IngressRule(tenant=pb.TENANT_SCOPE_SAME_USER)]
    sandbox = node.running(**network(egress=egress, ingress=ingress, dns_egress=pb.DNS_EGRESS_MODE_DENY))
    for status in everywhere(node, sandbox):
        assert list(status.effective_egress) == egress
        assert list(status.effective_ingress) == ingress
        assert status.effective_dns_egress == pb.DNS_EGRESS_MODE_DENY
    assert list(node.get(sandbox.sandbox_id).spec.network.egress) == egress
    assert list(node.end(sandbox).status.effective_egress) == egress


def test_as_much_as_may_be_asked_for_is_held_to(node):
    holes = [f"{i}.0/24" for i in range(0, 64, 2)]
    many = [ports("UDP" if i % 2 else "", 1000 * i + 1, 1000 * i + 500) for i in range(16)]
    egress = [block(f"10.{i}.0.0/16", *(f"10.{i}.{hole}" for hole in holes), ports=many) for i in range(256)]
    ingress = [pb.IngressRule(cidr=rule.cidr) for rule in egress[:32]]
    services = [service(1000 + i, pb.VISIBILITY_CUSTOM) for i in range(100)]
    sandbox = node.reach(node.create(**network(egress=egress, ingress=ingress), services=services),
                         {pb.STATE_RUNNING}, 60)
    assert list(node.get(sandbox.sandbox_id).status.effective_egress) == egress
    networks = Networks(node)
    assert list(networks.set(sandbox.sandbox_id, deny_egress=True).effective_egress) == []
    assert list(networks.set(sandbox.sandbox_id, egress=egress, ingress=ingress).effective_ingress) == ingress


@pytest.mark.core
def test_the_sdks_rules(named):
    rules = [cwsandbox.EgressRule(dns_name="pypi.org"), cwsandbox.EgressRule(dns_name="*.PyPI.org", ports=[443]),
             cwsandbox.EgressRule(dns_name="files.pythonhosted.org")]
    names = ["pypi.org", "*.pypi.org", "files.pythonhosted.org"]
    with Sandbox.run(network=cwsandbox.NetworkOptions(egress=rules)) as sandbox:
        sandbox.wait(timeout=60)
        assert [rule.dns_name for rule in sandbox.effective_egress] == names
        assert list(sandbox.dns_egress_names) == names
        again = Sandbox.from_id(sandbox.sandbox_id).result(timeout=30)
        assert list(again.dns_egress_names) == names
        assert named.get(sandbox.sandbox_id).status.effective_dns_egress == pb.DNS_EGRESS_MODE_ALLOW
    others = [cwsandbox.EgressRule(cidr={"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}, ports=[443]),
              cwsandbox.EgressRule(tenant="same_org"), cwsandbox.EgressRule(any=True, ports=[{"port": 1, "end_port": 9}])]
    ingress = [cwsandbox.IngressRule(any=True)]
    with Sandbox.run(network=cwsandbox.NetworkOptions(egress=others, ingress=ingress)) as sandbox:
        sandbox.wait(timeout=60)
        assert [bool(rule.cidr) for rule in sandbox.effective_egress] == [True, False, False]
    with Sandbox.run(network=cwsandbox.NetworkOptions(deny_egress=True, deny_ingress=True)) as sandbox:
        sandbox.wait(timeout=60)
        assert list(sandbox.effective_egress) == []


# --- what is wrong ------------------------------------------------------------------------

RULE = "sandbox.spec.network.egress[0]"
INGRESS = "sandbox.spec.network.ingress[0]"


@pytest.mark.core
@pytest.mark.parametrize("field, options", [
    ("sandbox.spec.network.egress", {"deny_egress": True, "egress": [ANY]}),
    ("sandbox.spec.network.ingress", {"deny_ingress": True, "ingress": [pb.IngressRule(any=True)]}),
    ("sandbox.spec.network.egress", {"egress": [ANY] * 257}),
    ("sandbox.spec.network.dns_egress", {"dns_egress": 9}),
    (RULE, {"egress": [pb.EgressRule()]}),
    (RULE + ".any", {"egress": [pb.EgressRule(any=False)]}),
    (RULE + ".cidr.cidr", {"egress": [block("10.0.0.1/8")]}),
    (RULE + ".cidr.cidr", {"egress": [block("example.com")]}),
    (RULE + ".cidr.except[0]", {"egress": [block("10.0.0.0/8", "11.0.0.0/8")]}),
    (RULE + ".tenant", {"egress": [pb.EgressRule(tenant=9)]}),
    (RULE + ".ports[0].protocol", {"egress": [pb.EgressRule(any=True, ports=[ports("icmp", 1)])]}),
    (RULE + ".ports[0].port", {"egress": [pb.EgressRule(any=True, ports=[ports("", 65536)])]}),
    (RULE + ".ports[0].end_port", {"egress": [pb.EgressRule(any=True, ports=[ports("", 9, 8)])]}),
    (RULE + ".https_hostname", {"egress": [pb.EgressRule(https_hostname="*.com")]}),
    (RULE + ".https_hostname", {"egress": [pb.EgressRule(https_hostname="192.0.2.1")]}),
    (RULE + ".ports[0]", {"egress": [pb.EgressRule(https_hostname="pypi.org", ports=[ports("", 80)])]}),
    (RULE + ".https_hostname_except[0]",
     {"egress": [pb.EgressRule(https_hostname="*.pypi.org", https_hostname_except=["example.com"])]}),
    (RULE + ".https_hostname_except", {"egress": [pb.EgressRule(any=True, https_hostname_except=["a.example"])]}),
    (INGRESS, {"ingress": [pb.IngressRule()]}),
    (INGRESS + ".cidr.cidr", {"ingress": [pb.IngressRule(cidr=pb.CidrBlock(cidr="x"))]}),
])
def test_wrong_rules_are_named(node, field, options):
    failure = refused(node, **network(**options))
    assert failure.code == Code.INVALID_ARGUMENT and failure.violations == [field], failure
    assert node.list() == []


@pytest.mark.core
@pytest.mark.parametrize("field, options", [
    (RULE + ".selector", {"egress": [pb.EgressRule(selector=pb.SelectorBlock(pod_labels={"a": "b"}))]}),
    (RULE + ".tenant", {"egress": [pb.EgressRule(tenant=pb.TENANT_SCOPE_SANDBOX_NETWORK)]}),
    (INGRESS + ".tenant", {"ingress": [pb.IngressRule(tenant=pb.TENANT_SCOPE_SANDBOX_NETWORK)]}),
    ("sandbox.spec.network.dns_egress", {"egress": [HOST], "dns_egress": pb.DNS_EGRESS_MODE_DENY}),
])
def test_what_cannot_be_held_to_is_refused(named, field, options):
    failure = refused(named, **network(**options))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, "CWSANDBOX_NO_SUITABLE_RUNNER"), failure
    assert field in failure.text, failure
    assert named.list() == []


# --- services --------------------------------------------------------------------------------


def endpoint(kind=pb.ENDPOINT_KIND_HTTPS, auth=1, **fields):
    return pb.EndpointSpec(kind=kind, auth=auth, **fields)


def service(port=80, visibility=pb.VISIBILITY_PUBLIC, **fields):
    return pb.Service(port=port, visibility=visibility, **fields)


PRIVATE = service(81, pb.VISIBILITY_PRIVATE)


@pytest.mark.core
def test_ports_that_nobody_reaches_are_noted(node):
    services = [pb.Service(port=80, name="web"), pb.Service(port=53, protocol=pb.SERVICE_PROTOCOL_UDP),
                pb.Service(port=65535, protocol=pb.SERVICE_PROTOCOL_SCTP),
                service(9000, pb.VISIBILITY_CUSTOM)]
    sandbox = node.running(services=services)
    for status in everywhere(node, sandbox):
        assert [s.port for s in status.services] == [80, 53, 65535, 9000]
        assert [s.url for s in status.services] == [""] * 4
        assert status.services[0].name == "web"
        assert status.services[3].visibility == pb.VISIBILITY_CUSTOM


@pytest.mark.core
def test_private_services_are_where_the_sandbox_is(node):
    sandbox = node.running(services=[service(8080, pb.VISIBILITY_PRIVATE), service(8081, pb.VISIBILITY_PRIVATE)])
    address = Networks(node).get(sandbox.sandbox_id).addresses[0]
    for status in everywhere(node, sandbox)[1:]:
        assert [s.url for s in status.services] == [f"http://{address}:8080", f"http://{address}:8081"]
    assert [s.url for s in node.end(sandbox).status.services] == ["", ""]


@pytest.mark.core
@pytest.mark.parametrize("code, field, services", [
    (Code.INVALID_ARGUMENT, "services[0].port", [service(0)]),
    (Code.INVALID_ARGUMENT, "services[0].port", [service(65536)]),
    (Code.INVALID_ARGUMENT, "services[1].port", [PRIVATE, PRIVATE]),
    (Code.INVALID_ARGUMENT, "services[0].visibility", [service(visibility=9)]),
    (Code.INVALID_ARGUMENT, "services[0].endpoint", [service(visibility=pb.VISIBILITY_PRIVATE, endpoint=endpoint())]),
    (Code.INVALID_ARGUMENT, "services[0].endpoint",
     [service(protocol=pb.SERVICE_PROTOCOL_UDP, endpoint=endpoint())]),
    (Code.INVALID_ARGUMENT, "services[0].endpoint.auth", [service(endpoint=endpoint(auth=0))]),
    (Code.UNIMPLEMENTED, "services[0].endpoint.auth", [service(endpoint=endpoint(auth=2))]),
    (Code.UNIMPLEMENTED, "services[0].endpoint.kind",
     [service(endpoint=endpoint(pb.ENDPOINT_KIND_TLS_PASSTHROUGH, 0))]),
])
def test_wrong_services_are_named(node, code, field, services):
    failure = refused(node, services=services)
    assert failure.code == code, failure
    if code == Code.INVALID_ARGUMENT:
        assert failure.violations == ["sandbox.spec." + field], failure
    else:
        assert failure.reason == "CWSANDBOX_NOT_IMPLEMENTED" and field in failure.text, failure


# --- sessions -----------------------------------------------------------------------------------


@pytest.mark.core
def test_a_session_says_what_its_sandboxes_reach(node):
    sessions = Sessions(node)
    ours = [block("192.0.2.0/24")]
    session = sessions.open(network=pb.NetworkOptions(egress=ours), services=[PRIVATE])
    sandbox = sessions.create(session)
    assert list(sandbox.status.effective_egress) == ours
    assert [s.port for s in sandbox.status.services] == [81]
    other = sessions.create(session, network=pb.NetworkOptions(deny_egress=True))
    assert list(other.status.effective_egress) == []
    sessions.close(session)


@pytest.mark.core
def test_a_session_cannot_say_what_no_sandbox_may(node):
    failure = fails(Sessions(node).open, network=pb.NetworkOptions(egress=[block("x")]),
                    services=[service(0, pb.VISIBILITY_PRIVATE)])
    assert failure.code == Code.INVALID_ARGUMENT, failure
    assert sorted(failure.violations) == ["defaults.network.egress[0].cidr.cidr", "defaults.services[0].port"]
    failure = fails(Sessions(node).open,
                    network=pb.NetworkOptions(egress=[pb.EgressRule(tenant=pb.TENANT_SCOPE_SANDBOX_NETWORK)]))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, "CWSANDBOX_NO_SUITABLE_RUNNER")


# --- other rules for a sandbox that runs ----------------------------------------------------------


@pytest.mark.core
def test_rules_can_be_changed(node):
    networks = Networks(node)
    sandbox = node.running(services=[PRIVATE])
    before = networks.get(sandbox.sandbox_id)
    assert list(before.effective_egress) == [ANY] and before.addresses
    assert before.sandbox_id == sandbox.sandbox_id and before.services[0].url.startswith("http://")
    rules = [block("192.0.2.0/24", ports=[ports("TCP", 443)])]
    after = networks.set(sandbox.sandbox_id, egress=rules)
    assert list(after.effective_egress) == rules
    assert after.addresses == before.addresses and after.services == before.services
    shown = node.get(sandbox.sandbox_id)
    assert list(shown.status.effective_egress) == rules and list(shown.spec.network.egress) == rules
    assert [s.port for s in shown.spec.services] == [81]
    assert list(networks.set(sandbox.sandbox_id, deny_egress=True).effective_egress) == []
    assert node.get(sandbox.sandbox_id).spec.network.deny_egress
    assert list(networks.set(sandbox.sandbox_id).effective_egress) == [ANY]
    assert not node.get(sandbox.sandbox_id).spec.HasField("network")


@pytest.mark.core
def test_changes_that_cannot_be(node):
    networks = Networks(node)
    missing = fails(networks.get, "nobody-" + "a" * 26)
    assert (missing.code, missing.reason) == (Code.NOT_FOUND, "CWSANDBOX_SANDBOX_NOT_FOUND")
    assert fails(networks.set, "", deny_egress=True).code == Code.NOT_FOUND
    sandbox = node.running()
    wrong = fails(networks.set, sandbox.sandbox_id, egress=[block("x")])
    assert wrong.code == Code.INVALID_ARGUMENT and wrong.violations == ["network.egress[0].cidr.cidr"]
    assert list(networks.get(sandbox.sandbox_id).effective_egress) == [ANY]
    node.end(sandbox)
    assert fails(networks.set, sandbox.sandbox_id, deny_egress=True).code == Code.FAILED_PRECONDITION
    over = networks.get(sandbox.sandbox_id)
    assert list(over.addresses) == [] and list(over.effective_egress) == [ANY]


def test_what_is_made_closed_stays_closed(node):
    """Loopback alone: there is no link that could be opened."""
    sandbox = node.running(**network(deny_egress=True, dns_egress=pb.DNS_EGRESS_MODE_DENY))
    networks = Networks(node)
    assert list(networks.get(sandbox.sandbox_id).addresses) == []
    assert fails(networks.set, sandbox.sandbox_id).code == Code.FAILED_PRECONDITION


@pytest.mark.real
def test_changes_outlive_the_daemon(own_node):
    rules = [block("192.0.2.0/24")]
    sandbox = own_node.running(services=[service(8080)])
    before = Networks(own_node).set(sandbox.sandbox_id, egress=rules)
    assert before.services[0].url.startswith("http://")
    for how in ("stop", "kill"):
        own_node.sh("daemon", how)
        own_node.sh("daemon", "start")
        comes_back(own_node)
        after = Networks(own_node).get(sandbox.sandbox_id)
        assert (after.effective_egress, after.addresses, after.services) == (
            before.effective_egress, before.addresses, before.services)
        assert own_node.get(sandbox.sandbox_id).status.services == before.services


@pytest.mark.real
def test_a_change_cuts_and_opens(node):
    """From one sandbox of the tenant to another, which runs a server."""
    serve = "while :; do echo hello | nc -l -p 8080 >/dev/null; done"
    server = node.running("/bin/sh", "-c", serve, services=[service(8080, pb.VISIBILITY_PRIVATE)])
    client = node.running()
    networks = Networks(node)
    address = networks.get(server.sandbox_id).addresses[0]

    def reaches():
        return node.execute(client, "/bin/sh", "-c", f"nc -w 2 {address} 8080 </dev/null").stdout == b"hello\n"

    def opens():
        """The server does not listen all the time."""
        wait_until(reaches, PATIENCE, "the server answers")

    def told():
        return next((d for d in networks.get(client.sandbox_id).denials
                     if d.destination == address and d.protocol == "TCP" and d.port == 8080), None)

    opens()
    networks.set(client.sandbox_id, deny_egress=True)
    assert not reaches()
    assert networks.get(client.sandbox_id).denied_packets > 0
    wait_until(told, PATIENCE, "a sample of what was denied")
    networks.set(client.sandbox_id, egress=[TENANT])
    opens()
    networks.set(client.sandbox_id, egress=[pb.EgressRule(tenant=pb.TENANT_SCOPE_SAME_ORG, ports=[ports("", 80)])])
    assert not reaches()
