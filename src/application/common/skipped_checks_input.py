"""Validates the checks of the gateway that a request goes without."""

from collections.abc import Sequence

from application.common.caller import Caller, Scope
from application.common.errors import Rule, ScopeMissing
from application.common.validator import Validator
from domain.payment_check import PaymentCheck


def check_skipped(
    validator: Validator,
    asked: Sequence[PaymentCheck | None],
    caller: Caller,
    skippable: Sequence[PaymentCheck] = tuple(PaymentCheck),
) -> tuple[PaymentCheck, ...]:
    """The checks to leave out, in a fixed order. None stands for a value that the contract does not list.

    Raises ScopeMissing where the credential may leave out none.
    """
    if not caller.may(Scope.PAYMENTS_SKIP_CHECKS):
        raise ScopeMissing(Scope.PAYMENTS_SKIP_CHECKS)
    known = tuple(one for one in skippable if one in asked)
    if len(known) != len(asked):
        validator.add("skip_checks", Rule.ONLY_THESE_ONCE, ", ".join(one.name for one in skippable))
    return known
