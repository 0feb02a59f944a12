"""Main mode and quick mode with strongSwan, as initiator and as responder. Its SAs go nowhere (kernel "null"): this is about IKE."""

import os
import tempfile

import policies
from lab import LabTest, wait_for
from peers import PEER_ADDRESS, PRESHARED_KEY, StrongSwan, WireNamespace

CIPHERS = {"3des": "3DES", "des": "DES", "aes128": "AES128", "aes192": "AES192", "aes256": "AES256", "null": "NONE",
           "aes128gcm16": "AES128-GCM", "aes256gcm16": "AES256-GCM"}
HASHES = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512"}
GROUPS = {"x25519": "curve25519"}

# strongSwan's words for phase 1, phase 2, PFS group, mode.
CASES = [
    ("aes128-sha256-modp2048", "aes128-sha256", None, "transport"),
    ("aes256-sha384-ecp384", "aes256gcm16", "ecp256", "transport"),
    ("3des-sha1-modp1024", "3des-sha1", "modp1024", "transport"),
    ("aes128-sha1-modp1536", "null-sha1", None, "tunnel"),
    ("aes256-sha512-curve25519", "aes128gcm16", "curve25519", "tunnel"),
    ("3des-md5-modp768", "3des-md5", None, "transport"),
    ("des-md5-modp1024", "des-md5", None, "transport"),
    ("aes192-sha256-modp3072", "aes192-sha256", "modp3072", "transport"),
    ("aes128-sha256-modp4096", "aes128-sha384", None, "tunnel"),
    ("aes128-sha256-ecp256", "aes256-sha512", "ecp521", "transport"),
    ("aes128-sha256-ecp521", "aes128gcm16", "modp2048", "tunnel"),
    ("aes256-sha256-modp6144", "aes256-sha256", None, "transport"),
]
# The same with AH in place of ESP.
AH_CASES = [
    ("aes128-sha256-modp2048", "sha1", None, "transport"),
    ("aes256-sha256-modp2048", "sha256", "modp2048", "transport"),
    ("aes128-sha1-modp1024", "md5", None, "tunnel"),
    ("aes128-sha256-ecp256", "sha512", "ecp256", "tunnel"),
]


def words(proposal):
    parts = proposal.split("-")
    cipher = CIPHERS[parts[0]]
    integrity = HASHES[parts[1]] if len(parts) > 1 else "NONE"
    return cipher, integrity, parts[2] if len(parts) > 2 else None


def policy_for(ike, esp, pfs, mode, own, peer):
    cipher, integrity, group = words(ike)
    if esp in HASHES:
        offer = {"ah": HASHES[esp], "lifetime_kilobytes": 100_000, "lifetime_seconds": 3600}
    else:
        esp_cipher, esp_integrity, _ = words(esp)
        offer = policies.offer({"cipher": esp_cipher, "integrity": esp_integrity})
    action = policies.negotiate(offer)
    if pfs:
        action.update(quick_mode_pfs=True, pfs_group=pfs)
    if mode == "transport":
        rules = [policies.rule("Peer", [{"source": "me", "destination": peer}], action, PRESHARED_KEY)]
    else:
        rules = [policies.rule("Out", [{"source": own, "destination": peer, "mirrored": False}], action, PRESHARED_KEY, peer),
                 policies.rule("In", [{"source": peer, "destination": own, "mirrored": False}], action, PRESHARED_KEY, own)]
    return policies.document("Interop", *rules, main_mode={"offers": [{"cipher": cipher, "integrity": integrity, "dh_group": group}]})


class StrongSwanPeer(LabTest):
    HOSTS = ("a",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = WireNamespace(cls.lab.status()["wire"]["namespace"], f"swan{os.getpid()}", PEER_ADDRESS)
        cls.addClassCleanup(cls.peer.remove)

    def negotiate(self, case, initiator):
        ike, esp, pfs, mode = case
        own = self.lab.address("a")
        extra = [*(["--pfs", pfs] if pfs else []), *(["--ah", esp] if esp in HASHES else [])]
        with tempfile.TemporaryDirectory(prefix="swan-") as directory:
            swan = StrongSwan(self.peer, directory, own, ike, esp, mode, extra=extra)
            try:
                self.lab.apply("a", policy_for(ike, esp, pfs, mode, own, PEER_ADDRESS))
                if initiator == "strongSwan":
                    swan.initiate()
                else:
                    self.lab.exec("a", "ping", "-c1", "-W1", PEER_ADDRESS, check=False)
                wait_for(lambda: len(swan.security_associations()) >= 2, 20,
                         lambda: f"two SAs at strongSwan\n{swan.log()}\n{self.lab.netsh('a', 'ipsec', 'dynamic', 'show', 'events')}")
                theirs = swan.security_associations()
                ours = wait_for(lambda: {entry["spi"]: entry for entry in self.lab.quick_mode_sas("a")}, 10, "two SAs here")
                self.assertEqual(set(ours), set(theirs), "the SPIs of both sides")
                for spi, entry in ours.items():
                    self.assertEqual(entry["direction"] == "inbound", theirs[spi]["direction"] == "out", f"direction of {spi:08x}")
                self.assertIn("ESTABLISHED", swan.control("--list-sas"))
            finally:
                swan.stop()
                self.lab.netsh("a", "ipsec", "static", "delete", "all", check=False)

    def test_strongswan_initiates(self):
        for case in CASES:
            with self.subTest(case=case):
                self.negotiate(case, "strongSwan")

    def test_we_initiate(self):
        for case in CASES:
            with self.subTest(case=case):
                self.negotiate(case, "we")

    def test_QM_02_QM_08_ah(self):
        for case in AH_CASES:
            for initiator in ("strongSwan", "we"):
                with self.subTest(case=case, initiator=initiator):
                    self.negotiate(case, initiator)

    def test_a_wrong_key_gives_no_sa(self):
        own = self.lab.address("a")
        case = ("aes128-sha256-modp2048", "aes128-sha256", None, "transport")
        with tempfile.TemporaryDirectory(prefix="swan-") as directory:
            swan = StrongSwan(self.peer, directory, own, case[0], case[1], case[3], key="not the key")
            try:
                self.lab.apply("a", policy_for(*case, own, PEER_ADDRESS))
                self.assertNotIn("completed successfully", swan.initiate(check=False))
                self.assertEqual(self.lab.quick_mode_sas("a"), [])
                wait_for(lambda: "authentication" in self.lab.netsh("a", "ipsec", "dynamic", "show", "events").lower(), 20,
                         "an event about authentication")
            finally:
                swan.stop()
                self.lab.netsh("a", "ipsec", "static", "delete", "all", check=False)
