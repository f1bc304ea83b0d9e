"""sandkeep network: show, set."""
import json

import pytest

from network_calls import ANY, TENANT, Networks, block, ports
from nodes import BUSYBOX, pb, wait_until


@pytest.fixture
def box(node):
    return node.running(services=[pb.Service(port=8080, name="web", visibility=pb.VISIBILITY_PRIVATE)])


def shown(node, box):
    done = node.cli("network", "show", "--json", box.sandbox_id)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def rules_of(node, box):
    return list(node.get(box.sandbox_id).status.effective_egress)


@pytest.mark.core
def test_show(node, box):
    addresses = list(Networks(node).get(box.sandbox_id).addresses)
    address = addresses[0]
    said = shown(node, box)
    assert said["id"] == box.sandbox_id and said["addresses"] == addresses
    assert said["rules"] == {"egress": ["any"], "ingress": [], "dns": "allow"}
    assert said["services"] == [{"port": 8080, "protocol": "tcp", "visibility": "private", "name": "web",
                                 "url": f"http://{address}:8080"}]
    assert said["denials"] == [] and said["denied_packets"] == 0
    lines = node.cli("network", "show", box.sandbox_id).stdout.splitlines()
    assert f"id:              {box.sandbox_id}" in lines and "egress:          any" in lines
    assert f"8080  tcp       private     web   http://{address}:8080" in lines


@pytest.mark.core
def test_set(node, box):
    done = node.cli("network", "set", box.sandbox_id, "--egress", "cidr:10.0.0.0/8,except=10.1.0.0/16,tcp=443,udp=53-60",
                    "--egress", "tenant", "--ingress", "any,tcp=9000", "--dns", "deny", "--json")
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["rules"] == {
        "egress": ["cidr:10.0.0.0/8,except=10.1.0.0/16,tcp=443,udp=53-60", "tenant"], "ingress": ["any,tcp=9000"],
        "dns": "deny"}
    assert rules_of(node, box) == [
        block("10.0.0.0/8", "10.1.0.0/16", ports=[ports("TCP", 443), ports("UDP", 53, 60)]), TENANT]
    assert "egress:          none" in node.cli("network", "set", box.sandbox_id, "--deny-egress").stdout
    assert rules_of(node, box) == []
    assert node.cli("network", "set", "--allow-all", box.sandbox_id).returncode == 0
    assert rules_of(node, box) == [ANY]


@pytest.mark.core
def test_what_is_shown_can_be_put_back(node, box, tmp_path):
    file = tmp_path / "rules.json"
    assert node.cli("network", "set", box.sandbox_id, "--egress", "any,tcp=80", "--egress", "tenant:user",
                    "--ingress", "cidr:192.0.2.0/24").returncode == 0
    before = shown(node, box)["rules"]
    file.write_text(json.dumps(before))
    assert node.cli("network", "set", box.sandbox_id, "--deny-egress").returncode == 0
    assert shown(node, box)["rules"] != before
    assert node.cli("network", "set", box.sandbox_id, "--file", str(file)).returncode == 0
    assert shown(node, box)["rules"] == before
    file.write_text('{"egress": []}')
    assert node.cli("network", "set", box.sandbox_id, "--file", str(file)).returncode == 0
    assert rules_of(node, box) == []


@pytest.mark.core
def test_what_the_server_refuses(node, box):
    for options, why in [(["--egress", "cidr:10.0.0.1/8"], "network.egress[0].cidr.cidr"),
                         (["--deny-egress", "--ingress", "cidr:x"], "network.ingress[0].cidr.cidr"),
                         (["--egress", "host:*.com"], "network.egress[0].https_hostname")]:
        done = node.cli("network", "set", box.sandbox_id, *options)
        assert done.returncode == 1 and why in done.stderr and done.stdout == "", done
    assert rules_of(node, box) == [ANY]
    for verb in (["show"], ["set", "--deny-egress"]):
        done = node.cli("network", *verb, "nobody")
        assert done.returncode == 1 and "CWSANDBOX_SANDBOX_NOT_FOUND" in done.stderr, done


@pytest.mark.real
@pytest.mark.core
def test_a_new_sandbox_with_rules(node):
    for options, rules in [(["--deny-egress"], []), (["--egress", "tenant", "--egress", "any,tcp=443"],
                                                     [TENANT, pb.EgressRule(any=True, ports=[ports("TCP", 443)])])]:
        done = node.cli("run", "--image", BUSYBOX, "--keep", *options, "--", "/bin/true")
        assert done.returncode == 0 and "sandkeep: kept " in done.stderr, done
        kept = node.get(done.stderr.split("kept ")[1].strip())
        assert list(kept.status.effective_egress) == rules
        assert node.cli("rm", kept.sandbox_id).returncode == 0
    done = node.cli("run", "--image", BUSYBOX, "--egress", "any", "--deny-egress", "--", "/bin/true")
    assert done.returncode == 2 and "contradict" in done.stderr, done


def test_wrong_use(node, tmp_path):
    file = tmp_path / "rules.json"
    file.write_text('{"egress": ["any"], "egres": []}')
    for args in (["network"], ["network", "show"], ["network", "show", "a", "b"], ["network", "set", "a"],
                 ["network", "set", "--deny-egress"], ["network", "set", "a", "--egress", "nonsense"],
                 ["network", "set", "a", "--deny-egress", "--allow-all"], ["network", "set", "a", "--ingress", "any"],
                 ["network", "set", "a", "--file", str(file)], ["network", "set", "a", "--file", str(tmp_path / "no")]):
        done = node.cli(*args)
        assert done.returncode == 2 and done.stderr and done.stdout == "", (args, done)
    for verb in ("show", "set"):
        assert node.cli("network", verb, "--help").stdout.startswith(f"Usage: sandkeep network {verb} ")


@pytest.mark.real
@pytest.mark.core
def test_denials_are_shown(node, box):
    other = Networks(node).get(node.running().sandbox_id).addresses[0]
    assert node.cli("network", "set", box.sandbox_id, "--deny-egress").returncode == 0
    assert node.execute(box, "/bin/sh", "-c", f"nc -w 1 {other} 25 </dev/null").exit_code != 0
    said = wait_until(lambda: [s for s in [shown(node, box)] if s["denials"]], 20, "it is told")[0]
    assert said["denied_packets"] > 0
    denial = said["denials"][0]
    assert (denial["destination"], denial["protocol"], denial["port"], denial["name"]) == (other, "TCP", 25, ""), said
    assert denial["rule"] in ("egress", "peer") and denial["time"], said
    assert any(line.endswith(denial["rule"]) and other in line
               for line in node.cli("network", "show", box.sandbox_id).stdout.splitlines())
