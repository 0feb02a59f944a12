"""Failed negotiations between real hosts: each side's table shows what differed, and the command that it prints mends it."""

import copy
import json
import shlex

import policies
from lab import LabTest, wait_for
from policies import TO_NETWORK, document, negotiate, offer, rule

FAILED_SECONDS = 90  # main mode gives up 63 s after its first message
MENDED_SECONDS = 60
MAIN_MODE = {"offers": [{"cipher": "AES128", "integrity": "SHA256", "dh_group": "ecp256"}], "lifetime_minutes": 480}
CBC = {"cipher": "AES128", "integrity": "SHA1"}
KEY = policies.KEY


def policy(name, action=None, filters=None, main_mode=None, key=KEY):
    return document(name, rule("Network", filters or TO_NETWORK, action or negotiate(offer(CBC)), key), main_mode=main_mode or MAIN_MODE)


def main_mode(**changes):
    made = copy.deepcopy(MAIN_MODE)
    made["offers"][0].update(changes)
    return made


class Explained(LabTest):
    """Two hosts whose policies do not fit, and what they say about it."""

    def unassign(self, host):
        if name := self.lab.show(host, "status")["policy_name"]:
            self.lab.netsh(host, "ipsec", "static", "set", "policy", f"name={name}", "assign=n")

    def apply(self, of_a, of_b):
        """Both policies anew: no SA and no memory of the round before decides."""
        for host, one in (("a", of_a), ("b", of_b)):
            self.unassign(host)
            for name in self.policies(host):
                self.lab.netsh(host, "ipsec", "static", "delete", "policy", f"name={name}")
            for kind in ("filterlist", "filteraction"):
                self.lab.netsh(host, "ipsec", "static", "delete", kind, "all", check=False)
            if one:
                self.lab.apply(host, one)

    def policies(self, host):
        shown = self.lab.netsh(host, "--json", "ipsec", "static", "show", "policy", "all", check=False)
        return [entry["name"] for entry in json.loads(shown)["result"]["policies"]]

    def failed(self, host, reason):
        for failed in self.lab.show(host, "negotiations", f"dstaddr={self.lab.address('b' if host == 'a' else 'a')}")["negotiations"]:
            if failed["reason"] == reason and failed["age_seconds"] < 60 + FAILED_SECONDS:
                return failed
        return None

    def ping(self):
        return self.lab.ping("a", self.lab.address("b"), count=1, check=False).returncode == 0

    def explain(self, reasons):
        """The failure as each host tells it, begun by host a."""
        self.assertFalse(self.ping(), "a ping is answered although the policies differ")
        found = {host: wait_for(lambda host=host, reason=reason: self.failed(host, reason), FAILED_SECONDS,
                                lambda host=host, reason=reason: f"host {host} tells of {reason}:\n" + self.shown(host))
                 for host, reason in zip("ab", reasons)}
        for host, failed in found.items():
            print(f"---- host {host}\n{self.shown(host)}", flush=True)
            self.assertEqual(failed["initiator"], host == "a")
            self.assertGreater(failed["windows_event"], 0)
            self.assertTrue(any(event["name"] == failed["reason"] for event in self.lab.events(host)), f"host {host} has an event {failed['reason']}")
            self.assertNotIn(KEY, str(failed))
        return found

    def shown(self, host):
        return self.lab.netsh(host, "ipsec", "dynamic", "show", "negotiations", "level=verbose")

    def closest(self, failed, side):
        offers = failed["explanation"]["offers"]
        row = next(row for row in offers[side] if row["closest"])
        return dict(zip(offers["columns"], ((cell["text"], cell["differs"]) for cell in row["cells"])))

    def commands(self, failed, side="this_host"):
        return [remedy["commands"] for remedy in failed["explanation"]["remedies"] if remedy["side"] == side and remedy["commands"]][0]

    def paste(self, host, lines, key=None):
        """Runs the lines as a shell would read them."""
        for line in lines:
            words = shlex.split(line.replace("<the key of both hosts>", key or KEY))
            self.assertEqual(words[0], "netsh")
            self.lab.netsh(host, *words[1:])

    def mends(self, host, lines, key=None):
        self.paste(host, lines, key)
        wait_for(self.ping, MENDED_SECONDS, lambda: f"a ping is answered once host {host} has had {lines}:\n" + self.shown("a") + self.shown("b"))

    def each_side_mends(self, of_a, of_b, reasons, columns):
        """`columns`: what differs, with the texts of a and of b."""
        for mending in ("b", "a"):
            with self.subTest(mending=mending):
                self.apply(of_a, of_b)
                found = self.explain(reasons)
                for failed in found.values():
                    offered, configured = self.closest(failed, "offered"), self.closest(failed, "configured")
                    for column, (text_of_a, text_of_b) in columns.items():
                        self.assertEqual(offered[column], (text_of_a, True))
                        self.assertEqual(configured[column], (text_of_b, True))
                    self.assertEqual({column for column, (_, differs) in offered.items() if differs}, set(columns))
                self.assertEqual(found["b"]["explanation"]["refused_by"], "this_host")
                self.assertEqual(found["a"]["explanation"]["refused_by"], "peer")
                self.mends(mending, self.commands(found[mending]))


class Offers(Explained):
    def test_main_mode_cipher(self):
        self.each_side_mends(policy("MM cipher"), policy("MM cipher", main_mode=main_mode(cipher="AES256")),
                             ("no_proposal_chosen", "no_proposal_chosen"), {"Encryption": ("AES128", "AES256")})

    def test_main_mode_group(self):
        self.each_side_mends(policy("MM group"), policy("MM group", main_mode=main_mode(dh_group="modp2048")),
                             ("no_proposal_chosen", "group_mismatch"), {"Group": ("ecp256", "modp2048")})

    def test_quick_mode_cipher_and_hash(self):
        self.each_side_mends(policy("QM cipher"), policy("QM cipher", negotiate(offer({"cipher": "AES256", "integrity": "SHA256"}))),
                             ("no_proposal_chosen", "no_proposal_chosen"), {"Encryption": ("AES128", "AES256"), "Integrity": ("SHA1", "SHA256")})

    def test_perfect_forward_secrecy(self):
        self.each_side_mends(policy("PFS"), policy("PFS", negotiate(offer(CBC), quick_mode_pfs=True)),
                             ("no_proposal_chosen", "pfs_mismatch"), {"PFS group": ("none", "ecp256")})


class Keys(Explained):
    def test_preshared_keys(self):
        for mending in ("b", "a"):
            with self.subTest(mending=mending):
                keys = {"a": KEY, "b": "another key at host b"}
                self.apply(policy("Keys", key=keys["a"]), policy("Keys", key=keys["b"]))
                found = self.explain(("authentication_failed", "authentication_failed"))
                self.assertIn("does not decrypt", " ".join(found["b"]["explanation"]["facts"]))
                self.assertEqual(found["a"]["explanation"]["notify"], "AUTHENTICATION-FAILED")
                for failed in found.values():
                    self.assertIn("the preshared key on both sides", " ".join(failed["explanation"]["checks"]))
                    self.assertEqual(failed["windows_event_2003"], 545)
                self.mends(mending, self.commands(found[mending]), key=keys["a" if mending == "b" else "b"])


class Traffic(Explained):
    def test_selectors(self):
        service = [{"source": "me", "destination": policies.NETWORK_4, "protocol": "TCP", "source_port": 445}]
        for mending in ("b", "a"):
            with self.subTest(mending=mending):
                self.apply(policy("Traffic"), policy("Traffic", filters=service))
                found = self.explain(("no_matching_filter", "no_matching_filter"))
                for failed in found.values():
                    traffic = failed["explanation"]["traffic"]
                    self.assertEqual(traffic["asked"]["protocol"], 0)
                    self.assertEqual(traffic["configured"]["protocol"], 6)
                    self.assertEqual(traffic["overlap"], traffic["configured"])
                if mending == "b":
                    self.mends("b", self.commands(found["b"]))
                else:
                    # What b has is all that a can have: the service, not pings.
                    self.paste("a", self.commands(found["a"]))
                    with self.lab.talker("b", "receive", self.lab.address("b"), 445) as receiver:
                        self.lab.traffic("a", "send", self.lab.address("b"), 445, 1000, bytes(16).hex())
                        self.assertEqual(receiver.result()["bytes"], 1000)


class Silence(Explained):
    def test_one_side_without_policy(self):
        self.apply(policy("Alone"), policy("Alone"))
        self.unassign("b")
        found = self.explain(("timeout_message_2", "no_policy"))
        self.assertIn("nothing came from", " ".join(found["a"]["explanation"]["facts"]))
        self.assertIn("was sent 6 times", " ".join(found["a"]["explanation"]["facts"]))
        self.assertIn("a policy is assigned", " ".join(found["a"]["explanation"]["checks"]))
        self.assertIsNone(found["a"]["explanation"]["refused_by"])
        self.mends("b", self.commands(found["b"]))

    def test_a_dead_peer(self):
        self.apply(policy("Dead"), None)
        self.lab.stop("b")
        try:
            self.assertFalse(self.ping())
            failed = wait_for(lambda: self.failed("a", "timeout_message_2"), FAILED_SECONDS, "host a tells of a time-out")
            self.assertIsNone(failed["explanation"]["refused_by"])
            self.assertIn("is up and reachable", " ".join(failed["explanation"]["checks"]))
        finally:
            self.lab.start("b")


class Methods(Explained):
    def test_authentication_methods(self):
        of_b = policy("Methods")
        of_b["policies"][0]["rules"][0]["authentication"] = [{"method": "kerberos"}]
        self.apply(policy("Methods"), of_b)
        found = self.explain(("no_proposal_chosen", "unsupported_authentication_method"))
        for failed in found.values():
            self.assertEqual(self.closest(failed, "offered")["Authentication"], ("preshared key", True))
            self.assertEqual(self.closest(failed, "configured")["Authentication"], ("Kerberos", True))
        self.mends("b", self.commands(found["b"]))


class Others(Explained):
    def test_a_peer_that_no_rule_names(self):
        elsewhere = [{"source": "me", "destination": "10.99.0.0/24"}]
        self.apply(policy("Others"), policy("Others", filters=elsewhere))
        found = self.explain(("no_proposal_chosen", "no_main_mode_filter"))
        self.assertIsNone(found["b"]["explanation"]["traffic"]["overlap"])
        self.mends("b", self.commands(found["b"]))
