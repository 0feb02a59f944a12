"""The capture reader, on which "only ESP was on the wire" rests."""

import pathlib
import struct
import tempfile
import unittest

from lab import pcap

PORTS_500, PORTS_4500, PORTS_OTHER = struct.pack("!HH", 500, 500), struct.pack("!HH", 4500, 4500), struct.pack("!HH", 1000, 2000)
UDP_REST = bytes(4)


def ipv4(protocol, body, fragment=0, total=None):
    length = 20 + len(body) if total is None else total
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 1, fragment, 64, protocol, 0, bytes([10, 77, 0, 1]), bytes([10, 77, 0, 2])) + body


def ipv6(protocol, body):
    return struct.pack("!IHBB16s16s", 6 << 28, len(body), protocol, 64, bytes(15) + b"\1", bytes(15) + b"\2") + body


def frame(ethertype, data):
    return bytes(12) + struct.pack("!H", ethertype) + data


def capture_of(*frames, order="<", magic=0xA1B2C3D4):
    records = b"".join(struct.pack(order + "IIII", 7, 500_000, len(data), len(data)) + data for data in frames)
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, 1) + records


CASES = [
    ("ARP", frame(0x0806, bytes(28))),
    ("ESP", frame(0x0800, ipv4(50, bytes(40)))),
    ("ESP", frame(0x0800, ipv4(50, bytes(40), fragment=100))),
    ("AH", frame(0x0800, ipv4(51, bytes(40)))),
    ("ICMP", frame(0x0800, ipv4(1, b"\x08" + bytes(7)))),
    ("TCP", frame(0x0800, ipv4(6, bytes(20)))),
    ("TCP", frame(0x0800, ipv4(6, bytes(9000), total=0))),
    ("ISAKMP", frame(0x0800, ipv4(17, PORTS_500 + UDP_REST + bytes(28)))),
    ("ISAKMP", frame(0x0800, ipv4(17, PORTS_4500 + UDP_REST + bytes(4) + bytes(28)))),
    ("ESP in UDP", frame(0x0800, ipv4(17, PORTS_4500 + UDP_REST + b"\1\2\3\4" + bytes(28)))),
    ("NAT keep-alive", frame(0x0800, ipv4(17, PORTS_4500 + UDP_REST + b"\xff"))),
    ("UDP", frame(0x0800, ipv4(17, PORTS_OTHER + UDP_REST))),
    ("fragment of protocol 17", frame(0x0800, ipv4(17, PORTS_500 + UDP_REST, fragment=185))),
    ("neighbour discovery", frame(0x86DD, ipv6(58, b"\x87" + bytes(23)))),
    ("multicast listener", frame(0x86DD, ipv6(0, b"\x3a\0" + bytes(6) + b"\x8f" + bytes(7)))),
    ("ICMPv6", frame(0x86DD, ipv6(58, b"\x80" + bytes(7)))),
    ("ESP", frame(0x86DD, ipv6(50, bytes(40)))),
    ("ESP", frame(0x86DD, ipv6(44, b"\x32\0\0\x08" + bytes(4) + bytes(40)))),
    ("fragment of protocol 6", frame(0x86DD, ipv6(44, b"\x06\0\0\x08" + bytes(4) + bytes(40)))),
    ("protocol 132", frame(0x0800, ipv4(132, bytes(12)))),
    ("ethertype 0x88cc", frame(0x88CC, bytes(20))),
]


class Reader(unittest.TestCase):
    def file_of(self, content):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = pathlib.Path(folder.name) / "x.pcap"
        file.write_bytes(content)
        return file

    def test_kinds(self):
        for order, magic in (("<", 0xA1B2C3D4), (">", 0xA1B2C3D4), ("<", 0xA1B23C4D)):
            found = [packet.kind for packet in pcap.packets(self.file_of(capture_of(*(data for _, data in CASES), order=order, magic=magic)))]
            self.assertEqual(found, [kind for kind, _ in CASES])

    def test_addresses_and_time(self):
        packet, = pcap.packets(self.file_of(capture_of(frame(0x0800, ipv4(6, bytes(20))))))
        self.assertEqual((packet.source, packet.destination, packet.time, packet.length), ("10.77.0.1", "10.77.0.2", 7.5, 40))
        packet, = pcap.packets(self.file_of(capture_of(frame(0x86DD, ipv6(6, bytes(20))))))
        self.assertEqual((packet.source, packet.destination), ("::1", "::2"))

    def test_marker_is_found_only_where_it_is(self):
        marker = bytes(range(16))
        clear = self.file_of(capture_of(frame(0x0800, ipv4(6, bytes(20) + marker))))
        self.assertTrue(pcap.contains(clear, marker))
        self.assertFalse(pcap.contains(clear, marker[::-1]))

    def test_other_files_are_refused(self):
        for content in (b"", b"#!/bin/sh\necho this is no capture\n", capture_of()[:20] + struct.pack("<I", 113)):
            with self.assertRaises(ValueError):
                list(pcap.packets(self.file_of(content)))


if __name__ == "__main__":
    unittest.main()
