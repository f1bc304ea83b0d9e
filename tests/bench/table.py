#!/usr/bin/env python3
"""table.py ROWS FACTS: the rows of one benchmark run as a page of Markdown.

A row is "runtime/image/what/kind <tab> n <tab> min <tab> median <tab> p99": milliseconds; MiB/s for what streams;
calls a second for rates.
"""
import pathlib
import sys

WHAT = {
    "create": [("sandkeep/create", "Sandkeep: CreateSandbox until RUNNING, main process started"),
               ("containerd/calls", "of it: the containerd calls alone (snapshot, container, task, start)"),
               ("ctr/create", "`ctr run -d`"), ("cli/create", "`{runtime} run -d`, no containerd, no snapshot")],
    "exec of `true`": [("sandkeep/exec", "Sandkeep: Exec through gRPC"),
                       ("sandkeep/stream", "Sandkeep: StreamExec through gRPC"),
                       ("sandkeep/containerd-exec", "containerd's Exec + Start + Wait + Delete, same container"),
                       ("ctr/exec", "`ctr task exec`"), ("cli/exec", "`{runtime} exec`")],
    "first byte of `echo`": [("sandkeep/first-byte", "Sandkeep: StreamExec until the first output frame")],
    **{f"{size} {way}": [(f"sandkeep/{way}-{key}", f"Sandkeep: {way.title()}File"),
                         (f"sandkeep/tar-{way}-{key}", "Sandkeep: `tar` through StreamExec"),
                         (f"ctr/tar-{way}-{key}", "`tar` through `ctr task exec`")]
       for size, key in (("1 KiB", "1k"), ("1 MiB", "1m"), ("32 MiB", "32m")) for way in ("write", "read")},
    "log follow": [("sandkeep/follow", "Sandkeep: print until the follower has the line")],
    "stop": [("sandkeep/stop", "Sandkeep: DeleteSandbox until TERMINATED"), ("ctr/stop", "`ctr task delete -f`"),
             ("cli/stop", "`{runtime} delete -f`")],
}


def load(path):
    rows = {}
    for line in pathlib.Path(path).read_text().splitlines():
        name, *values = line.split("\t")
        rows[name] = values
    return rows


def tables(rows):
    for group in dict.fromkeys("/".join(name.split("/")[:2]) for name in rows if "/" in name):
        runtime, image = group.split("/")
        yield f"\n## {runtime}, image {image}\n"
        yield "| | | n | min ms | median ms | p99 ms |\n| --- | --- | ---: | ---: | ---: | ---: |"
        for title, lines in WHAT.items():
            for key, text in lines:
                if f"{group}/{key}" in rows:
                    n, *figures = rows[f"{group}/{key}"]
                    shown = " | ".join(f"{float(f):.2f}" for f in figures)
                    yield f"| {title} | {text.format(runtime=runtime)} | {n} | {shown} |"


def flow_tables(rows):
    """Numbers where more is better."""
    value = lambda name: float(rows[f"crun/busybox/sandkeep/{name}"][2])
    if "crun/busybox/sandkeep/out" not in rows:
        return
    yield "\n## Many at a time\n\n| at a time | Exec a second | StreamExec a second |\n| ---: | ---: | ---: |"
    for width in (1, 8, 64):
        yield f"| {width} | {value(f'exec-rate-{width}'):.0f} | {value(f'stream-rate-{width}'):.0f} |"
    yield "\n## Streams of 512 MiB\n\n| | median MiB/s | a bare pipe through gRPC | share |\n| --- | ---: | ---: | ---: |"
    for name, text in (("out", "output"), ("in", "input")):
        ours, bare = value(name), value(f"pipe-{name}")
        yield f"| {text} | {ours:.0f} | {bare:.0f} | {ours / bare:.0%} |"


def verdicts(rows):
    """The aims, each with what was measured."""
    median = lambda name: float(rows[name][2]) if name in rows else float("nan")
    execs, theirs = median("crun/busybox/sandkeep/exec"), median("crun/busybox/sandkeep/containerd-exec")
    creates, calls = median("crun/busybox/sandkeep/create"), median("crun/busybox/containerd/calls")
    yield f"| exec, median | at most 2 ms | {execs:.2f} ms |"
    yield f"| exec against containerd's own on the same container | at least 10 times faster | {theirs / execs:.1f} times |"
    yield f"| create against the sum of its containerd calls | at most 1.3 times | {creates / calls:.2f} times |"
    if "crun/busybox/sandkeep/out" in rows:
        ours = lambda name: median(f"crun/busybox/sandkeep/{name}")
        yield f"| Exec, 64 at a time | at least 1000 a second | {ours('exec-rate-64'):.0f} |"
        yield f"| StreamExec, 64 at a time | at least 1000 a second | {ours('stream-rate-64'):.0f} |"
        for name, text in (("out", "output"), ("in", "input")):
            yield f"| {text} against a bare pipe through gRPC | at least 80 % | {ours(name) / ours(f'pipe-{name}'):.0%} |"
        for way in ("write", "read"):
            yield f"| 32 MiB {way} | at most 100 ms | {ours(f'{way}-32m'):.0f} ms |"
        yield f"| daemon resident at most, all of the above | flat | {rows['flow_rss_mib'][0]} MiB |"
    yield f"| daemon resident, idle | at most 32 MiB | {rows['idle_rss_mib'][0]} MiB |"


def main():
    rows, facts = load(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text().strip()
    print("# Measured\n\nWritten by `tests/bench/run.sh`; all rows of one run on one machine:\n" + facts)
    print("\nClient, daemon and containerd share the cores; wall time by CLOCK_MONOTONIC in the client, gRPC over "
          "loopback\nTCP, a plain C client. Three warm-up rounds are dropped. On a virtual machine medians of the same "
          "program move by\na third between runs: compare rows of one table, and take differences below a quarter for "
          "noise.\n")
    print("| aim (crun, busybox) | wanted | measured |\n| --- | --- | --- |")
    print("\n".join(verdicts(rows)))
    print("\n".join(flow_tables(rows)))
    print("\n".join(tables(rows)))


if __name__ == "__main__":
    main()
