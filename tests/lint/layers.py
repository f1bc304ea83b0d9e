#!/usr/bin/env python3
"""Checks who includes whom against the table in ARCHITECTURE.md (kept here as data).

Every #include "..." of the tree must be an edge the table allows; <...> of the libraries is
allowed only where the table says so. Exit 1 with every offence listed.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# layer -> layers it may include beside itself
MAY = {
    "base": set(),
    "loop": {"base"},
    "metrics": {"base", "loop"},
    "store": {"base", "loop", "metrics", "net", "messages"},
    "config": {"base", "net"},
    "oci": {"base"},
    "net": {"base"},
    "contracts": {"base", "loop", "oci", "net"},
    "audit": {"base", "loop"},
    "trace": {"base", "loop", "drivers/http"},
    "core": {"audit", "trace", "base", "loop", "store", "metrics", "oci", "net", "contracts"},
    "identity": {"base", "loop", "store", "contracts"},
    "rpc": {"base", "loop"},
    "fleet": {"base", "loop", "rpc"},
    "api": {"audit", "trace", "base", "loop", "store", "oci", "net", "core", "identity", "rpc", "fleet", "messages", "metrics"},
    "web": {"base", "loop", "metrics", "net", "store", "identity", "core"},
    "drivers/containerd": {"base", "loop", "metrics", "rpc", "oci", "contracts", "messages"},
    "drivers/http": {"base", "loop", "net"},
    "drivers/registry": {"base", "loop", "oci", "net", "contracts", "drivers/http"},
    "drivers/wandb": {"base", "loop", "oci", "contracts", "drivers/http"},
    "drivers/images": {"base", "loop", "oci", "contracts", "drivers/registry"},
    "drivers/nftables": {"base", "loop", "net", "contracts"},
    "drivers/cdi": {"base", "contracts"},
    "drivers/cni": {"base", "loop", "net", "contracts", "drivers/nftables"},
    "drivers/dns": {"base", "loop", "net", "contracts"},
    "drivers/edge": {"base", "loop", "metrics", "net", "contracts"},
    "drivers/agent": {"base", "loop", "contracts"},
    "drivers/agent/guest": {"drivers/agent"},
    "drivers/fake": {"base", "loop", "oci", "net", "contracts"},
    "doctor": {"base", "config"},
    "cli": {"doctor", "audit", "identity", "base", "loop", "rpc", "oci", "messages"},
    "top": {"*"},
}
# library header prefix -> layers that may see it
LIBRARIES = {
    "uv.h": {"loop"},
    "grpc/": {"rpc", "api"},
    "openssl/": {"doctor", "audit", "identity", "oci", "drivers/containerd"},
    "sqlite3.h": {"store"},
    "archive": {"cli"},
    "microhttpd.h": {"web"},
    "yajl/": {"web", "config", "oci", "drivers/containerd", "drivers/cni", "cli"},
    "ares": {"drivers/dns"},
    "yaml": {"drivers/cdi"},
    "curl/": {"drivers/http"},
    "libmnl/": {"drivers/nftables"},
    "libnftnl/": {"drivers/nftables"},
    "nftables/": {"drivers/nftables"},
    "protobuf-c/": {"rpc", "fleet", "api", "store", "drivers/containerd", "cli"},
}


def layer_of(path):
    """The layer of a file below ROOT, given as a relative path."""
    parts = pathlib.PurePath(path).parts
    if parts[0] == "orchestrator":
        return "top" if len(parts) == 2 else parts[1]
    if parts[0] == "drivers":
        if len(parts) == 2:
            return "contracts"
        return "drivers/agent/guest" if parts[1:3] == ("agent", "guest") else "drivers/" + parts[1]
    return parts[0]


def target_of(name, including):
    """The layer an include names, or None when the file does not exist."""
    if re.search(r"\.pb-c\.h$", name):
        return "messages"
    for base in (ROOT / "orchestrator", ROOT, including.parent):
        if (base / name).is_file():
            return layer_of((base / name).resolve().relative_to(ROOT))
    return None


def offences():
    """Yields one line for each include that the tables do not allow."""
    seen = 0
    for folder in ("orchestrator", "drivers", "config"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            layer = layer_of(path.relative_to(ROOT))
            if layer not in MAY:
                yield f"{path.relative_to(ROOT)}: folder {layer} is not in the table"
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                where = f"{path.relative_to(ROOT)}:{number}"
                if match := re.match(r'\s*#\s*include\s+"([^"]+)"', line):
                    seen += 1
                    target = target_of(match[1], path)
                    if target is None:
                        yield f"{where}: {match[1]}: no such file"
                    elif target != layer and target not in MAY[layer] and "*" not in MAY[layer]:
                        yield f"{where}: {layer} may not include {target} ({match[1]})"
                elif match := re.match(r"\s*#\s*include\s+<([^>]+)>", line):
                    for prefix, layers in LIBRARIES.items():
                        if match[1].startswith(prefix) and layer not in layers and layer != "top":
                            yield f"{where}: {layer} may not see <{match[1]}>"
    if seen < 20:
        yield f"only {seen} includes found: the check is not looking at the tree"


def main():
    found = list(offences())
    print("\n".join(found) or "layers: every include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
