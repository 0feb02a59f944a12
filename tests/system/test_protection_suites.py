"""AH, and AH around ESP, negotiated between two hosts: what is asked for is what is on the wire, and it arrives unharmed."""

import policies
from lab import PROTECTED_KINDS, LabTest, new_marker, pcap

CBC = {"cipher": "AES128", "integrity": "SHA1"}


def suite(ah, esp=None):
    made = {"ah": ah, "lifetime_kilobytes": 100_000_000, "lifetime_seconds": 3600}
    return {**made, "esp": dict(esp)} if esp else made


# name, offers of the filter action, headers on the wire from the outside in
SUITES = [
    ("AH", [suite("SHA256")], ["AH"]),
    ("AH around ESP", [suite("SHA1", CBC)], ["AH", "ESP"]),
    ("AH around GCM", [suite("SHA256", policies.GCM)], ["AH", "ESP"]),
]


def headers_of(packet):
    """AH and ESP as they follow each other behind the IP header."""
    found, protocol = [], packet.protocol
    if protocol == 51:
        found.append("AH")
        protocol = packet.payload[0]
    if protocol == 50:
        found.append("ESP")
    return found


class ProtectionSuites(LabTest):
    def tearDown(self):
        for host in self.HOSTS:
            self.lab.netsh(host, "ipsec", "static", "delete", "all", check=False)

    def talk(self, target, headers, encrypted):
        """Ping and TCP from a to the address of b; every packet on the wire besides ISAKMP and neighbours has these headers."""
        marker = new_marker()
        with self.lab.capture("a") as file:
            self.lab.exec("a", "ping", "-c", "1", "-w", "20", target)
            self.lab.exec("a", "ping", "-c", "5", "-W", "5", "-s", "1300", "-p", marker.hex(), target)
        kinds = [headers_of(packet) for packet in pcap.packets(file) if packet.kind in ("ESP", "AH")]
        self.assertGreaterEqual(len(kinds), 12)
        self.assertEqual(kinds, [headers] * len(kinds))
        self.assertEqual(set(pcap.counts(file)) - PROTECTED_KINDS - {"AH"}, set())
        self.assertNotEqual(pcap.contains(file, marker), encrypted, "AH alone leaves the payload readable, ESP does not")

    def test_QM_02_QM_08_transport_mode(self):
        for name, offers, headers in SUITES:
            with self.subTest(suite=name):
                for host in self.HOSTS:
                    self.lab.apply(host, policies.protect_network(action=policies.negotiate(*offers)))
                self.talk(self.lab.address("b"), headers, "ESP" in headers)

    def test_QM_05_QM_06_four_messages_of_quick_mode_are_on_the_wire(self):
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network())
        with self.lab.capture("a") as file:
            self.lab.ping("a", self.lab.address("b"), count=1)
        quick_modes = {}
        for packet in pcap.packets(file):
            if packet.kind != "ISAKMP":
                continue
            message = packet.payload[8:]
            if message[18] == 32:
                quick_modes.setdefault(message[20:24], []).append(message[19])
        self.assertTrue(quick_modes)
        for flags in quick_modes.values():
            self.assertEqual([flag & 2 for flag in flags], [0, 2, 0, 2], "the commit bit in messages 2 and 4")
