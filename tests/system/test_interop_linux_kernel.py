"""ESP with a real Linux kernel (strongSwan does its IKE): transport and tunnel, both initiators, ping and TCP."""

import hashlib
import pathlib
import tempfile

import policies
from lab import LabTest, new_marker
from peers import PEER_ADDRESS, PRESHARED_KEY, LinuxKernelPeer, run
from test_interop_strongswan import words

OWN_INNER, PEER_INNER = "10.79.1.1", "10.79.2.1"
# phase 2 in strongSwan's words, mode, what the kernel calls the two algorithms (with the bits of the check value)
CASES = [
    ("aes128-sha256", "transport", ("cbc(aes)", "hmac(sha256)", 128)),
    ("aes128gcm16", "transport", ("rfc4106(gcm(aes))", None, 128)),
    ("3des-sha1", "transport", ("cbc(des3_ede)", "hmac(sha1)", 96)),
    ("aes256-sha512", "tunnel", ("cbc(aes)", "hmac(sha512)", 256)),
    ("aes128gcm16", "tunnel", ("rfc4106(gcm(aes))", None, 128)),
    ("null-sha1", "tunnel", ("ecb(cipher_null)", "hmac(sha1)", 96)),
]
TCP_BYTES = 1_000_000
# What the kernel counts when a packet has an SA, but is not what that SA makes of it.
BAD_PACKETS = {"XfrmInError", "XfrmInHdrError", "XfrmInStateProtoError", "XfrmInStateModeError", "XfrmInStateSeqError", "XfrmInStateMismatch",
               "XfrmInTmplMismatch"}
# For the guest: wait until something listens there.
LISTENING = " for i in $(seq 100); do ss -ltn | grep -q :{port} && exit 0; sleep 0.1; done; exit 1"


class LinuxKernel(LabTest):
    HOSTS = ("a",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = tempfile.TemporaryDirectory(prefix="kernel-")
        cls.addClassCleanup(directory.cleanup)
        cls.kernel = LinuxKernelPeer(cls.lab.status()["wire"]["namespace"], pathlib.Path(directory.name) / "guest")
        cls.addClassCleanup(cls.kernel.stop)
        own = cls.lab.address("a")
        cls.lab.exec("a", "ip", "addr", "add", f"{OWN_INNER}/32", "dev", "lo")
        cls.lab.exec("a", "ip", "route", "add", f"{PEER_INNER}/32", "via", PEER_ADDRESS, "src", OWN_INNER)
        cls.kernel.exec(f"ip addr add {PEER_INNER}/32 dev lo; ip route add {OWN_INNER}/32 via {own} src {PEER_INNER}")
        cls.kernel_data_digest = cls.kernel.exec(f"head -c {TCP_BYTES} /dev/urandom > /tmp/data; sha256sum /tmp/data").split()[0]

    def policy(self, esp, mode):
        cipher, integrity, _ = words(esp)
        action = policies.negotiate(policies.offer({"cipher": cipher, "integrity": integrity}))
        main_mode = {"offers": [{"cipher": "AES128", "integrity": "SHA256", "dh_group": "modp2048"}]}
        own = self.lab.address("a")
        if mode == "transport":
            rules = [policies.rule("Peer", [{"source": "me", "destination": PEER_ADDRESS}], action, PRESHARED_KEY)]
        else:
            rules = [
                policies.rule("Out", [{"source": OWN_INNER, "destination": PEER_INNER, "mirrored": False}], action, PRESHARED_KEY, PEER_ADDRESS),
                policies.rule("In", [{"source": PEER_INNER, "destination": OWN_INNER, "mirrored": False}], action, PRESHARED_KEY, own)]
        return policies.document("Kernel", *rules, main_mode=main_mode)

    def exchange(self, case, initiator):
        esp, mode, algorithms = case
        own = self.lab.address("a")
        inner = mode == "tunnel"
        target = PEER_INNER if inner else PEER_ADDRESS
        selectors = {"local_ts": f"{PEER_INNER}/32", "remote_ts": f"{OWN_INNER}/32"} if inner else {}
        self.kernel.strongswan(own, mode, esp, **selectors)
        try:
            self.lab.apply("a", self.policy(esp, mode))
            marker = new_marker()
            with self.lab.capture("a") as file:
                if initiator == "kernel":
                    self.kernel.initiate()
                self.ping(target, marker, "-c", 1, "-w", 20)
                self.ping(target, marker, "-c", 3, "-W", 5, "-s", 1200)
                self.tcp_to_the_kernel(target, marker)
                self.tcp_from_the_kernel(target)
            self.assert_protected(file, None if esp.startswith("null") else marker)
            self.same_associations(mode, algorithms)
        finally:
            self.lab.netsh("a", "ipsec", "static", "delete", "all", check=False)
            self.kernel.clear()

    def ping(self, target, marker, *options):
        done = self.lab.exec("a", "ping", "-n", "-i", "0.2", "-p", marker.hex(), *options, target, check=False)
        if done.returncode != 0:
            self.fail(done.stdout + self.kernel.exec("ip -s xfrm state") + str(self.kernel.dropped()) + self.kernel.strongswan_log()
                      + self.lab.netsh("a", "ipsec", "dynamic", "show", "events"))

    def tcp_to_the_kernel(self, target, marker):
        """A megabyte to a listener in the guest; its digest must be the sender's."""
        self.kernel.exec("(nc -l -p 5002 < /dev/null | sha256sum > /tmp/digest.new; mv /tmp/digest.new /tmp/digest) > /dev/null 2>&1 &"
                         + LISTENING.format(port=5002))
        data = (marker * (TCP_BYTES // len(marker) + 1))[:TCP_BYTES]
        file = pathlib.Path(self.lab.directory) / "data"
        file.write_bytes(data)
        self.lab.exec("a", "bash", "-c", f"nc -N -w 20 {target} 5002 < {file}")
        received = self.kernel.exec("for i in $(seq 200); do [ -e /tmp/digest ] && break; sleep 0.1; done; cat /tmp/digest; rm /tmp/digest")
        self.assertEqual(received.split()[0], hashlib.sha256(data).hexdigest())

    def tcp_from_the_kernel(self, target):
        self.kernel.exec("nc -l -p 5003 < /tmp/data > /dev/null 2>&1 &" + LISTENING.format(port=5003))
        received = self.lab.exec("a", "bash", "-c", f"nc -d -w 20 {target} 5003 | sha256sum").stdout
        self.assertEqual(received.split()[0], self.kernel_data_digest)

    def same_associations(self, mode, algorithms):
        """The kernel has our SAs, with the wanted algorithms, has used them both ways, and found nothing wrong with our packets."""
        theirs = self.kernel.associations()
        self.assertEqual(set(theirs), {entry["spi"] for entry in self.lab.quick_mode_sas("a")}, "the SPIs of both sides")
        self.assertEqual(len(theirs), 2)
        for spi, association in theirs.items():
            self.assertEqual((association["mode"], association["algorithms"]), (mode, algorithms), f"SPI {spi:08x}")
            self.assertGreater(association["bytes"], TCP_BYTES, f"bytes of SPI {spi:08x}")
        dropped = self.kernel.dropped()
        self.assertEqual(BAD_PACKETS & set(dropped), set(), str(dropped))

    def test_PMT_black_hole_detection_needs_nothing_of_the_peer(self):
        esp, mode, _ = CASES[1]
        wire = self.lab.status()["wire"]["namespace"]
        self.kernel.strongswan(self.lab.address("a"), mode, esp)
        try:
            self.lab.apply("a", self.policy(esp, mode))
            self.ping(PEER_ADDRESS, new_marker(), "-c", 1, "-w", 20)
            # A bridge drops what its port cannot carry, without a word.
            run("ip", "-n", wire, "link", "set", self.kernel.tap, "mtu", 1280)
            self.tcp_to_the_kernel(PEER_ADDRESS, new_marker())
            known = [(status["path_mtu"], status["path_mtu_source"]) for status in self.lab.show("a", "qmsas")["sas"]
                     if status["sa"]["direction"] == "outbound"]
            self.assertEqual(known, [(1280, "probe")])
        finally:
            run("ip", "-n", wire, "link", "set", self.kernel.tap, "mtu", 1500)
            self.lab.netsh("a", "ipsec", "static", "delete", "all", check=False)
            self.kernel.clear()

    def test_we_initiate(self):
        for case in CASES:
            with self.subTest(case=case):
                self.exchange(case, "we")

    def test_the_kernels_charon_initiates(self):
        for case in CASES[:2] + CASES[3:5]:
            with self.subTest(case=case):
                self.exchange(case, "kernel")
