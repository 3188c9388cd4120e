"""Validates whether the method that pays goes with the request's initiator and authentication."""

from __future__ import annotations

from application.common.caller import Caller
from application.common.initiator_input import BY_CUSTOMER, check_initiation
from application.common.paid_with import UNKNOWN_METHOD, PaidWith, stored_instrument, typed_card
from application.common.three_d_secure_input import (
    NOTHING_SAID,
    check_exemption,
    check_nobody_authenticated,
    check_three_d_secure,
)
from application.common.validator import RawCard, Validator
from application.payments.create_payment_command import CreatePaymentCommand, RawStoredMethod
from domain.initiator import is_customer_absent
from domain.money import Money
from domain.payment_method import PaymentMethod


def check_method_uses(
    validator: Validator,
    command: CreatePaymentCommand,
    caller: Caller,
    amount: Money | None,
    method: PaymentMethod | None,
) -> None:
    """Adds the violations. `method` is the stored one that pays."""
    if command.three_d_secure is NOTHING_SAID and command.initiation is BY_CUSTOMER:
        return
    uses_stored_method, paid_with = isinstance(command.source, RawStoredMethod), _paid_with(command, method)
    initiation, secure = command.initiation, command.three_d_secure
    check_three_d_secure(validator, secure, paid_with)
    check_initiation(
        validator,
        initiation,
        caller,
        uses_stored_method=uses_stored_method,
        consents=method.checked_consents if method else None,
        policy=secure.policy,
        paid_with=paid_with,
    )
    position = initiation.series_position(uses_stored_method=uses_stored_method)
    is_absent = is_customer_absent(initiation.initiator, position)
    check_exemption(validator, secure, amount, paid_with, is_absent=is_absent)
    if is_absent:
        check_nobody_authenticated(validator, secure)


def _paid_with(command: CreatePaymentCommand, method: PaymentMethod | None) -> PaidWith:
    if isinstance(command.source, RawCard):
        return typed_card(command.source)
    return stored_instrument(method.instrument) if method is not None else UNKNOWN_METHOD
