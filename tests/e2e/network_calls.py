"""The network service over bare gRPC, and words for rules."""
import grpc

import services
from nodes import PATIENCE, pb, wait_until

SERVICE = "sandkeep.v1.NetworkService"


_methods = services.load("sandkeep/network.proto", SERVICE)


class Networks:
    """The service of one node."""

    def __init__(self, node):
        self.node = node
        _ = node.stub  # makes the channel

    def call(self, name, timeout=PATIENCE, **fields):
        return services.ask(self.node, SERVICE, _methods, name, timeout, **fields)

    def get(self, sandbox_id):
        return self.call("GetNetwork", sandbox_id=sandbox_id)

    def set(self, sandbox_id, **options):
        """Options of the network; none: the node's defaults."""
        fields = {"network": pb.NetworkOptions(**options)} if options else {}
        return self.call("SetNetwork", sandbox_id=sandbox_id, **fields)


def comes_back(node):
    """The daemon serves again, and this program's channel has found that out."""
    def answers():
        try:
            return [node.list()]
        except grpc.RpcError:
            return None
    wait_until(answers, PATIENCE, "the daemon serves")


def block(cidr, *excepts, **fields):
    """A rule for a block of addresses but for some."""
    return pb.EgressRule(cidr=pb.CidrBlock(cidr=cidr, **{"except": excepts}), **fields)


def ports(protocol, port, end=0):
    return pb.PortRange(protocol=protocol, port=port, end_port=end)


ANY = pb.EgressRule(any=True)
TENANT = pb.EgressRule(tenant=pb.TENANT_SCOPE_SAME_ORG)
