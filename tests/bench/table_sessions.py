#!/usr/bin/env python3
"""table_sessions.py ROWS FACTS: the rows of bench_sessions.py as the last section of RESULTS.md."""
import pathlib
import sys

FEW, MANY = "1000", "100000"
COSTS = [("create-us", "CreateSandbox, started at once, its whole birth"), ("get-us", "GetSandbox"),
         ("list-us", "ListSandboxes, 10 a page"), ("ended-list-us", "the same, and as many ended ones are remembered"),
         ("renew-us", "RenewSession"), ("list-sessions-us", "ListSessions, 10 a page"),
         ("close-us", "CloseSession, for each of its running sandboxes")]


def load(path):
    lines = (line.split("\t") for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines())
    return {name.removeprefix("sessions/"): float(value) for name, value in lines}


def verdicts(rows):
    yield "| aim | wanted | measured |\n| --- | --- | --- |"
    yield (f"| close of a session with 100 sandboxes (crun), until the last container is gone, against `ctr` "
           f"deleting 100, 16 at a time | not slower | {rows['close-100']:.2f} s against {rows['ctr-delete-100']:.2f} s |")
    yield f"| containers, processes, mounts, folders left by it | 0 | {rows['close-100-residue']:.0f} |"
    yield f"| daemon for each live sandbox, of 500 (crun) | at most 40 KiB | {rows['kib-a-sandbox-500']:.1f} KiB |"
    yield f"| the daemon's use of a core, 500 idle sandboxes | at most 0.5 % | {rows['idle-percent-500']:.2f} % |"
    yield f"| the same with 1 000 open sessions | at most 0.5 % | {rows['idle-percent-500-and-1000-sessions']:.2f} % |"


def live(rows):
    yield "\n| live sandboxes (crun) | resident MiB | KiB each | idle, % of a core |\n| ---: | ---: | ---: | ---: |"
    for count in ("0", "100", "500"):
        each = f"{rows[f'kib-a-sandbox-{count}']:.1f}" if count != "0" else ""
        yield f"| {count} | {rows[f'resident-{count}'] / 1024:.1f} | {each} | {rows[f'idle-percent-{count}']:.2f} |"


def many(rows):
    yield (f"\nWith the fake drivers, microseconds of the daemon's processor time a call (all threads, gRPC included), "
           f"with so many\nsandboxes that wait for their first use and as many open sessions, each with the timer of "
           f"its lease:\n\n| | {FEW} of each | {MANY} of each |\n| --- | ---: | ---: |")
    for key, text in COSTS:
        if f"{key}-{MANY}" in rows:
            yield f"| {text} | {rows[f'{key}-{FEW}']:.0f} | {rows[f'{key}-{MANY}']:.0f} |"
    for key, text, unit in (("kib-a-session", "resident, each session", "KiB"),
                            ("kib-a-fake-sandbox", "resident, each waiting sandbox", "KiB"),
                            ("idle-percent-fake", "idle, of a core", "%")):
        yield f"| {text} | {rows[f'{key}-{FEW}']:.2f} {unit} | {rows[f'{key}-{MANY}']:.2f} {unit} |"


def main():
    rows, facts = load(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").strip()
    print(f"## Sessions\n\nWritten by `tests/bench/run.sh --sessions`, a run of its own:\n{facts}\n")
    for part in (verdicts, live, many):
        print("\n".join(part(rows)))


if __name__ == "__main__":
    main()
