#!/usr/bin/env python3
"""Compares our .proto files with the descriptors of an installed `cwsandbox` package.

Field by field: names, numbers, types, labels, presence, oneofs, map shapes, enum values,
services, methods, streaming. What only older clients know is listed in OLDER and must be
there; everything else that differs is reported, one line each, and the exit status is 1.
Comparing nothing is a failure too.

Run with an interpreter that has cwsandbox and protobuf installed; PROTOC names the compiler.
"""
import importlib
import os
import pathlib
import pkgutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = "coreweave.sandbox.v1"
# Fields older clients send and newer descriptors have dropped: message -> names.
OLDER = {
    "SandboxSpec": {"primary_container", "init_containers"},
    "PartialSandboxSpec": {"primary_container", "init_containers"},
}
WELL_KNOWN = {"Timestamp", "Duration", "Empty", "FieldMask", "Struct", "Value", "ListValue"}


def ours():
    """Our descriptors, as the compiler sees them: file name -> FileDescriptorProto."""
    from google.protobuf import descriptor_pb2

    folder = ROOT / "proto"
    files = [str(p.relative_to(folder)) for p in sorted(folder.glob("coreweave/**/*.proto"))]
    with tempfile.TemporaryDirectory() as tmp:
        out = pathlib.Path(tmp) / "set"
        protoc = os.environ.get("PROTOC", "protoc")
        command = [protoc, "-I", str(folder), "--include_imports", f"--descriptor_set_out={out}", *files]
        subprocess.run(command, check=True)
        found = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    return {f.name: f for f in found.file}


def theirs():
    """The installed package's descriptors, the imported well-known types included."""
    import cwsandbox._proto as package
    from google.protobuf import descriptor_pb2

    files = {}

    def add(descriptor):
        if descriptor.name in files or descriptor.name.startswith("google/api/"):
            return
        proto = descriptor_pb2.FileDescriptorProto()
        descriptor.CopyToProto(proto)
        files[descriptor.name] = proto
        for dependency in descriptor.dependencies:
            add(dependency)

    for module in pkgutil.iter_modules(package.__path__):
        if module.name.endswith("_pb2"):
            add(importlib.import_module(f"{package.__name__}.{module.name}").DESCRIPTOR)
    return files


def is_ours_to_compare(file_name, message):
    return file_name.startswith("coreweave/") or message in WELL_KNOWN


def presence(message, field):
    """The oneof a field is in, or "explicit" for presence alone, however it is spelled."""
    if not field.HasField("oneof_index"):
        return ""
    oneof = message.oneof_decl[field.oneof_index].name
    return "explicit" if oneof == "_" + field.name else "oneof " + oneof


def shape(message, field, scope):
    """Everything of a field that matters on the wire or to a reader of it."""
    name = field.type_name
    for nested in message.nested_type:
        if nested.options.map_entry and name == f".{scope}.{nested.name}":
            inner = [shape(nested, f, f"{scope}.{nested.name}") for f in nested.field]
            return f"map of {' to '.join(inner)}"
    label = "repeated " if field.label == field.LABEL_REPEATED else ""
    parts = [label + (name.lstrip(".") or field.Type.Name(field.type)[5:].lower()), presence(message, field)]
    return " ".join(p for p in parts if p)


def flatten(files):
    """Descriptors as flat facts: (kind, name) -> text."""
    facts = {}

    def enum(scope, e):
        for value in e.value:
            facts["enum value", f"{scope}.{e.name} {value.number}"] = value.name

    def message(scope, m):
        full = f"{scope}.{m.name}"
        facts["message", full] = ""
        for f in m.field:
            facts["field", f"{full}.{f.name}"] = f"{f.number} {shape(m, f, full)}"
        for e in m.enum_type:
            enum(full, e)
        for n in m.nested_type:
            if not n.options.map_entry:
                message(full, n)

    for name, f in files.items():
        for m in f.message_type:
            if is_ours_to_compare(name, m.name):
                message(f.package, m)
        for e in f.enum_type:
            if name.startswith("coreweave/") or e.name == "NullValue":
                enum(f.package, e)
        for s in f.service:
            for r in s.method:
                streams = ("stream " if r.client_streaming else "", "stream " if r.server_streaming else "")
                facts["method", f"{f.package}.{s.name}.{r.name}"] = (
                    f"{streams[0]}{r.input_type} -> {streams[1]}{r.output_type}"
                )
    return facts


def is_older(key):
    kind, name = key
    parts = name.removeprefix(PACKAGE + ".").split(".")
    return kind == "field" and len(parts) == 2 and parts[1] in OLDER.get(parts[0], ())


def differences(mine, published):
    """Yields a line for each fact that is missing, extra or different."""
    for key in sorted(published.keys() | mine.keys()):
        kind, name = key
        if key not in mine:
            yield f"{kind} {name}: missing here (published: {published[key]})"
        elif key not in published:
            if not is_older(key):
                yield f"{kind} {name}: not published (here: {mine[key]})"
        elif mine[key] != published[key]:
            yield f"{kind} {name}: {mine[key]!r} here, {published[key]!r} published"
    for owner, fields in OLDER.items():
        for field in fields:
            if ("field", f"{PACKAGE}.{owner}.{field}") not in mine:
                yield f"field {owner}.{field}: older clients send it, missing here"


def main():
    mine, published = flatten(ours()), flatten(theirs())
    # Only what both sides import of the well-known types can be compared.
    mine = {k: v for k, v in mine.items() if k[1].startswith(PACKAGE) or k in published}
    found = list(differences(mine, published))
    compared = len(mine.keys() & published.keys())
    kinds = {kind for kind, _ in mine.keys() & published.keys()}
    if compared < 300 or kinds != {"message", "field", "enum value", "method"}:
        found.append(f"only {compared} facts of kinds {sorted(kinds)} compared: the check sees too little")
    print("\n".join(found) or f"proto: {compared} facts agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
