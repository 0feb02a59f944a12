"""Runs programs and turns what they report into suites: GoogleTest programs, fuzz targets, unittest modules, checks."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from results import FAILED, PASSED, SKIPPED, Case, Suite

TOP = pathlib.Path(__file__).resolve().parents[2]
UNIT_SECONDS = 1200
FUZZ_SECONDS = 600
SYSTEM_SECONDS = 900
CHECK_SECONDS = 1800
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"second_deadlock_stack=1:suppressions={TOP}/tests/support/tsan.suppressions",
}
FUZZ_SEED = 1
FUZZ_RUNS = 20000


def log_folder(preset):
    folder = TOP / "build" / preset / "test-results"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def without_randomised_addresses():
    """ThreadSanitizer of GCC 12 stops at start where the kernel randomises addresses over more bits than it expects."""
    prefix = ["setarch", "-R"]
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if works else []


def run_logged(command, log, seconds, environment=None, preset="release"):
    """Returns (status, seconds taken); status None: it did not end in time. Ends with everything the command started in its session."""
    began = time.monotonic()
    prefix = without_randomised_addresses() if preset == "tsan" else []
    with open(log, "wb") as output:
        child = subprocess.Popen([*prefix, *map(str, command)], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                 env={**os.environ, **SANITIZER_ENVIRONMENT, **(environment or {})}, cwd=TOP, start_new_session=True)
        try:
            status = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            # SIGTERM first: a system test then takes its lab down.
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            status = None
    return status, time.monotonic() - began


def how_it_ended(status, seconds):
    if status is None:
        return f"did not end within {seconds} s"
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def text_of(log):
    return pathlib.Path(log).read_text(encoding="utf-8", errors="replace")


def skip_reason(output, full_name):
    """GoogleTest 1.12 leaves the message of GTEST_SKIP out of its JSON; it stands in the output before the [  SKIPPED ] line."""
    match = re.search(rf"\[ RUN      \] {re.escape(full_name)}\n(.*?)\[  SKIPPED \]", output, re.DOTALL)
    lines = [line for line in (match.group(1).strip().splitlines() if match else []) if not re.match(r".*: Skipped$", line)]
    return lines[-1].strip() if lines else "no reason given"


def gtest_cases(report, output):
    cases = []
    for group in report["testsuites"]:
        for test in group["testsuite"]:
            name = f"{group['name']}.{test['name']}"
            if test.get("failures"):
                cases.append(Case(name, FAILED, "\n".join(failure["failure"] for failure in test["failures"])))
            elif test["result"] == "SKIPPED":
                cases.append(Case(name, SKIPPED, skip_reason(output, name)))
            elif test["result"] == "COMPLETED":
                cases.append(Case(name, PASSED))
    return cases


def kind_of(preset, kind):
    return kind if preset == "release" else f"{preset} {kind}"


def unit(program, preset, environment=None):
    log = log_folder(preset) / f"{program.name}.log"
    report = log.with_suffix(".json")
    report.unlink(missing_ok=True)
    status, seconds = run_logged([program, f"--gtest_output=json:{report}"], log, UNIT_SECONDS, environment, preset)
    cases = gtest_cases(json.loads(text_of(report)), text_of(log)) if report.exists() else []
    if not report.exists() or (status != 0 and not any(case.outcome == FAILED for case in cases)):
        cases.append(Case("the program", FAILED, f"{how_it_ended(status, UNIT_SECONDS)}\n{text_of(log)}"))
    return Suite(kind_of(preset, "unit"), program.name, cases, seconds, str(log))


def fuzz_replay(program, preset):
    log = log_folder(preset) / f"{program.name}.log"
    status, seconds = run_logged([program], log, FUZZ_SECONDS,
                                 {"POLICYAGENT_FUZZ_SEED": str(FUZZ_SEED), "POLICYAGENT_FUZZ_RUNS": str(FUZZ_RUNS)}, preset)
    name = f"{FUZZ_RUNS} random inputs of seed {FUZZ_SEED}"
    case = Case(name, PASSED) if status == 0 else Case(name, FAILED, f"{how_it_ended(status, FUZZ_SECONDS)}\n{text_of(log)}")
    return Suite(kind_of(preset, "fuzz"), program.name, [case], seconds, str(log))


def fuzz_long(program, preset, seconds_each):
    """libFuzzer itself, with what it finds kept in the build folder."""
    corpus = TOP / "build" / preset / "corpus" / program.name
    corpus.mkdir(parents=True, exist_ok=True)
    log = log_folder(preset) / f"{program.name}.log"
    status, seconds = run_logged([program, f"-max_total_time={seconds_each}", "-rss_limit_mb=3000", f"-artifact_prefix={corpus}-", corpus], log,
                                 seconds_each + FUZZ_SECONDS)
    name = f"libFuzzer for {seconds_each} s"
    case = Case(name, PASSED) if status == 0 else Case(name, FAILED, f"{how_it_ended(status, seconds_each)}\n{text_of(log)}")
    return Suite(kind_of(preset, "fuzz"), program.name, [case], seconds, str(log))


def system(module, preset, environment=None):
    log = log_folder(preset) / f"{module}.log"
    report = log.with_suffix(".json")
    report.unlink(missing_ok=True)
    command = [sys.executable, "-B", TOP / "tests/runner/unittest_worker.py", TOP / "tests/system", module, report]
    status, seconds = run_logged(command, log, SYSTEM_SECONDS,
                                 {"POLICYAGENT_BIN": str(TOP / "build" / preset / "bin"), **(environment or {})}, preset)
    cases = [Case(**case) for case in json.loads(text_of(report))] if report.exists() else []
    if status != 0 and not any(case.outcome == FAILED for case in cases):
        cases.append(Case("the module", FAILED, f"{how_it_ended(status, SYSTEM_SECONDS)}\n{text_of(log)}"))
    return Suite(kind_of(preset, "system"), module, cases, seconds, str(log))


def check(name, command, preset="release", seconds=CHECK_SECONDS):
    """A program that says by its status whether all is well."""
    log = log_folder(preset) / f"{name}.log"
    status, taken = run_logged(command, log, seconds)
    case = Case(name, PASSED) if status == 0 else Case(name, FAILED, f"{how_it_ended(status, seconds)}\n{text_of(log)}")
    return Suite(kind_of(preset, "check"), name, [case], taken, str(log))
