"""ESP packets of ours opened by scapy, and packets of scapy opened by us, under SAs that strongSwan's charon negotiated."""

import importlib.util
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from lab import LabTest, new_marker, wait_for
from peers import PEER_ADDRESS, StrongSwan, WireNamespace
from test_interop_strongswan import policy_for

PYTHON = "/usr/bin/python3"
PEER_PROGRAM = pathlib.Path(__file__).with_name("scapy_esp_peer.py")
PINGS = 4
CASES = [
    ("aes128-sha256-modp2048", "aes128gcm16", None, "transport"),
    ("aes128-sha256-modp2048", "aes128-sha256", None, "transport"),
    ("aes128-sha256-modp2048", "aes256-sha512", None, "tunnel"),
    ("aes128-sha256-modp2048", "3des-sha1", None, "transport"),
    ("aes128-sha256-modp2048", "null-sha1", None, "tunnel"),
    ("aes128-sha256-modp2048", "aes256gcm16", None, "tunnel"),
]


class ScapyPeer(LabTest):
    HOSTS = ("a",)

    @classmethod
    def setUpClass(cls):
        if importlib.util.find_spec("scapy") is None:
            raise unittest.SkipTest("python3-scapy is not installed")
        super().setUpClass()
        cls.peer = WireNamespace(cls.lab.status()["wire"]["namespace"], f"scapy{os.getpid()}", PEER_ADDRESS)
        cls.addClassCleanup(cls.peer.remove)

    def exchange(self, case):
        own = self.lab.address("a")
        marker = new_marker()
        with tempfile.TemporaryDirectory(prefix="scapy-") as directory:
            swan = StrongSwan(self.peer, directory, own, case[0], case[1], case[3])
            self.addCleanup(swan.stop)
            self.lab.apply("a", policy_for(*case, own, PEER_ADDRESS))
            swan.initiate()
            theirs = wait_for(lambda: swan.security_associations() if len(swan.security_associations()) >= 2 else None, 20, swan.log)
            keys = {}
            for spi, entry in theirs.items():
                keys["inbound" if entry["direction"] == "in" else "outbound"] = {
                    **entry, "spi": spi, "key": entry["key"].hex(), "integrity_key": entry["integrity_key"].hex()}
            file = pathlib.Path(directory) / "keys.json"
            file.write_text(json.dumps(keys), encoding="utf-8")
            program = subprocess.Popen(["ip", "netns", "exec", self.peer.name, PYTHON, str(PEER_PROGRAM), "eth0", str(file), str(PINGS)],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                self.assertEqual(program.stdout.readline().strip(), "ready")
                done = self.lab.ping("a", PEER_ADDRESS, "-p", marker.hex(), "-s", "120", count=PINGS, check=False)
                output, errors = program.communicate(timeout=70)
            finally:
                program.kill()
                program.wait()
            self.assertEqual(done.returncode, 0, f"{done.stdout}\n{errors}")
            opened = [bytes.fromhex(payload) for payload in json.loads(output.splitlines()[-1])]
            self.assertEqual(len(opened), PINGS, errors)
            for payload in opened:
                self.assertIn(marker, payload)
            swan.stop()
            self.lab.netsh("a", "ipsec", "static", "delete", "all", check=False)

    def test_echo_under_every_suite(self):
        for case in CASES:
            with self.subTest(case=case):
                self.exchange(case)
