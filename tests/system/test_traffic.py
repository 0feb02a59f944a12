"""Traffic between two hosts whose whole network is protected: it arrives unharmed, and only ESP and ISAKMP are on the wire."""

import policies
from lab import LabTest, new_marker, pcap

TRANSFER_BYTES = 100_000_000


class Protected:
    """Run for each kind of ESP below."""

    ESP = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network(action=policies.negotiate(policies.offer(cls.ESP))))

    def test_ping(self):
        for version in (4, 6):
            with self.subTest(version=version), self.lab.capture("a") as file:
                self.lab.ping("a", self.lab.address("b", version), count=10)
            counts = self.assert_protected(file)
            self.assertGreaterEqual(counts["ESP"], 20)

    def test_tcp_100_megabytes(self):
        for version in (4, 6):
            marker = new_marker()
            with self.subTest(version=version):
                with self.lab.capture("a") as file:
                    sent, received = self.lab.transfer("a", "b", TRANSFER_BYTES, marker, version)
                self.assertEqual((received["bytes"], received["sha256"]), (TRANSFER_BYTES, sent["sha256"]))
                print(f"{self.ESP['cipher']}, IPv{version}: {TRANSFER_BYTES * 8 / sent['seconds'] / 1e6:.0f} Mbit/s")
                counts = self.assert_protected(file, marker)
                # Cut to the wire's MTU: at most 1448 bytes of data in a packet.
                self.assertGreaterEqual(counts["ESP"], TRANSFER_BYTES // 1448)
                self.assertLessEqual(max(packet.length for packet in pcap.packets(file)), 1500)

    def test_tcp_in_the_other_direction(self):
        marker = new_marker()
        with self.lab.capture("b") as file:
            sent, received = self.lab.transfer("b", "a", 5_000_000, marker)
        self.assertEqual(sent["sha256"], received["sha256"])
        self.assert_protected(file, marker)

    def ask(self, size, count, version=4):
        marker = new_marker()
        address = self.lab.address("b", version)
        with self.lab.capture("a") as file, self.lab.talker("b", "echo", address, 5002):
            answer = self.lab.traffic("a", "ask", address, 5002, size, count, marker.hex())
        self.assertEqual(answer, {"asked": count, "right": count})
        return self.assert_protected(file, marker)

    def test_udp(self):
        for version in (4, 6):
            with self.subTest(version=version):
                self.assertGreaterEqual(self.ask(size=512, count=200, version=version)["ESP"], 400)

    def test_udp_datagrams_of_8000_bytes(self):
        for version in (4, 6):
            with self.subTest(version=version):
                # Six fragments each way, each inside ESP or ESP in fragments.
                self.assertGreaterEqual(self.ask(size=8000, count=20, version=version)["ESP"], 20 * 2 * 6)

    def test_ping_of_4000_bytes_in_fragments(self):
        for version in (4, 6):
            with self.subTest(version=version), self.lab.capture("a") as file:
                self.lab.ping("a", self.lab.address("b", version), "-s", "4000", count=5)
            self.assert_protected(file)

    def test_packets_of_the_size_that_fits(self):
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", "-M", "do", "-s", "1400")
        self.assert_protected(file)

    def test_packets_that_do_not_fit_with_df_are_answered(self):
        with self.lab.capture("a") as file:
            done = self.lab.ping("a", "10.77.0.2", "-M", "do", "-s", "1472", count=3, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, r"Frag(mentation)? needed|message too long")
        self.assertEqual(set(pcap.counts(file)) - {"ESP", "ISAKMP", "ARP", "neighbour discovery"}, set())

    def test_ipv6_packets_that_do_not_fit_are_answered(self):
        done = self.lab.ping("a", "fd77::2", "-M", "do", "-s", "1452", count=3, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, r"Packet too big|message too long")


class GaloisCounterMode(Protected, LabTest):
    ESP = policies.GCM


class CipherBlockChaining(Protected, LabTest):
    ESP = policies.CBC


class FirstPacket(LabTest):
    def test_it_waits_for_the_negotiation_and_is_not_lost(self):
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network())
        with self.lab.capture("a") as file:
            done = self.lab.ping("a", "10.77.0.2", count=1)
        self.assertIn("1 received", done.stdout)
        counts = self.assert_protected(file)
        # Main mode is six messages, quick mode three.
        self.assertGreaterEqual(counts["ISAKMP"], 9)
        self.assertEqual(counts["ESP"], 2)
