"""Everything at once: a bad cable, daemons killed, addresses and methods changed, SAs renewed, all while numbered datagrams go both ways. Nothing
of them may be on the wire in clear, arrive changed or arrive twice; and when it is over, everything works again.

POLICYAGENT_CHAOS_SECONDS says how long (10 by default), POLICYAGENT_CHAOS_SEED repeats a run whose seed was printed."""

import os
import random
import secrets
import signal
import time

import policies
from lab import TOP, LabTest, new_marker, pcap, wait_for
from lab_client import PYTHON, Talker
from policies import negotiate, offer

SECONDS = float(os.environ.get("POLICYAGENT_CHAOS_SECONDS", "10"))
SEED = int(os.environ.get("POLICYAGENT_CHAOS_SEED") or secrets.randbits(32))
CALM_SECONDS = 120
PORT = 9
# The smallest that a policy accepts: at 1.2 MB/s each way they are used up every 14 s.
OFFERS = [offer(policies.GCM, kilobytes=20480, seconds=300), offer(policies.CBC, kilobytes=20480, seconds=300)]
PAUSE = (0.5, 2.0)


class Disturbance(Talker):
    """tests/lab/disturb.py on the cable of a host."""

    def __init__(self, lab, host):
        super().__init__(lab.command("exec", "@wire", "--", PYTHON, "-B", TOP / "tests" / "lab" / "disturb.py", lab.host_status(host)["port"], "br0", SEED))

    def calm(self):
        """Ends it; what it has done."""
        self.child.send_signal(signal.SIGTERM)
        return self.result()


class Chaos(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network(action=negotiate(OFFERS[0])))

    def reached(self, source, target):
        return self.lab.ping(source, self.lab.address(target), "-w", "2", count=1, check=False).returncode == 0

    def wait_until_all_is_well(self):
        for source, target in (("a", "b"), ("b", "a")):
            wait_for(lambda source=source, target=target: self.reached(source, target), CALM_SECONDS, f"host {target} answers {source} again")

    # ---- what may happen ----

    def kill_service(self, host, service):
        if self.lab.host_status(host)["services"][service]["pid"]:
            self.lab.kill(host, service)

    def kill_driver(self, host):
        self.kill_service(host, "driver")

    def kill_ike(self, host):
        self.kill_service(host, "ike")

    def kill_agent(self, host):
        self.kill_service(host, "agent")
        self.lab.start(host)

    def another_address(self, host):
        address = f"10.77.0.{100 + self.lab.hosts.index(host)}/24"
        self.lab.exec(host, "ip", "address", "add", address, "dev", "eth0")
        self.lab.ping(host, "10.77.0.2" if host == "a" else "10.77.0.1", "-I", address.partition("/")[0], "-w", "1", count=1, check=False)
        self.lab.exec(host, "ip", "address", "del", address, "dev", "eth0")

    def address_away_and_back(self, host):
        address = self.lab.address(host) + "/24"
        self.lab.exec(host, "ip", "address", "del", address, "dev", "eth0")
        self.lab.exec(host, "ip", "address", "add", address, "dev", "eth0")

    def other_methods(self, host):
        """Every SA is made anew under them, in both directions. An agent that was killed a moment ago may still be starting."""
        self.offers = OFFERS[1] if self.offers is OFFERS[0] else OFFERS[0]
        for each in self.HOSTS:
            asked = self.lab.command("netsh", each, "ipsec", "dynamic", "show", "status")
            wait_for(lambda asked=asked: self.lab.run(asked, check=False).returncode == 0, CALM_SECONDS, f"the agent of host {each} answers")
            self.lab.import_policy(each, policies.protect_network(action=negotiate(self.offers)))

    def test_nothing_clear_changed_or_twice_and_then_everything_works(self):
        print(f"seed {SEED}, {SECONDS:.0f} s", flush=True)
        choice, self.offers = random.Random(SEED), OFFERS[0]
        self.wait_until_all_is_well()
        marker, restarts = new_marker(), 0
        begun = time.monotonic()
        with self.lab.capture("a") as file, Disturbance(self.lab, "a") as cable:
            ways = {}
            for source, target in (("a", "b"), ("b", "a")):
                sink = self.enterContext(self.lab.talker(target, "sink", self.lab.address(target), PORT, marker.hex(), SECONDS + CALM_SECONDS + 60))
                ways[source, target] = (self.enterContext(self.lab.talker(source, "number", self.lab.address(target), PORT, SECONDS, marker.hex())), sink)
            actions = [self.kill_driver, self.kill_ike, self.kill_agent, self.another_address, self.address_away_and_back, self.other_methods]
            queue = []
            while time.monotonic() - begun < SECONDS:
                queue = queue or choice.sample(actions, len(actions))  # each comes about as often as the others
                action, host = queue.pop(), choice.choice(self.HOSTS)
                print(f"{time.monotonic() - begun:6.2f} s: {action.__name__} {host}", flush=True)
                action(host)
                restarts += action in (self.kill_driver, self.kill_ike, self.kill_agent)
                # A pause of the kind that life makes; nothing is waited for.
                time.sleep(choice.uniform(*PAUSE))
            done = cable.calm()
            print(f"the cable: {done}", flush=True)
            self.wait_until_all_is_well()
            results = {way: (sender.result(), sink.result(SECONDS + 2 * CALM_SECONDS)) for way, (sender, sink) in ways.items()}
        for way, (sent, received) in results.items():
            print(f"{way[0]} to {way[1]}: {sent}, {received}", flush=True)
            self.assertEqual((received["twice"], received["wrong"]), (0, 0), way)
            self.assertGreater(received["received"], 0, way)
        self.assertTrue(all(done.values()), f"the cable was to lose, double and delay: {done}")
        self.assertGreater(restarts, 0)
        self.assert_protected(file, marker)
        for host in self.HOSTS:
            for name in ("outbound_against_policy", "inbound_against_policy"):
                self.assertEqual(self.lab.verdict(host, name), 0, f"{name} of host {host}")
        for source, target in (("a", "b"), ("b", "a")):
            sent, received = self.lab.transfer(source, target, 3_000_000, marker)
            self.assertEqual(sent["sha256"], received["sha256"])


class Detectors(LabTest):
    """That the test above can fail: without a policy the same cable and the same traffic show what it looks for."""

    def test_doubled_datagrams_and_clear_payload_are_seen(self):
        marker = new_marker()
        with self.lab.capture("a") as file, Disturbance(self.lab, "a") as cable, \
                self.lab.talker("b", "sink", "10.77.0.2", PORT, marker.hex(), CALM_SECONDS) as sink:
            self.lab.traffic("a", "number", "10.77.0.2", PORT, 1, marker.hex())
            received = sink.result()
            cable.calm()
        self.assertGreater(received["twice"], 0)
        self.assertGreater(received["received"], 0)
        self.assertTrue(pcap.contains(file, marker))
