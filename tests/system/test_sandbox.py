"""The IKE service as a process: a user of its own, no capabilities, few system calls; and all of its work goes on behind that."""

import pathlib
import pwd
import socket
import stat
import subprocess
import unittest

from lab import LabTest, wait_for
import policies

ACCOUNT = "policyagent-ike"
NET_BIND_SERVICE = 1 << 10
SECONDS = 60


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


class Sandbox(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.account = pwd.getpwnam(ACCOUNT)
        except KeyError as missing:
            raise AssertionError(f"tests/run makes the account {ACCOUNT}; it is not there") from missing
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network())

    def pid(self, host, service):
        return self.lab.host_status(host)["services"][service]["pid"]

    def wait_for_traffic(self):
        wait_for(lambda: self.lab.ping("a", "10.77.0.2", count=1, check=False).returncode == 0, SECONDS, "a ping is answered")

    def assert_confined(self, host):
        pid = self.pid(host, "ike")
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            status = status_of(f"{pid}/task/{thread.name}")
            self.assertEqual(status["Uid"].split(), [str(self.account.pw_uid)] * 4)
            self.assertEqual(status["Gid"].split(), [str(self.account.pw_gid)] * 4)
            self.assertNotIn("0", status["Groups"].split())
            for capabilities in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                self.assertEqual(int(status[capabilities], 16) & ~NET_BIND_SERVICE, 0, f"{thread.name}: {capabilities}")
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), thread.name)
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
        self.assertEqual(next(line.split()[4:6] for line in limits if line.startswith("Max core file size")), ["0", "0"])
        # Not dumpable: what is in /proc of it belongs to root.
        self.assertEqual(pathlib.Path(f"/proc/{pid}/environ").stat().st_uid, 0)

    def test_ike_runs_without_root_and_works(self):
        self.wait_for_traffic()
        for host in self.HOSTS:
            self.assert_confined(host)
        self.assertNotIn("ike_runs_as_root", {event["name"] for event in self.lab.events("a")})

    def test_new_sas_are_negotiated_with_a_new_driver(self):
        self.wait_for_traffic()
        before = {sa["spi"] for sa in self.lab.quick_mode_sas("a")}
        dead = self.lab.kill("a", "driver")
        wait_for(lambda: self.pid("a", "driver") not in (0, dead), SECONDS, "the agent starts the driver again")
        self.wait_for_traffic()
        wait_for(lambda: {sa["spi"] for sa in self.lab.quick_mode_sas("a")} - before, SECONDS, "new SAs")
        self.assert_confined("a")

    def test_a_restarted_ike_is_confined_again_and_takes_over(self):
        self.wait_for_traffic()
        dead = self.lab.kill("b", "ike")
        wait_for(lambda: self.pid("b", "ike") not in (0, dead), SECONDS, "the agent starts IKE again")
        self.lab.wait_in_force("b", "Protect")
        self.wait_for_traffic()
        self.assert_confined("b")

    def test_the_agent_stops_an_ike_of_another_user(self):
        self.wait_for_traffic()
        pid = self.pid("a", "ike")
        self.lab.stop("a")
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
        self.lab.start("a")
        self.lab.wait_in_force("a", "Protect")
        self.wait_for_traffic()

    def test_rekeying_goes_on(self):
        for host in self.HOSTS:
            self.addCleanup(self.lab.apply, host, policies.protect_network())
            self.lab.apply(host, policies.protect_network("Small", action=policies.negotiate(policies.offer(policies.GCM, kilobytes=20480))))
        self.wait_for_traffic()
        before = {sa["spi"] for sa in self.lab.quick_mode_sas("a")}
        self.lab.transfer("a", "b", 30_000_000, b"\x5a" * 16)
        wait_for(lambda: {sa["spi"] for sa in self.lab.quick_mode_sas("a")} - before, SECONDS, "SAs are renewed")
        self.assert_confined("a")

    def test_what_its_user_can_reach(self):
        """The driver's socket for IKE, and none that would make it the agent, or make others take it for one of the daemons."""
        run = self.lab.directory / "a" / "run"
        directory = (run / "ike").stat()
        self.assertEqual((directory.st_uid, directory.st_gid, stat.S_IMODE(directory.st_mode)), (0, self.account.pw_gid, 0o710))
        door = (run / "ike" / "driver.sock").stat()
        self.assertEqual((door.st_uid, door.st_gid, stat.S_IMODE(door.st_mode)), (0, self.account.pw_gid, 0o660))
        for entry in (run, *run.iterdir()):
            self.assertEqual(entry.stat().st_uid, 0, entry)
        self.lab.directory.chmod(0o755)  # what is above is not what protects
        run.chmod(0o751)
        try:
            for name, reachable in (("policyagent.sock", False), ("driver.sock", False), ("ike.sock", False), ("ike/driver.sock", True)):
                self.assertEqual(self.connects(run / name), reachable, name)
            self.assertFalse(self.as_ike("touch", str(run / "x")), "a file in the runtime directory")
            self.assertFalse(self.as_ike("rm", "-f", str(run / "ike" / "driver.sock")), "the driver's socket removed")
        finally:
            run.chmod(0o750)
            self.lab.directory.chmod(0o700)

    def as_ike(self, *command):
        return subprocess.run(command, user=self.account.pw_uid, group=self.account.pw_gid, extra_groups=[], capture_output=True,
                              check=False).returncode == 0

    def connects(self, path):
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))  # there is somebody
        return self.as_ike("/usr/bin/python3", "-c", code)


if __name__ == "__main__":
    unittest.main()
