"""Sends a request again without the customer's record or address that the gateway refused.

A refusal has no effect, so the next request is the first that can have one. A fault in a record must never cost a
payment: the record is left out, and a warning tells the merchant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from application.ports.gateway import (
    Approved,
    Authorization,
    Declined,
    Gateway,
    GatewayNotReached,
    GatewayUnavailable,
    NewMethod,
    Outcome,
    RefusalCause,
    Rejected,
    StoreOutcome,
    Unknown,
)
from domain.address import Address
from domain.customer import Customer
from domain.warning import MerchantWarning, WarningReason

_LEFT_OUT: Final = {
    RefusalCause.CUSTOMER_DETAILS: WarningReason.CUSTOMER_DETAILS_LEFT_OUT,
    RefusalCause.BILLING_ADDRESS: WarningReason.BILLING_ADDRESS_LEFT_OUT,
}


@dataclass(slots=True)
class RefusedRecords:
    """The remedies of one request, each of which is tried once.

    `hold` is asked before anything more is sent, and raises GatewayNotReached once the lease is over.
    """

    gateway: Gateway
    customer: Customer | None
    hold: Callable[[], None]
    warnings: list[MerchantWarning] = field(default_factory=list)
    # Whether the gateway had lost the customer, and all that it kept for it.
    customer_was_gone: bool = False
    _tried: set[RefusalCause] = field(default_factory=set)

    def introduce(self) -> None:
        """Makes the customer known to the gateway. Raises GatewayNotReached: what was to follow was surely not sent."""
        if self.customer is None:
            raise RuntimeError("there is a customer to make known")
        try:
            warning = self.gateway.ensure_customer(self.customer)
        except GatewayNotReached:
            raise
        except GatewayUnavailable as failure:
            raise GatewayNotReached(str(failure)) from failure
        if warning is not None:
            self.warnings.append(warning)

    def authorize(self, asked: Authorization) -> Outcome:
        outcome = self.gateway.authorize(asked)
        while isinstance(outcome, Rejected) and self._is_curable(outcome):
            match outcome.cause:
                case RefusalCause.CUSTOMER_DETAILS:
                    asked = replace(asked, customer=None)
                case RefusalCause.BILLING_ADDRESS:
                    asked = replace(asked, billing_address=Address())
            asked = replace(asked, attempt=asked.attempt + 1)
            self.hold()
            outcome = self.gateway.authorize(asked)
        return self._with_warnings(outcome)

    def store_method(self, asked: NewMethod) -> StoreOutcome:
        outcome = self.gateway.store_method(asked)
        while isinstance(outcome, Rejected) and self._is_curable(outcome):
            if outcome.cause is RefusalCause.BILLING_ADDRESS:
                asked = replace(asked, billing_address=Address())
            self.hold()
            outcome = self.gateway.store_method(asked)
        return outcome

    def _is_curable(self, refused: Rejected) -> bool:
        cause = refused.cause
        if cause in self._tried:
            return False
        self._tried.add(cause)
        if cause is RefusalCause.CUSTOMER_UNKNOWN and self.customer is not None:
            self.customer_was_gone = True
            self.hold()
            self.introduce()
            return True
        if cause in _LEFT_OUT:
            self.warnings.append(MerchantWarning(_LEFT_OUT[cause], refused.details.validation_code))
            return True
        return False

    def _with_warnings(self, outcome: Outcome) -> Outcome:
        warnings = tuple(self.warnings)
        match outcome:
            case Approved() | Declined():
                return replace(outcome, warnings=warnings)
            case Unknown(detail) if warnings:
                return Unknown("; ".join([detail, *(f"{w.reason.value} ({w.gateway_code})" for w in warnings)]))
            case _:
                return outcome
