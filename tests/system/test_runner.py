"""tests/run itself: a test that fails, crashes, hangs or is skipped is counted as what it is."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

from lab import TOP

sys.path.insert(0, str(TOP / "tests" / "runner"))

import programs  # noqa: E402
import results  # noqa: E402

GTEST_REPORT = {"testsuites": [{"name": "Group", "testsuite": [
    {"name": "good", "result": "COMPLETED"},
    {"name": "bad", "result": "COMPLETED", "failures": [{"failure": "1 is not 2"}]},
    {"name": "absent", "result": "SKIPPED"},
    {"name": "not_chosen", "result": "SUPPRESSED"},
]}]}
GTEST_OUTPUT = "[ RUN      ] Group.absent\nx_test.cpp:3: Skipped\nthe data is not there\n\n[  SKIPPED ] Group.absent (0 ms)\n"
MODULE = '''
import unittest
class First(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.assertEqual(1, 2)
    def test_parts(self):
        for part in (1, 2):
            with self.subTest(part=part): self.assertEqual(part, 2)
    def test_parts_skipped(self):
        for part in (1, 2):
            with self.subTest(part=part):
                if part == 2: self.skipTest("half of it is not here")
    @unittest.skip("not today")
    def test_skipped(self): pass
class Absent(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("no peer")
    def test_one(self): pass
    def test_two(self): pass
class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("no lab")
    def test_one(self): pass
class Untidy(unittest.TestCase):
    @classmethod
    def tearDownClass(cls): raise OSError("left something")
    def test_one(self): pass
'''


class Counting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, value in (("log_folder", lambda preset: self.folder),):
            original = getattr(programs, name)
            setattr(programs, name, value)
            self.addCleanup(setattr, programs, name, original)

    def program(self, text):
        file = self.folder / "x_test"
        file.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        file.chmod(0o755)
        return file

    def outcomes(self, suite):
        return {case.name: case.outcome for case in suite.cases}

    def test_cases_of_a_test_program(self):
        (self.folder / "report").write_text(json.dumps(GTEST_REPORT), encoding="utf-8")
        text = f"printf '%s' '{GTEST_OUTPUT}'\ncp {self.folder}/report {self.folder}/x_test.json\nexit 1\n"
        suite = programs.unit(self.program(text), "release")
        self.assertEqual(self.outcomes(suite), {"Group.good": "passed", "Group.bad": "failed", "Group.absent": "skipped"})
        self.assertEqual([case.text for case in suite.cases if case.outcome == "skipped"], ["the data is not there"])

    def test_a_program_that_crashes_has_failed(self):
        suite = programs.unit(self.program("kill -SEGV $$\n"), "release")
        self.assertEqual(self.outcomes(suite), {"the program": "failed"})
        self.assertIn("SIGSEGV", suite.cases[0].text)

    def test_a_bad_status_after_good_cases_has_failed(self):
        good = {"testsuites": [{"name": "G", "testsuite": [{"name": "good", "result": "COMPLETED"}]}]}
        (self.folder / "report").write_text(json.dumps(good), encoding="utf-8")
        suite = programs.unit(self.program(f"cp {self.folder}/report {self.folder}/x_test.json\nexit 66\n"), "release")
        self.assertEqual(self.outcomes(suite), {"G.good": "passed", "the program": "failed"})

    def test_a_program_that_hangs_is_ended(self):
        status, _ = programs.run_logged([self.program("sleep 1000\n")], self.folder / "log", 0.2)
        self.assertIsNone(status)

    def test_fuzz_target(self):
        self.assertEqual(programs.fuzz_replay(self.program("exit 0\n"), "release").count("passed"), 1)
        self.assertEqual(programs.fuzz_replay(self.program("exit 77\n"), "release").count("failed"), 1)

    def test_cases_of_a_unittest_module(self):
        (self.folder / "module_of_this_test.py").write_text(MODULE, encoding="utf-8")
        status, _ = programs.run_logged([sys.executable, "-B", TOP / "tests/runner/unittest_worker.py", self.folder, "module_of_this_test",
                                         self.folder / "out.json"], self.folder / "log", 60)
        self.assertEqual(status, 1)
        found = {case["name"]: case["outcome"] for case in json.loads((self.folder / "out.json").read_text(encoding="utf-8"))}
        self.assertEqual({name: outcome for name, outcome in found.items() if "Untidy" not in name},
                         {"First.test_good": "passed", "First.test_bad": "failed", "First.test_parts": "failed", "First.test_parts_skipped": "skipped",
                          "First.test_skipped": "skipped",
                          "Absent.test_one": "skipped", "Absent.test_two": "skipped", "Broken.test_one": "failed"})
        self.assertIn("failed", [outcome for name, outcome in found.items() if "Untidy" in name])

    def test_totals_are_the_last_line(self):
        suites = [results.Suite("unit", "x", [results.Case("a", "passed"), results.Case("b", "failed", "why"), results.Case("c", "skipped", "no data")], 2.0)]
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self.assertEqual(results.print_totals(suites, 2.0), 1)
        self.assertEqual(output.getvalue().splitlines()[-1], "1 passed, 1 failed, 1 skipped")

    def test_nothing_run_is_no_success(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(results.print_totals([], 0.0), 1)
            self.assertEqual(results.print_totals([results.Suite("unit", "x", [results.Case("a", "passed")], 0.0)], 0.0), 0)


if __name__ == "__main__":
    unittest.main()
