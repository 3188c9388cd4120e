"""Retries a request without the customer details or address that the gateway refused.

A refusal has no effect, so at most the retry has one. An invalid record must never cost a payment: the record is left
out, and a warning tells the merchant.
"""

import logging
from dataclasses import dataclass, field, replace

from application.common.lease import Lease
from application.common.validator import require_checked
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
    StoredMethod,
    StoreOutcome,
    Unknown,
)
from domain.address import Address
from domain.customer import NO_CONTACT, Customer
from domain.warning import MerchantWarning, WarningReason

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class RefusalRemedies:
    """The remedies for one request, each tried once, under the lease of the request."""

    gateway: Gateway
    customer: Customer | None
    warnings: list[MerchantWarning] = field(default_factory=list)
    # Whether the gateway had lost the customer, with everything stored for it.
    customer_was_gone: bool = False
    _tried: set[RefusalCause] = field(default_factory=set)

    def ensure_gateway_customer(self, lease: Lease) -> None:
        """Creates the customer at the gateway. Raises GatewayNotReached: the dependent request was surely not sent."""
        try:
            warning = self.gateway.ensure_customer(require_checked(self.customer), lease)
        except GatewayNotReached:
            raise
        except GatewayUnavailable as failure:
            raise GatewayNotReached(str(failure)) from failure
        if warning is not None:
            self.warnings.append(warning)

    def authorize(self, asked: Authorization, lease: Lease) -> Outcome:
        outcome = self.gateway.authorize(asked, lease)
        while (
            isinstance(outcome, Rejected)
            and (remedied := self._remedied_authorization(asked, outcome, lease)) is not None
        ):
            asked = replace(remedied, attempt=asked.attempt + 1)
            outcome = self.gateway.authorize(asked, lease)
        return self._with_warnings(outcome)

    def _remedied_authorization(self, asked: Authorization, refused: Rejected, lease: Lease) -> Authorization | None:
        """The request to retry, or None where no untried remedy is left."""
        match self._untried(refused):
            case RefusalCause.CUSTOMER_UNKNOWN if self.customer is not None:
                self._recreate_customer(lease)
                return asked
            # A request that stores a method must keep its customer.
            case RefusalCause.CUSTOMER_DETAILS if asked.guest != NO_CONTACT:
                self._leave_out(WarningReason.GUEST_DETAILS_LEFT_OUT, refused)
                return replace(asked, guest=NO_CONTACT)
            case RefusalCause.CUSTOMER_DETAILS if asked.store_as is None:
                self._leave_out(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, refused)
                return replace(asked, customer=None)
            case RefusalCause.BILLING_ADDRESS:
                self._leave_out(WarningReason.BILLING_ADDRESS_LEFT_OUT, refused)
                return replace(asked, billing_address=Address())
            case RefusalCause.SHIPPING_ADDRESS:
                self._leave_out(WarningReason.SHIPPING_ADDRESS_LEFT_OUT, refused)
                return replace(asked, shipping_address=Address(), shipping_method=None)
            case RefusalCause.ORDER_DETAILS:
                self._leave_out(WarningReason.ORDER_DETAILS_LEFT_OUT, refused)
                return replace(asked, order_details=None)
            # Only this service wanted to send it: the gateway's own vault may know the series without it.
            case RefusalCause.EXTERNAL_VAULT if isinstance(asked.source, StoredMethod):
                _log.warning("the network transaction id is left out (%s)", refused.details.validation_code)
                return replace(asked, external_vault=None)
            case _:
                return None

    def store_method(self, asked: NewMethod, lease: Lease) -> StoreOutcome:
        outcome = self.gateway.store_method(asked, lease)
        while isinstance(outcome, Rejected) and (remedied := self._remedied_method(asked, outcome, lease)) is not None:
            asked = remedied
            outcome = self.gateway.store_method(asked, lease)
        return outcome

    def _remedied_method(self, asked: NewMethod, refused: Rejected, lease: Lease) -> NewMethod | None:
        match self._untried(refused):
            case RefusalCause.CUSTOMER_UNKNOWN:
                self._recreate_customer(lease)
                return asked
            case RefusalCause.BILLING_ADDRESS:
                self._leave_out(WarningReason.BILLING_ADDRESS_LEFT_OUT, refused)
                return replace(asked, billing_address=Address())
            case _:
                return None

    def _untried(self, refused: Rejected) -> RefusalCause | None:
        """The cause, unless its remedy was already tried in vain."""
        if refused.cause in self._tried:
            return None
        self._tried.add(refused.cause)
        return refused.cause

    def _recreate_customer(self, lease: Lease) -> None:
        self.customer_was_gone = True
        self.ensure_gateway_customer(lease)

    def _leave_out(self, reason: WarningReason, refused: Rejected) -> None:
        warning = MerchantWarning(reason, refused.details.validation_code)
        self.warnings.append(warning)
        _log.warning("%s, because the gateway refuses it (%s)", warning.reason.value, warning.gateway_code)

    def _with_warnings(self, outcome: Outcome) -> Outcome:
        if not self.warnings:
            return outcome
        warnings = tuple(self.warnings)
        match outcome:
            case Approved() | Declined():
                return replace(outcome, warnings=warnings)
            case Unknown(detail):
                return Unknown("; ".join([detail, *(f"{w.reason.value} ({w.gateway_code})" for w in warnings)]))
            case _:
                return outcome
