"""installer/setup: what install makes, uninstall takes away."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from lab import BIN, TOP

SETUP = TOP / "installer" / "setup"
PROGRAMS = {"sbin": {"policyagentd", "ipsec-iked", "ipsec-driverd"}, "bin": {"netsh", "ipseccmd", "ipsecmon", "ipsec-lab", "ipsec-bench"}}


def files_in(folder):
    return {str(file.relative_to(folder)) for file in pathlib.Path(folder).rglob("*") if not file.is_dir()}


class Install(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("installing needs root")
        folder = tempfile.TemporaryDirectory(prefix="policyagent-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def setup(self, *words):
        done = subprocess.run([str(SETUP), *map(str, words)], env={**os.environ, "DESTDIR": str(self.root)}, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def install(self, *words):
        status, output = self.setup("install", "--bin", BIN, *words)
        self.assertEqual(status, 0, output)

    def test_install_then_uninstall_leaves_nothing(self):
        self.install()
        made = files_in(self.root)
        expected = {f"usr/local/{folder}/{name}" for folder, names in PROGRAMS.items() for name in names}
        self.assertEqual(made, expected | {"etc/systemd/system/policyagent.service", "etc/policyagent/policyagent.conf",
                                           "usr/local/share/policyagent/installed-files"})
        status, output = self.setup("uninstall")
        self.assertEqual(status, 0, output)
        self.assertEqual(files_in(self.root), set())

    def test_a_prefix_and_a_second_install(self):
        self.install("--prefix", "/opt/agent")
        self.install("--prefix", "/opt/agent")
        unit = (self.root / "etc/systemd/system/policyagent.service").read_text(encoding="utf-8")
        self.assertIn("ExecStart=/opt/agent/sbin/policyagentd ", unit)
        self.assertNotIn("@", unit.replace("@system-service", ""))
        self.assertEqual(self.setup("uninstall")[0], 1)
        self.assertEqual(self.setup("uninstall", "--prefix", "/opt/agent")[0], 0)
        self.assertEqual(files_in(self.root), set())

    def test_changed_configuration_is_kept(self):
        self.install()
        configuration = self.root / "etc/policyagent/policyagent.conf"
        configuration.write_text("log-level = \"debug\"\n", encoding="ascii")
        self.install()
        self.assertIn("debug", configuration.read_text(encoding="ascii"))
        self.assertEqual(self.setup("uninstall")[0], 0)
        self.assertEqual(files_in(self.root), {"etc/policyagent/policyagent.conf"})

    def test_unit_is_sound(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        self.install()
        unit = self.root / "etc/systemd/system/policyagent.service"
        # The program has to exist where the unit is looked at.
        unit.write_text(unit.read_text(encoding="utf-8").replace("/usr/local/sbin/policyagentd", str(BIN / "policyagentd")), encoding="utf-8")
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, [line for line in done.stderr.splitlines() if "policyagent" in line]), (0, []), done.stderr)

    def test_unit_keeps_networks_waiting_and_hands_over_at_a_restart(self):
        self.install()
        lines = (self.root / "etc/systemd/system/policyagent.service").read_text(encoding="utf-8").splitlines()
        for line in ("Type=notify", "DefaultDependencies=no", "Before=network-pre.target shutdown.target", "Wants=network-pre.target",
                     "WantedBy=sysinit.target", "KillMode=process", "RestartKillSignal=SIGUSR2", "RuntimeDirectoryPreserve=restart"):
            self.assertIn(line, lines)

    def test_wrong_usage_is_explained(self):
        for words, part in ((("frobnicate",), "unknown command 'frobnicate'"), (("demo", "--fast"), "unknown option --fast"),
                            (("install", "here"), "takes no 'here'"), (("uninstall",), "nothing is installed"), (("install", "--prefix"), "needs a folder")):
            with self.subTest(words=words):
                status, output = self.setup(*words)
                self.assertEqual(status, 1)
                self.assertIn(part, output)


class InstalledLab(unittest.TestCase):
    def test_it_finds_the_daemons_in_sbin(self):
        with tempfile.TemporaryDirectory(prefix="policyagent-") as folder:
            for name in ("bin", "sbin"):
                (pathlib.Path(folder) / name).mkdir()
            shutil.copy(BIN / "ipsec-lab", f"{folder}/bin/ipsec-lab")
            for name in PROGRAMS["sbin"]:
                path = pathlib.Path(folder) / "sbin" / name
                path.write_text("#!/bin/sh\necho here I am\nexit 5\n", encoding="ascii")
                path.chmod(0o755)
            if os.geteuid() != 0:
                self.skipTest("network namespaces need root")
            done = subprocess.run([f"{folder}/bin/ipsec-lab", "up", "--dir", f"{folder}/l", "a"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("here I am", done.stderr)


if __name__ == "__main__":
    unittest.main()
