"""The driver dies while a policy is in force: nothing crosses in clear, in either direction, and traffic resumes with its successor."""

from lab import LabTest, new_marker, pcap, wait_for
import policies

RESUME_SECONDS = 90  # a new driver, new SAs, and the peer's old ones replaced


class DriverKilled(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network())

    def setUp(self):
        self.wait_for_traffic("a", "b")

    def wait_for_traffic(self, source, target):
        wait_for(lambda: self.lab.ping(source, self.lab.address(target), count=1, check=False).returncode == 0, RESUME_SECONDS,
                 f"a ping from {source} to {target} is answered")

    def driver(self, host):
        return self.lab.host_status(host)["services"]["driver"]["pid"]

    def try_everything(self, marker):
        """Ping and UDP in both directions, IPv4 and IPv6, all with the marker in them. True if anything was answered."""
        answered = False
        for source, target in (("a", "b"), ("b", "a")):
            for version in (4, 6):
                done = self.lab.ping(source, self.lab.address(target, version), "-p", marker.hex(), "-s", "600", "-w", "1", check=False)
                answered = answered or done.returncode == 0
            # A TCP connection attempt too: it would come from another path of the stack than ping's raw socket.
            outcome = self.lab.traffic(source, "connect", self.lab.address(target), 5001, 1)["outcome"]
            answered = answered or outcome in ("connected", "refused by the host")
        return answered

    def test_dead_driver_lets_nothing_through(self):
        marker = new_marker()
        self.lab.kill("a", "agent", "STOP")  # so that nobody restarts the driver meanwhile
        try:
            dead = self.lab.kill("a", "driver")
            with self.lab.capture("a") as file:
                self.assertFalse(self.try_everything(marker), "something was answered although the driver of host a is dead")
            self.assertEqual(self.driver("a") in (0, dead), True)
            counts = pcap.counts(file)
            self.assertEqual(set(counts) - {"ARP", "neighbour discovery", "multicast listener", "ISAKMP", "ESP"}, set(), counts)
            self.assertFalse(pcap.contains(file, marker), "the payload was on the wire in clear")
            from_a = [packet for packet in pcap.packets(file) if packet.source in ("10.77.0.1", "fd77::1") and packet.kind != "neighbour discovery"]
            self.assertEqual(from_a, [], "host a sent although its driver is dead")
        finally:
            self.lab.kill("a", "agent", "CONT")
        wait_for(lambda: self.driver("a") not in (0, dead), 30, "the agent starts the driver again")
        self.wait_for_traffic("a", "b")
        self.wait_for_traffic("b", "a")

    def test_restart_is_counted_and_traffic_resumes_without_a_clear_packet(self):
        marker = new_marker()
        with self.lab.capture("a") as file:
            dead = self.lab.kill("a", "driver")
            wait_for(lambda: self.driver("a") not in (0, dead), 30, "the agent starts the driver again")
            wait_for(lambda: self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), "-s", "600", count=1, check=False).returncode == 0, RESUME_SECONDS,
                     "a ping is answered")
        self.assert_protected(file, marker)
        self.assertGreaterEqual(self.lab.restarts("a", "driver"), 1)

    def test_agent_and_driver_killed_together(self):
        """Nobody is left to restart anything: the host stays closed until its agent is started again."""
        marker = new_marker()
        self.lab.kill("b", "agent")
        if self.driver("b"):
            self.lab.kill("b", "driver")
        with self.lab.capture("b") as file:
            self.assertFalse(self.try_everything(marker), "something was answered although the driver of host b is dead")
        self.assertFalse(pcap.contains(file, marker), "the payload was on the wire in clear")
        self.lab.stop("b")
        self.lab.start("b")
        # Its first main mode says INITIAL-CONTACT; then the peer gives up the SAs that host b has lost.
        self.wait_for_traffic("b", "a")
        self.wait_for_traffic("a", "b")
