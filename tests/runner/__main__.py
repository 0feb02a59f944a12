"""tests/run without the installation of packages; see tests/run --help."""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import time

import checks
import programs
import results
from programs import TOP

FUZZ_SECONDS_EACH = 60
SANITIZERS = ("asan", "tsan")
LONG_SIMULATION = {"POLICYAGENT_SIMULATION_RUNS": "100000"}
# System tests that take a part of their cases or of their time in an ordinary run, and how they are told to take all.
WHOLE_SYSTEM_TESTS = {
    "test_chaos": {"POLICYAGENT_CHAOS_SECONDS": "60"},
    "test_soft": {"POLICYAGENT_IDLE": "yes"},
    "test_proof_matrix": {"POLICYAGENT_PROOF_MATRIX": "all"},
}
# System tests that want the machine for themselves: they measure, load every core, run a virtual machine, or look at all namespaces.
# The others mostly wait, each in networks of its own, so that they run two at a time.
ALONE = {"test_bench", "test_chaos", "test_demo", "test_flood", "test_interop_linux_kernel", "test_lab", "test_path_mtu", "test_proof_matrix",
         "test_runner", "test_setup", "test_statistics", "test_traffic"}
SYSTEM_TESTS_AT_ONCE = 2


class BuildFailed(Exception):
    pass


def build(preset, targets=()):
    command = 'SOURCE_DIR="$1"; . "$1/installer/lib.sh"; shift; build_preset "$@"'
    sys.stdout.flush()
    if subprocess.run(["bash", "-euo", "pipefail", "-c", command, "tests/run", str(TOP), preset, *targets], check=False).returncode != 0:
        raise BuildFailed(preset)


def built(preset, suffix):
    return sorted((TOP / "build" / preset / "tests").glob(f"*_{suffix}"))


def system_modules():
    return sorted(file.stem for file in (TOP / "tests/system").glob("test_*.py"))


class Session:
    def __init__(self, names):
        self.names = [name.removesuffix(".py") for name in names]
        self.used = set()
        self.suites = []
        self.began = time.monotonic()

    def wants(self, name):
        if not self.names:
            return True
        short = name.removesuffix("_test")
        matching = {wanted for wanted in self.names if wanted in (name, short)}
        self.used |= matching
        return bool(matching)

    def add(self, suite):
        self.suites.append(suite)
        results.print_suite(suite)

    def side_by_side(self, jobs, at_once=os.cpu_count() or 1):
        """`jobs`: functions without arguments that return a suite. Only for what does not measure time."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for done in concurrent.futures.as_completed([pool.submit(job) for job in jobs]):
                self.add(done.result())


def heading(text):
    print(f"\n== {text}", flush=True)


def run_checks(session):
    wanted = [(name, make) for name, make in checks.QUICK.items() if session.wants(name)]
    if wanted:
        heading("Checks of the sources")
    for name, make in wanted:
        session.add(programs.check(name, make()))


def run_programs(session, preset, environment=None):
    jobs = [lambda program=program: programs.unit(program, preset, environment) for program in built(preset, "test") if session.wants(program.name)]
    jobs += [lambda program=program: programs.fuzz_replay(program, preset) for program in built(preset, "fuzz") if session.wants(program.name)]
    if jobs:
        heading(f"Unit and simulation programs and seeded fuzz inputs, preset {preset}")
    session.side_by_side(jobs)


def run_system(session, preset):
    wanted = [module for module in system_modules() if session.wants(module)]
    if wanted:
        heading(f"System tests, preset {preset}")
    # Under a sanitizer the daemons need what there is.
    at_once = 1 if preset in SANITIZERS else SYSTEM_TESTS_AT_ONCE
    session.side_by_side([lambda module=module: programs.system(module, preset) for module in wanted if module not in ALONE], at_once)
    for module in wanted:
        if module in ALONE:
            session.add(programs.system(module, preset))


def targets_for(session):
    """Only the named C++ programs are built where nothing else is asked for; else everything."""
    if not session.names:
        return []
    programs_only = all(name.endswith(("_test", "_fuzz")) for name in session.names)
    return session.names if programs_only else []


def run_all(session):
    heading("Second compiler: clang")
    build("clang")
    session.add(results.Suite("check", "build_with_clang", [results.Case("build", results.PASSED)], 0.0))
    if session.wants("clang_tidy"):
        session.add(programs.check("clang_tidy", checks.clang_tidy("clang"), "clang"))
    for preset in SANITIZERS:
        heading(f"Sanitizers: {preset}")
        build(preset)
        run_programs(session, preset)
        run_system(session, preset)
    heading("Long simulations, system tests and fuzzing")
    session.side_by_side([lambda program=program: programs.unit(program, "release", LONG_SIMULATION)
                          for program in built("release", "test") if "simulation" in program.name])
    for module, environment in WHOLE_SYSTEM_TESTS.items():
        if session.wants(module):
            session.add(programs.system(module, "release", environment))
    build("fuzz")
    session.side_by_side([lambda program=program: programs.fuzz_long(program, "fuzz", FUZZ_SECONDS_EACH) for program in built("fuzz", "fuzz")])


def parse():
    parser = argparse.ArgumentParser(prog="tests/run", add_help=False)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_true")
    amount.add_argument("--all", action="store_true")
    amount.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def run(options, session):
    only_checks = bool(session.names) and all(name in checks.QUICK for name in session.names)
    if not only_checks:
        build("release", targets_for(session))
    run_checks(session)
    run_programs(session, "release")
    if not options.quick:
        run_system(session, "release")
    if options.all:
        run_all(session)
    for name in sorted(set(session.names) - session.used):
        session.add(results.Suite("check", name, [results.Case("name", results.FAILED, "no test of this name; `tests/run --list` shows them")], 0.0))


def main():
    options = parse()
    session = Session(options.names)
    if options.list:
        names = list(checks.QUICK) + [program.name for suffix in ("test", "fuzz") for program in built("release", suffix)] + system_modules()
        print("\n".join(names))
        return 0
    slice_name = "--all" if options.all else "--quick" if options.quick else "everyday"
    print(f"Slice: {slice_name}" + (f", only {', '.join(session.names)}" if session.names else "") +
          f"; simulations at their everyday length, {programs.FUZZ_RUNS} inputs of seed {programs.FUZZ_SEED} for each fuzz target"
          + ("; then the long ones" if options.all else ""), flush=True)
    try:
        run(options, session)
    except BuildFailed as failure:
        session.add(results.Suite("check", "build", [results.Case(f"preset {failure}", results.FAILED, "see above")], 0.0))
    return results.print_totals(session.suites, time.monotonic() - session.began)


sys.exit(main())
