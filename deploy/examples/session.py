#!/usr/bin/env python3
"""A session that the node owns, with the published Python SDK as it is.

    pip install cwsandbox grpcio-tools
    export CWSANDBOX_BASE_URL=http://127.0.0.1:7463 CWSANDBOX_API_KEY=...

    session.py hold             open a session, make two sandboxes in it, hold it until Ctrl-C
    session.py hold --die       the same, but be killed (SIGKILL) with everything running
    session.py watch SESSION    watch the node end what the dead client has left behind

A sandbox belongs to a session when an annotation of it says so, and annotations can come from SandboxDefaults.
"""
import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf import timestamp_pb2  # noqa: F401  the session's messages use it

from cwsandbox import Sandbox, SandboxDefaults
from cwsandbox._proto import sandbox_pb2  # noqa: F401  and the SDK's own

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
SERVICE = "sandkeep.v1.SessionService"
LEASE_SECONDS = 5


def load_service():
    """The session service, from its .proto file, in the same pool as the SDK's messages."""
    with tempfile.NamedTemporaryFile() as out:
        options = [f"--proto_path={PROTO}", f"--descriptor_set_out={out.name}", "sandkeep/session.proto"]
        try:
            from grpc_tools import protoc
            assert protoc.main(["protoc", *options]) == 0
        except ImportError:  # the compiler as a program will do
            subprocess.run(["protoc", *options], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read()).file
    pool = descriptor_pool.Default()
    for file in files:
        pool.Add(file)
    return pool.FindServiceByName(SERVICE)


class Sessions:
    """The few calls that are needed here."""

    def __init__(self):
        self.service = load_service()
        self.channel = grpc.insecure_channel(os.environ["CWSANDBOX_BASE_URL"].removeprefix("http://"))
        self.key = [("authorization", "Bearer " + os.environ.get("CWSANDBOX_API_KEY", ""))]

    def _method(self, name):
        method = self.service.methods_by_name[name]
        request = message_factory.GetMessageClass(method.input_type)
        return request, {"request_serializer": request.SerializeToString,
                         "response_deserializer": message_factory.GetMessageClass(method.output_type).FromString}

    def call(self, name, **fields):
        request, codec = self._method(name)
        return self.channel.unary_unary(f"/{SERVICE}/{name}", **codec)(request(**fields), metadata=self.key)

    def hold(self, session_id):
        """Keeps the lease for as long as the stream is open, which is: until this process is gone."""
        request, codec = self._method("KeepAlive")
        stream = self.channel.stream_stream(f"/{SERVICE}/KeepAlive", **codec)
        while True:
            try:
                for _answer in stream(iter([request(session_id=session_id)]), metadata=self.key):
                    pass  # the first says that the lease is held, the last that the session is closed
                return
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                time.sleep(0.2)  # the node starts again: its sessions have their whole lease


def hold(sessions, image, die):
    session = sessions.call("OpenSession", lease_seconds=LEASE_SECONDS, request_id=str(uuid.uuid4()),
                            display_name="example")
    threading.Thread(target=sessions.hold, args=[session.session_id], daemon=True).start()
    print("session", session.session_id, flush=True)

    defaults = SandboxDefaults(container_image=image, annotations={"sandkeep.dev/session": session.session_id})
    for number in range(2):
        sandbox = Sandbox.run(defaults=defaults)
        said = sandbox.exec(["echo", f"hello from number {number}"]).result().stdout.strip()
        print("sandbox", sandbox.sandbox_id, said, flush=True)

    if die:
        os.kill(os.getpid(), signal.SIGKILL)  # no handler, no finally, no goodbye
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    sessions.call("CloseSession", session_id=session.session_id, wait=True)


def watch(sessions, session_id):
    before = None
    while True:
        session = sessions.call("GetSession", session_id=session_id)
        state = session.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[session.state].name
        now = (state.removeprefix("SESSION_STATE_"), session.live_sandboxes, session.state_reason)
        if now != before:
            print("%-8s %d live  %s" % now, flush=True)
        if now[0] == "CLOSED":
            return
        before = now
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    holding = verbs.add_parser("hold")
    holding.add_argument("--image", default="python:3.11")
    holding.add_argument("--die", action="store_true")
    verbs.add_parser("watch").add_argument("session")
    args = parser.parse_args()
    if args.verb == "hold":
        hold(Sessions(), args.image, args.die)
    else:
        watch(Sessions(), args.session)


if __name__ == "__main__":
    main()
