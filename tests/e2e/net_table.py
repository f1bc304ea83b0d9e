"""The truth table of networks: policies, and for each what gets out under it and what does not. A cell is one attempt
(tests/support/internet/probe.py), made inside a sandbox; a rooted one is made in the sandbox's network with powers
that no sandbox has. Words that begin with "@" stand for what differs from sandbox to sandbox."""
import concurrent.futures
import ipaddress
from dataclasses import dataclass, field

from cwsandbox import EgressRule, NetworkOptions, PortRange

from lab import NODE_PORT, places
from nodes import PATIENCE

WEB4, WEB6 = places.WEB
BESIDE4, BESIDE6 = places.BESIDE
FAR4, FAR6 = places.FAR
SHARED4, SHARED6 = places.SHARED
CDN4, CDN6 = places.CDN
LATE4, LATE6 = places.LATE
DOH4, DOH6 = places.DOH
INSIDE4, INSIDE6 = places.INSIDE

NEIGHBOUR_PORT = 8080
MAPPED = "::ffff:a9fe:a9fe"  # 169.254.169.254, in a packet of IPv6
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132, "spoof": 17, "slices": 6, "hello": 6, "https": 6}
SENDS_ONLY = ("spoof", "slices", "packet", "sctp")  # whether it got out only the witness knows


@dataclass(frozen=True)
class Cell:
    name: str
    allowed: bool
    attempt: dict
    rooted: bool = False
    rule: str = ""        # what the denial is called; "" = nothing is denied on the wire
    trace: tuple = ()     # what would be heard of it where it leads to; () = nothing that is this cell's alone
    control: bool = True  # works where nobody restricts

    @property
    def believed(self):
        """Whether the prober itself can tell."""
        return self.attempt["way"] not in SENDS_ONLY


@dataclass
class Policy:
    name: str
    network: NetworkOptions | None
    cells: list = field(default_factory=list)
    dns_denied: bool = False  # which the SDK cannot say


def normal(address):
    """As the witness writes it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def trace_of(way, attempt):
    to, port = attempt.get("to", ""), attempt.get("port", 0)
    if to.startswith(("@neighbour", "@ipv")):
        return ()
    if to.startswith("@gateway") or to in (places.NODE4, places.NODE6):
        return ("node", to, PROTOCOLS.get(way, 17))
    if way in ("hello", "https"):
        return ("hello", attempt.get("name", ""), normal(attempt.get("at", to)) or "any")
    if way == "dns" and not to:
        return ("asked", attempt["name"].lower(), attempt.get("type", "A"))
    if way == "dns":
        return ("packet", normal(to), 6 if attempt.get("tcp") else 17, 53)
    if way == "ping":
        return ("packet", normal(to), 58 if ":" in normal(to) else 1, 0)
    if way == "packet":
        return ("packet", to, attempt["protocol"], 0)
    if way in ("resolve", "socket"):
        return ()
    return ("packet", normal(to), 6 if attempt.get("tcp") else PROTOCOLS[way], port)


def cell(allowed, way, title, /, rule=None, trace=None, control=True, **attempt):
    trace = trace_of(way, attempt) if trace is None else trace
    if rule is None:
        rule = "" if allowed or way in ("socket", "https", "hello", "resolve") or trace[:1] == ("asked",) else "egress"
    return Cell(title, allowed, {"way": way} | attempt, rooted=way in (*SENDS_ONLY, "ping"), rule=rule,
                trace=trace, control=control)


def yes(way, title, /, **attempt):
    return cell(True, way, title, **attempt)


def no(way, title, /, **attempt):
    return cell(False, way, title, **attempt)


# --- what holds under every policy -----------------------------------------------------------------------------------

def never(egress="platform"):
    """Addresses of the platform; `egress` is what their denial is called."""
    cells = [no("tcp", f"metadata {to}", to=to, port=80, rule=egress) for to in places.METADATA4 + places.METADATA6]
    cells += [no("tcp", f"metadata in {to}", to=to, port=80, rule=egress) for to in places.WRAPPED6]
    cells += [
        no("tcp", "metadata, mapped", to="::ffff:169.254.169.254", port=8000, rule=egress),
        no("packet", "metadata, mapped in a packet", to=MAPPED, source="@ipv6", protocol=47, rule=egress,
           trace=("packet", MAPPED, 47, 0)),
        no("udp", "metadata's resolver", to=places.METADATA4[0], port=8001, rule=egress),
        no("dns", "metadata's names", to=places.METADATA4[0], name="pkg.test", rule=egress),
        no("tcp", "link-local", to=places.LINK_LOCAL4, port=80, rule=egress),
        no("tcp", "forbidden by the config", to=places.FORBIDDEN[0], port=80, rule=egress),
        no("tcp", "forbidden by the config, IPv6", to=places.FORBIDDEN[1], port=80, rule=egress),
    ]
    return cells + node_ports() + neighbours() + spoofed() + sockets()


def node_ports():
    """The node, by all its addresses. The daemon's own ports are on loopback, which no packet reaches."""
    places_of = [("@gateway", "gateway"), ("@gateway6", "gateway, IPv6"), (places.NODE4, "uplink"),
                 (places.NODE6, "uplink, IPv6")]
    return [no(way, f"node's {way} port at the {name}", to=to, port=NODE_PORT, rule="node")
            for to, name in places_of for way in ("tcp", "udp")]


def neighbours():
    return [no("tcp", "neighbour", to="@neighbour", port=NEIGHBOUR_PORT, rule="ingress peer"),
            no("tcp", "neighbour, IPv6", to="@neighbour6", port=NEIGHBOUR_PORT, rule="ingress peer")]


def spoofed():
    """By hand, to where everything may go by policy `open`: ports that no other cell uses."""
    return [
        no("spoof", "stranger's address", to=WEB4, port=8031, source="44.66.6.6", rule="spoofed"),
        no("spoof", "stranger's address, IPv6", to=WEB6, port=8031, source="2a00:66::6", rule="spoofed"),
        no("spoof", "stranger's address, TCP", to=WEB4, port=8032, source="44.66.6.6", tcp=True, rule="spoofed"),
        no("spoof", "neighbour's address", to=WEB4, port=8033, source="@neighbour", rule="spoofed"),
        no("spoof", "neighbour's address, IPv6", to=WEB6, port=8033, source="@neighbour6", rule="spoofed"),
        no("spoof", "gateway's address", to=WEB4, port=8034, source="@gateway", rule="spoofed",
           control=False),  # a router takes none from itself
        no("spoof", "host's own address", to=WEB4, port=8035, source=FAR4, rule="spoofed"),
    ]


def sockets():
    """Which a sandbox's program cannot even make."""
    kinds = [("AF_INET", "SOCK_RAW", 1), ("AF_INET", "SOCK_RAW", 255), ("AF_INET6", "SOCK_RAW", 58),
             ("AF_PACKET", "SOCK_RAW", 768), ("AF_PACKET", "SOCK_DGRAM", 768), ("AF_VSOCK", "SOCK_STREAM", 0)]
    return [no("socket", f"socket {family} {kind} {protocol}", family=family, type=kind, protocol=protocol)
            for family, kind, protocol in kinds]


# --- the policies ----------------------------------------------------------------------------------------------------

def open_world(portless):
    """Where a sandbox may go that has been told nothing. portless: an address that no other sandbox has sent GRE to in
    the last 30 s: behind one address of the node the kernel cannot tell two such flows apart, and drops the second."""
    return [
        yes("tcp", "TCP", to=WEB4, port=80), yes("tcp", "TCP, IPv6", to=WEB6, port=80),
        yes("udp", "UDP", to=WEB4, port=8001), yes("udp", "UDP, IPv6", to=WEB6, port=8001),
        yes("udp", "fragments", to=WEB4, port=8002, size=4000),
        yes("udp", "fragments, IPv6", to=WEB6, port=8002, size=4000),
        yes("tcp", "mapped address", to=f"::ffff:{FAR4}", port=8003),
        yes("udp", "QUIC", to=SHARED4, port=443), yes("udp", "QUIC, IPv6", to=SHARED6, port=443),
        yes("hello", "DNS over TLS", to=DOH4, port=853, name="doh.test"),
        yes("https", "DNS over HTTPS", name="doh.test", at=DOH6, ca="@ca"),
        yes("hello", "TLS of any name", to=SHARED4, port=443, name="whatever.test"),
        yes("hello", "TLS of no name", to=SHARED4, port=443),
        yes("hello", "TLS of a hidden name", to=SHARED4, port=443, name="front.test", hidden=True),
        yes("https", "HTTPS", name="pkg.test", family=2, ca="@ca"),
        yes("https", "HTTPS, IPv6", name="only6.test", ca="@ca"),
        yes("dns", "somebody else's resolver", to=DOH4, name="pkg.test"),
        yes("dns", "somebody else's resolver, TCP", to=DOH6, name="pkg.test", tcp=True),
        yes("ping", "ping", to=WEB4), yes("ping", "ping, IPv6", to=WEB6),
        yes("sctp", "SCTP", to=WEB4, port=8004),
        yes("packet", "a protocol without ports", to=portless, protocol=47),
        yes("slices", "a SYN in slices", to=WEB4, port=8005),
        yes("tcp", "a private network beyond", to=INSIDE4, port=80),
        yes("tcp", "a private network beyond, IPv6", to=INSIDE6, port=80),
    ]


def resolving():
    return [yes("dns", "DNS", name="pkg.test"), yes("dns", "DNS, TCP", name="other.test", tcp=True),
            yes("dns", "DNS, AAAA", name="only6.test", type="AAAA"),
            yes("resolve", "as programs do", name="chain.test"),
            yes("dns", "DNS, truncated", name="many.test"), yes("dns", "DNS, slow", name="slow.test")]


def rebinding():
    """Names that say they are inside."""
    return [no("dns", f"DNS, {name} {kind}", name=name, type=kind, trace=()) for name, kind in [
        ("rebind.test", "A"), ("rebind.test", "AAAA"), ("rebind-metadata.test", "A"), ("rebind-metadata.test", "AAAA"),
        ("rebind-loopback.test", "A"), ("rebind-loopback.test", "AAAA"), ("rebind-mapped.test", "AAAA")]]


def default_policy(portless=WEB4):
    return Policy("default", None, open_world(portless) + resolving() + rebinding() + never())


def any_policy():
    return Policy("any", NetworkOptions(egress=[EgressRule(any=True)]), open_world(DOH4) + resolving() + never())


def closed_world(but_dns=True):
    cells = [
        no("tcp", "TCP", to=WEB4, port=80), no("tcp", "TCP, IPv6", to=WEB6, port=80),
        no("udp", "UDP", to=WEB4, port=8001), no("udp", "UDP, IPv6", to=WEB6, port=8001),
        no("udp", "fragments", to=WEB4, port=8002, size=4000),
        no("udp", "QUIC", to=SHARED4, port=443), no("hello", "DNS over TLS", to=DOH4, port=853, name="doh.test"),
        no("https", "DNS over HTTPS", name="doh.test", at=DOH4, ca="@ca"),
        no("https", "HTTPS", name="pkg.test", ca="@ca"),
        no("dns", "somebody else's resolver", to=DOH4, name="pkg.test"),
        no("dns", "somebody else's resolver, TCP", to=DOH6, name="pkg.test", tcp=True),
        no("ping", "ping", to=WEB4), no("ping", "ping, IPv6", to=WEB6), no("sctp", "SCTP", to=WEB4, port=8004),
        no("packet", "a protocol without ports", to=WEB4, protocol=47),
        no("slices", "a SYN in slices", to=WEB4, port=8005),
    ]
    return cells + (resolving() if but_dns else [])


def deny_policy():
    return Policy("deny", NetworkOptions(deny_egress=True), closed_world() + never("platform egress"))


def block(cidr, ports=None, **options):
    return EgressRule(cidr={"cidr": cidr} | options, ports=ports)


def blocks_policy(portless=CDN4):
    """portless: as in open_world."""
    https = [PortRange(port=80), PortRange(port=8010, end_port=8019)]
    rules = [
        block("44.1.0.0/24", https, **{"except": ["44.1.0.20/32"]}),
        block("2a00:44:1::/64", https, **{"except": ["2a00:44:1::20/128"]}),
        block("44.2.0.0/16", [PortRange(port=8020, end_port=8021, protocol="UDP")]),
        block("2a00:44:2::10/128", [PortRange(port=8020, protocol="UDP")]),
        block("44.1.0.20/32", [PortRange(port=8030, protocol="TCP")]),
        *(block(f"{to}/32") for to in sorted({CDN4, portless})),
        block("44.3.0.10/32", [PortRange(port=8003, protocol="SCTP")]),
    ]
    cells = [
        yes("tcp", "in the block", to=WEB4, port=80), yes("tcp", "in the block, IPv6", to=WEB6, port=80),
        no("tcp", "beside the ports", to=WEB4, port=443), no("tcp", "beside the ports, IPv6", to=WEB6, port=443),
        no("tcp", "below the range", to=WEB4, port=8009), yes("tcp", "first of the range", to=WEB4, port=8010),
        yes("tcp", "last of the range", to=WEB4, port=8019), no("tcp", "above the range", to=WEB4, port=8020),
        yes("tcp", "first of the range, IPv6", to=WEB6, port=8010),
        no("tcp", "below the range, IPv6", to=WEB6, port=8009),
        no("udp", "another protocol", to=WEB4, port=8010), no("udp", "another protocol, IPv6", to=WEB6, port=8010),
        no("tcp", "the exception", to=BESIDE4, port=80), no("tcp", "the exception, IPv6", to=BESIDE6, port=80),
        yes("tcp", "another rule has the exception", to=BESIDE4, port=8030),
        no("tcp", "another rule, the first one's ports", to=BESIDE4, port=8010),
        yes("udp", "UDP", to=FAR4, port=8020), yes("udp", "last of UDP", to=FAR4, port=8021),
        no("udp", "behind the last of UDP", to=FAR4, port=8022), no("tcp", "TCP where UDP may", to=FAR4, port=8020),
        yes("udp", "UDP, IPv6", to=FAR6, port=8020), no("udp", "behind UDP, IPv6", to=FAR6, port=8021),
        yes("tcp", "all ports", to=CDN4, port=8000), yes("udp", "all protocols", to=CDN4, port=8000),
        yes("udp", "all protocols, in fragments", to=CDN4, port=8005, size=4000),
        yes("ping", "all protocols, ping", to=CDN4), yes("packet", "all protocols, GRE", to=portless, protocol=47),
        no("tcp", "the other family's twin", to=CDN6, port=8000),
        no("ping", "ping where ports are said", to=WEB4),
        no("packet", "GRE where ports are said", to=WEB4, protocol=47),
        no("packet", "IP in IP", to=WEB4, protocol=4),
        yes("sctp", "SCTP", to=SHARED4, port=8003), no("sctp", "another port of SCTP", to=SHARED4, port=8004),
        no("tcp", "TCP where SCTP may", to=SHARED4, port=8003),
        yes("slices", "a SYN in slices", to=WEB4, port=8011),
        no("slices", "a closed port in slices", to=WEB4, port=8008),
        # Where somebody follows connections, two heads of one packet go nowhere at all: so nothing to compare with.
        no("slices", "a closed port under an open one", to=WEB4, port=8007, port_first=8012, control=False),
        no("udp", "fragments", to=WEB4, port=8006, size=4000), no("udp", "QUIC", to=SHARED4, port=443),
        no("tcp", "outside of all", to=LATE4, port=80), no("tcp", "outside of all, IPv6", to=LATE6, port=80),
        no("dns", "somebody else's resolver", to=DOH4, name="pkg.test"),
        no("https", "a name that nobody granted", name="pkg.test", ca="@ca"),
    ]
    # Nothing of the node's own comes before these: they were not allowed anyhow.
    return Policy("blocks", NetworkOptions(egress=rules), cells + resolving() + never("platform egress"))


def all_ipv4_policy():
    rules = [block("0.0.0.0/0", **{"except": ["44.2.0.0/16", "10.0.0.0/8"]})]
    cells = [yes("tcp", "TCP", to=WEB4, port=80), no("tcp", "TCP, IPv6", to=WEB6, port=80),
             no("tcp", "exception", to=FAR4, port=80), no("tcp", "exception, mapped", to=f"::ffff:{FAR4}", port=8000),
             no("tcp", "private exception", to=INSIDE4, port=80), no("ping", "ping, IPv6", to=WEB6),
             yes("ping", "ping", to=WEB4), yes("udp", "QUIC", to=SHARED4, port=443)]
    return Policy("all IPv4", NetworkOptions(egress=rules), cells + never("platform egress"))


def all_ipv6_policy():
    rules = [block("::/0", **{"except": ["2a00:44:2::/48"]})]
    cells = [no("tcp", "TCP", to=WEB4, port=80), yes("tcp", "TCP, IPv6", to=WEB6, port=80),
             no("tcp", "mapped", to=f"::ffff:{FAR4}", port=8000), no("tcp", "exception", to=FAR6, port=80),
             yes("tcp", "private network", to=INSIDE6, port=80), yes("udp", "QUIC, IPv6", to=SHARED6, port=443)]
    return Policy("all IPv6", NetworkOptions(egress=rules), cells + never("platform egress"))


def one_port_policy():
    rules = [EgressRule(any=True, ports=[PortRange(port=443)])]
    cells = [yes("hello", "TLS", to=SHARED4, port=443, name="pkg.test"), no("tcp", "another port", to=SHARED4, port=80),
             yes("hello", "TLS, IPv6", to=SHARED6, port=443, name="pkg.test"),
             no("udp", "QUIC", to=SHARED4, port=443), no("hello", "DNS over TLS", to=DOH4, port=853, name="dot.test"),
             yes("https", "DNS over HTTPS", name="doh.test", at=DOH4, ca="@ca"), no("ping", "ping", to=WEB4),
             no("udp", "UDP, IPv6", to=WEB6, port=8001)]
    return Policy("one port of any", NetworkOptions(egress=rules), cells + never("platform egress"))


GRANTED = ["pkg.test", "*.files.test", "chain.test", "only6.test", "repo.lan.test", "slow.test", "rebind.test",
           "rebind-metadata.test", "rebind-loopback.test", "rebind-mapped.test", "rebind-both.test", "rebind-node.test"]


def granted_names():
    after = {"after": "pkg.test", "to": SHARED4, "port": 443}
    return [
        yes("https", "a granted name", name="pkg.test", family=2, ca="@ca"),
        yes("https", "a granted name, IPv6", name="pkg.test", family=10, ca="@ca"),
        yes("https", "a name of IPv6 alone", name="only6.test", ca="@ca"),
        yes("https", "a label under a wildcard", name="a.files.test", ca="@ca"),
        yes("https", "behind a chain", name="chain.test", ca="@ca"),
        yes("https", "an internal name that the config lists", name="repo.lan.test", ca="@ca"),
        yes("https", "a slow name", name="slow.test", ca="@ca"),
        yes("hello", "in capitals", name="PKG.TEST", **after),
        yes("hello", "in pieces", name="pkg.test", segment_at=40, **after),
        yes("hello", "in two long pieces", name="pkg.test", padding=1800, segment_at=1400, **after),
        yes("dns", "DNS", name="pkg.test"), yes("dns", "DNS, TCP", name="pkg.test", tcp=True),
        yes("dns", "DNS, AAAA", name="pkg.test", type="AAAA"), yes("resolve", "as programs do", name="b.files.test"),
    ]


def other_names():
    after = {"after": "pkg.test", "to": SHARED4, "port": 443}
    return [
        no("https", "a name that is not granted", name="other.test", ca="@ca"),
        no("https", "what the wildcard hangs on", name="files.test", ca="@ca"),
        no("https", "two labels under a wildcard", name="deep.down.files.test", ca="@ca"),
        no("https", "a link of the chain", name="one.cdn.test", ca="@ca"),
        no("hello", "another name at the address", name="other.test", **after),
        no("hello", "a longer name", name="xpkg.test", **after),
        no("hello", "a name below", name="sub.pkg.test", **after),
        no("hello", "a name with a zero", name="pkg.test\0.other.test", **after),
        no("hello", "another name in two records", name="split.test", record_at=60, **after),
        no("hello", "another name in pieces", name="pieces.test", segment_at=40, **after),
        no("hello", "no name", **after),
        no("hello", "a hidden name", name="hidden.files.test", hidden=True, **after),
        no("hello", "a chain's link as name", name="two.cdn.test", after="chain.test", to=CDN4, port=443),
        no("tcp", "no TLS", trace=(), rule="", **after),
        no("hello", "TLS on another port", name="pkg.test", after="pkg.test", to=SHARED4, port=8000,
           trace=("packet", SHARED4, 6, 8000), rule="egress"),
        no("tcp", "another port", after="pkg.test", to=SHARED4, port=80),
        no("udp", "QUIC", after="pkg.test", to=SHARED4, port=443),
        no("udp", "QUIC, IPv6", after="pkg.test", to=SHARED6, port=443),
        no("hello", "a granted name elsewhere", name="pkg.test", to=FAR4, port=443),
        no("hello", "a granted name elsewhere, IPv6", name="pkg.test", to=FAR6, port=443),
        no("tcp", "a raw address", to=WEB4, port=8000),
        no("hello", "DNS over TLS", to=DOH4, port=853, name="doh.test"),
        no("https", "DNS over HTTPS", name="doh.test", at=DOH4, ca="@ca"),
        no("dns", "somebody else's resolver", to=DOH4, name="pkg.test"),
        no("dns", "somebody else's resolver, TCP", to=DOH6, name="pkg.test", tcp=True),
        no("ping", "ping", to=SHARED4), no("packet", "GRE", to=SHARED4, protocol=47),
        no("dns", "DNS, not granted", name="other.test"), no("dns", "DNS, not granted, TCP", name="doh.test", tcp=True),
        no("dns", "DNS, not granted, AAAA", name="one.cdn.test", type="AAAA"),
        no("resolve", "as programs do, not granted", name="short.test"),
        no("hello", "the node as a name", after="rebind-node.test", to=places.NODE4, port=443, name="rebind-node.test",
           trace=("node", places.NODE4, 6)),
        no("hello", "the node as a name, IPv6", after="rebind-node.test", to=places.NODE6, port=443,
           name="rebind-node.test", trace=("node", places.NODE6, 6)),
        no("hello", "metadata as a name", after="rebind-metadata.test", to=places.METADATA4[0], port=443,
           name="rebind-metadata.test"),
        no("hello", "inside as a name", after="rebind.test", to=INSIDE4, port=443, name="rebind.test"),
        no("hello", "inside beside outside", after="rebind-both.test", to=INSIDE4, port=443, name="rebind-both.test"),
    ]


def names_policy():
    rules = [EgressRule(dns_name=name) for name in GRANTED]
    return Policy("names", NetworkOptions(egress=rules),
                  granted_names() + other_names() + rebinding() + never("platform egress"))


def names_and_blocks_policy():
    rules = [EgressRule(dns_name="pkg.test"), EgressRule(dns_name="only4.test"), block("44.1.0.0/24")]
    cells = [
        yes("https", "a granted name", name="pkg.test", ca="@ca"),
        yes("https", "a name in the block", name="only4.test", ca="@ca"),
        yes("hello", "any name in the block", after="only4.test", to=WEB4, port=443, name="whatever.test"),
        yes("hello", "a hidden name in the block", to=BESIDE4, port=443, name="front.test", hidden=True),
        yes("dns", "DNS of other names", name="other.test"),
        no("https", "other names", name="other.test", ca="@ca"),
        no("hello", "other names at the address", after="pkg.test", to=SHARED4, port=443, name="x.test"),
        no("udp", "QUIC", after="pkg.test", to=SHARED4, port=443), yes("udp", "QUIC in the block", to=WEB4, port=443),
        yes("tcp", "the block", to=WEB4, port=80), no("tcp", "beside the block", to=FAR4, port=80),
    ]
    return Policy("names and blocks", NetworkOptions(egress=rules), cells + never("platform egress"))


def no_dns_policy():
    cells = [no("dns", "DNS", name="pkg.test"), no("dns", "DNS, TCP", name="other.test", tcp=True),
             no("resolve", "as programs do", name="chain.test"), yes("tcp", "TCP", to=WEB4, port=80),
             no("https", "HTTPS", name="pkg.test", ca="@ca"), yes("tcp", "TCP, IPv6", to=WEB6, port=80)]
    return Policy("no names", NetworkOptions(egress=[EgressRule(any=True)]), cells + never(), dns_denied=True)


def shut_policy():
    """Loopback alone."""
    cells = [no("dns", "DNS", name="pkg.test"), no("resolve", "as programs do", name="chain.test")]
    platform = [one for one in never("") if one.attempt["way"] != "spoof" and "source" not in one.attempt]
    silent = [Cell(one.name, one.allowed, one.attempt, one.rooted, "", one.trace)
              for one in closed_world(but_dns=False) + platform]
    return Policy("shut", NetworkOptions(deny_egress=True), cells + silent, dns_denied=True)


def all_policies():
    return [default_policy(), any_policy(), deny_policy(), blocks_policy(), all_ipv4_policy(), all_ipv6_policy(),
            one_port_policy(), names_policy(), names_and_blocks_policy(), no_dns_policy(), shut_policy()]


# --- judging ---------------------------------------------------------------------------------------------------------

def fill(value, words):
    """The attempt with what stands for "@" words."""
    return {key: words.get(entry, entry) if isinstance(entry, str) else entry for key, entry in value.items()}


def got_out(trace, heard, words):
    kind, where, *rest = (words.get(part, part) if isinstance(part, str) else part for part in trace)
    if kind == "packet":
        return any([packet["to"], packet["protocol"], packet["port"]] == [where, *rest] for packet in heard["packets"])
    if kind == "node":
        return any([normal(where), rest[0]] == [normal(at), protocol] for at, protocol in heard["node"])
    if kind == "hello":
        return any(hello["name"] == where and rest[0] in ("any", hello["at"]) for hello in heard["hellos"])
    return any(name == where and of == rest[0] for name, of, *_ in heard["asked"])


def judge(one, answer, heard, words):
    """What is wrong with that cell, or ""."""
    if one.believed and answer["ok"] != one.allowed:
        return f"{one.name}: {'denied' if one.allowed else 'ALLOWED'}, as the sandbox sees it: {answer}"
    if one.allowed and not answer["ok"]:
        return f"{one.name}: was not sent: {answer}"
    if one.trace and got_out(one.trace, heard, words) != one.allowed:
        return f"{one.name}: {'nothing came' if one.allowed else 'IT CAME THROUGH'}: {one.trace}"
    return ""


def is_allowed(one):
    return one.allowed


def attempts(box, cells, works=is_allowed):
    """Makes them all, root's beside the sandbox's own; cell's name: its answer. What `works` is waited for; the others
    are given up soon."""
    def made(rooted, tried):
        group = [one for one in cells if one.rooted == rooted]
        words = [fill(one.attempt, box.words) | ({"limit": PATIENCE} if works(one) else {}) for one in group]
        found = tried(words) if group else []
        return {one.name: answer for one, answer in zip(group, found, strict=True)}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        by_root = pool.submit(made, True, box.rooted)
        return made(False, box.probe) | by_root.result()
