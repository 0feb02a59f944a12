"""`netsh ipsec dynamic set config` and what driver and IKE make of it: exemptions, boot mode, logging; and a damaged local store."""

import json

import policies
from lab import CommandFailed, LabTest, pcap, wait_for
from policies import BLOCK, document, rule

SECONDS = 60
KERBEROS = 88
WALL = document("Wall", rule("Everything", [{"source": "me", "destination": "any"}], BLOCK))


class ConfigTest(LabTest):
    def set_config(self, host, name, value):
        self.lab.netsh(host, "ipsec", "dynamic", "set", "config", f"property={name}", f"value={value}")

    def config(self, host):
        """Property -> (stored value, value in effect)."""
        return {row["property"]: (row["value"], row["in_effect"]) for row in self.lab.show(host, "config")["config"]}

    def restart(self, host):
        self.lab.stop(host)
        self.lab.start(host)

    def boot_mode(self, host):
        return self.lab.show(host, "status")["boot_mode"]

    def pings(self, source, address):
        return self.lab.ping(source, address, "-W", "1", count=1, check=False).returncode == 0

    def event(self, host, name):
        return next((event for event in reversed(self.lab.events(host)) if event["name"] == name), None)


class Exemptions(ConfigTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.apply("a", WALL)

    def probe(self):
        """What becomes of a Kerberos question to host a, and of a multicast packet from it."""
        before = self.lab.verdicts("a")
        outcome = self.lab.traffic("b", "connect", "10.77.0.1", KERBEROS, 2)["outcome"]
        self.lab.exec("a", "ping", "-c", "1", "-W", "1", "-I", "eth0", "224.0.0.251", check=False)
        after = self.lab.verdicts("a")
        return outcome, {name for name in after if after[name] != before.get(name, 0)}

    def set_and_start(self, value):
        self.set_config("a", "ipsecexempt", value)
        self.restart("a")
        self.lab.wait_in_force("a", "Wall")

    def test_ex_01_to_ex_06_the_exemptions_of_the_driver_follow_after_a_start(self):
        outcome, verdicts = self.probe()
        self.assertEqual(outcome, "timed out")
        self.assertLessEqual({"inbound_blocked", "outbound_blocked"}, verdicts)

        self.set_config("a", "ipsecexempt", 0)  # EX-05
        self.assertEqual(self.config("a")["ipsecexempt"], ("0", "3"))
        self.assertIn("0 (pending", self.lab.netsh("a", "ipsec", "dynamic", "show", "config"))
        outcome, verdicts = self.probe()
        self.assertEqual(outcome, "timed out", "EX-06: not before the next start")
        self.assertNotIn("inbound_exempt", verdicts)

        for value, kerberos, groups in ((0, True, True), (1, False, True), (2, True, False), (3, False, False)):
            with self.subTest(ipsecexempt=value):
                self.set_and_start(value)
                self.assertEqual(self.config("a")["ipsecexempt"], (str(value), str(value)))
                self.assertNotIn("pending", self.lab.netsh("a", "ipsec", "dynamic", "show", "config"))
                outcome, verdicts = self.probe()
                self.assertEqual(outcome, "refused by the host" if kerberos else "timed out", verdicts)
                self.assertEqual("inbound_exempt" in verdicts, kerberos, verdicts)
                self.assertEqual("outbound_exempt" in verdicts, kerberos or groups, verdicts)
                self.assertEqual("outbound_blocked" in verdicts, not groups, verdicts)

    def test_ex_08_ex_09_the_exemptions_are_listed_and_the_hole_is_named(self):
        self.set_and_start(0)
        self.addCleanup(self.set_and_start, 3)
        names = [row["name"] for row in self.lab.show("a", "exemptions")["exemptions"]]
        self.assertEqual({name: names.count(name) for name in names}, {
            "Kerberos": 8, "ISAKMP": 2, "ISAKMP behind NAT": 2, "RSVP": 2, "Multicast": 2, "Broadcast": 2, "Neighbour discovery": 2})
        self.assertIn("Multicast", self.lab.netsh("a", "ipsec", "dynamic", "show", "exemptions"))
        for context in ("static", "dynamic"):
            self.assertIn("exemption_hole", self.lab.netsh("a", "ipsec", context, "lint", check=False))

    def test_what_is_no_value_is_refused_and_changes_nothing(self):
        before = self.config("a")
        for name, value, accepted in (("ipsecexempt", 4, "0 to 3"), ("bootmode", "closed", "stateful, block or permit"),
                                      ("ipsecloginterval", 59, "60 to 86400"), ("bootexemptions", "ANY:inbound", "protocol:direction")):
            with self.assertRaises(CommandFailed) as refused:
                self.set_config("a", name, value)
            self.assertIn(accepted, str(refused.exception))
        self.assertEqual(self.config("a"), before)


class Logging(ConfigTest):
    def oakley(self, host="a"):
        file = self.lab.directory / host / "state" / "ike" / "oakley.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def negotiate_anew(self):
        self.lab.wait_in_force("a", "Protect")
        self.lab.netsh("a", "ipsec", "dynamic", "delete", "sa", "all")
        wait_for(lambda: self.pings("a", "10.77.0.2"), SECONDS, "a ping is answered")

    def test_ikelogging_acts_at_once_and_levels_narrow_it(self):
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network())
        wait_for(lambda: self.pings("a", "10.77.0.2"), SECONDS, "a ping is answered")
        self.assertEqual(self.oakley(), "")
        self.set_config("a", "ikelogging", 1)
        self.assertEqual(self.config("a")["ikelogging"], ("1", "1"))
        self.negotiate_anew()
        log = self.oakley()
        for part in ("packets: message_sent local=10.77.0.1:500 peer=10.77.0.2:500", "packets: message_received", 'exchange="main mode"', 'payloads="KE NONCE',
                     "payloads=encrypted", "as initiator: awaiting message 4", "policy: 10.77.0.1 and 10.77.0.2: rule 'Network'", "driver: install outbound SA",
                     "quickmode: quick_mode_established"):
            self.assertIn(part, log)
        self.assertRegex(log.splitlines()[0], r"^ ?\d+-\d\d: \d\d:\d\d:\d\d:\d{3}:[0-9a-f]+ \w+: ")
        self.assertNotIn(policies.KEY, log)
        self.assertEqual((self.lab.directory / "a" / "state" / "ike" / "oakley.log").stat().st_mode & 0o777, 0o600)
        self.set_config("a", "ikelogging", 0)
        self.set_config("a", "ikeloglevels", "mainmode:1")
        self.lab.wait_in_force("a", "Protect")
        before = len(self.oakley())
        self.negotiate_anew()
        self.assertEqual({line.split()[2] for line in self.oakley()[before:].splitlines()}, {"mainmode:"})
        self.set_config("a", "ikeloglevels", "none")
        self.lab.wait_in_force("a", "Protect")
        before = len(self.oakley())
        self.negotiate_anew()
        self.assertEqual(len(self.oakley()), before)


class BootMode(ConfigTest):
    """Host a takes its policy from a share. While that is away and there is no copy, the policy in force is not known."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.share = cls.lab.directory / "share"
        cls.away = cls.lab.directory / "away"
        cls.share.mkdir()
        cls.lab.import_policy("b", WALL)
        cls.lab.stop("b")
        (cls.share / "central.db").write_bytes((cls.lab.directory / "b" / "state" / "policy.db").read_bytes())
        cls.lab.start("b")
        cls.lab.netsh("b", "ipsec", "static", "set", "policy", "name=Wall", "assign=n")
        cls.lab.stop("a")
        (cls.lab.directory / "a" / "policyagent.conf").write_text(f"central-store = sqlite:{cls.share}/central.db\ncentral-timeout = 5\n", encoding="ascii")
        cls.lab.start("a")
        cls.lab.wait_in_force("a", "Wall")

    def setUp(self):
        if self.away.exists():
            self.away.rename(self.share)
        self.lab.netsh("a", "ipsec", "dynamic", "refresh")
        self.lab.wait_in_force("a", "Wall")
        self.assertIsNone(self.boot_mode("a"))

    def lose_the_policy(self):
        self.share.rename(self.away)
        for file in (self.lab.directory / "a" / "state").glob("cache.db*"):
            file.unlink()

    def start_without_policy(self, mode, exemptions="none"):
        self.set_config("a", "bootmode", mode)
        self.set_config("a", "bootexemptions", exemptions)
        self.lab.stop("a")
        self.lose_the_policy()
        self.lab.start("a")
        wait_for(lambda: self.boot_mode("a") == mode, SECONDS, "the boot mode is in force")
        self.assertEqual(self.lab.show("a", "status")["state"], "Initial")

    def bring_the_policy_back(self):
        self.away.rename(self.share)
        self.lab.netsh("a", "ipsec", "dynamic", "refresh")
        self.lab.wait_in_force("a", "Wall")
        self.assertIsNone(self.boot_mode("a"))
        self.assertFalse(self.pings("a", "10.77.0.2"))
        self.assertFalse(self.pings("b", "10.77.0.1"))

    def test_stateful_lets_answers_in_and_nothing_else(self):
        self.start_without_policy("stateful")
        self.assertFalse(self.pings("b", "10.77.0.1"))
        self.assertTrue(self.pings("a", "10.77.0.2"))
        self.assertEqual(self.lab.traffic("b", "connect", "10.77.0.1", KERBEROS, 1)["outcome"], "timed out")
        self.assertGreater(self.lab.verdict("a", "inbound_boot_blocked"), 0)
        self.assertIn("stateful", self.lab.netsh("a", "ipsec", "dynamic", "show", "status"))
        self.bring_the_policy_back()

    def test_block_and_its_exemptions(self):
        self.start_without_policy("block", f"TCP:0:{KERBEROS}:inbound TCP:{KERBEROS}:0:outbound")
        self.assertFalse(self.pings("a", "10.77.0.2"))
        self.assertFalse(self.pings("b", "10.77.0.1"))
        self.assertEqual(self.lab.traffic("b", "connect", "10.77.0.1", KERBEROS, 2)["outcome"], "refused by the host")
        self.assertEqual(self.lab.traffic("b", "connect", "10.77.0.1", KERBEROS + 1, 1)["outcome"], "timed out")
        self.bring_the_policy_back()

    def test_permit_lets_everything_pass(self):
        self.start_without_policy("permit")
        self.assertTrue(self.pings("a", "10.77.0.2"))
        self.assertTrue(self.pings("b", "10.77.0.1"))
        self.bring_the_policy_back()

    def test_what_a_killed_driver_left_shut_stays_so_in_every_boot_mode(self):
        self.set_config("a", "bootmode", "permit")
        self.lose_the_policy()
        self.lab.kill("a", "agent", "STOP")  # so that it starts no other driver
        self.lab.kill("a", "driver")
        self.lab.kill("a", "agent")
        self.lab.start("a")
        wait_for(lambda: self.boot_mode("a") == "permit", SECONDS, "the boot mode is in force")
        self.assertFalse(self.pings("a", "10.77.0.2"))
        self.assertFalse(self.pings("b", "10.77.0.1"))
        self.bring_the_policy_back()

    def test_drv_01_a_host_that_had_no_policy_starts_without_boot_mode(self):
        self.set_config("b", "bootmode", "block")
        self.restart("b")
        self.assertIsNone(self.boot_mode("b"))
        self.assertFalse(self.lab.show("b", "status")["driver_attached"])
        self.assertTrue(self.pings("b", "10.77.0.2"))


class DamagedStore(ConfigTest):
    def test_the_agent_starts_names_the_file_and_lets_nothing_pass(self):
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network())
        wait_for(lambda: self.pings("a", "10.77.0.2"), SECONDS, "a ping is answered")
        self.lab.stop("a")
        store = self.lab.directory / "a" / "state" / "policy.db"
        sound = store.read_bytes()
        damaged = b"x" * 4096 + sound[4096:]
        store.write_bytes(damaged)
        self.lab.start("a")
        self.assertIn(str(store), self.event("a", "local_store_unusable")["text"])
        wait_for(lambda: self.boot_mode("a") == "block", SECONDS, "nothing may pass: the policy in force is not known")
        with self.lab.capture("b") as wire:
            self.assertFalse(self.pings("a", "10.77.0.2"))
            self.assertFalse(self.pings("b", "10.77.0.1"))
        counts = pcap.counts(wire)
        self.assertNotIn("ICMP", counts, "clear packets were on the wire")
        with self.assertRaises(CommandFailed) as refused:
            self.lab.netsh("a", "ipsec", "static", "add", "policy", "name=Other")
        self.assertIn(str(store), str(refused.exception))
        self.assertEqual(store.read_bytes(), damaged, "it is left as it is")

        store.write_bytes(sound)
        self.lab.netsh("a", "ipsec", "dynamic", "refresh")
        self.lab.wait_in_force("a", "Protect")
        wait_for(lambda: self.pings("a", "10.77.0.2"), SECONDS, "a ping is answered")
        self.lab.netsh("a", "ipsec", "static", "add", "policy", "name=Other")
        shown = json.loads(self.lab.netsh("a", "--json", "ipsec", "static", "show", "policy", "all"))["result"]["policies"]
        self.assertEqual({policy["name"] for policy in shown}, {"Protect", "Other"})
