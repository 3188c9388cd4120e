"""A gateway in memory that behaves as Braintree's sandbox does where the service depends on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from application.common.lease import Lease
from application.ports.gateway import (
    Adjust,
    Adjustment,
    Approved,
    Authorization,
    Capture,
    Declined,
    Gateway,
    Outcome,
    Refund,
    RefusalCause,
    Rejected,
    StoredMethod,
    Transaction,
    TransactionKind,
    Void,
)
from application.ports.runtime import Clock
from domain.decline import CATALOGUE, DeclineReason
from domain.instrument import Card, InstrumentKind
from domain.money import Money
from domain.operation import OperationKind
from domain.transaction import GatewayDetails, RiskCheck, TransactionSnapshot, TransactionStatus
from tests.fakes.gateway import authentication
from tests.fakes.gateway.answers import (
    accepts_email,
    has_refused_record,
    outcome_by_amount,
    refused_address,
    rejected,
    require_lease,
    unknown_transaction,
    whole_units,
)
from tests.fakes.gateway.disputes import Disputes
from tests.fakes.gateway.vault import Vault

# Each payment with this card is disputed at once.
DISPUTED_CARD: Final = "4023898493988028"
_NO_MONEY_MOVED: Final = frozenset({TransactionStatus.DECLINED, TransactionStatus.FAILED})


class MemoryGateway(Vault, Disputes):
    """Moves money in memory. It has no idempotency: the same call twice moves money twice."""

    def __init__(self, clock: Clock, *, search_lag: timedelta = timedelta()) -> None:
        super().__init__(clock, search_lag=search_lag)
        # Every authorization as it was asked for.
        self.authorizations: list[Authorization] = []
        self.refuses_external_vault = False
        self.adjusts_authorizations = True
        # The cause for which every request with such a record is refused.
        self.refuses: RefusalCause | None = None
        # Every capture as it was asked for.
        self.captures: list[Capture] = []

    def authorize(self, authorization: Authorization, lease: Lease) -> Outcome:
        require_lease(lease)
        with self._lock:
            self.authorizations.append(authorization)
            if self.refuses_external_vault and authorization.external_vault is not None:
                return rejected("915179", "previous network transaction id is invalid", RefusalCause.EXTERNAL_VAULT)
            instrument_or_decline = self._instrument_of(authorization.source)
            if isinstance(instrument_or_decline, Declined):
                return instrument_or_decline
            refused = self._refused_details(authorization)
            if refused is not None:
                return refused
            instrument, token = instrument_or_decline
            if not authentication.knows_authentication(authorization):
                unknown = GatewayDetails(validation_code="915196")
                return Declined(decline=CATALOGUE[DeclineReason.AUTHENTICATION_REQUIRED], details=unknown)
            result = authentication.result_of(authorization)
            status, decline = outcome_by_amount(
                authorization.amount,
                captures=authorization.captures,
                authenticated=result is not None and result.liability_shifted,
            )
            rejection = ""
            if authentication.is_rejected(authorization):
                status, rejection = TransactionStatus.DECLINED, "three_d_secure"
                decline = CATALOGUE[DeclineReason.AUTHENTICATION_REQUIRED]
            if decline is None and authorization.store_as is not None and authorization.customer is not None:
                token = authorization.store_as
                self._store_method(token, authorization.customer.customer_id, instrument, make_default=False)
            sale = self._add(
                order_id=authorization.operation_id,
                kind=TransactionKind.SALE,
                amount=authorization.amount,
                status=status,
                decline=decline,
                instrument=instrument,
                token=token,
                merchant_account_id=authorization.merchant_account_id,
                details=GatewayDetails(
                    gateway_rejection_reason=rejection,
                    three_d_secure=result,
                    network_transaction_id=f"0{len(self._transactions) + 1:014d}" if decline is None else "",
                    risk_check=RiskCheck(decision="Approve", device_data_captured=True)
                    if authorization.risk.device_data
                    else None,
                ),
            )
            if isinstance(authorization.source, Card) and authorization.source.number == DISPUTED_CARD:
                self.open_dispute(sale.transaction_id)
            return self._answer_new(sale, authorization.operation_id, OperationKind.AUTHORIZE)

    def capture(self, capture: Capture, lease: Lease) -> Outcome:
        require_lease(lease)
        with self._lock:
            self.captures.append(capture)
            sale = self.find_transaction(capture.transaction_id)
            if sale is None:
                return unknown_transaction()
            if has_refused_record(capture, self.refuses):
                return rejected("95823", "a record is refused", self.refuses or RefusalCause.REQUEST)
            if capture.in_part:
                return self._capture_part(sale, capture)
            if sale.standing.status is not TransactionStatus.AUTHORIZED:
                return rejected("91507", "cannot submit for settlement unless status is authorized")
            if capture.amount > sale.amount:
                return rejected("91522", "settlement amount is too large")
            self._change(sale, amount=capture.amount, standing=TransactionSnapshot(TransactionStatus.SUBMITTED))
            return self._approve(sale.transaction_id, capture.operation_id, OperationKind.CAPTURE, capture.amount)

    def _refused_details(self, authorization: Authorization) -> Rejected | None:
        """The refusal of an unknown customer, of a guest's details or of an address; None if all are accepted."""
        customer = authorization.customer
        is_named = authorization.store_as is not None or (customer is not None and customer.is_at_gateway)
        if is_named and (customer is None or customer.customer_id not in self._customers):
            return rejected("91510", "customer id is invalid", RefusalCause.CUSTOMER_UNKNOWN)
        is_guest = customer is not None and not is_named and not isinstance(authorization.source, StoredMethod)
        if is_guest and customer is not None and not accepts_email(customer.email):
            return rejected("81604", "email is invalid", RefusalCause.CUSTOMER_DETAILS)
        if has_refused_record(authorization, self.refuses):
            return rejected("95823", "a record is refused", self.refuses or RefusalCause.REQUEST)
        return refused_address(authorization.billing_address)

    def _capture_part(self, sale: Transaction, capture: Capture) -> Outcome:
        if sale.authorized_transaction_id:
            return rejected("915103", "a partial settlement has no partial settlements")
        if sale.standing.status not in (TransactionStatus.AUTHORIZED, TransactionStatus.PARTIALLY_CAPTURED):
            return rejected("91507", "cannot submit for settlement unless status is authorized")
        parts = [self._latest(part_id).amount for part_id in sale.partial_settlement_ids]
        if Money.total(parts, sale.amount.currency_code) + capture.amount > sale.amount:
            return rejected("91522", "settlement amount is too large")
        part = self._add(
            order_id=capture.operation_id,
            kind=TransactionKind.SALE,
            amount=capture.amount,
            status=TransactionStatus.SUBMITTED,
            instrument=sale.instrument,
            token=sale.token,
            authorized_transaction_id=sale.transaction_id,
            merchant_account_id=sale.merchant_account_id,
        )
        self._change(
            sale,
            standing=replace(sale.standing, status=TransactionStatus.PARTIALLY_CAPTURED),
            partial_settlement_ids=(*sale.partial_settlement_ids, part.transaction_id),
        )
        return self._approve(part.transaction_id, capture.operation_id, OperationKind.CAPTURE, capture.amount)

    def adjust(self, adjust: Adjust, lease: Lease) -> Outcome:
        require_lease(lease)
        with self._lock:
            sale = self.find_transaction(adjust.transaction_id)
            if sale is None:
                return unknown_transaction()
            if sale.standing.status is not TransactionStatus.AUTHORIZED:
                return rejected("915218", "transaction must be in state authorized")
            is_card = sale.instrument is not None and sale.instrument.kind is InstrumentKind.CARD
            if not is_card or not self.adjusts_authorizations:
                return rejected("915219", "transaction is not eligible for adjustment", RefusalCause.MERCHANT_ACCOUNT)
            if adjust.amount == sale.amount:
                return Approved(sale)
            return self._adjust(sale, adjust)

    def _adjust(self, sale: Transaction, adjust: Adjust) -> Outcome:
        change = adjust.amount - sale.amount
        _, decline = outcome_by_amount(_size(change), captures=False)
        code = "1000" if decline is None else str(whole_units(_size(change)))
        details = GatewayDetails(processor_response_code=code)
        tried = (*sale.adjustments, Adjustment(change, decline is None, decline, details))
        if decline is not None:
            self._change(sale, adjustments=tried)
            return Declined(decline=decline, details=details)
        count = sale.standing.adjustment_count + 1
        standing = replace(sale.standing, adjustment_count=count)
        self._change(sale, amount=adjust.amount, standing=standing, adjustments=tried)
        return self._approve(sale.transaction_id, adjust.operation_id, OperationKind.ADJUST, adjust.amount)

    def void(self, void: Void, lease: Lease) -> Outcome:
        require_lease(lease)
        with self._lock:
            sale = self.find_transaction(void.transaction_id)
            if sale is None:
                return unknown_transaction()
            if not sale.standing.status.is_voidable:
                return rejected("91504", "transaction can only be voided if authorized or submitted for settlement")
            self._change(sale, standing=TransactionSnapshot(TransactionStatus.VOIDED))
            return self._approve(sale.transaction_id, void.operation_id, OperationKind.VOID, sale.amount)

    def refund(self, refund: Refund, lease: Lease) -> Outcome:
        require_lease(lease)
        with self._lock:
            sale = self.find_transaction(refund.transaction_id)
            if sale is None:
                return unknown_transaction()
            if sale.kind is TransactionKind.CREDIT:
                return rejected("91505", "cannot refund a credit")
            if not sale.standing.status.is_refundable:
                return rejected("91506", "cannot refund unless settled")
            left = sale.amount - self._refunded(sale)
            if not left:
                return rejected("91512", "transaction has already been fully refunded")
            if refund.amount > left:
                return rejected("91521", "refund amount is too large")
            status, decline = outcome_by_amount(refund.amount, captures=True)
            decline = CATALOGUE[DeclineReason.REFUND_REFUSED] if decline else None
            credit = self._add(
                order_id=refund.operation_id,
                kind=TransactionKind.CREDIT,
                amount=refund.amount,
                status=status,
                decline=decline,
                instrument=sale.instrument,
                refunded_transaction_id=sale.transaction_id,
                merchant_account_id=sale.merchant_account_id,
            )
            self._change(sale, refund_ids=(*sale.refund_ids, credit.transaction_id))
            return self._answer_new(credit, refund.operation_id, OperationKind.REFUND)

    def _refunded(self, sale: Transaction) -> Money:
        credits = [self._latest(credit_id) for credit_id in sale.refund_ids]
        undone = (*_NO_MONEY_MOVED, TransactionStatus.SETTLEMENT_DECLINED, TransactionStatus.VOIDED)
        amounts = (credit.amount for credit in credits if credit.standing.status not in undone)
        return Money.total(amounts, sale.amount.currency_code)


def _size(change: Money) -> Money:
    return Money(abs(change.minor_units), change.currency_code)


_: type[Gateway] = MemoryGateway
