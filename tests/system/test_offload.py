"""Offload to the other cores, and the choice of the engine, on real hosts: what the options say is what the SAs show, and the wire carries ESP only."""

import policies
from lab import LabTest, new_marker

TRANSFER_BYTES = 30_000_000


class Configured(LabTest):
    """Both hosts with these lines of configuration."""

    CONFIGURATION = ""
    ESP = policies.CBC

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.stop(host)
            (cls.lab.directory / host / "policyagent.conf").write_text(cls.CONFIGURATION, encoding="ascii")
            cls.lab.start(host)
            cls.lab.apply(host, policies.protect_network(action=policies.negotiate(policies.offer(cls.ESP))))

    def sas(self, host):
        return self.lab.show(host, "qmsas")["sas"]

    def dynamic(self, host, *words):
        return self.lab.netsh(host, "ipsec", "dynamic", *words)


class LookAside(Configured):
    CONFIGURATION = "crypto-offload = look-aside\n"

    def test_traffic_is_offloaded_in_order_and_protected(self):
        marker = new_marker()
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", count=5)
            sent, received = self.lab.transfer("a", "b", TRANSFER_BYTES, marker)
        self.assertEqual((received["bytes"], received["sha256"]), (TRANSFER_BYTES, sent["sha256"]))
        self.assert_protected(file, marker)
        for host in self.HOSTS:
            sas = self.sas(host)
            self.assertTrue(sas)
            for sa in sas:
                self.assertEqual(sa["offload"], "active")
                self.assertGreater(sa["offloaded_packets"], 0)
                # OFF-05: the first packet went through software.
                self.assertLess(sa["offloaded_packets"], sa["packets"])
            for verdict in ("outbound_offload_failed", "outbound_offload_full", "inbound_offload_failed", "inbound_offload_full",
                            "inbound_replayed", "inbound_too_old"):
                self.assertEqual(self.lab.verdict(host, verdict), 0, verdict)
        self.assertIn("Offload of eth0                 : look-aside", self.dynamic("a", "show", "stats"))
        self.assertRegex(self.dynamic("a", "show", "qmsas"), r"Engine +: offloaded \(\d+ of \d+ packets\)")


class ForcedEngine(Configured):
    CONFIGURATION = "crypto-engine = openssl\n"

    def test_every_sa_has_it_and_no_offload(self):
        self.lab.ping("a", "10.77.0.2", count=3)
        for host in self.HOSTS:
            for sa in self.sas(host):
                self.assertEqual((sa["engine"], sa["offload"]), ("OpenSSL", "none"))
        self.assertIn("Cryptographic Engine            : OpenSSL", self.dynamic("a", "show", "stats"))
