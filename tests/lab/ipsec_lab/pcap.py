"""Reads a capture and names what each packet is, well enough to say "only ESP was on the wire"."""

import collections
import ipaddress
import mmap
import struct

LITTLE_MICRO, LITTLE_NANO = 0xA1B2C3D4, 0xA1B23C4D
ETHERNET = 1
ICMP, TCP, UDP, ESP, AH, ICMPV6 = 1, 6, 17, 50, 51, 58
NEXT_HEADERS = {0, 43, 60}  # hop-by-hop, routing, destination options: same shape
FRAGMENT = 44
NEIGHBOUR_DISCOVERY = range(133, 138)
MULTICAST_LISTENER = {130, 131, 132, 143}
ISAKMP_PORT, NAT_TRAVERSAL_PORT = 500, 4500

Packet = collections.namedtuple("Packet", "time kind source destination protocol payload length")


def frames(path):
    """(time, bytes) of each frame."""
    with open(path, "rb") as file:
        header = file.read(24)
        if len(header) < 24:
            raise ValueError(f"{path} is no capture: it has {len(header)} bytes")
        order = next((order for order in "<>" if struct.unpack(order + "I", header[:4])[0] in (LITTLE_MICRO, LITTLE_NANO)), None)
        if order is None or struct.unpack(order + "I", header[20:24])[0] & 0xFFFF != ETHERNET:
            raise ValueError(f"{path} is no pcap file of Ethernet frames")
        fraction = 1e-9 if struct.unpack(order + "I", header[:4])[0] == LITTLE_NANO else 1e-6
        while len(record := file.read(16)) == 16:
            seconds, part, kept, _ = struct.unpack(order + "IIII", record)
            yield seconds + part * fraction, file.read(kept)


def kind_of_udp(body):
    ports = struct.unpack("!HH", body[:4]) if len(body) >= 4 else (0, 0)
    if ISAKMP_PORT in ports:
        return "ISAKMP"
    if NAT_TRAVERSAL_PORT in ports:
        data = body[8:]
        if data == b"\xff":
            return "NAT keep-alive"
        return "ISAKMP" if data[:4] == bytes(4) else "ESP in UDP"
    return "UDP"


def kind_of(protocol, body, first_fragment):
    if protocol == ESP:
        return "ESP"
    if protocol == AH:
        return "AH"
    if not first_fragment:
        return f"fragment of protocol {protocol}"
    if protocol == UDP:
        return kind_of_udp(body)
    if protocol == ICMPV6 and body:
        if body[0] in NEIGHBOUR_DISCOVERY:
            return "neighbour discovery"
        return "multicast listener" if body[0] in MULTICAST_LISTENER else "ICMPv6"
    return {ICMP: "ICMP", TCP: "TCP", ICMPV6: "ICMPv6"}.get(protocol, f"protocol {protocol}")


def address4(octets):
    return ".".join(map(str, octets))


def address6(octets):
    return str(ipaddress.IPv6Address(octets))


def of_ipv4(time, data):
    header = (data[0] & 15) * 4
    total = struct.unpack("!H", data[2:4])[0] or len(data)  # 0: a super-packet
    offset = struct.unpack("!H", data[6:8])[0] & 0x1FFF
    body = data[header:total]
    return Packet(time, kind_of(data[9], body, offset == 0), address4(data[12:16]), address4(data[16:20]), data[9], body, total)


def of_ipv6(time, data):
    protocol, body, first = data[6], data[40:], True
    while protocol in NEXT_HEADERS and len(body) >= 8:
        protocol, body = body[0], body[8 + body[1] * 8:]
    if protocol == FRAGMENT and len(body) >= 8:
        first = struct.unpack("!H", body[2:4])[0] & 0xFFF8 == 0
        protocol, body = body[0], body[8:]
    return Packet(time, kind_of(protocol, body, first), address6(data[8:24]), address6(data[24:40]), protocol, body, len(data))


def packets(path):
    for time, frame in frames(path):
        if len(frame) < 14:
            continue
        ethertype, data = struct.unpack("!H", frame[12:14])[0], frame[14:]
        if ethertype == 0x0800 and len(data) >= 20:
            yield of_ipv4(time, data)
        elif ethertype == 0x86DD and len(data) >= 40:
            yield of_ipv6(time, data)
        else:
            yield Packet(time, "ARP" if ethertype == 0x0806 else f"ethertype {ethertype:#06x}", "", "", -1, data, len(data))


def counts(path):
    """{kind: packets}"""
    return dict(collections.Counter(packet.kind for packet in packets(path)))


def contains(path, needle):
    """True if the bytes stand anywhere in the file. A capture without packets contains nothing."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0
