"""`installer/setup demo` with programs that are built already: it ends well and prints what the README promises."""

import os
import re
import subprocess
import unittest

from lab import BIN, TOP, require_lab, use_own_namespace_names

DEMO_SECONDS = 300


def setUpModule():
    use_own_namespace_names()


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_lab()
        cls.done = subprocess.run([str(TOP / "installer" / "setup"), "demo", "--bin", str(BIN)], capture_output=True, text=True, timeout=DEMO_SECONDS, check=False)
        cls.left = set(os.listdir("/run/netns"))
        cls.output = cls.done.stdout
        print(cls.output, cls.done.stderr)

    def assert_printed(self, pattern):
        self.assertRegex(self.output, re.compile(pattern, re.MULTILINE))

    def test_it_ends_well_and_cleans_up(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        self.assertNotIn("WRONG", self.output)
        self.assert_printed(r"^  Everything was as expected\.$")
        self.assertEqual(self.left, set())

    def test_it_shows_what_was_on_the_wire(self):
        self.assert_printed(r"^ +ESP +\d{5,} packets$")
        self.assert_printed(r"^ +ISAKMP +\d+ packets$")
        self.assert_printed(r"ok +the data's marker, 16 bytes in every packet of it, is nowhere")

    def test_the_transfer_is_checksummed(self):
        sums = re.findall(r"SHA-256 ([0-9a-f]{64})", self.output)
        self.assertEqual(len(sums), 2)
        self.assertEqual(*sums)

    def test_it_shows_associations_statistics_and_the_wait_of_the_first_packet(self):
        for pattern in (r"show mmsas", r"show qmsas", r"show stats", r"Confidential Bytes Sent", r"it waited \d+\.\d ms"):
            self.assert_printed(pattern)

    def test_the_rules_work(self):
        self.assert_printed(r"ok +a ping of three crosses the wire in clear")
        self.assert_printed(r"ok +a connection to TCP port 445, where host b listens, timed out")


if __name__ == "__main__":
    unittest.main()
