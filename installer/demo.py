#!/usr/bin/python3
"""The demo: two hosts in network namespaces, one policy, traffic encrypted end to end. Run by `installer/setup demo`. Every statement it
prints is checked; the exit status is 1 if one of them is not so."""

import argparse
import os
import pathlib
import re
import secrets
import signal
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests" / "lab"))

from lab_client import PROTECTED_KINDS, Lab, pcap, wait_for  # noqa: E402  (the folder must be on the path first)

POLICY_FILE = "store/json/examples/two-hosts-esp.json"
POLICY_NAME = "Two hosts ESP"
TRANSFER_BYTES = 100_000_000
COUNTED_NOTHING = re.compile(r": +0(\s|$)")
BLOCKED_SECONDS = 2  # how long a connection attempt is given before we call it blocked
RULES = f"""pushd ipsec static
add filteraction name="Block" action=block
add filteraction name="Permit" action=permit
add filter filterlist="SMB" srcaddr=me dstaddr=10.77.0.0 dstmask=255.255.255.0 protocol=TCP dstport=445
add filter filterlist="SMB" srcaddr=10.77.0.0 srcmask=255.255.255.0 dstaddr=me protocol=TCP dstport=445
add filter filterlist="Ping" srcaddr=me dstaddr=10.77.0.0 dstmask=255.255.255.0 protocol=ICMP
add rule name="Block SMB" policy="{POLICY_NAME}" filterlist="SMB" filteraction="Block"
add rule name="Permit ping" policy="{POLICY_NAME}" filterlist="Ping" filteraction="Permit"
popd"""


class Demo:
    def __init__(self, lab):
        self.lab = lab
        self.wrong = 0

    def heading(self, text):
        print(f"\n== {text}\n", flush=True)

    def show(self, text):
        print("\n".join("    " + line for line in text.strip("\n").splitlines()), flush=True)

    def expect(self, condition, text):
        print(f"  {'ok   ' if condition else 'WRONG'} {text}", flush=True)
        self.wrong += not condition

    def netsh(self, host, *words):
        print(f"  {host}$ netsh {' '.join(word if ' ' not in word else chr(34) + word + chr(34) for word in words)}", flush=True)
        return self.lab.netsh(host, *words)

    def shown_counts(self, counts):
        self.show("\n".join(f"{kind:<22}{number:>9} packets" for kind, number in sorted(counts.items(), key=lambda item: -item[1])))

    # ---- the parts ----

    def hosts(self):
        self.heading("Two hosts on one wire")
        for host in self.lab.status()["hosts"]:
            running = ", ".join(f"{name} {entry['pid']}" for name, entry in host["services"].items())
            print(f"  {host['name']}: {host['ipv4']}, {host['ipv6']} ({running})")
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", count=2)
        self.expect(pcap.counts(file).get("ICMP") == 4, "without a policy a ping crosses the wire in clear")

    def policy(self):
        self.heading("One policy: protect everything between the two")
        for host in self.lab.hosts:
            self.netsh(host, "ipsec", "static", "importpolicy", f"file={POLICY_FILE}")
            self.netsh(host, "ipsec", "static", "set", "policy", f"name={POLICY_NAME}", "assign=y")
            self.lab.wait_in_force(host, POLICY_NAME)
            self.expect(True, f"policy '{POLICY_NAME}' is in force on host {host}")

    def traffic(self):
        marker = secrets.token_bytes(16)
        self.heading("A ping and a TCP transfer")
        with self.lab.capture("a") as file:
            print(f"  a$ ping -c3 -s512 -p {marker.hex()} 10.77.0.2")
            done = self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), "-s", "512", check=False)
            self.show(done.stdout)
            self.expect(done.returncode == 0 and " 3 received" in done.stdout, "all three were answered, the first one too")
            print(f"  a$ {TRANSFER_BYTES // 1_000_000} MB over TCP to host b")
            sent, received = self.lab.transfer("a", "b", TRANSFER_BYTES, marker)
            self.show(f"sent     {sent['bytes']} bytes, SHA-256 {sent['sha256']}\nreceived {received['bytes']} bytes, SHA-256 {received['sha256']}")
            rate = TRANSFER_BYTES * 8 / sent["seconds"] / 1e6
            self.expect(sent["sha256"] == received["sha256"] and received["bytes"] == TRANSFER_BYTES, f"arrived unharmed, at {rate:.0f} Mbit/s")
        self.wire(file, marker)

    def wire(self, file, marker):
        self.heading("What was on the wire")
        counts = pcap.counts(file)
        self.shown_counts(counts)
        self.expect(counts.get("ESP", 0) > TRANSFER_BYTES // 1500 and not set(counts) - PROTECTED_KINDS,
                    "ESP only, besides the negotiation (ISAKMP) and the finding of neighbours")
        size = file.stat().st_size / 1e6
        self.expect(not pcap.contains(file, marker), f"the data's marker, 16 bytes in every packet of it, is nowhere in {size:.0f} MB of capture")

    def first_packet(self):
        self.heading("The first packet")
        waited = self.lab.first_hold_milliseconds("a")
        self.expect(waited > 0, f"it waited {waited:.1f} ms in the driver: main mode, quick mode, then it went out protected")

    def listings(self):
        self.heading("Security associations and statistics")
        for words, must_hold in ((("show", "mmsas"), "10.77.0.2"), (("show", "qmsas"), "10.77.0.2"), (("show", "stats"), "Confidential Bytes Sent")):
            text = self.netsh("a", "ipsec", "dynamic", *words)
            lines = [line for line in text.splitlines() if not COUNTED_NOTHING.search(line)]
            self.show("\n".join(lines))
            if len(lines) < len(text.splitlines()):
                print(f"    ({len(text.splitlines()) - len(lines)} lines that count 0 are left out)")
            self.expect(must_hold in text, f"'{must_hold}' is among them")

    def rules(self):
        self.heading("Two more rules: block TCP 445, permit ICMP")
        print("  a$ netsh -f rules; the same on b; the rules:")
        self.show(RULES)
        for host in self.lab.hosts:
            self.lab.netsh_script(host, RULES.splitlines())
        wait_for(lambda: self.ping_is_clear(), 30, "the changed policy is in force")

    def ping_is_clear(self):
        with self.lab.capture("a") as file:
            done = self.lab.ping("a", "10.77.0.2", count=1, check=False)
        return done.returncode == 0 and pcap.counts(file).get("ICMP") == 2

    def rules_work(self):
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2")
        self.shown_counts(pcap.counts(file))
        self.expect(pcap.counts(file).get("ICMP") == 6, "a ping of three crosses the wire in clear: three questions, three answers")
        with self.lab.capture("a") as file, self.lab.talker("b", "receive", "10.77.0.2", 445):
            outcome = self.lab.traffic("a", "connect", "10.77.0.2", 445, BLOCKED_SECONDS)
        counts = pcap.counts(file)
        self.expect(outcome["outcome"] == "timed out" and "TCP" not in counts and "ESP" not in counts,
                    f"a connection to TCP port 445, where host b listens, {outcome['outcome']}; nothing of it was on the wire")
        blocked = self.lab.verdict("a", "outbound_blocked")
        self.expect(blocked > 0, f"the driver of host a counts {blocked} packets blocked")
        with self.lab.capture("a") as file:
            sent, received = self.lab.transfer("a", "b", 1_000_000, secrets.token_bytes(16), port=446)
        self.expect(sent["sha256"] == received["sha256"] and "TCP" not in pcap.counts(file), "TCP port 446 is protected as before")

    def run(self):
        for part in (self.hosts, self.policy, self.traffic, self.first_packet, self.listings, self.rules, self.rules_work):
            part()
        self.heading("Result")
        print("  Everything was as expected." if not self.wrong else f"  {self.wrong} of the statements above are WRONG.")
        return 1 if self.wrong else 0


def end_on_signals():
    def interrupted(number, _):
        raise SystemExit(f"demo: ended by {signal.Signals(number).name}")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupted)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    options = parser.parse_args()
    folder = pathlib.Path(options.bin).resolve()
    end_on_signals()
    os.chdir(TOP)  # the policy's file is named from there
    try:
        with Lab(folder, ["a", "b"]) as lab:
            return Demo(lab).run()
    except (AssertionError, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1


sys.exit(main())
