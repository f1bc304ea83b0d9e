#!/usr/bin/env python3
"""internet.py CERTIFICATE KEY: an internet in a network namespace of its own. Prints "ready" when there is a
namespace, awaits a link called net0 and a line, then serves. Each further line is a question in JSON, answered by one
line of JSON; it ends with its standard input, or with whoever started it."""
import ctypes
import json
import os
import signal
import subprocess
import sys

import places
from hosts import Hosts
from links import settle
from witness import Witness
from zone import Zone

CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1


def leave():
    """Into a namespace of its own; it goes with its parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if libc.unshare(CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "unshare")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def furnish():
    """The internet's end of the link, and all addresses."""
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{places.GATE4}/{places.WIDTH4}", "dev", "net0")
    ip("-6", "address", "add", f"{places.GATE6}/{places.WIDTH6}", "dev", "net0", "nodad")
    ip("link", "set", "net0", "up", "addrgenmode", "none")  # an address of its own making would be waited for
    ip("-6", "address", "add", "fe80::2/64", "dev", "net0", "nodad")
    ip("route", "add", "default", "via", places.NODE4)
    ip("-6", "route", "add", "default", "via", places.NODE6)
    for address in places.ALL4:
        ip("address", "add", f"{address}/32", "dev", "lo")
    for address in places.ALL6:
        ip("-6", "address", "add", f"{address}/128", "dev", "lo", "nodad")
    settle("lo", "net0")


class Internet:
    def __init__(self, certificate, key):
        self.zone = Zone(places.ZONE)
        self.witness = Witness("net0")
        self.hosts = Hosts(self.zone, certificate, key)

    def forget(self):
        self.witness.forget()
        with self.hosts.lock:
            self.hosts.hellos.clear()
        with self.zone.lock:
            self.zone.asked.clear()
        return True

    def passed(self, mark):
        return self.witness.passed(mark)

    def heard(self):
        with self.hosts.lock, self.zone.lock:
            hellos, asked = list(self.hosts.hellos), list(self.zone.asked)
        return {"packets": self.witness.heard(), "hellos": hellos, "asked": asked}

    def name(self, name, records):
        """What the name stands for from now on; null: nothing."""
        self.zone.records[name] = records
        return True


def main():
    leave()
    print("ready", flush=True)
    sys.stdin.readline()
    furnish()
    internet = Internet(*sys.argv[1:3])
    print("serving", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(getattr(internet, question.pop("do"))(**question)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
