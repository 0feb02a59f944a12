"""Hosts whose preshared keys differ: no SA, no clear packet, and an event that says why."""

import policies
from lab import LabTest, new_marker, pcap, wait_for

NEGOTIATION_SECONDS = 90  # retransmissions until the initiator gives up


class WrongKey(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.apply("a", policies.protect_network(key="the key of host a"))
        cls.lab.apply("b", policies.protect_network(key="another key at host b"))

    def failures(self):
        return [event for host in self.HOSTS for event in self.lab.events(host) if event["name"] == "authentication_failed"]

    def test_nothing_passes_and_an_event_says_that_authentication_failed(self):
        marker = new_marker()
        with self.lab.capture("a") as file:
            done = self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), "-s", "1000", count=3, check=False)
            self.assertNotEqual(done.returncode, 0, "a ping was answered although the keys differ")
            events = wait_for(self.failures, NEGOTIATION_SECONDS, "an event that authentication failed")
        self.assertRegex(" ".join(event["text"] for event in events), r"10\.77\.0\.[12]")
        counts = pcap.counts(file)
        self.assertGreater(counts.get("ISAKMP", 0), 4, counts)
        self.assertEqual(set(counts) - {"ISAKMP", "ARP", "neighbour discovery", "multicast listener"}, set())
        self.assertFalse(pcap.contains(file, marker))
        for host in self.HOSTS:
            self.assertEqual(self.lab.quick_mode_sas(host), [])


class CorrectedKey(LabTest):
    def test_traffic_passes_once_the_keys_agree(self):
        self.lab.apply("a", policies.protect_network(key="the key of host a"))
        self.lab.apply("b", policies.protect_network(key="another key at host b"))
        self.assertNotEqual(self.lab.ping("a", "10.77.0.2", count=1, check=False).returncode, 0)
        self.lab.apply("b", policies.protect_network(key="the key of host a"))
        wait_for(lambda: self.lab.ping("a", "10.77.0.2", count=1, check=False).returncode == 0, NEGOTIATION_SECONDS, "a ping is answered")
