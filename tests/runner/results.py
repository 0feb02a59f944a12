"""What came of the tests, and how it is printed."""

import dataclasses

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
DETAIL_LINES = 60  # of one failure; the whole output stands in the log whose name is printed


@dataclasses.dataclass
class Case:
    name: str
    outcome: str
    text: str = ""    # why it failed or was skipped


@dataclasses.dataclass
class Suite:
    """One program, module or check."""
    kind: str         # "unit", "fuzz", "check", "system", with the preset in front where it is not release
    name: str
    cases: list
    seconds: float
    log: str = ""

    def count(self, outcome):
        return sum(case.outcome == outcome for case in self.cases)


def shortened(text):
    lines = text.strip().splitlines()
    if len(lines) > DETAIL_LINES:
        lines = lines[:DETAIL_LINES // 2] + [f"... {len(lines) - DETAIL_LINES} lines ..."] + lines[-DETAIL_LINES // 2:]
    return "\n".join("      " + line for line in lines)


def counts_text(suite):
    parts = [f"{suite.count(outcome)} {outcome}" for outcome in (PASSED, FAILED, SKIPPED) if suite.count(outcome) or outcome == PASSED]
    return ", ".join(parts)


def print_suite(suite):
    print(f"{suite.kind:<8} {suite.name:<36} {counts_text(suite)} ({suite.seconds:.1f} s)", flush=True)
    for case in suite.cases:
        if case.outcome == FAILED:
            print(f"    FAILED {case.name}\n{shortened(case.text)}", flush=True)
    if suite.count(FAILED) and suite.log:
        print(f"    whole output: {suite.log}", flush=True)
    for reason in sorted({case.text for case in suite.cases if case.outcome == SKIPPED}):
        names = [case.name for case in suite.cases if case.outcome == SKIPPED and case.text == reason]
        print(f"    skipped {len(names)} ({names[0]}{', ...' if len(names) > 1 else ''}): {reason}", flush=True)


def print_totals(suites, seconds):
    """Returns the exit status. The totals are the last line of the output, in this form."""
    print(f"\nTime by suite ({seconds:.0f} s in all, some of them side by side):")
    for suite in sorted(suites, key=lambda suite: -suite.seconds):
        if suite.seconds >= 1:
            print(f"  {suite.seconds:7.1f} s  {suite.kind} {suite.name}")
    failed = [f"{suite.kind} {suite.name}: {case.name}" for suite in suites for case in suite.cases if case.outcome == FAILED]
    if failed:
        print("\nFailed:\n" + "\n".join("  " + name for name in failed))
    totals = {outcome: sum(suite.count(outcome) for suite in suites) for outcome in (PASSED, FAILED, SKIPPED)}
    print()
    print(", ".join(f"{number} {outcome}" for outcome, number in totals.items()), flush=True)
    return 1 if totals[FAILED] or not totals[PASSED] else 0
