"""What the system tests share: a lab for each class of tests, taken down whatever happens, with the daemons' logs in the test's output."""

import ctypes
import os
import pathlib
import re
import secrets
import subprocess
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "lab"))

from lab_client import PROTECTED_KINDS, CommandFailed, Lab, pcap, wait_for  # noqa: E402,F401

BIN = pathlib.Path(os.environ.get("POLICYAGENT_BIN", TOP / "build" / "release" / "bin"))
LOG_LINES_SHOWN = 300
SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def require_lab():
    if os.geteuid() != 0:
        raise unittest.SkipTest("network namespaces need root")
    if not (BIN / "ipsec-lab").exists():
        raise AssertionError(f"{BIN / 'ipsec-lab'} is not built; POLICYAGENT_BIN names the folder of the programs")


CLONE_NEWNS = 0x00020000  # sched.h; Python 3.11 does not name it


def use_own_namespace_names():
    """For a module that looks for namespaces left behind: from now on this process sees only those that it makes, not the labs of others."""
    require_lab()
    os.makedirs("/run/netns", exist_ok=True)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)


def shared(name):
    """A file or folder of the collection that stands beside the checkout; the test is skipped where it is absent."""
    folder = pathlib.Path(os.environ.get("POLICYAGENT_SHARED", TOP.parent / "shared"))
    if not (folder / name).exists():
        raise unittest.SkipTest(f"{name} is not beside this checkout ({folder})")
    return folder / name


def new_marker():
    """16 random bytes: what carries them in clear is found in a capture, and nothing else has them."""
    return secrets.token_bytes(16)


class LabTest(unittest.TestCase):
    """One lab for all tests of the class. A sanitizer's report in a daemon's log fails the class."""

    HOSTS = ("a", "b")
    OPTIONS = ()
    PROGRAMS = BIN

    @classmethod
    def setUpClass(cls):
        require_lab()
        cls.lab = cls.enterClassContext(Lab(cls.PROGRAMS, cls.HOSTS, *cls.OPTIONS))
        cls.addClassCleanup(cls.look_through_logs)
        for host in cls.HOSTS:
            cls.lab.wait_services(host)

    @classmethod
    def look_through_logs(cls):
        reports = []
        for host in cls.HOSTS:
            for file in sorted((cls.lab.directory / host).glob("*.log")):
                text = file.read_text(encoding="utf-8", errors="replace")
                lines = text.splitlines()
                print(f"---- {host}: {file.name}, the last {LOG_LINES_SHOWN} of {len(lines)} lines\n" + "\n".join(lines[-LOG_LINES_SHOWN:]), flush=True)
                found = SANITIZER_REPORT.search(text)
                if found:
                    reports.append(f"{host}: {text[found.start():found.start() + 4000]}")
        if reports:
            raise AssertionError("a sanitizer reported:\n" + "\n".join(reports))

    def assert_protected(self, file, marker=None):
        """The capture holds protected packets, nothing else, and not the marker."""
        counts = pcap.counts(file)
        self.assertGreater(counts.get("ESP", 0) + counts.get("ESP in UDP", 0), 0, f"no ESP packet was on the wire: {counts}")
        self.assertEqual(set(counts) - PROTECTED_KINDS, set(), f"clear packets were on the wire: {counts}")
        if marker:
            self.assertFalse(pcap.contains(file, marker), "the payload was on the wire in clear")
        return counts
