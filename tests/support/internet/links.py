"""Links and their addresses. A kernel says that they are made before they are good for anything: until a work queue has
looked at them, a link that was brought up drops what is sent, and an IPv6 address takes nothing in."""
import json
import subprocess
import time

LIMIT = 60  # seconds


def shown(inside, *words):
    said = subprocess.run([*inside, "ip", "-json", *words], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said or "[]")


def unready(link, inside=()):
    """What of it would still lose packets."""
    seen, = shown(inside, "-6", "address", "show", "dev", link)
    local = {route["dst"] for route in shown(inside, "-6", "route", "show", "table", "local", "type", "local")}
    missing = {entry["local"] for entry in seen["addr_info"]} - local
    return sorted(missing) + ([] if link == "lo" or seen["operstate"] == "UP" else [link])


def settle(*links, inside=()):
    """Waits until they are ready. inside: what a command begins with that is to run in another network."""
    end = time.monotonic() + LIMIT
    for link in links:
        while left := unready(link, inside):
            assert time.monotonic() < end, f"not ready: {left}"
            time.sleep(0.01)
