"""What was shut stays shut: through a crash of all daemons, an upgrade of their programs and a reboot, no packet passes against the policy."""

import os
import pathlib
import shutil
import socket
import tempfile

import policies
from lab import BIN, PROTECTED_KINDS, LabTest, new_marker, pcap, wait_for

RESUME_SECONDS = 90
DAEMONS = ("policyagentd", "ipsec-iked", "ipsec-driverd")
PORT = 7


class ClosedHosts(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network())

    def setUp(self):
        self.wait_for_traffic("a", "b")

    def wait_for_traffic(self, source, target, marker=None):
        pattern = ("-p", marker.hex(), "-s", "600") if marker else ()
        wait_for(lambda: self.lab.ping(source, self.lab.address(target), *pattern, count=1, check=False).returncode == 0, RESUME_SECONDS,
                 f"a ping from {source} to {target} is answered")

    def pid(self, host, service):
        return self.lab.host_status(host)["services"][service]["pid"]

    def assert_nothing_clear(self, file, marker):
        counts = pcap.counts(file)
        self.assertEqual(set(counts) - PROTECTED_KINDS, set(), f"clear packets were on the wire: {counts}")
        self.assertFalse(pcap.contains(file, marker), "the payload was on the wire in clear")

    def nothing_against_policy(self):
        for host in self.HOSTS:
            for name in ("outbound_against_policy", "inbound_against_policy"):
                self.assertEqual(self.lab.verdict(host, name), 0, f"{name} of host {host}")


class Crash(ClosedHosts):
    def test_all_daemons_killed_and_started_again(self):
        marker = new_marker()
        with self.lab.capture("a") as file:
            self.lab.kill("a", "agent")
            for service in ("ike", "driver"):
                self.lab.kill("a", service)
            for source, target in (("a", "b"), ("b", "a")):
                done = self.lab.ping(source, self.lab.address(target), "-p", marker.hex(), "-s", "600", "-w", "1", check=False)
                self.assertNotEqual(done.returncode, 0, "something was answered although all daemons of host a are dead")
            self.lab.stop("a")
            self.lab.start("a")
            self.wait_for_traffic("a", "b", marker)
            self.wait_for_traffic("b", "a", marker)
        self.assert_nothing_clear(file, marker)
        self.nothing_against_policy()

    def test_daemons_killed_one_after_the_other_under_traffic(self):
        marker = new_marker()
        with self.lab.capture("a") as file, self.lab.talker("b", "echo", "10.77.0.2", PORT):
            for service in ("ike", "driver", "agent"):
                before = self.pid("a", service)
                self.lab.kill("a", service)
                if service == "agent":
                    self.lab.start("a")
                else:
                    wait_for(lambda service=service, before=before: self.pid("a", service) not in (0, before), 30, f"{service} is started again")
                self.wait_for_traffic("a", "b", marker)
                self.assertGreater(self.lab.traffic("a", "ask", "10.77.0.2", PORT, 600, 5, marker.hex())["right"], 0)
        self.assert_nothing_clear(file, marker)
        self.nothing_against_policy()


class Upgrade(ClosedHosts):
    """The programs are replaced as an installer does it, and the agent is restarted as systemd does it (RestartKillSignal)."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="policyagent-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        for program in (*DAEMONS, "netsh", "ipsec-lab"):
            shutil.copy(BIN / program, folder / program)
        cls.PROGRAMS = folder
        super().setUpClass()

    def put_new_programs(self):
        for program in DAEMONS:
            shutil.copy(BIN / program, self.PROGRAMS / f"{program}.new")
            os.rename(self.PROGRAMS / f"{program}.new", self.PROGRAMS / program)

    def hand_over(self):
        self.lab.kill("a", "agent", "USR2")
        wait_for(lambda: not self.lab.host_status("a")["services"]["agent"]["pid"], 30, "the old agent has ended")

    def test_a_restart_without_new_programs_costs_no_sa(self):
        sas = {sa["spi"] for sa in self.lab.quick_mode_sas("a")}
        before = {service: self.pid("a", service) for service in ("driver", "ike")}
        self.hand_over()
        self.assertEqual({service: self.pid("a", service) for service in ("driver", "ike")}, before)
        self.lab.ping("a", "10.77.0.2", count=1)
        self.lab.start("a")
        self.lab.wait_in_force("a", "Protect")
        self.assertEqual({service: self.pid("a", service) for service in ("driver", "ike")}, before)
        self.assertEqual({sa["spi"] for sa in self.lab.quick_mode_sas("a")}, sas)

    def test_new_programs_take_over_and_nothing_passes_in_clear_meanwhile(self):
        marker = new_marker()
        before = {service: self.pid("a", service) for service in ("agent", "driver", "ike")}
        with self.lab.capture("a") as file, self.lab.talker("b", "number", "10.77.0.1", PORT, 8, marker.hex(), 200, 0.01) as from_b, \
                self.lab.talker("a", "number", "10.77.0.2", PORT, 8, marker.hex(), 200, 0.01) as from_a:
            self.put_new_programs()
            self.hand_over()
            self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), "-s", "600", count=1)
            self.lab.start("a")
            self.lab.wait_in_force("a", "Protect")
            for stream in (from_a, from_b):
                stream.result()
            self.wait_for_traffic("a", "b", marker)
            self.wait_for_traffic("b", "a", marker)
        for service, pid in before.items():
            self.assertNotIn(self.pid("a", service), (0, pid), f"{service} is of the new program")
        self.assertEqual(sum(event["name"] == "service_replaced" for event in self.lab.events("a")), 2)
        self.assert_nothing_clear(file, marker)
        self.nothing_against_policy()


class Reboot(ClosedHosts):
    """Of the host only the state directory is left; its card is down until the agent says that it is ready, which is what the unit's order gives."""

    def boot(self):
        """Starts the agent as the service manager does, and waits until it says that it is ready."""
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = str(self.lab.directory / "notify")
        pathlib.Path(path).unlink(missing_ok=True)
        manager.bind(path)
        manager.settimeout(60)
        os.environ["NOTIFY_SOCKET"] = path
        try:
            self.lab.start("a")
            self.assertEqual(manager.recv(100), b"READY=1")
        finally:
            del os.environ["NOTIFY_SOCKET"]
            manager.close()

    def lose_everything_but_the_state(self):
        """As the end of power does it: processes, hooks and devices are gone, and with them what kept the card shut."""
        for service in ("agent", "ike", "driver"):
            self.lab.kill("a", service)
        self.lab.stop("a")
        self.lab.exec("a", "ip", "link", "set", "eth0", "down")
        self.lab.exec("a", "tc", "qdisc", "del", "dev", "eth0", "clsact")
        shutil.rmtree(self.lab.directory / "a" / "run", ignore_errors=True)

    def card_up(self):
        self.lab.exec("a", "ip", "link", "set", "eth0", "up")
        self.lab.exec("a", "ip", "address", "replace", "fd77::1/64", "dev", "eth0", "nodad")

    def test_without_the_agent_the_card_would_be_open(self):
        """That the test below can fail: the state that it starts from filters nothing."""
        self.lose_everything_but_the_state()
        self.card_up()
        marker = new_marker()
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), "-s", "600", "-w", "1", check=False)
        self.assertTrue(pcap.contains(file, marker))
        self.lab.start("a")
        self.lab.wait_in_force("a", "Protect")

    def test_from_power_on_to_the_policy_nothing_passes_in_clear(self):
        self.lab.netsh("a", "ipsec", "dynamic", "set", "config", "bootmode", "value=block")
        self.lose_everything_but_the_state()
        marker = new_marker()
        with self.lab.capture("b") as file:
            with self.lab.talker("b", "number", "10.77.0.1", PORT, 8, marker.hex(), 200, 0.01) as knocking:
                self.boot()
                self.card_up()
                self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), "-s", "600", "-w", "2", check=False)
                self.lab.wait_in_force("a", "Protect")
                knocking.result()
            self.wait_for_traffic("a", "b", marker)
            self.wait_for_traffic("b", "a", marker)
        self.assert_nothing_clear(file, marker)
        self.nothing_against_policy()
