#!/usr/bin/env python3
"""What README.md and docs/*.md name is there: keys of the configuration (whole ones
are also shown to the daemon), verbs and options of `sandkeep`, calls of
sandkeep.v1, reasons of errors, files, links; and every call of sandkeep.v1 and every alert is told of.

Metrics are tests/lint/metrics.py's. Usage: docs.py BUILD. Exit 1 with every offence listed.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Words of others that look like keys, and what stands inside of one (quotas).
ELSEWHERE = {"no_new_privileges", "dns_name", "nf_tables", "creates_per_s", "audit_per_min"}
CALL = re.compile(r"sandkeep\.v1\.(\w+)/(\w+)")


def text_of(path):
    return path.read_text(encoding="utf-8")


def keys():
    return set(re.findall(r"^SK_KEY\((\w+)", text_of(ROOT / "config/schema.def"), re.M))


def words_of_messages():
    """Names of fields, which look like keys."""
    protos = "".join(text_of(path) for path in (ROOT / "proto").rglob("*.proto"))
    return set(re.findall(r"\b([a-z][a-z0-9_]*) = \d+;", protos))


def calls():
    for path in sorted((ROOT / "proto/sandkeep").glob("*.proto")):
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text_of(path), re.M | re.S):
            for name in re.findall(r"rpc (\w+)\(", body):
                yield service, name


def verbs(build):
    said = subprocess.run([build / "sandkeep", "--help"], check=True, capture_output=True, text=True).stdout
    return {tuple(line.split("  ")[1].split()) for line in said.splitlines() if re.match(r"  [a-z]", line)}


def verb_of(words, known):
    """The verb that the words after `sandkeep` begin with; None = none."""
    for length in (2, 1):
        if tuple(words[:length]) in known:
            return words[:length]
    return None


def wrong_verbs(page, text, build, known, options):
    """`sandkeep VERB --option` in code, whatever stands around it."""
    code = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    code += [line.split("#")[0] for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    for line in code:
        for said in re.findall(r"(?:^|&& |\$\()sandkeep ([^|&;]+)", line.strip()):
            words = said.split()
            if not re.match(r"[a-z]", words[0]) or re.search(r"^\S+\|", words[0]):
                continue
            verb = verb_of(words, known)
            if not verb:
                yield f"{page}: there is no `sandkeep {' '.join(words[:2])}`"
                continue
            if tuple(verb) not in options:
                helped = subprocess.run([build / "sandkeep", *verb, "--help"], check=True, capture_output=True, text=True)
                options[tuple(verb)] = set(re.findall(r"--[a-z-]+", helped.stdout))
            own = words[:words.index("--")] if "--" in words else words
            for word in own:
                option = word.split("=")[0]
                if re.fullmatch(r"--[a-z-]+", option) and option not in options[tuple(verb)]:
                    yield f"{page}: `sandkeep {' '.join(verb)}` has no {option}"


def wrong_keys(page, text, known, others):
    """Words in backticks that can be nothing else, and the keys of examples."""
    plain = re.sub(r"```.*?```", "", text, flags=re.S)
    for word in re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", plain):
        if word not in known | others | ELSEWHERE and not re.match(r"(sandkeep|process)_", word):
            yield f"{page}: no key, no field is called {word}"
    for block in re.findall(r"```json\n(.*?)```", text, re.S):
        for word in re.findall(r'^  "(\w+)"\s*:', block, re.M):
            if word not in known:
                yield f"{page}: no key is called {word}"


def wrong_examples(page, text, build):
    """Whole configurations, by the daemon itself; files that they name need not be here."""
    for block in re.findall(r"```json\n(\{.*?)```", text, re.S):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(block)
            file.flush()
            said = subprocess.run([build / "sandkeepd", "--config", file.name, "--check-config"], check=False,
                                  capture_output=True, text=True)
        lines = (said.stdout + said.stderr).splitlines()
        yield from (f"{page}: {line}" for line in lines if line.startswith(file.name) and "no faults" not in line)


def wrong_links(path, text):
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        if not (path.parent / target).exists():
            yield f"{path.name}: {target} is not there"


def wrong_reasons(page, text, sources):
    for reason in re.findall(r"CWSANDBOX_([A-Z_]+[A-Z])\b", text):
        if reason not in ("BASE_URL", "API_KEY") and reason not in sources:
            yield f"{page}: nothing says CWSANDBOX_{reason}"


def offences(build):
    known, fields, told, options = keys(), words_of_messages(), "", {}
    have, spoken = set(calls()), verbs(build)
    sources = "".join(text_of(path) for folder in ("orchestrator", "drivers") for path in (ROOT / folder).rglob("*.[ch]"))
    for path in PAGES:
        text, page = text_of(path), path.name
        told += text
        yield from wrong_keys(page, text, known, fields)
        yield from wrong_verbs(page, text, build, spoken, options)
        yield from wrong_examples(page, text, build)
        yield from wrong_links(path, text)
        yield from wrong_reasons(page, text, sources)
        yield from (f"{page}: there is no {'/'.join(call)}" for call in CALL.findall(text) if call not in have)
    yield from (f"no page has an example of {service}/{name}" for service, name in sorted(have)
                if f"sandkeep.v1.{service}/{name}" not in told)
    alerts = re.findall(r"alert: (\w+)", text_of(ROOT / "deploy/prometheus/alerts.yml"))
    yield from (f"no page tells what to do about {alert}" for alert in alerts if alert not in told)
    yield from (f"there is no alert {alert}" for alert in set(re.findall(r"\bSandkeep[A-Z]\w+", told)) - set(alerts))


def main():
    found = list(offences(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) or f"{len(PAGES)} pages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
