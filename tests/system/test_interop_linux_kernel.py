"""ESP with a real Linux kernel (strongSwan does its IKE): transport and tunnel, both initiators, ping and TCP."""

import pathlib
import tempfile

import policies
from lab import LabTest, new_marker, wait_for
from peers import PEER_ADDRESS, PRESHARED_KEY, LinuxKernelPeer
from test_interop_strongswan import words

OWN_INNER, PEER_INNER = "10.79.1.1", "10.79.2.1"
# phase 2, mode
CASES = [
    ("aes128-sha256", "transport"),
    ("aes128gcm16", "transport"),
    ("3des-sha1", "transport"),
    ("aes256-sha512", "tunnel"),
    ("aes128gcm16", "tunnel"),
    ("null-sha1", "tunnel"),
]
TCP_BYTES = 2_000_000


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

    def exchange(self, esp, mode, initiator):
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
                self.lab.exec("a", "ping", "-n", "-c", "3", "-i", "0.2", "-W", "3", "-p", marker.hex(), "-s", "200", target, check=False)
                done = self.lab.ping("a", target, "-p", marker.hex(), "-s", "1200", check=False)
                self.assertEqual(done.returncode, 0, done.stdout + self.kernel.states() + self.lab.netsh("a", "ipsec", "dynamic", "show", "events"))
                self.tcp(target, marker)
            self.assert_protected(file, marker)
            states = self.kernel.states()
            self.assertIn(f"mode {mode}", states)
            self.assertEqual(len(self.lab.quick_mode_sas("a")) % 2, 0)
        finally:
            self.lab.netsh("a", "ipsec", "static", "delete", "all", check=False)
            self.kernel.clear()

    def tcp(self, target, marker):
        """Two megabytes to a listener in the guest; its digest must be the sender's."""
        port = 5002
        self.kernel.exec(f"rm -f /tmp/digest /tmp/ready; (nc -l -p {port} | sha256sum > /tmp/digest; touch /tmp/ready) > /dev/null 2>&1 &")
        wait_for(lambda: self.kernel.exec(f"ss -ltn | grep -c :{port}", check=False).strip() not in ("", "0"), 10, "a listener in the guest")
        data = pathlib.Path(self.lab.directory) / "data"
        data.write_bytes((marker * (TCP_BYTES // len(marker) + 1))[:TCP_BYTES])
        self.lab.exec("a", "bash", "-c", f"nc -N -w 20 {target} {port} < {data}")
        digest = self.lab.exec("a", "sha256sum", str(data)).stdout.split()[0]
        wait_for(lambda: "yes" in self.kernel.exec("test -e /tmp/ready && echo yes", check=False), 20, "the end of the transfer")
        self.assertIn(digest, self.kernel.exec("cat /tmp/digest"))

    def test_we_initiate(self):
        for esp, mode in CASES:
            with self.subTest(esp=esp, mode=mode):
                self.exchange(esp, mode, "we")

    def test_the_kernels_charon_initiates(self):
        for esp, mode in CASES[:2] + CASES[3:5]:
            with self.subTest(esp=esp, mode=mode):
                self.exchange(esp, mode, "kernel")
