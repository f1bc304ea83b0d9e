"""Where things are on the internet of tests: addresses that belong to hosts of the real one, so that nothing takes
them for special; they never leave the namespaces. All of them are of one namespace (internet.py)."""

# The node's end of the only link, and the internet's.
NODE4, GATE4, WIDTH4 = "44.0.0.1", "44.0.0.2", 24
NODE6, GATE6, WIDTH6 = "2a00:44::1", "2a00:44::2", 64

# Both families; ports TCP and UDP.
WEB = ("44.1.0.10", "2a00:44:1::10")
BESIDE = ("44.1.0.20", "2a00:44:1::20")     # the same block as WEB, for exceptions
FAR = ("44.2.0.10", "2a00:44:2::10")
SHARED = ("44.3.0.10", "2a00:44:3::10")     # serves many names
CDN = ("44.4.0.10", "2a00:44:4::10")        # behind a CNAME
LATE = ("44.5.0.10", "2a00:44:5::10")       # what a name stands for later
RESOLVER = ("44.53.0.53", "2a00:44:53::53")  # the node's upstream
DOH = ("44.53.1.53", "2a00:44:53:1::53")    # a resolver of somebody else's
INSIDE = ("10.99.0.10", "fd12:3456::10")    # a private network beyond the node
STORE = ("10.99.0.20", "fd12:3456::20")     # there, and the config knows its name
FORBIDDEN = ("44.9.0.10", "2a00:44:9::10")  # what the node's config lists

# Of one family, or in strange clothes.
METADATA4 = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"]
METADATA6 = ["fd00:ec2::254", "fd20:ce::254", "fd00:42::42"]
LINK_LOCAL4 = "169.254.7.7"
WRAPPED6 = ["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"]  # NAT64 and 6to4 of a metadata address
SHARED4 = "100.64.7.7"

BOTH = [WEB, BESIDE, FAR, SHARED, CDN, LATE, RESOLVER, DOH, INSIDE, STORE, FORBIDDEN]
ALL4 = [pair[0] for pair in BOTH] + METADATA4 + [LINK_LOCAL4, SHARED4]
ALL6 = [pair[1] for pair in BOTH] + METADATA6 + WRAPPED6

TCP_PORTS = [22, 53, 80, 443, 853, *range(8000, 8040)]
UDP_PORTS = [443, 853, *range(8000, 8040)]  # 53 is the resolvers'

# name: records. A name that is not here does not exist; "*." stands for any one label.
ZONE = {
    "pkg.test": {"A": [SHARED[0]], "AAAA": [SHARED[1]]},
    "other.test": {"A": [SHARED[0]], "AAAA": [SHARED[1]]},  # the same host, not granted
    "only4.test": {"A": [WEB[0]]},
    "only6.test": {"AAAA": [WEB[1]]},
    "*.files.test": {"A": [SHARED[0]], "AAAA": [SHARED[1]]},
    "deep.down.files.test": {"A": [SHARED[0]]},
    "files.test": {"A": [SHARED[0]]},
    "chain.test": {"CNAME": "one.cdn.test", "ttl": 60},
    "one.cdn.test": {"CNAME": "two.cdn.test", "ttl": 1},
    "two.cdn.test": {"A": [CDN[0]], "AAAA": [CDN[1]], "ttl": 30},
    "loop.test": {"CNAME": "pool.test"},
    "pool.test": {"CNAME": "loop.test"},
    "short.test": {"A": [LATE[0]], "ttl": 1},
    "moves.test": {"A": [WEB[0]], "ttl": 1},
    "rebind.test": {"A": [INSIDE[0]], "AAAA": [INSIDE[1]]},
    "rebind-metadata.test": {"A": [METADATA4[0]], "AAAA": [METADATA6[0]]},
    "rebind-loopback.test": {"A": ["127.0.0.1"], "AAAA": ["::1"]},
    "rebind-mapped.test": {"AAAA": ["::ffff:169.254.169.254"]},
    "rebind-both.test": {"A": [WEB[0], INSIDE[0]]},
    "rebind-node.test": {"A": [NODE4], "AAAA": [NODE6]},
    "repo.lan.test": {"A": [STORE[0]], "AAAA": [STORE[1]]},
    "empty.test": {},
    "broken.test": {"rcode": 2},
    "many.test": {"A": [f"44.1.7.{n}" for n in range(1, 120)]},  # does not fit into a datagram
    "slow.test": {"A": [WEB[0]], "slow": 1.0},
    "silent.test": {"slow": 3600},
    "doh.test": {"A": [DOH[0]], "AAAA": [DOH[1]]},
}
# Names that certificates of the test CA are for.
TLS_NAMES = ["pkg.test", "other.test", "only4.test", "only6.test", "*.files.test", "files.test", "chain.test",
             "one.cdn.test", "two.cdn.test", "short.test", "moves.test", "doh.test", "repo.lan.test",
             "deep.down.files.test", "slow.test"]
