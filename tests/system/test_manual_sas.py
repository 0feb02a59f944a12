"""Manual SAs from netsh to the wire: traffic without IKE, errors that name the parameter, a driver that dies, keys that are shown nowhere."""

import json
import os
import secrets

import policies
from lab import LabTest, new_marker, pcap, wait_for

SPI_TO_B, SPI_TO_A = "0x1001", "0x2001"


class ManualSas(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network())
        # ARC-09: nobody can negotiate.
        for host in cls.HOSTS:
            cls.lab.kill(host, "ike", "STOP")
            cls.addClassCleanup(cls.lab.kill, host, "ike", "CONT")

    def setUp(self):
        self.keys = {"to b": (secrets.token_hex(32), secrets.token_hex(32)), "to a": (secrets.token_hex(32), secrets.token_hex(32))}
        self.addCleanup(self.delete_all)

    def delete_all(self):
        for host in self.HOSTS:
            self.lab.netsh(host, "ipsec", "dynamic", "delete", "sa", "type=manual", check=False)

    def dynamic(self, host, *words, check=True):
        return self.lab.netsh(host, "ipsec", "dynamic", *words, check=check)

    def refusal(self, *words):
        printed = self.dynamic("a", "add", "sa", "srcaddr=me", f"dstaddr={self.lab.address('b')}", *words, check=False)
        self.assertIn("ERR IPsec[", printed)
        return printed

    def ends(self, way):
        addresses = [self.lab.address("a"), self.lab.address("b")]
        return addresses if way == "to b" else addresses[::-1]

    def add(self, host, way, *more):
        """By a key file on host a, by the line on host b."""
        source, destination = self.ends(way)
        cipher, integrity = self.keys[way]
        words = ["add", "sa", f"srcaddr={source}", f"dstaddr={destination}", f"spi={SPI_TO_B if way == 'to b' else SPI_TO_A}",
                 "method=ESP[AES256,SHA256]", *more]
        if host == "b":
            return self.dynamic(host, *words, f"enckey={cipher}", f"authkey={integrity}")
        file = self.lab.directory / f"{secrets.token_hex(4)}.keys"
        file.write_text(f"# {way}\nenckey={cipher}\nauthkey=0x{integrity.upper()}\n", encoding="ascii")
        file.chmod(0o600)
        return self.dynamic(host, *words, f"keyfile={file}")

    def add_both_ways(self, *more):
        for host in self.HOSTS:
            for way in ("to b", "to a"):
                self.add(host, way, *more)

    def ping(self, *options, count=3):
        return self.lab.ping("a", self.lab.address("b"), *options, count=count)

    def sas(self, host):
        return {entry["sa"]["spi"]: entry for entry in self.lab.show(host, "sas", "type=manual")["sas"]}

    def test_ARC_09_traffic_passes_with_ike_stopped_and_stops_when_they_are_deleted(self):
        self.add_both_ways()
        marker = new_marker()
        with self.lab.capture("a") as file:
            self.ping("-p", marker.hex(), "-s", 512)
            sent, received = self.lab.transfer("a", "b", 1_000_000, marker)
        self.assertEqual(sent["sha256"], received["sha256"])
        counts = self.assert_protected(file, marker)
        self.assertNotIn("ISAKMP", counts)
        self.assertEqual({packet.payload[:4].hex() for packet in pcap.packets(file) if packet.kind == "ESP"}, {"00001001", "00002001"})
        for host in self.HOSTS:
            listed = self.sas(host)
            self.assertEqual(set(listed), {0x1001, 0x2001})
            for entry in listed.values():
                self.assertTrue(entry["sa"]["manual"])
                self.assertGreater(entry["packets"], 10)
                self.assertGreaterEqual(entry["last_sequence"], entry["packets"])
        self.assertIn("the administrator: nobody renews it", self.dynamic("a", "show", "sas"))
        self.dynamic("a", "delete", "sa", f"spi={SPI_TO_B}")
        with self.lab.capture("a") as file:
            self.assertNotEqual(self.lab.ping("a", self.lab.address("b"), "-W", "1", count=1, check=False).returncode, 0)
        self.assertEqual(set(pcap.counts(file)) & {"ESP", "ICMP"}, set(), "without the SA nothing leaves, in clear least of all")

    def test_keys_are_shown_nowhere(self):
        self.add_both_ways()
        self.ping()
        shown = [self.dynamic("a", "show", *words, check=False) for words in (("sas",), ("sas", "format=table"), ("qmsas",), ("all",), ("events", "count=1000"))]
        shown += [json.dumps(self.lab.show("b", words)) for words in ("sas", "qmsas", "events")]
        shown += [self.dynamic("a", "dump"), self.lab.netsh("a", "dump")]
        for host in self.HOSTS:
            shown += [file.read_text(errors="replace") for file in (self.lab.directory / host).glob("*.log")]
        for key in (key for pair in self.keys.values() for key in pair):
            for text in shown:
                self.assertNotIn(key.lower(), text.lower())

    def test_errors_name_the_parameter_and_what_would_be_accepted(self):
        key16, key32 = "11" * 16, "22" * 32
        good = ("spi=0x3001", "method=ESP[AES128,SHA256]")
        self.assertIn("enckey: AES128 takes 16 octets, 32 hexadecimal digits; 32 octets were given",
                      self.refusal(*good, f"enckey={key32}", f"authkey={key32}"))
        self.assertIn("authkey: SHA256 needs a key of 32 octets", self.refusal(*good, f"enckey={key16}"))
        self.assertIn("a key of 16 and a salt of 4 octets", self.refusal("spi=0x3001", "method=ESP[AES128-GCM]", f"enckey={key16}"))
        printed = self.refusal(*good, f"enckey=xx{key16}", f"authkey={key32}")
        self.assertIn("'enckey'", printed)
        self.assertIn("hexadecimal", printed)
        self.assertNotIn(key16, printed)
        self.assertIn("'replaywindow'", self.refusal(*good, "replaywindow=63", f"enckey={key16}", f"authkey={key32}"))
        self.assertIn("64 to 65536", self.refusal(*good, "replaywindow=65537", f"enckey={key16}", f"authkey={key32}"))
        self.assertIn("'spi'", self.refusal("spi=255", "method=ESP[AES128,SHA256]"))
        self.assertIn("'method'", self.refusal("spi=0x3001", "method=ESP[AES512,SHA256]"))
        self.assertIn("ESP without integrity is refused", self.refusal("spi=0x3001", "method=ESP[AES128,NONE]", f"enckey={key16}"))
        self.add("a", "to b")
        printed = self.refusal(f"spi={SPI_TO_B}", "method=ESP[AES128,SHA256]", f"enckey={key16}", f"authkey={key32}")
        self.assertIn("[05961]", printed)
        self.assertIn("spi: ", printed)
        neither = self.dynamic("a", "add", "sa", "srcaddr=10.77.0.50", "dstaddr=10.77.0.51", *good, f"enckey={key16}", f"authkey={key32}", check=False)
        self.assertIn("neither of 10.77.0.50 and 10.77.0.51 is an address of this host", neither)
        self.assertIn("[05962]", self.dynamic("a", "delete", "sa", "spi=0x9999", check=False))
        self.assertEqual(len(self.sas("a")), 1)

    def test_a_key_file_that_others_may_read_is_refused(self):
        file = self.lab.directory / "open.keys"
        file.write_text(f"enckey={'11' * 16}\nauthkey={'22' * 32}\n", encoding="ascii")
        os.chmod(file, 0o640)
        self.assertIn("mode 0640", self.refusal("spi=0x3001", "method=ESP[AES128,SHA256]", f"keyfile={file}"))
        os.chmod(file, 0o600)
        file.write_text(f"enckey={'11' * 16}\nkey={'22' * 32}\n", encoding="ascii")
        self.assertIn("line 2", self.refusal("spi=0x3001", "method=ESP[AES128,SHA256]", f"keyfile={file}"))

    def test_a_driver_that_dies_gets_them_again_behind_what_it_had_sent(self):
        self.add_both_ways()
        self.ping()
        before = self.lab.restarts("a", "driver")
        with self.lab.capture("a") as file:
            self.lab.kill("a", "driver")
            wait_for(lambda: self.lab.restarts("a", "driver") > before and len(self.sas("a")) == 2, 30, lambda: self.dynamic("a", "show", "sas"))
            wait_for(lambda: self.lab.ping("a", self.lab.address("b"), "-W", "1", count=1, check=False).returncode == 0, 30,
                     lambda: self.dynamic("a", "show", "events"))
        self.assertEqual(set(pcap.counts(file)) & {"ICMP", "TCP"}, set())
        # The peer's window has seen the numbers before: these are new, and far enough on for what was sent unseen.
        self.assertGreater(self.sas("a")[0x1001]["last_sequence"], 1 << 24)
        self.assertIn("manual_sa_given_again", self.dynamic("a", "show", "events"))
        self.ping()

    def test_a_change_of_policy_leaves_them_and_a_used_up_one_drops_by_name(self):
        self.add_both_ways("lifetime=5")
        self.lab.netsh("a", "ipsec", "static", "set", "policy", "name=Protect", "pollinginterval=7")
        self.ping(count=1)
        before = self.lab.verdict("a", "outbound_sa_expired")
        wait_for(lambda: self.sas("a")[0x1001]["ended"], 30, lambda: self.dynamic("a", "show", "sas"))
        self.assertNotEqual(self.lab.ping("a", self.lab.address("b"), "-W", "1", count=1, check=False).returncode, 0)
        self.assertGreater(self.lab.verdict("a", "outbound_sa_expired"), before)
        self.assertIn("manual_sa_ended", self.dynamic("a", "show", "events"))
        self.assertIn("USED UP", self.dynamic("a", "show", "sas"))
