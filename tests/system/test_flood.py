"""A flood of forged first messages: a peer that means it is served within two seconds, and IKE's memory stays bounded."""

import json
import pathlib
import re
import subprocess
import time
import unittest

from lab import TOP, LabTest, pcap, wait_for
import policies

FLOOD = TOP / "tests" / "lab" / "flood.py"
COUNT, PER_SECOND = 50_000, 5_000
SERVED_WITHIN = 2
# 1000 half-open negotiations of at most 16 KB, twice, because memory that is given back leaves holes.
MOST_GROWTH_KB = 32 * 1024
SECONDS = 60
# Of the forgers: host c. The responder's policy secures all of 10/8, so that every forged message is one it answers.
FORGED_NETWORK, ONE_FORGED_ADDRESS = "10.128.0.0/9", "10.99.99.99"


def open_to_all():
    return policies.document("Protect", policies.rule("All of ten", [{"source": "me", "destination": "10.0.0.0/8"}], policies.negotiate()))


class Flood(LabTest):
    HOSTS = ("a", "b", "c")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.apply("a", policies.protect_network())
        cls.lab.apply("b", open_to_all())
        cls.lab.exec("b", "ip", "route", "add", "10.0.0.0/8", "via", cls.lab.address("c"))
        cls.message1 = cls.first_message()

    @classmethod
    def first_message(cls):
        """A real one, as host a sends it."""
        with cls.lab.capture("a") as file:
            wait_for(lambda: cls.lab.ping("a", "10.77.0.2", count=1, check=False).returncode == 0, SECONDS, "a ping is answered")
        for packet in pcap.packets(file):
            if packet.kind == "ISAKMP":
                return packet.payload[8:]  # behind the UDP header
        raise AssertionError("no ISAKMP in the capture")

    def resident(self):
        pid = self.lab.host_status("b")["services"]["ike"]["pid"]
        return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")).group(1))

    def forget(self):
        """The next ping needs a main mode of its own."""
        self.lab.stop("a")
        self.lab.start("a")
        self.lab.wait_in_force("a", "Protect")

    def flood(self, source, seed):
        print(f"flood from {source}, seed {seed}", flush=True)
        command = self.lab.command("exec", "c", "--", "/usr/bin/python3", "-B", FLOOD, source, self.lab.address("b"), self.message1.hex(),
                                   COUNT, PER_SECOND, seed)
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def withstand(self, source, seed):
        self.forget()
        received, evicted = self.counter("datagrams_received"), self.counter("half_open_evicted")
        self.assertEqual(self.lab.quick_mode_sas("a"), [], "the ping is the first packet")
        before = most = self.resident()
        with self.flood(source, seed) as flood:
            wait_for(lambda: self.counter("datagrams_received") - received > COUNT / 10, SECONDS, "the flood is there")
            began = time.monotonic()
            done = self.lab.exec("a", "ping", "-n", "-c", "1", "-W", "10", self.lab.address("b"))
            waited = float(re.search(r"time=([\d.]+) ms", done.stdout).group(1)) / 1000
            self.assertIsNone(flood.poll(), "the flood lasts longer than the negotiation")
            while flood.poll() is None:
                most = max(most, self.resident())
                time.sleep(0.1)
            sent = json.loads(flood.stdout.read())
        most = max(most, self.resident())
        print(f"served after {waited:.3f} s ({time.monotonic() - began:.1f} s of the flood were left); {sent}; resident {before} kB, at most {most} kB", flush=True)
        self.assertEqual(sent["sent"], COUNT)
        self.assertGreater(self.counter("half_open_evicted"), evicted, "the forged messages were taken for first messages")
        self.assertLess(waited, SERVED_WITHIN)
        self.assertLess(most - before, MOST_GROWTH_KB)

    def counter(self, name):
        counters = self.lab.show("b", "stats")["ike"]["counters"]
        return next(int(entry["value"]) for entry in counters if entry["name"] == name)

    def test_forged_addresses(self):
        self.withstand(FORGED_NETWORK, 20261130)

    def test_one_address(self):
        self.withstand(ONE_FORGED_ADDRESS, 20261201)

    def test_the_address_of_the_peer(self):
        self.withstand(self.lab.address("a"), 20261202)


if __name__ == "__main__":
    unittest.main()
