"""deploy/haproxy/fleet.cfg against the .proto files: every call whose request begins with the id of a sandbox, a session
or a snapshot is routed by it, and no call is that does not exist. Exit 1 with what differs."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
IDS = re.compile(r"string (sandbox_id|session_id|file_system_snapshot_id) = 1;")


def calls():
    """Path of every RPC, with whether its request's first field is an id (or init, in which it is)."""
    for file in sorted((ROOT / "proto").rglob("*.proto")):
        text = file.read_text(encoding="utf-8")
        package = re.search(r"^package (.*);", text, re.M).group(1)
        if not package.startswith(("coreweave.sandbox.v1", "sandkeep.v1")):
            continue
        texts = "".join(other.read_text(encoding="utf-8") for other in file.parent.glob("*.proto"))
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.M | re.S):
            for name, request in re.findall(r"rpc (\w+)\((?:stream )?([\w.]+)\)", body):
                found = re.search(rf"^message {request.rsplit('.')[-1]} \{{(.*?)^\}}", texts, re.M | re.S)
                yield f"/{package}.{service}/{name}", bool(found and IDS.search(found.group(1)))


def routed():
    """Tests of a path, as the recipe has them for calls with an id."""
    for line in (ROOT / "deploy/haproxy/fleet.cfg").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["acl"] and words[1] in ("names_it", "names_inside"):
            how, value = words[2], words[3]
            yield {"path": lambda path, it=value: path == it, "path_beg": lambda path, it=value: path.startswith(it),
                   "path_reg": lambda path, it=value: bool(re.search(it, path))}[how], value


def main():
    known, rules, wrong = dict(calls()), list(routed()), []
    for path, has_id in known.items():
        if has_id and not any(rule(path) for rule, _ in rules):
            wrong.append(f"{path} begins with an id, and the recipe does not read it")
    wrong += [f"no call is meant by {value}" for rule, value in rules if not any(rule(path) for path in known)]
    print("\n".join(wrong) or f"{len(known)} calls, {len(rules)} rules")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
