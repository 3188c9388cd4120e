"""Writes docs/test_cards.md: the test numbers of 3-D Secure, and how a look-up of each ends.

python -m braintree_twin.test_cards_page docs/test_cards.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from braintree_twin.rules.three_d_secure_outcomes import ENROLLMENTS, NOT_ENROLLED, SCENARIOS, Outcome, Scenario

HEAD = """# The test numbers of 3-D Secure

Written by `python -m braintree_twin.test_cards_page`; a test compares it with the code. Numbers and statuses are as
published, for Visa, Mastercard, American Express, Discover and Elo. Any other card that the twin accepts ends as
`{other}`, not enrolled (inferred).

| Look-up | After the challenge | Liability shifted | Shift possible | Version: numbers |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = (_row(name, scenario) for name, scenario in SCENARIOS.items())
    return HEAD.format(other=NOT_ENROLLED.status) + "\n".join(rows) + "\n"


def _row(name: str, scenario: Scenario) -> str:
    end: Outcome = scenario.challenge or scenario.lookup
    cells = (
        f"`{scenario.lookup.status}`",
        f"`{end.status}`" if scenario.challenge else "",
        "yes" if end.shifted else "no",
        "yes" if end.shift_possible else "no",
        "; ".join(_numbers(name)),
    )
    return f"| {' | '.join(cells)} |"


def _numbers(name: str) -> list[str]:
    versions: dict[str, list[str]] = {}
    for number, enrollment in ENROLLMENTS.items():
        if enrollment.scenario == name:
            versions.setdefault(enrollment.version, []).append(number)
    return [f"{version}: {' '.join(numbers)}" for version, numbers in versions.items()]


def main() -> None:
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
