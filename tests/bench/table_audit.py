#!/usr/bin/env python3
"""table_audit.py ROWS FACTS: the rows of bench_audit.py as a section of RESULTS.md."""
import pathlib
import sys


def load(path):
    lines = (line.split("\t") for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines())
    return {name.removeprefix("audit/"): float(value) for name, value in lines}


def main():
    rows, facts = load(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").strip()
    print(f"## Operators\n\nWritten by `tests/bench/run.sh --audit`, a run of its own, on crun:\n{facts}\n")
    print("Two nodes side by side, commands to both in turn: one without keys, audit and scrapes, one with all of them.\n")
    print("| aim | wanted | measured |\n| --- | --- | --- |")
    print(f"| authentication, audit and metrics, of an exec round trip | at most 5 % | {rows['cost-percent']:.1f} % |\n")
    print("| exec of `true`, median | without | with |\n| --- | ---: | ---: |")
    print(f"| round trip, ms | {rows['off-ms']:.3f} | {rows['on-ms']:.3f} |")
    print(f"| the daemon's processor time, µs | {rows['off-cpu-us']:.0f} | {rows['on-cpu-us']:.0f} |")


if __name__ == "__main__":
    main()
