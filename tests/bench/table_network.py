#!/usr/bin/env python3
"""table_network.py ROWS FACTS: the rows of sandkeep-bench-network as a section of RESULTS.md."""
import pathlib
import sys

COUNTS = ["1", "100", "500"]
FLOWS = [("trip", "a byte there and back over TCP, µs"), ("connect", "a new TCP connection, µs"),
         ("stream", "one TCP stream out, MiB/s, the best of the rounds")]


def load(path):
    lines = (line.split("\t") for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines())
    return {name.removeprefix("network/"): [float(value) for value in values] for name, *values in lines}


def median(rows, name):
    return rows[name][2]


def growth(rows, flow):
    return max(median(rows, f"500/{flow}{family}") / median(rows, f"1/{flow}{family}") for family in "46")


def print_aims(rows):
    ratio = median(rows, "cni/attach") / (median(rows, "sandkeep/attach") + median(rows, "sandkeep/apply"))
    print("| aim | wanted | measured |\n| --- | --- | --- |")
    print(f"| attach with rules, against the bridge plugin's ADD without | 5 times faster | {ratio:.0f} times |")
    print(f"| detach, against DEL | 5 times faster "
          f"| {median(rows, 'cni/detach') / median(rows, 'sandkeep/detach'):.0f} times |")
    print(f"| attach when a slot is ready | nothing | {median(rows, 'sandkeep/attach-ready') * 1000:.0f} µs |")
    print(f"| round trip, 500 policies against one | no growth | {growth(rows, 'trip'):.2f} |")
    print(f"| new connection, 500 policies against one | no growth | {growth(rows, 'connect'):.2f} |")


def print_lives(rows):
    print("\n| milliseconds | min | median | p99 |\n| --- | ---: | ---: | ---: |")
    for name, text in [("sandkeep/attach", "attach: namespace, link, addresses, rules against spoofing"),
                       ("sandkeep/attach-ready", "attach, made ahead"),
                       ("sandkeep/apply", "apply: 24 rules with exceptions and ports"),
                       ("sandkeep/detach", "detach"),
                       ("cni/attach", "CNI bridge: namespace, ADD (host-local, ipMasq)"),
                       ("cni/detach", "CNI bridge: DEL, namespace")]:
        _, least, middle, worst = rows[name]
        print(f"| {text} | {least:.3f} | {middle:.3f} | {worst:.3f} |")


def print_flows(rows):
    print("\n| | the node itself | 1 policy | 100 | 500 |\n| --- | ---: | ---: | ---: | ---: |")
    for flow, text in FLOWS:
        for family in "46":
            scale, digits = (1, 0) if flow == "stream" else (1000, 1)
            cells = " | ".join(f"{median(rows, f'{count}/{flow}{family}') * scale:.{digits}f}"
                               for count in ["node", *COUNTS])
            print(f"| {text}, IPv{family} | {cells} |")


def main():
    rows, facts = load(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").strip()
    print(f"## Network\n\nWritten by `tests/bench/run.sh --network`, a run of its own:\n{facts}\n")
    print("In network namespaces of the benchmark's own; the internet is another namespace behind a pair of veth. "
          "Each sandbox has\n24 rules of blocks with exceptions and ports, IPv4 and IPv6, of which the last ones let "
          "through what is measured.\n")
    print_aims(rows)
    print_lives(rows)
    print_flows(rows)


if __name__ == "__main__":
    main()
