"""The lab itself: what it makes, that it takes it away again, and that it touches nothing else."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from lab import BIN, Lab, pcap, require_lab, use_own_namespace_names, wait_for

LAB = str(BIN / "ipsec-lab")


def setUpModule():
    use_own_namespace_names()


def namespaces():
    return set(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else set()


def run(*words):
    return subprocess.run([LAB, *map(str, words)], capture_output=True, text=True, check=False, timeout=120)


def record(directory):
    return json.loads((pathlib.Path(directory) / "lab.json").read_text(encoding="utf-8"))


def names_in(directory):
    found = record(directory)
    return {found["wire"], *([found["nat"]] if found["nat"] else []), *(host["namespace"] for host in found["hosts"])}


class Folder(unittest.TestCase):
    """Each test has a folder of its own; whatever the test left there is taken down."""

    def setUp(self):
        require_lab()
        folder = tempfile.TemporaryDirectory(prefix="ipsec-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.addCleanup(run, "down", "--dir", self.folder)

    def up(self, *words):
        done = run("up", "--dir", self.folder, "--no-daemons", *words)
        self.assertEqual(done.returncode, 0, done.stderr)

    def start_child(self, *words):
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child


class CleaningUp(Folder):
    def test_down_removes_everything_but_logs(self):
        self.up("a", "b", "--nat")
        made = names_in(self.folder)
        self.assertEqual(len(made), 4)
        self.assertLessEqual(made, namespaces())
        (pathlib.Path(self.folder) / "a" / "policyagentd.log").write_text("kept\n", encoding="ascii")
        inside = self.start_child(LAB, "exec", "--dir", self.folder, "a", "--", "sleep", "1000")
        wait_for(lambda: "sleep" in pathlib.Path(f"/proc/{inside.pid}/cmdline").read_text(encoding="ascii"), 10, "the command runs in the host")
        self.assertEqual(run("down", "--dir", self.folder).returncode, 0)
        self.assertEqual(made & namespaces(), set())
        self.assertIsNotNone(inside.wait(10), "a command in a host outlives the lab")
        left = {str(file.relative_to(self.folder)) for file in pathlib.Path(self.folder).rglob("*") if file.is_file()}
        self.assertEqual(left, {".lock", "a/policyagentd.log"})

    def test_down_without_a_lab_is_no_error(self):
        done = run("down", "--dir", self.folder)
        self.assertEqual((done.returncode, done.stdout), (0, f"no lab in {self.folder}\n"))

    def test_up_killed_at_any_point_is_cleaned_up_by_down(self):
        for already_made in range(4):
            with self.subTest(namespaces=already_made):
                before = namespaces()
                child = self.start_child(LAB, "up", "--dir", self.folder, "--no-daemons", "a", "b", "c")
                wait_for(lambda: (pathlib.Path(self.folder) / "lab.json").exists() and len(names_in(self.folder) & namespaces()) >= already_made
                         or child.poll() is not None, 10, "up goes on")
                child.kill()
                child.wait()
                done = run("down", "--dir", self.folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(namespaces() - before, set())

    def test_up_cleans_up_a_dead_lab_first(self):
        self.up("a", "b", "c")
        found = record(self.folder)
        dead = names_in(self.folder)
        # What an `up` leaves that was killed when it had made the wire and host a, and had just named host b.
        found["state"] = "making"
        (pathlib.Path(self.folder) / "lab.json").write_text(json.dumps(found), encoding="utf-8")
        names = [host["namespace"] for host in found["hosts"]]
        for name in names[1:]:
            subprocess.run(["ip", "netns", "delete", name], check=True)
        pathlib.Path(f"/run/netns/{names[1]}").touch()
        self.up("d")
        self.assertEqual(dead & namespaces(), set())
        self.assertEqual([host["name"] for host in record(self.folder)["hosts"]], ["d"])

    def test_up_cleans_up_a_lab_that_lost_a_host(self):
        self.up("a", "b")
        dead = names_in(self.folder)
        subprocess.run(["ip", "netns", "delete", record(self.folder)["hosts"][1]["namespace"]], check=True)
        self.up("d")
        self.assertEqual(dead & namespaces(), set())

    def test_up_in_the_folder_of_a_live_lab_is_refused(self):
        self.up("a")
        before = names_in(self.folder)
        done = run("up", "--dir", self.folder, "--no-daemons", "b")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a lab is up", done.stderr)
        self.assertEqual(names_in(self.folder), before)

    def test_up_that_fails_leaves_nothing(self):
        before = namespaces()
        daemon = pathlib.Path(self.folder) / "bin"
        daemon.mkdir()
        for name in ("policyagentd", "ipsec-driverd", "ipsec-iked"):
            (daemon / name).write_text("#!/bin/sh\necho cannot do it\nexit 3\n", encoding="ascii")
            (daemon / name).chmod(0o755)
        done = run("up", "--dir", self.folder, "--bin", daemon, "a")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ended with status 3", done.stderr)
        self.assertIn("cannot do it", done.stderr)
        self.assertEqual(namespaces() - before, set())


class ForeignThings(Folder):
    def test_a_namespace_it_did_not_make_stays(self):
        foreign = f"lab-test-foreign-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", foreign], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", foreign], check=True)
        self.up("a")
        found = record(self.folder)
        own = found["hosts"][0]["namespace"]
        found["hosts"][0]["namespace"] = foreign
        (pathlib.Path(self.folder) / "lab.json").write_text(json.dumps(found), encoding="utf-8")
        inside = self.start_child("ip", "netns", "exec", foreign, "sleep", "1000")
        done = run("down", "--dir", self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{foreign} was not made by this lab", done.stderr)
        self.assertIn(foreign, namespaces())
        self.assertIsNone(inside.poll(), "a process in a foreign namespace was ended")
        found["hosts"][0]["namespace"] = own
        (pathlib.Path(self.folder) / "lab.json").write_text(json.dumps(found), encoding="utf-8")
        self.assertEqual(run("down", "--dir", self.folder).returncode, 0)

    def test_a_later_process_with_a_recorded_pid_is_left_alone(self):
        other = self.start_child("sleep", "1000")
        self.up("a")
        (pathlib.Path(self.folder) / "a" / "agent.pid").write_text(json.dumps({"pid": other.pid, "start": 1}), encoding="ascii")
        (pathlib.Path(self.folder) / "capture-a.json").write_text(json.dumps({"pid": other.pid, "start": 1}), encoding="ascii")
        self.assertEqual(run("down", "--dir", self.folder).returncode, 0)
        self.assertIsNone(other.poll(), "a process that the lab did not start was ended")


class Refusals(Folder):
    def assert_refused(self, part, *words):
        before = namespaces()
        done = run(*words)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(part, done.stderr)
        self.assertEqual(namespaces() - before, set())

    def test_names_and_places(self):
        for words, part in (((("Alpha",)), "host name 'Alpha'"), (("a", "a"), "given twice"), (("--behind", "a", "a"), "needs --nat"),
                            (("--nat", "--behind", "x", "a"), "no such host")):
            with self.subTest(words=words):
                self.assert_refused(part, "up", "--dir", self.folder, "--no-daemons", *words)
        self.assert_refused("a unix socket may have 107", "up", "--dir", f"{self.folder}/{'x' * 100}", "--no-daemons", "a")
        self.assert_refused("policyagentd is not in", "up", "--dir", self.folder, "--bin", "/nonexistent", "a")
        self.assert_refused("no lab in", "exec", "--dir", self.folder, "a", "--", "true")
        (pathlib.Path(self.folder) / "lab.json").write_text("{", encoding="ascii")
        self.assert_refused("is not a lab's record", "status", "--dir", self.folder)
        (pathlib.Path(self.folder) / "lab.json").unlink()

    def test_unknown_host(self):
        self.up("a")
        self.assert_refused("no host 'b'", "exec", "--dir", self.folder, "b", "--", "true")
        self.assert_refused("is not being captured", "capture", "--dir", self.folder, "--stop", "a")
        self.assert_refused("does not run", "kill", "--dir", self.folder, "a", "driver")


class Network(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_lab()
        cls.lab = cls.enterClassContext(Lab(BIN, ["a", "b", "c"], "--no-daemons"))

    def test_hosts_reach_each_other(self):
        for version in (4, 6):
            self.lab.ping("a", self.lab.address("b", version))
            self.lab.ping("c", self.lab.address("a", version))

    def test_mtu_is_1500(self):
        self.lab.ping("a", "10.77.0.2", "-M", "do", "-s", "1472")
        self.assertNotEqual(self.lab.ping("a", "10.77.0.2", "-M", "do", "-s", "1473", count=1, check=False).returncode, 0)

    def test_exec_gives_back_status_and_environment(self):
        self.assertEqual(self.lab.exec("a", "sh", "-c", "exit 7", check=False).returncode, 7)
        self.assertEqual(self.lab.exec("b", "printenv", "POLICYAGENT_RUNTIME_DIR").stdout.strip(), self.lab.host_status("b")["runtime_dir"])

    def test_capture_has_every_packet_before_its_end(self):
        with self.lab.capture("b") as file:
            self.lab.ping("a", "10.77.0.2", count=20)
        self.assertEqual(pcap.counts(file).get("ICMP"), 40)

    def test_capture_finds_clear_payload(self):
        marker = bytes(range(100, 116))
        with self.lab.capture("a") as file:
            sent, received = self.lab.transfer("a", "b", 3_000_000, marker)
        self.assertEqual((sent["sha256"], sent["bytes"]), (received["sha256"], 3_000_000))
        self.assertTrue(pcap.contains(file, marker))
        self.assertGreater(pcap.counts(file)["TCP"], 0)

    def test_status_names_the_wire(self):
        status = self.lab.status()
        self.assertEqual((status["state"], status["wire"]["bridge"], status["nat"]), ("up", "br0", None))
        links = json.loads(self.lab.run(["ip", "-netns", status["wire"]["namespace"], "-json", "link", "show", "master", "br0"]).stdout)
        self.assertEqual({link["ifname"] for link in links}, {host["port"] for host in status["hosts"]})


class BehindNat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_lab()
        cls.lab = cls.enterClassContext(Lab(BIN, ["a", "b"], "--no-daemons", "--nat", "--behind", "a"))

    def test_the_outside_sees_the_box(self):
        with self.lab.capture("b") as file:
            self.lab.ping("a", "10.77.0.2")
        sources = {packet.source for packet in pcap.packets(file) if packet.kind == "ICMP"}
        self.assertEqual(sources, {"10.77.0.254", "10.77.0.2"})

    def test_the_inside_is_not_reached_unasked(self):
        self.assertNotEqual(self.lab.ping("b", "10.77.1.1", count=1, check=False).returncode, 0)


class WithDaemons(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_lab()
        cls.lab = cls.enterClassContext(Lab(BIN, ["a", "b"]))

    def pids(self, host):
        return {name: entry["pid"] for name, entry in self.lab.host_status(host)["services"].items()}

    def test_each_host_has_its_own_three(self):
        found = [wait_for(lambda host=host: all(self.pids(host).values()) and self.pids(host), 30, f"three daemons run on {host}") for host in "ab"]
        self.assertEqual(len({pid for pids in found for pid in pids.values()}), 6)

    def test_stop_and_start(self):
        self.lab.stop("b")
        self.assertEqual(set(self.pids("b").values()), {0})
        self.assertTrue(all(self.pids("a").values()))
        self.lab.start("b")
        wait_for(lambda: all(self.pids("b").values()), 30, "three daemons run again")

    def test_down_leaves_no_process_even_if_the_agent_was_killed(self):
        with Lab(BIN, ["x"]) as lab:
            wait_for(lambda: all(service["pid"] for service in lab.host_status("x")["services"].values()), 30, "three daemons run")
            found = [lab.kill("x", name, "STOP") for name in ("driver", "ike")] + [lab.kill("x", "agent")]
        for pid in found:
            wait_for(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), 10, f"process {pid} ends")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: exit("ended by SIGTERM"))
    unittest.main()
