"""The network service over bare gRPC, and words for rules; its messages come from the .proto file."""
import pathlib
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf import timestamp_pb2  # noqa: F401  network.proto imports it

from nodes import ROOT, pb

SERVICE = "sandkeep.v1.NetworkService"


def _load():
    pool = descriptor_pool.Default()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "set"
        # The compiler that the build needs anyway; the SDK has brought what network.proto imports.
        subprocess.run(["protoc-c", f"--proto_path={ROOT}/proto", f"--descriptor_set_out={out}",
                        "sandkeep/network.proto"], check=True)
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.Add(file)
    return pool.FindServiceByName(SERVICE)


_methods = {name: (message_factory.GetMessageClass(method.input_type),
                   message_factory.GetMessageClass(method.output_type))
            for name, method in _load().methods_by_name.items()}


class Networks:
    """The service of one node."""

    def __init__(self, node):
        self.node = node
        _ = node.stub  # makes the channel

    def call(self, name, timeout=30, **fields):
        request, answer = _methods[name]
        method = self.node.channel.unary_unary(f"/{SERVICE}/{name}", request_serializer=request.SerializeToString,
                                               response_deserializer=answer.FromString)
        return method(request(**fields), timeout=timeout)

    def get(self, sandbox_id):
        return self.call("GetNetwork", sandbox_id=sandbox_id)

    def set(self, sandbox_id, **options):
        """Options of the network; none: the node's defaults."""
        fields = {"network": pb.NetworkOptions(**options)} if options else {}
        return self.call("SetNetwork", sandbox_id=sandbox_id, **fields)


def block(cidr, *excepts, **fields):
    """A rule for a block of addresses but for some."""
    return pb.EgressRule(cidr=pb.CidrBlock(cidr=cidr, **{"except": excepts}), **fields)


def ports(protocol, port, end=0):
    return pb.PortRange(protocol=protocol, port=port, end_port=end)


ANY = pb.EgressRule(any=True)
TENANT = pb.EgressRule(tenant=pb.TENANT_SCOPE_SAME_ORG)
