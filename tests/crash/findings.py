"""The findings of the checker, by column of the scoreboard. All columns of a storm must be empty."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(slots=True)
class Findings:
    """Each finding is one sentence."""

    double_charges: list[str] = field(default_factory=list)
    double_sends: list[str] = field(default_factory=list)
    lost_payments: list[str] = field(default_factory=list)
    wrong_states: list[str] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)
    feed_errors: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not any(self.columns().values())

    def columns(self) -> dict[str, list[str]]:
        """The findings by the scoreboard's name of the column."""
        return {each.name.replace("_", " "): getattr(self, each.name) for each in fields(self)}

    def lines(self) -> list[str]:
        return [f"{column}: {finding}" for column, findings in self.columns().items() for finding in findings]
