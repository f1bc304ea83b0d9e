#!/usr/bin/env python3
"""table_scrape.py ROWS FACTS: the rows of bench_scrape.py as a section of RESULTS.md."""
import pathlib
import sys


def load(path):
    lines = (line.split("\t") for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines())
    return {name.removeprefix("scrape/"): float(value) for name, value in lines}


def table(rows, count):
    kinds = [("metrics-0", "`/metrics`, no sandbox"), ("metrics-many", f"`/metrics`, {count} running sandboxes"),
             ("status-many", f"`/status.json`, {count} running sandboxes"), ("exporter", "prometheus-node-exporter")]
    yield "| | median, ms | 99th percentile, ms | worst, ms | series | KiB |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    for key, text in kinds:
        if f"{key}-p50" in rows:
            lines = f"{rows[f'{key}-lines']:.0f}" if key != "status-many" else ""
            yield (f"| {text} | {rows[f'{key}-p50']:.2f} | {rows[f'{key}-p99']:.2f} | {rows[f'{key}-worst']:.2f} | "
                   f"{lines} | {rows[f'{key}-bytes'] / 1024:.0f} |")


def main():
    rows, facts = load(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").strip()
    count = f"{rows['sandboxes']:.0f}"
    print(f"## Scrapes\n\nWritten by `tests/bench/run.sh --scrape`, a run of its own on the fake drivers:\n{facts}\n")
    print("| aim | wanted | measured |\n| --- | --- | --- |")
    print(f"| a scrape with {count} sandboxes, 99th percentile | at most 20 ms | {rows['metrics-many-p99']:.2f} ms |\n")
    print("\n".join(table(rows, count)))
    print(f"\nOf the daemon's processor time a scrape takes {rows['metrics-many-cpu']:.2f} ms.")


if __name__ == "__main__":
    main()
