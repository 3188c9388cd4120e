"""Decides whether an operator may make a call, and for which caller."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.common.api_key import is_caller_id
from application.common.caller import Caller
from application.common.errors import FieldViolation, OnBehalfIncomplete, OperatorRightMissing, Rule
from application.common.operator import NO_ACTS, OperatorRight
from application.common.validator import Validator
from domain.ids import CallerId

# The names under which a call states them; the field names of violations.
ON_BEHALF_OF: Final = "bayar-on-behalf-of"
REASON: Final = "bayar-reason"


@dataclass(frozen=True, slots=True)
class StatedAct:
    """The caller acted for and the reason, unchecked. `violations`: the faults of their form."""

    caller_id: str = ""
    reason: str = ""
    violations: Sequence[FieldViolation] = ()


def require_right(operator: Caller, right: OperatorRight | None, stated: StatedAct, *, needs_caller: bool) -> Caller:
    """The operator, on behalf of the stated caller if there is one.

    needs_caller: the call acts on a caller's resource, and not on the whole service. Raises OperatorRightMissing and
    OnBehalfIncomplete.
    """
    is_act = right is not None and right not in NO_ACTS
    validator = Validator()
    if not is_caller_id(stated.caller_id):
        if stated.caller_id:
            validator.add(ON_BEHALF_OF, Rule.CALLER_ID)
        elif is_act and needs_caller:
            validator.add(ON_BEHALF_OF, Rule.REQUIRED)
    # In AdminService, the request can state the reason, too.
    validator.plain_text(REASON, stated.reason, required=is_act and needs_caller)
    violations = (*stated.violations, *validator.violations)
    if right is None or operator.operator is None or not operator.operator.has(right):
        raise OperatorRightMissing(right, tuple(one.field for one in violations))
    if violations:
        raise OnBehalfIncomplete(right, violations)
    named = replace(operator, reason=stated.reason)
    return named.acting_for(CallerId(stated.caller_id)) if stated.caller_id else named


def with_reason(operator: Caller, right: OperatorRight | None, reason: str) -> Caller:
    """The operator with the reason of the call, or else with this one. Raises OnBehalfIncomplete if there is none."""
    if operator.reason:
        return operator
    validator = Validator()
    validator.plain_text(REASON, reason, required=True)
    if validator.violations:
        raise OnBehalfIncomplete(right, validator.violations)
    return replace(operator, reason=reason)
