"""Authentication by certificate between lab hosts, revocation lists over HTTP, and strongSwan as the other side."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import policies
from authority import Authority, write_private
from lab import LabTest, wait_for
from peers import PEER_ADDRESS, StrongSwan, WireNamespace, run, shared

ROOT = "O=Lab, CN=Lab Root"
SECONDS = 40
CRL_PORT = 8080
HANGING_PORT = 8081

# Serves the folder it is started in; the second one takes connections and never says a word.
SERVERS = f"""
import functools, http.server, socket, sys, threading
address, folder = sys.argv[1:]
hanging = socket.create_server((address, {HANGING_PORT}), backlog=64)
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
print("ready", flush=True)
http.server.ThreadingHTTPServer((address, {CRL_PORT}), handler).serve_forever()
"""


class CertificateTest(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wire = WireNamespace(cls.lab.status()["wire"]["namespace"], f"crl{os.getpid()}", PEER_ADDRESS)
        cls.addClassCleanup(cls.wire.remove)

    def folder(self, host):
        return pathlib.Path(self.lab.directory) / host / "ike"

    def equip(self, host, issued, roots, chain=(), accounts=None):
        """The host's certificate directory holds exactly this, and IKE knows it."""
        top = self.folder(host)
        for name in ("own", "roots", "intermediates", "crls"):
            shutil.rmtree(top / name, ignore_errors=True)
            (top / name).mkdir(parents=True)
        (top / "accounts").unlink(missing_ok=True)
        (top / "own" / "host.crt").write_bytes(issued.pem() + b"".join(each.pem() for each in chain))
        write_private(top / "own" / "host.key", issued.key_pem())
        for number, root in enumerate(roots):
            (top / "roots" / f"{number}.pem").write_bytes(root.pem())
        if accounts is not None:
            (top / "accounts").write_text(accounts)
        self.reread(host)
        serial = f"{issued.certificate.serial_number:X}"
        wait_for(lambda: [own["serial"].lstrip("0") for own in self.lab.show(host, "certificates")["own"]] == [serial], SECONDS,
                 lambda: f"the certificate is read\n{self.lab.netsh(host, 'ipsec', 'dynamic', 'show', 'certificates')}")

    def reread(self, host):
        self.lab.netsh(host, "ipsec", "dynamic", "refresh")

    def policy(self, peer, root=ROOT, **suffixes):
        rule = policies.rule("Peer", [{"source": "me", "destination": peer}], policies.negotiate())
        rule["authentication"] = [{"method": "certificate", "root_ca": root, **suffixes}]
        return policies.document("Certificates", rule)

    def protect(self, **suffixes):
        for host, peer in (("a", "b"), ("b", "a")):
            self.lab.apply(host, self.policy(self.lab.address(peer), **suffixes))

    def tearDown(self):
        for host in self.HOSTS:
            self.lab.netsh(host, "ipsec", "static", "delete", "all", check=False)
            self.lab.netsh(host, "ipsec", "dynamic", "set", "config", "property=strongcrlcheck", "value=1")

    def knock(self):
        self.lab.exec("a", "ping", "-c1", "-W1", self.lab.address("b"), check=False)

    def expect_protected(self, seconds=SECONDS):
        self.knock()
        wait_for(lambda: len(self.lab.quick_mode_sas("a")) >= 2 and len(self.lab.quick_mode_sas("b")) >= 2, seconds, self.tell)
        self.assertEqual(self.lab.ping("a", self.lab.address("b"), check=False).returncode, 0)

    def tell(self):
        return "\n".join(f"SAs; events of {host}:\n{self.lab.netsh(host, 'ipsec', 'dynamic', 'show', 'events')}" for host in self.HOSTS)

    def count(self, host, name):
        return sum(event["name"] == name for event in self.lab.events(host))

    def expect_event(self, host, name, text, before=0, seconds=SECONDS):
        wait_for(lambda: self.count(host, name) > before, seconds, self.tell)
        event = next(event for event in self.lab.events(host)[::-1] if event["name"] == name)
        self.assertIn(text, event["text"])
        return event


class BetweenHosts(CertificateTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = Authority("Lab Root")

    def test_AUC_02_RSA(self):
        self.equip("a", self.root.issue("a"), [self.root])
        self.equip("b", self.root.issue("b"), [self.root])
        self.protect()
        self.expect_protected()
        for host, peer in (("a", "b"), ("b", "a")):
            sa = self.lab.show(host, "mmsas")["sas"][0]
            self.assertEqual(sa["authentication"], "Certificate (RSA signature)")
            self.assertEqual(sa["peer_identity"], f"O=Lab, CN={peer}")

    def test_AUC_02_ECDSA(self):
        self.equip("a", self.root.issue("a", "ecdsa"), [self.root])
        self.equip("b", self.root.issue("b", "ecdsa"), [self.root])
        self.protect()
        self.expect_protected()
        self.assertEqual(self.lab.show("b", "mmsas")["sas"][0]["authentication"], "Certificate (ECDSA-256 signature)")

    def test_AUC_19_chain_with_an_intermediate(self):
        between = Authority("Between", self.root)
        self.equip("a", between.issue("a"), [self.root], [between])
        self.equip("b", self.root.issue("b"), [self.root])
        self.protect()
        self.expect_protected()

    def test_AUC_20_AUC_23_expired(self):
        self.equip("a", self.root.issue("a", days=-1), [self.root])
        self.equip("b", self.root.issue("b"), [self.root])
        own = self.lab.show("a", "certificates")["own"][0]
        self.assertFalse(own["usable"])
        trust = next(check for check in own["checks"] if check["name"] == "trust")
        self.assertEqual(trust["outcome"], "failed")
        self.assertIn("expired", trust["text"])
        self.protect()
        before = self.count("a", "no_usable_certificate")
        self.knock()
        self.expect_event("a", "no_usable_certificate", "certificate has expired", before)
        self.assertEqual(self.lab.quick_mode_sas("a"), [])

    def test_AUC_21_another_root(self):
        other = Authority("Other Root")
        self.equip("a", other.issue("a"), [other, self.root])
        self.equip("b", self.root.issue("b"), [self.root])
        self.protect()
        self.lab.apply("a", self.policy(self.lab.address("b"), "O=Lab, CN=Other Root"))
        before = self.count("b", "certificate_refused")
        self.knock()
        self.expect_event("b", "certificate_refused", "trust failed", before)
        self.assertEqual(self.lab.quick_mode_sas("b"), [])

    def test_AUC_28_accounts(self):
        self.equip("a", self.root.issue("a"), [self.root], accounts="allow O=Lab, CN=b\n")
        self.equip("b", self.root.issue("b"), [self.root], accounts="allow O=Lab, CN=somebody\n")
        self.protect(map_to_account=True)
        before = self.count("b", "account_refused")
        self.knock()
        self.expect_event("b", "account_refused", "is not in the list of accounts", before)
        (self.folder("b") / "accounts").write_text("allow O=Lab, CN=a\n")
        self.reread("b")
        wait_for(lambda: (self.knock(), len(self.lab.quick_mode_sas("b")) >= 2)[1], SECONDS, self.tell)

    def test_AUC_10_a_readable_key_is_refused_by_name(self):
        self.equip("a", self.root.issue("a"), [self.root])
        (self.folder("a") / "own" / "host.key").chmod(0o644)
        self.reread("a")
        problems = wait_for(lambda: self.lab.show("a", "certificates")["problems"], SECONDS, "a problem")
        self.assertIn("own/host.key has mode 0644", problems[0])
        self.assertIn("0640 with the group policyagent-ike", self.lab.netsh("a", "ipsec", "dynamic", "show", "certificates"))


class Revocation(CertificateTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.served = pathlib.Path(tempfile.mkdtemp(prefix="crl-"))
        cls.addClassCleanup(shutil.rmtree, cls.served, ignore_errors=True)
        cls.log = cls.served / "requests.log"
        cls.server = subprocess.Popen(
            ["ip", "netns", "exec", cls.wire.name, sys.executable, "-c", SERVERS, PEER_ADDRESS, str(cls.served)],
            stdout=subprocess.PIPE, stderr=open(cls.log, "w", encoding="ascii"), text=True)
        cls.addClassCleanup(cls.server.stdout.close)
        cls.addClassCleanup(cls.server.wait)
        cls.addClassCleanup(cls.server.kill)
        if cls.server.stdout.readline().strip() != "ready":
            raise AssertionError(f"the server of revocation lists does not start: {cls.log.read_text()}")

    def requests(self, name):
        return sum(f"GET /{name}" in line for line in self.log.read_text().splitlines())

    def authority(self, name, port=CRL_PORT):
        """A root of its own for each test, so that none finds the list of another in the cache."""
        return Authority(name, distribution_point=f"http://{PEER_ADDRESS}:{port}/{name.replace(' ', '')}.crl")

    def set_level(self, host, level):
        self.lab.netsh(host, "ipsec", "dynamic", "set", "config", "property=strongcrlcheck", f"value={level}")

    def equip_both(self, root):
        of_a, of_b = root.issue("a"), root.issue("b")
        self.equip("a", of_a, [root])
        self.equip("b", of_b, [root])
        for host, peer in (("a", "b"), ("b", "a")):
            self.lab.apply(host, self.policy(self.lab.address(peer), f"O=Lab, CN={root.name}"))
        return of_a, of_b

    def test_CRL_01_CRL_02_revoked(self):
        root = self.authority("Revoking")
        of_a, _ = self.equip_both(root)
        (self.served / "Revoking.crl").write_bytes(root.revocation_list(of_a))
        self.set_level("a", 0)
        before = self.count("b", "certificate_revoked")
        self.knock()
        self.expect_event("b", "certificate_revoked", "revoked: O=Lab, CN=a", before)
        self.assertEqual(self.lab.quick_mode_sas("b"), [])
        self.set_level("b", 0)
        wait_for(lambda: (self.knock(), len(self.lab.quick_mode_sas("b")) >= 2)[1], 90, self.tell)

    def test_CRL_03_CRL_07_a_list_is_fetched_once_also_across_a_restart(self):
        root = self.authority("Caching")
        self.equip_both(root)
        (self.served / "Caching.crl").write_bytes(root.revocation_list())
        self.set_level("a", 2)
        self.set_level("b", 2)
        self.expect_protected()
        fetched = self.requests("Caching.crl")
        self.assertLessEqual(fetched, 2, "once by each host")
        self.assertIn("O=Lab, CN=Caching", [each["issuer"] for each in self.lab.show("b", "certificates")["revocation_lists"]])
        (self.served / "Caching.crl").unlink()
        for host in self.HOSTS:
            self.lab.stop(host)
        for host in self.HOSTS:
            self.lab.start(host)
            self.lab.wait_in_force(host, "Certificates")
        self.expect_protected()
        self.assertEqual(self.requests("Caching.crl"), fetched)

    def test_CRL_06_a_server_that_hangs(self):
        root = self.authority("Hanging", HANGING_PORT)
        self.equip_both(root)
        self.set_level("a", 0)
        began = time.monotonic()
        self.knock()
        # IKE goes on with everything else meanwhile.
        self.assertEqual(self.lab.quick_mode_sas("b"), [])
        self.lab.show("b", "mmsas")
        wait_for(lambda: len(self.lab.quick_mode_sas("b")) >= 2, 60, self.tell)
        took = time.monotonic() - began
        self.assertGreater(took, 14)
        self.assertLess(took, 45)
        self.expect_event("b", "certificate_accepted", "could not be checked")

    def test_CRL_03_a_server_that_hangs_at_level_2(self):
        root = self.authority("Strict", HANGING_PORT)
        self.equip_both(root)
        self.set_level("a", 0)
        self.set_level("b", 2)
        before = self.count("b", "revocation_unknown")
        began = time.monotonic()
        self.knock()
        self.expect_event("b", "revocation_unknown", "no answer within 15 s", before, 60)
        self.assertGreater(time.monotonic() - began, 14)
        self.assertEqual(self.lab.quick_mode_sas("b"), [])


class WithStrongSwan(CertificateTest):
    HOSTS = ("a",)

    def rsa_authority(self, directory):
        """Of strongSwan's own tool; this host takes its PKCS #12 file."""
        run(shared("peers/strongswan") / "make-ca", "-d", directory, f"left={self.lab.address('a')}", f"right={PEER_ADDRESS}")
        top = self.folder("a")
        for name in ("own", "roots"):
            shutil.rmtree(top / name, ignore_errors=True)
            (top / name).mkdir(parents=True)
        write_private(top / "own" / "left.p12", (directory / "left.p12").read_bytes())
        write_private(top / "own" / "left.p12.password", b"test")
        shutil.copy(directory / "ca.crt", top / "roots" / "ca.crt")
        (top / "roots" / "ca.crt").chmod(0o644)
        self.reread("a")
        wait_for(lambda: any(own["usable"] for own in self.lab.show("a", "certificates")["own"]), SECONDS,
                 lambda: self.lab.netsh("a", "ipsec", "dynamic", "show", "certificates"))
        return "O=IPsec interop, CN=Interop CA", "O=IPsec interop, CN=left"

    def ecdsa_authority(self, directory):
        root = Authority("Lab Root")
        directory.mkdir()
        right = root.issue("right", "ecdsa", addresses=[PEER_ADDRESS])
        (directory / "ca.crt").write_bytes(root.pem())
        (directory / "right.crt").write_bytes(right.pem())
        (directory / "right.key").write_bytes(right.key_pem())
        self.equip("a", root.issue("left", "ecdsa"), [root])
        return ROOT, "O=Lab, CN=left"

    def negotiate(self, initiator, make_authority, method):
        with tempfile.TemporaryDirectory(prefix="swan-") as directory:
            directory = pathlib.Path(directory)
            root, own_name = make_authority(directory / "ca")
            # What this side calls itself is the subject of its certificate.
            swan = StrongSwan(self.wire, directory / "run", self.lab.address("a"), esp="aes128gcm16",
                              extra=["--auth", "rsa", "--ca", str(directory / "ca"), "--cert", "right", "--remote-id", own_name])
            try:
                self.lab.apply("a", self.policy(PEER_ADDRESS, root))
                if initiator == "strongSwan":
                    swan.initiate(check=False)
                else:
                    self.lab.exec("a", "ping", "-c1", "-W1", PEER_ADDRESS, check=False)
                wait_for(lambda: len(swan.security_associations()) >= 2, SECONDS, lambda: f"{swan.log()}\n{self.tell()}")
                ours = wait_for(lambda: {entry["spi"] for entry in self.lab.quick_mode_sas("a")}, 10, "two SAs here")
                self.assertEqual(ours, set(swan.security_associations()))
                self.assertEqual(self.lab.show("a", "mmsas")["sas"][0]["authentication"], method)
            finally:
                swan.stop()

    def test_AUC_02_RSA_strongswan_initiates(self):
        self.negotiate("strongSwan", self.rsa_authority, "Certificate (RSA signature)")

    def test_AUC_02_RSA_we_initiate(self):
        self.negotiate("we", self.rsa_authority, "Certificate (RSA signature)")

    def test_AUC_02_ECDSA_strongswan_initiates(self):
        self.negotiate("strongSwan", self.ecdsa_authority, "Certificate (ECDSA-256 signature)")

    def test_AUC_02_ECDSA_we_initiate(self):
        self.negotiate("we", self.ecdsa_authority, "Certificate (ECDSA-256 signature)")
