"""Sees every packet that comes in by a link: what really got out of a sandbox, whatever anybody says."""
import ipaddress
import socket
import struct
import threading

ETH_IP, ETH_IPV6, ETH_ALL = 0x0800, 0x86DD, 3
ETH_MARK, MARK_SECONDS = 0x88B5, 60  # of a kind that is for experiments; a number
OUTGOING, SO_RCVBUFFORCE = 4, 33
TCP, UDP, FRAGMENT6, ICMP6 = 6, 17, 44, 58
NEIGHBOURS = range(133, 138)  # kinds of ICMPv6 that a link needs


def ports(protocol, payload):
    return struct.unpack_from("!HH", payload) if protocol in (TCP, UDP, 132) and len(payload) >= 4 else (0, 0)


def read_ipv4(packet):
    head, place, protocol = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 6)[0], packet[9]
    offset, more = place & 0x1FFF, bool(place & 0x2000)
    source, port = ports(protocol, packet[head:]) if not offset else (0, 0)
    return {"from": address(packet[12:16]), "to": address(packet[16:20]), "protocol": protocol, "source": source,
            "port": port, "fragment": bool(offset or more), "size": len(packet)}


def read_ipv6(packet):
    protocol, payload, fragment, offset = packet[6], packet[40:], False, 0
    if protocol == FRAGMENT6 and len(payload) >= 8:
        fragment, offset = True, struct.unpack_from("!H", payload, 2)[0] >> 3
        protocol, payload = payload[0], payload[8:]
    if protocol == ICMP6 and payload and payload[0] in NEIGHBOURS:
        return None
    source, port = ports(protocol, payload) if not offset else (0, 0)
    return {"from": address(packet[8:24]), "to": address(packet[24:40]), "protocol": protocol, "source": source,
            "port": port, "fragment": fragment, "size": len(packet)}


def address(packed):
    return str(ipaddress.ip_address(packed))


class Witness:
    def __init__(self, link):
        self.seen, self.lock = {}, threading.Lock()
        self.mark, self.marked = 0, threading.Condition(self.lock)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        self.socket.bind((link, 0))
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        while True:
            frame, (_, kind, direction, *_) = self.socket.recvfrom(65536)
            if direction == OUTGOING:
                continue
            if kind == ETH_MARK:
                self.take_mark(frame[14:])
                continue
            packet = read_ipv4(frame[14:]) if kind == ETH_IP else read_ipv6(frame[14:]) if kind == ETH_IPV6 else None
            if packet:
                self.note(packet)

    def note(self, packet):
        key = tuple(packet[part] for part in ("from", "to", "protocol", "port", "fragment"))
        with self.lock:
            packets, size = self.seen.get(key, (0, 0))
            self.seen[key] = (packets + 1, size + packet["size"])

    def take_mark(self, number):
        with self.marked:
            self.mark = struct.unpack_from("!I", number)[0]
            self.marked.notify_all()

    def passed(self, mark):
        """Whether that mark has come; it is waited for."""
        with self.marked:
            return self.marked.wait_for(lambda: self.mark >= mark, MARK_SECONDS)

    def forget(self):
        with self.lock:
            self.seen = {}

    def heard(self):
        """One entry a stream of packets that look alike."""
        with self.lock:
            return [{"from": source, "to": to, "protocol": protocol, "port": port, "fragment": fragment,
                     "packets": packets, "bytes": size}
                    for (source, to, protocol, port, fragment), (packets, size) in self.seen.items()]
