"""Fault injection: the rules, and which request meets which fault.

delay         wait `seconds`, then process and answer; with `when: after`, process at once and answer late.
refuse        close the listening socket and every connection a merchant uses, for `seconds`: clients get ECONNREFUSED.
reset_before  reset the connection (RST); nothing was processed.
reset_after   process and commit, then reset the connection; not a byte of the answer leaves.
status        answer with the status and an empty body; nothing was processed, unless `processed` is true.
truncate      process; send the head and half of the body, then close the connection.
garbage       process; answer 200 with a body that is not XML.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any, Final

from braintree_twin.control_api.errors import InvalidField
from braintree_twin.routing import split_merchant

FAULTS: Final = ("delay", "refuse", "reset_before", "reset_after", "status", "truncate", "garbage")
REFUSAL_SECONDS: Final = 2.0
MAX_SECONDS: Final = 3600.0
MAX_PATH_LENGTH: Final = 1000
METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH")
FIELDS: Final = ("fault", "method", "path", "seconds", "when", "status", "processed", "next", "probability", "seed")


@dataclass(slots=True, kw_only=True)
class FaultRule:
    id: int
    fault: str
    # None stands for any method, any path.
    method: str | None = None
    path: str | None = None
    seconds: float | None = None
    when: str = "before"
    status: int = 500
    processed: bool = False
    # Which of the matching requests: the next n, or each with this probability, or all if both are None.
    next: int | None = None
    probability: float | None = None
    seed: int | None = None
    # Requests that matched, and requests that met the fault.
    matched: int = 0
    struck: int = 0
    pattern: re.Pattern[str] | None = field(default=None, repr=False)
    draw: random.Random = field(default_factory=random.Random, repr=False)

    def matches(self, method: str, path: str) -> bool:
        if self.method is not None and self.method != method:
            return False
        if self.pattern is None:
            return True
        return any(self.pattern.match(form) for form in (path, split_merchant(path)[1]))

    def triggers(self) -> bool:
        """Whether a matching request meets the fault. Counts it."""
        self.matched += 1
        if self.next is not None and self.struck >= self.next:
            return False
        if self.probability is not None and self.draw.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def as_json(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in ("id", *FIELDS, "matched", "struck")}
        return {name: value for name, value in fields.items() if value is not None}


class FaultRules:
    """The fault rules in force, oldest first. They are kept in memory only."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []
        self._last_id = 0

    def __iter__(self) -> Iterator[FaultRule]:
        return iter(self._rules)

    def add(self, fields: Mapping[str, Any]) -> FaultRule:
        """Add a rule. Raises InvalidField."""
        rule = read_rule(self._last_id + 1, fields)
        self._last_id = rule.id
        self._rules.append(rule)
        return rule

    def remove(self, rule_id: int | None = None) -> list[FaultRule]:
        """Remove one rule, or all; returns the removed ones."""
        removed = [rule for rule in self._rules if rule_id in (None, rule.id)]
        self._rules = [rule for rule in self._rules if rule not in removed]
        return removed

    def trigger(self, method: str, path: str) -> FaultRule | None:
        """The rule whose fault this request meets: the oldest that matches and triggers."""
        for rule in self._rules:
            if rule.matches(method, path) and rule.triggers():
                return rule
        return None


def read_rule(rule_id: int, fields: Mapping[str, Any]) -> FaultRule:
    for name in fields:
        if name not in FIELDS:
            raise InvalidField(name, f"no such field; there are {', '.join(FIELDS)}")
    if fields.get("fault") not in FAULTS:
        raise InvalidField("fault", f"must be one of {', '.join(FAULTS)}")
    rule = FaultRule(
        id=rule_id,
        fault=fields["fault"],
        method=_method(fields.get("method")),
        path=_path(fields.get("path")),
        seconds=_number(fields, "seconds", 0.0, MAX_SECONDS),
        when=fields.get("when", "before"),
        status=_integer(fields, "status", 100, 599) or 500,
        processed=fields.get("processed", False),
        next=_integer(fields, "next", 1, 1_000_000_000),
        probability=_number(fields, "probability", 0.0, 1.0),
        seed=_integer(fields, "seed", -(2**63), 2**63),
    )
    _check(rule, fields)
    rule.pattern = _pattern(rule.path)
    if rule.seed is not None:
        rule.draw = random.Random(rule.seed)  # noqa: S311
    return rule


def _check(rule: FaultRule, fields: Mapping[str, Any]) -> None:
    if rule.when not in ("before", "after"):
        raise InvalidField("when", "must be before or after: of the processing, for a delay")
    if not isinstance(rule.processed, bool):
        raise InvalidField("processed", "must be true or false: whether a status fault processes the request first")
    if rule.fault == "delay" and rule.seconds is None:
        raise InvalidField("seconds", "a delay needs it: how long to wait, such as 0.5")
    if rule.next is not None and rule.probability is not None:
        raise InvalidField("probability", "leave out either it or next: a rule has one or the other")
    if rule.seed is not None and rule.probability is None:
        raise InvalidField("seed", "only goes with probability; leave it out or add one")
    if "status" in fields and rule.fault != "status":
        raise InvalidField("status", 'only goes with "fault": "status"')


def _method(value: Any) -> str | None:
    if value is None or value == "*":
        return None
    if not isinstance(value, str) or value.upper() not in METHODS:
        raise InvalidField("method", f"must be one of {', '.join(METHODS)}, or left out for any")
    return value.upper()


def _path(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH_LENGTH:
        raise InvalidField("path", "must be a pattern such as /transactions/*/void, or left out for any")
    return value


def _pattern(path: str | None) -> re.Pattern[str] | None:
    """Compile a path: `*` and `{id}` match any characters; with ^ it is a regular expression, without it may be one."""
    if path is None:
        return None
    try:
        if path.startswith("^"):
            return re.compile(path)
        glob = translate(_PLACEHOLDER.sub("*", path))
        return re.compile(f"{glob}|{_whole(path)}")
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidField("path", f"is no regular expression ({error}); without ^ it is a pattern with *") from error


_PLACEHOLDER = re.compile(r"\{[a-z_]+\}", re.ASCII)


def _whole(path: str) -> str:
    """A regular expression of the whole path; if it is not valid, one that never matches."""
    try:
        re.compile(path)
    except (re.error, RecursionError, OverflowError):
        return r"(?!)"
    return rf"(?:{path})\Z"


def _number(fields: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidField(name, f"must be a number from {least:g} to {most:g}")
    return float(value)


def _integer(fields: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidField(name, f"must be a whole number from {least} to {most}")
    return value
