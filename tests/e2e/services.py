"""Services of sandkeep.v1 over bare gRPC: their messages come from the .proto files, nothing is generated."""
import pathlib
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf import timestamp_pb2  # noqa: F401  the files import it

from nodes import PATIENCE, ROOT, pb  # noqa: F401  and what the SDK has brought


def load(file, service):
    """(request, answer) by the names of a service's methods."""
    pool = descriptor_pool.Default()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "set"
        # The compiler that the build needs anyway.
        subprocess.run(["protoc-c", f"--proto_path={ROOT}/proto", f"--descriptor_set_out={out}", file], check=True)
        for described in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.Add(described)
    return {name: (message_factory.GetMessageClass(method.input_type), message_factory.GetMessageClass(method.output_type))
            for name, method in pool.FindServiceByName(service).methods_by_name.items()}


def ask(node, service, methods, name, timeout=PATIENCE, **fields):
    """One unary call."""
    _ = node.stub  # makes the channel
    request, answer = methods[name]
    method = node.channel.unary_unary(f"/{service}/{name}", request_serializer=request.SerializeToString,
                                      response_deserializer=answer.FromString)
    return method(request(**fields), timeout=timeout)
