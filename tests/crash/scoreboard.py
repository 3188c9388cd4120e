"""The scoreboard of a storm: settings, counts, findings."""

from __future__ import annotations

import statistics
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bayar.messages import BayarError, Payment
from tests.crash.answer_audit import OPEN
from tests.crash.failpoints import STEPS
from tests.crash.findings import Findings
from tests.crash.request_log import Answer

_WIDTH: Final = 112
_INDENT: Final = 16


@dataclass(slots=True)
class Scoreboard:
    """The settings and counts of a storm, with its findings."""

    database: str
    seed: int
    storm_seconds: float = 0.0
    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    payments: int = 0
    events: int = 0
    external: int = 0
    adjusted_by_others: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    database_cuts: int = 0
    found_after: list[float] = field(default_factory=list)
    proven_absent_after: list[float] = field(default_factory=list)
    internal_errors: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    @property
    def is_clean(self) -> bool:
        return self.findings.is_clean and not self.internal_errors

    def __str__(self) -> str:
        at_steps = {name: count for name, count in self.kills.items() if name in STEPS}
        other = {name: count for name, count in self.kills.items() if name not in STEPS}
        shared = sum(count for name, count in at_steps.items() if "shared commit" in name)
        named = f"{sum(at_steps.values())} at {len(at_steps)} of {len(STEPS)} named steps ({shared} in shared commits)"
        rows = [
            ("database", f"{self.database}, storm of {self.storm_seconds:.0f} s, SEED={self.seed}"),
            ("requests", str(self.requests)),
            ("answers", f"{self.answers.total()}: {_told(self.answers)}"),
            ("payments", str(self.payments)),
            ("operations", f"{self.operations.total()}: {_told(self.operations)}"),
            ("feed", f"{self.events} events"),
            ("by others", f"{self.external} refunds, {self.adjusted_by_others} adjustments"),
            ("kills", f"{named}; {_told(other)}"),
            ("database cuts", str(self.database_cuts)),
            ("faults", f"{self.faults.total()}: {_told(self.faults)}"),
            ("found later", _spread(self.found_after)),
            ("proven absent", _spread(self.proven_absent_after)),
            *((column, str(len(findings))) for column, findings in self.findings.columns().items()),
            ("faults in us", str(len(self.internal_errors))),
        ]
        return "\n".join(_row(name, value) for name, value in rows)


def _row(name: str, value: str) -> str:
    return textwrap.fill(f"{name:<{_INDENT}}{value}", _WIDTH, subsequent_indent=" " * _INDENT)


def _told(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda each: -each[1])) or "none"


def kind_of(answer: Answer) -> str:
    """The kind of an answer, for counting."""
    if isinstance(answer, BayarError):
        return answer.reason or answer.code.name
    is_open = isinstance(answer, Payment) and any(o.state in OPEN for o in answer.operations)
    return "OK, not known yet" if is_open else "OK"


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    return f"{len(seconds)}, after {statistics.median(seconds):.1f} s (p50), {max(seconds):.1f} s (max)"
