"""Retries a capture without the records that the gateway refused, so that none of them costs the money."""

from __future__ import annotations

import logging
from dataclasses import replace

from application.common.lease import Lease
from application.ports.gateway import Approved, Capture, Declined, Gateway, Outcome, RefusalCause, Rejected
from domain.address import Address
from domain.warning import MerchantWarning, WarningReason

_log = logging.getLogger(__name__)


def capture_with_remedies(gateway: Gateway, asked: Capture, lease: Lease) -> Outcome:
    """A refusal has no effect, so at most the last request has one. The outcome names each omitted record."""
    warnings: list[MerchantWarning] = []
    outcome = gateway.capture(asked, lease)
    while isinstance(outcome, Rejected):
        remedied, reason = _without_refused(asked, outcome)
        if reason is None:
            return outcome
        warnings.append(MerchantWarning(reason, outcome.details.validation_code))
        _log.warning("%s, because the gateway refuses it (%s)", reason.value, outcome.details.validation_code)
        asked = replace(remedied, attempt=asked.attempt + 1)
        outcome = gateway.capture(asked, lease)
    if warnings and isinstance(outcome, Approved | Declined):
        return replace(outcome, warnings=tuple(warnings))
    return outcome


def _without_refused(asked: Capture, refused: Rejected) -> tuple[Capture, WarningReason | None]:
    """The request to retry, with the omitted record; none where there is nothing to omit."""
    match refused.cause:
        case RefusalCause.SHIPPING_ADDRESS if asked.shipping_address != Address():
            return replace(asked, shipping_address=Address()), WarningReason.SHIPPING_ADDRESS_LEFT_OUT
        case RefusalCause.ORDER_DETAILS if asked.order_details is not None:
            return replace(asked, order_details=None), WarningReason.ORDER_DETAILS_LEFT_OUT
        case _:
            return asked, None
