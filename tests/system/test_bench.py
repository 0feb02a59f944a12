"""ipsec-bench as a program: its figures are figures of protected traffic, and it leaves nothing behind."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from lab import BIN, require_lab, wait_for

BENCH = str(BIN / "ipsec-bench")


class Throughput(unittest.TestCase):
    def setUp(self):
        require_lab()
        folder = tempfile.TemporaryDirectory(prefix="ipsec-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {**os.environ, "TMPDIR": folder.name}

    def labs(self):
        """Records of labs that this test's benchmarks have made and not yet taken down."""
        return [json.loads(file.read_text(encoding="utf-8")) for file in self.folder.glob("*/lab.json")]

    def start(self, *options):
        child = subprocess.Popen([BENCH, "throughput", "--streams", "1", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env=self.environment)
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child

    def test_every_suite_is_measured(self):
        child = self.start("--seconds", "1", "--repetitions", "1", "--json")
        output, errors = child.communicate(timeout=120)
        self.assertEqual(child.returncode, 0, errors)
        figures = {figure["case"]: figure["mbit_per_second"] for figure in json.loads(output)["figures"]}
        self.assertGreaterEqual(len(figures), 4, figures)
        for name, rate in figures.items():
            self.assertGreater(rate, 0, name)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_signal_takes_the_lab_down(self):
        child = self.start("--seconds", "600")
        wait_for(lambda: any(lab["state"] == "up" for lab in self.labs()), 60, "the lab is up")
        made = {host["namespace"] for lab in self.labs() for host in lab["hosts"]}
        self.assertLessEqual(made, set(os.listdir("/run/netns")))
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 1)
        self.assertIn("ended by a signal", errors)
        self.assertEqual(made & set(os.listdir("/run/netns")), set())
        self.assertEqual(list(self.folder.iterdir()), [])


class Policy(unittest.TestCase):
    def test_a_change_of_one_filter_is_a_small_part_of_the_whole(self):
        require_lab()
        command = [BENCH, "policy", "--rules", "200", "--filters", "10", "--changes", "2", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["settings"]["rules"], report["settings"]["filters"], report["settings"]["specific_filters"]), (200, 2000, 4000))
        octets = {figure["step"]: figure["octets"] for figure in report["figures"] if "octets" in figure}
        for service in ("driver", "ike"):
            self.assertGreater(octets[f"whole policy, sent to {service}"], 200_000)
            self.assertLess(octets[f"2 changes of one filter, sent to {service}"], 20_000)


class Core(unittest.TestCase):
    """What runs in memory: the packets come out as they went in, or there is no figure."""

    def report(self, *command):
        done = subprocess.run([BENCH, *command, "--json"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertTrue(report["figures"])
        for name, ratio in report["ratios"].items():
            self.assertGreater(ratio, 0, name)
        return report

    def test_crypto_measures_both_engines(self):
        engines = {figure["engine"] for figure in self.report("crypto", "--rounds", "1")["figures"]}
        self.assertLessEqual({"intel-ipsec-mb", "OpenSSL"}, engines)

    def test_pipeline_measures_both_engines_and_two_workers(self):
        report = self.report("pipeline", "--seconds", "0.01")
        self.assertLessEqual({"intel-ipsec-mb", "OpenSSL"}, {figure.get("engine") for figure in report["figures"]})
        self.assertTrue(any("two workers to one" in name for name in report["ratios"]))


if __name__ == "__main__":
    unittest.main()
