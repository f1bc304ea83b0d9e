"""A node's configuration, changed while it runs."""
import json
import os
import pathlib

import grpc
from google.rpc import error_details_pb2, status_pb2

from nodes import PATIENCE, whole_lines

RELOAD = "/sandkeep.v1.NodeService/Reload"


def change(node, **keys):
    """Other values of keys in the node's own file, in one go; None: left out."""
    path = pathlib.Path(node.env["SANDKEEP_CONFIG"])
    config = json.loads(path.read_text()) | keys
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({key: value for key, value in config.items() if value is not None}, indent=1))
    fresh.chmod(0o600)
    os.replace(fresh, path)


def drop_in(node, name, text):
    """A file of conf.d; None: none of that name."""
    path = pathlib.Path(node.env["SANDKEEP_CONFIG"]).parent / "conf.d" / name
    path.parent.mkdir(exist_ok=True)
    if text is None:
        path.unlink()
    else:
        path.write_text(text if isinstance(text, str) else json.dumps(text))


def reload(channel, key=None):
    """Fields 1 and 2 of the answer (changed, needs_restart), or the lines of what is wrong."""
    metadata = [("authorization", f"Bearer {key}")] if key else None
    call = channel.unary_unary(RELOAD, request_serializer=lambda data: data, response_deserializer=lambda data: data)
    try:
        answer = call(b"", metadata=metadata, timeout=PATIENCE)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
            raise
        return None, lines_of(error)
    return texts(answer), []


def lines_of(error):
    """What is wrong, line by line."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    found = []
    for entry in status_pb2.Status.FromString(packed).details:
        bad = error_details_pb2.BadRequest()
        if entry.Unpack(bad):
            found += [violation.description for violation in bad.field_violations]
    return found


def texts(packed):
    """A message whose only fields are repeated texts 1 and 2, shorter than 128 bytes each."""
    fields, at = {1: [], 2: []}, 0
    while at < len(packed):
        number, length = packed[at] >> 3, packed[at + 1]
        fields[number].append(packed[at + 2:at + 2 + length].decode())
        at += 2 + length
    return fields[1], fields[2]


def logged(node, event):
    """The log's lines of one kind."""
    lines = whole_lines(node.folder / "daemon.log", errors="replace")
    return [json.loads(line) for line in lines if f'"event":"{event}"' in line]
