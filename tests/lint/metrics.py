#!/usr/bin/env python3
"""Every metric that dashboards, alerts and manuals name is one that the daemon has, and is called as Prometheus wants.

Names are read out of the C files that declare them (struct sk_metric). Expressions of the dashboard are also parsed
by promtool, where there is one, as recording rules of a scratch file. Exit 1 with every offence listed.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))
READERS = [*DASHBOARDS, *sorted((ROOT / "deploy/prometheus").glob("*.yml")), *sorted((ROOT / "docs").glob("*.md"))]
DECLARED = re.compile(r'(?:\.name\s*=\s*|\b(?:COUNTER|GAUGE|SECONDS)\(\s*)"([a-z][a-z0-9_]*)"')
NAMED = re.compile(r"\b(sandkeep_[a-z][a-z0-9_]*[a-z0-9](?![\w.-]*\.deb)|process_[a-z]+_[a-z_]*[a-z])\b")
UNITS = ("_success", "_seconds", "_bytes", "_total", "_cores", "_info", "_ratio", "_celsius")
# Counts of things need no unit; what they count is the name.
BARE = {"sandboxes", "sessions", "execs_open", "rpc_under_way", "gc_pending", "store_unsaved", "backend_up", "edge_up",
        "capacity_gpus", "process_open_fds", "process_max_fds"}


def declared():
    """name without prefix -> (file, kind)."""
    found = {}
    for folder in ("orchestrator", "drivers"):
        for path in (ROOT / folder).rglob("*.c"):
            text = path.read_text()
            if "struct sk_metric " not in text:
                continue
            for match in re.finditer(r"struct sk_metric \w+ = \{(.*?)\};", text, re.S):
                if name := DECLARED.search(match[1]):
                    kind = re.search(r"SK_(COUNTER|GAUGE|HISTOGRAM)\b|\b(COUNTER|GAUGE|SECONDS)\(", match[1])
                    word = kind[1] or kind[2]
                    found[name[1]] = (path.relative_to(ROOT), "HISTOGRAM" if word == "SECONDS" else word)
    return found


def known_names(metrics):
    """As they stand in the exposition."""
    names = set()
    for name, (_, kind) in metrics.items():
        full = name if name.startswith("process_") else "sandkeep_" + name
        names |= {full + s for s in ("_bucket", "_sum", "_count")} if kind == "HISTOGRAM" else {full}
        if kind == "HISTOGRAM":
            names.add(full)  # in prose
    return names


def badly_called(metrics):
    for name, (path, kind) in metrics.items():
        if kind == "COUNTER" and not name.endswith("_total"):
            yield f"{path}: {name}: counters end with _total"
        if kind != "COUNTER" and name.endswith("_total"):
            yield f"{path}: {name}: only counters end with _total"
        if not name.endswith(UNITS) and name not in BARE:
            yield f"{path}: {name}: has no unit"


def unknown(names):
    for path in READERS:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in NAMED.finditer(line):
                if match[1] not in names:
                    yield f"{path.relative_to(ROOT)}:{number}: there is no metric {match[1]}"


def expressions(node):
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def unparsable():
    """By promtool: what it does not take, Grafana shows as an empty panel."""
    if not shutil.which("promtool"):
        print("metrics: promtool is not installed: expressions of dashboards are not parsed", file=sys.stderr)
        return
    for path in DASHBOARDS:
        rules = [{"record": f"r{i}", "expr": e.replace("$__rate_interval", "5m").replace("$node", ".*")}
                 for i, e in enumerate(expressions(json.loads(path.read_text())))]
        if len(rules) < 20:
            yield f"{path.relative_to(ROOT)}: only {len(rules)} expressions found: the check is not looking at them"
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as scratch:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, scratch)
            scratch.flush()
            done = subprocess.run(["promtool", "check", "rules", scratch.name], capture_output=True, text=True, check=False)
            if done.returncode:
                yield f"{path.relative_to(ROOT)}: {done.stdout}{done.stderr}"
    for args in (["check", "rules", "deploy/prometheus/alerts.yml"], ["test", "rules", "deploy/prometheus/alerts_test.yml"]):
        done = subprocess.run(["promtool", *args], capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode:
            yield f"promtool {' '.join(args)}: {done.stdout}{done.stderr}"


def untested():
    """Alerts that no test makes fire."""
    tests = (ROOT / "deploy/prometheus/alerts_test.yml").read_text()
    for name in re.findall(r"alert: (\w+)", (ROOT / "deploy/prometheus/alerts.yml").read_text()):
        if name not in tests:
            yield f"deploy/prometheus/alerts_test.yml: nothing makes {name} fire"


def untold(names):
    """What the manual does not explain."""
    manual = (ROOT / "docs/monitoring.md").read_text()
    told = set(re.findall(r"[A-Za-z_]+", manual))
    for name in sorted(names):
        if not name.endswith(("_bucket", "_sum", "_count")) and name not in told:
            yield f"docs/monitoring.md: {name} is not in it"
    for name in re.findall(r"alert: (\w+)", (ROOT / "deploy/prometheus/alerts.yml").read_text()):
        if name not in told:
            yield f"docs/monitoring.md: what to do about {name} is not in it"


def main():
    metrics = declared()
    names = known_names(metrics)
    found = [*badly_called(metrics), *unknown(names), *unparsable(), *untested(), *untold(names)]
    if len(metrics) < 30:
        found.append(f"only {len(metrics)} metrics found: the check is not looking at the tree")
    print("\n".join(found) or f"metrics: {len(metrics)} families; whatever is named is there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
