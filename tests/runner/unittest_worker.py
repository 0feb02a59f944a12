"""Runs one unittest module and writes the outcome of each test method as JSON: unittest_worker.py FOLDER MODULE REPORT."""

import importlib
import json
import signal
import sys
import unittest


def methods_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from methods_of(item)
        else:
            yield item


class Recorder(unittest.TextTestResult):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.found = {}
        self.of_class = {}  # class -> (outcome, text): setUpClass skipped or failed, its methods never ran

    def note(self, test, outcome, text=""):
        if not isinstance(test, unittest.TestCase):
            self.of_class[test.id().rpartition("(")[2].rstrip(")")] = (outcome, text)
            return
        before = self.found.get(test.id())
        if before and before[0] == "failed":
            outcome, text = "failed", before[1] + "\n" + text
        self.found[test.id()] = (outcome, text)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed", self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "failed", self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        # A method some of whose parts were skipped has not been shown as a whole: unittest gives it no success either.
        self.note(getattr(test, "test_case", test), "skipped", reason)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "failed", "succeeds although it is marked as an expected failure")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, "failed", f"{subtest}\n" + (self.failures or self.errors)[-1][1])


def outcome_of(recorder, test):
    if test.id() in recorder.found:
        return recorder.found[test.id()]
    for name, outcome in recorder.of_class.items():
        if test.id().startswith(name + "."):
            return outcome
    return ("failed", "did not run")


def main():
    folder, name, report = sys.argv[1:]
    # A module that takes too long is ended with SIGTERM: its clean-ups (the lab's `down`) still run.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    sys.path.insert(0, folder)
    suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(name))
    methods = list(methods_of(suite))
    recorder = unittest.TextTestRunner(resultclass=Recorder, verbosity=2).run(suite)
    cases = [{"name": test.id().partition(".")[2], "outcome": outcome, "text": text}
             for test in methods for outcome, text in [outcome_of(recorder, test)]]
    # A class that could not be torn down failed even where its methods passed.
    cases += [{"name": name, "outcome": outcome, "text": text} for name, (outcome, text) in recorder.of_class.items()
              if outcome == "failed" and all(case["outcome"] == "passed" for case in cases if name.endswith(case["name"].rpartition(".")[0]))]
    with open(report, "w", encoding="utf-8") as file:
        json.dump(cases, file)
    return 0 if recorder.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
