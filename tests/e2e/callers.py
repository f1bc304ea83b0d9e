"""Callers by key, over bare gRPC, and every method that the daemon's own descriptions know."""
import pathlib
import re
import subprocess
import tempfile
from dataclasses import dataclass

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from nodes import OWN_CONNECTION, PATIENCE, ROOT, Failure

PREFIXES = ("coreweave", "sandkeep", "grpc")
SERVED_NOWHERE = ("sandkeep.records.v1",)


@dataclass
class Method:
    request: type
    answer: type
    asks_by_stream: bool
    answers_by_stream: bool


def methods():
    """By "package.Service/Method", from the .proto files that the daemon is built from."""
    files = [str(path.relative_to(ROOT / "proto")) for prefix in PREFIXES
             for path in sorted((ROOT / "proto" / prefix).rglob("*.proto"))]
    pool = descriptor_pool.DescriptorPool()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "set"
        subprocess.run(["protoc-c", f"--proto_path={ROOT}/proto", "--include_imports", f"--descriptor_set_out={out}",
                        *files], check=True)
        described = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    found = {}
    for file in described:
        pool.Add(file)
    for file in described:
        for service in file.service:
            name = f"{file.package}.{service.name}"
            for method in pool.FindServiceByName(name).methods:
                found[f"{name}/{method.name}"] = Method(message_factory.GetMessageClass(method.input_type),
                                                        message_factory.GetMessageClass(method.output_type),
                                                        method.client_streaming, method.server_streaming)
    return found


METHODS = methods()


class Caller:
    """Somebody with a key (or none) at an address. What they ask is given as dicts, as JSON has it."""

    def __init__(self, address, key=None, header="authorization", extra=()):
        self.channel = grpc.insecure_channel(address, [OWN_CONNECTION])
        value = f"Bearer {key}" if header == "authorization" else key
        self.metadata = ([(header, value)] if key else []) + list(extra)

    def close(self):
        self.channel.close()

    def start(self, name, *requests, timeout=PATIENCE):
        """The call itself: of streams what they answer, one by one."""
        method = METHODS[name]
        messages = [json_format.ParseDict(request, method.request()) for request in requests]
        kind = "stream_" if method.asks_by_stream else "unary_"
        kind += "stream" if method.answers_by_stream else "unary"
        call = getattr(self.channel, kind)(f"/{name}", request_serializer=method.request.SerializeToString,
                                           response_deserializer=method.answer.FromString)
        return call(iter(messages) if method.asks_by_stream else messages[0], timeout=timeout, metadata=self.metadata)

    def ask(self, name, *requests, timeout=PATIENCE):
        """The answer, or the list of answers, or the Failure."""
        try:
            answer = self.start(name, *requests or ({},), timeout=timeout)
            return list(answer) if METHODS[name].answers_by_stream else answer
        except grpc.RpcError as error:
            failure = Failure.of(error)
            failure.request_id = ""  # each call has its own
            return failure

    def get(self, name, *requests, **kwargs):
        """The answer, which must be one."""
        answer = self.ask(name, *requests, **kwargs)
        assert not isinstance(answer, Failure), (name, answer)
        return answer

    def refused(self, name, *requests, **kwargs):
        answer = self.ask(name, *requests, **kwargs)
        assert isinstance(answer, Failure), (name, answer)
        return answer


def make_key(admin, tenant, name="", is_admin=False):
    """(id, text)"""
    made = admin.get("sandkeep.v1.KeyService/CreateKey", {"tenant": tenant, "name": name, "admin": is_admin})
    assert re.fullmatch(r"sk-[0-9a-f]{12}-[a-z2-7]{32}", made.secret), "a key of another shape"
    return made.key.key_id, made.secret
