#!/usr/bin/env python3
"""loose.py CTR...: what a containerd namespace holds of images without an image holding it, one line each.

CTR is the command that reaches the namespace. Lines: "blob DIGEST SIZE", "image snapshot CHAIN", "ingest REF". Parents
of other snapshots are held by those. What a lease holds is named as well: a lease is a reason for a while, not an image.
"""
import re
import subprocess
import sys

DIGEST = r"sha256:[0-9a-f]{64}"


def rows(*verb):
    """The lines of a listing, without its heading."""
    done = subprocess.run([*sys.argv[1:], *verb], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()[1:]


def reached(start, edges):
    """Everything that can be reached along the edges."""
    seen, todo = set(), list(start)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += edges.get(name, ())
    return seen


def main():
    # What comes in between may go meanwhile: what holds is asked last, so that nothing held looks loose.
    ingests = [line.split()[0] for line in rows("content", "active") if line.strip()]
    blobs = {line.split()[0]: line for line in rows("content", "list")}
    snapshots = {}
    for line in rows("snapshots", "list"):
        key, *parent, kind = line.split()
        snapshots[key] = (parent, kind)
    images = {re.search(DIGEST, line)[0] for line in rows("images", "list") if re.search(DIGEST, line)}
    refs = {key: re.findall(rf"gc\.ref\.[^=]*=({DIGEST})", line) for key, line in blobs.items()}
    held = reached(images, refs)
    used = [key for key, (_, kind) in snapshots.items() if kind != "Committed"]
    kept = reached([*held, *used], {key: parent for key, (parent, _) in snapshots.items()})
    for key, line in blobs.items():
        if key not in held:
            print("blob", key, line.split()[1])
    for key, (_, kind) in snapshots.items():
        if kind == "Committed" and key not in kept:
            print("image snapshot", key)
    for name in ingests:
        print("ingest", name)


if __name__ == "__main__":
    main()
