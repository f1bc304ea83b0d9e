#!/usr/bin/env python3
"""table_pull.py ROWS FACTS: the rows of bench_pull.py as a section of RESULTS.md."""
import pathlib
import statistics
import sys

WAYS = [("sandkeep", "`sandkeep image pull`: fetched, checked, unpacked, named"),
        ("ctr_pull", "`ctr images pull`: the same, same containerd and snapshotter"),
        ("skopeo_storage", "`skopeo copy` into containers-storage (overlay): fetched, unpacked"),
        ("skopeo_oci", "`skopeo copy` into an OCI folder: fetched only, nothing unpacked")]
MOST_MIB = 32


def load(path):
    lines = (line.split("\t") for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines())
    return {name.removeprefix("pulls/"): [float(value) for value in values] for name, *values in lines}


def main():
    rows, facts = load(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").strip()
    median = {name: statistics.median(rows[name]) for name, _ in WAYS}
    rival = min(("ctr_pull", "skopeo_storage"), key=median.get)
    print(f"## Pulls\n\nWritten by `tests/bench/run.sh --pull`, a run of its own:\n{facts}\n")
    print(f"One image of {rows['unpacked-mib'][0]:.0f} MiB in layers of which half is noise, {rows['fetched-mib'][0]:.0f} "
          f"MiB as fetched, from a registry on the same machine\nover plain HTTP; the ways take turns, {len(rows['sandkeep'])} "
          "rounds, and what was stored is removed and synced between them.\n")
    print("| aim | wanted | measured |\n| --- | --- | --- |")
    print(f"| pull, against the faster of `ctr images pull` and `skopeo copy` that also unpacks | not slower "
          f"| {median['sandkeep'] / median[rival]:.2f} of its time |")
    print(f"| daemon resident above idle, at most | {MOST_MIB} MiB | {max(rows['grown-mib']):.1f} MiB |")
    print("\n| | min s | median s | max s | MiB/s unpacked |\n| --- | ---: | ---: | ---: | ---: |")
    for name, text in WAYS:
        print(f"| {text} | {min(rows[name]):.2f} | {median[name]:.2f} | {max(rows[name]):.2f} "
              f"| {rows['unpacked-mib'][0] / median[name]:.0f} |")


if __name__ == "__main__":
    main()
