"""Says at the end of a run what it ran."""

from collections import Counter

import pytest

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, Counter[str]] = {}
    for outcome in OUTCOMES:
        for report in terminalreporter.getreports(outcome):
            counts.setdefault(_part(report.nodeid), Counter())[outcome] += 1
    if counts:
        terminalreporter.section("what ran")
    for part, outcomes in sorted(counts.items()):
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        terminalreporter.write_line(f"{part:<14}{told}")


def _part(nodeid: str) -> str:
    """`end to end` for tests/end_to_end/..., `twin` for twin/tests/...."""
    top, _, rest = nodeid.partition("/")
    name = rest.partition("/")[0] if top == "tests" else top
    return name.replace("_", " ")
