"""A gateway in memory that behaves as Braintree does in what matters, and a wrapper that loses its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from threading import RLock
from typing import Final, TypeVar

from application.common.lease import Lease, LeaseOver
from application.ports.gateway import (
    Approved,
    Authorization,
    Capture,
    Claim,
    CustomerRefused,
    CustomerUnknown,
    Declined,
    DisputeAnswered,
    DisputeOutcome,
    Gateway,
    GatewayNotReached,
    GatewayRefusedCredentials,
    GatewayUnavailable,
    MethodChange,
    NewMethod,
    Nonce,
    NotStored,
    Outcome,
    Refund,
    RefusalCause,
    Rejected,
    Source,
    Stored,
    StoredInstrument,
    StoredMethod,
    StoreOutcome,
    Transaction,
    TransactionKind,
    Unknown,
    Unreadable,
    Void,
)
from application.ports.runtime import Clock
from domain.address import Address
from domain.customer import Customer
from domain.decline import CATALOGUE, Decline, DeclineReason
from domain.dispute import DisputeKind, DisputeReason, DisputeReport, DisputeState, Evidence
from domain.ids import CustomerId, OperationId
from domain.instrument import Card, CardExpiry, Instrument, InstrumentKind
from domain.money import Money
from domain.operation import OperationKind
from domain.payment_method import Verification
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from domain.warning import MerchantWarning, WarningReason

Answer = TypeVar("Answer")

AUTHORIZATION_LIFETIME: Final = timedelta(days=7)
# Its bank disputes each payment at once.
DISPUTED_CARD: Final = "4023898493988028"
VALID_NONCE: Final = "fake-valid-nonce"
PAYPAL_NONCE: Final = "fake-paypal-one-time-nonce"
CONSUMED_NONCE: Final = "fake-consumed-nonce"
UNVERIFIABLE_CARDS: Final = frozenset({"4000111111111115", "5105105105105100", "378734493671000"})

_DECLINES: Final = {
    2001: DeclineReason.INSUFFICIENT_FUNDS,
    2004: DeclineReason.CARD_EXPIRED,
    2010: DeclineReason.INCORRECT_CVV,
    2013: DeclineReason.LOST_OR_STOLEN,
    3000: DeclineReason.NETWORK_UNAVAILABLE,
}
_OVER: Final = frozenset({TransactionStatus.DECLINED, TransactionStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that happened to money at the gateway, and the operation that asked for it."""

    operation_id: OperationId
    kind: OperationKind
    transaction_id: str
    amount: Money


class MemoryGateway:
    """Moves money in memory. Asked twice, it does it twice: that it happens once is up to who asks.

    Searches show what was true `search_lag` ago; a transaction found by its own id is always shown as it is.
    """

    def __init__(self, clock: Clock, *, search_lag: timedelta = timedelta()) -> None:
        self.clock = clock
        self.search_lag = search_lag
        self.effects: list[Effect] = []
        # What a search by time shows besides, of others or strange to say.
        self.unreadable: list[Unreadable] = []
        self._lock = RLock()
        # Each transaction as it was, from when on. The last is as it is.
        self._transactions: dict[str, list[tuple[datetime, Transaction]]] = {}
        self._methods: dict[str, StoredInstrument] = {}
        self._customers: dict[str, Customer] = {}
        self._disputes: dict[str, DisputeReport] = {}
        self._expected_declines: set[str] = set()

    # Moving money

    def authorize(self, authorization: Authorization, lease: Lease) -> Outcome:
        _must_hold(lease)
        with self._lock:
            paid_with = self._instrument_of(authorization.source)
            if isinstance(paid_with, Declined):
                return paid_with
            refused = self._refused_records(authorization)
            if refused is not None:
                return refused
            instrument, token = paid_with
            status, decline = _verdict(authorization.amount, captures=authorization.captures)
            if decline is None and authorization.store_as is not None and authorization.customer is not None:
                token = authorization.store_as
                self._keep(token, authorization.customer.customer_id, instrument, make_default=False)
            sale = self._add(
                order_id=authorization.operation_id,
                kind=TransactionKind.SALE,
                amount=authorization.amount,
                status=status,
                decline=decline,
                instrument=instrument,
                token=token,
            )
            if isinstance(authorization.source, Card) and authorization.source.number == DISPUTED_CARD:
                self.open_dispute(sale.transaction_id)
            return self._answer(sale, authorization.operation_id, OperationKind.AUTHORIZE)

    def capture(self, capture: Capture, lease: Lease) -> Outcome:
        _must_hold(lease)
        with self._lock:
            sale = self.find_transaction(capture.transaction_id)
            if sale is None:
                return _unknown_transaction()
            if capture.in_part:
                return self._capture_part(sale, capture)
            if sale.standing.status is not TransactionStatus.AUTHORIZED:
                return _rejected("91507", "cannot submit for settlement unless status is authorized")
            if capture.amount > sale.amount:
                return _rejected("91522", "settlement amount is too large")
            self._change(sale, amount=capture.amount, standing=TransactionSnapshot(TransactionStatus.SUBMITTED))
            return self._done(sale.transaction_id, capture.operation_id, OperationKind.CAPTURE, capture.amount)

    def _refused_records(self, asked: Authorization) -> Rejected | None:
        """What goes along and is not accepted: an unknown customer, the details of a guest, an address."""
        customer = asked.customer
        is_named = asked.store_as is not None or (customer is not None and customer.is_at_gateway)
        if is_named and (customer is None or customer.customer_id not in self._customers):
            return _rejected("91510", "customer id is invalid", RefusalCause.CUSTOMER_UNKNOWN)
        is_guest = customer is not None and not is_named and not isinstance(asked.source, StoredMethod)
        if is_guest and customer is not None and not _takes_email(customer.email):
            return _rejected("81604", "email is invalid", RefusalCause.CUSTOMER_DETAILS)
        return _refused_address(asked.billing_address)

    def _capture_part(self, sale: Transaction, capture: Capture) -> Outcome:
        if sale.authorized_transaction_id:
            return _rejected("915103", "a partial settlement has no partial settlements")
        if sale.standing.status not in (TransactionStatus.AUTHORIZED, TransactionStatus.PARTIALLY_CAPTURED):
            return _rejected("91507", "cannot submit for settlement unless status is authorized")
        parts = [self._now(part_id).amount for part_id in sale.partial_settlement_ids]
        if Money.total(parts, sale.amount.currency_code) + capture.amount > sale.amount:
            return _rejected("91522", "settlement amount is too large")
        part = self._add(
            order_id=capture.operation_id,
            kind=TransactionKind.SALE,
            amount=capture.amount,
            status=TransactionStatus.SUBMITTED,
            instrument=sale.instrument,
            token=sale.token,
            authorized_transaction_id=sale.transaction_id,
        )
        self._change(
            sale,
            standing=replace(sale.standing, status=TransactionStatus.PARTIALLY_CAPTURED),
            partial_settlement_ids=(*sale.partial_settlement_ids, part.transaction_id),
        )
        return self._done(part.transaction_id, capture.operation_id, OperationKind.CAPTURE, capture.amount)

    def void(self, void: Void, lease: Lease) -> Outcome:
        _must_hold(lease)
        with self._lock:
            sale = self.find_transaction(void.transaction_id)
            if sale is None:
                return _unknown_transaction()
            if not sale.standing.status.is_voidable:
                return _rejected("91504", "transaction can only be voided if authorized or submitted for settlement")
            self._change(sale, standing=TransactionSnapshot(TransactionStatus.VOIDED))
            return self._done(sale.transaction_id, void.operation_id, OperationKind.VOID, sale.amount)

    def refund(self, refund: Refund, lease: Lease) -> Outcome:
        _must_hold(lease)
        with self._lock:
            sale = self.find_transaction(refund.transaction_id)
            if sale is None:
                return _unknown_transaction()
            if sale.kind is TransactionKind.CREDIT:
                return _rejected("91505", "cannot refund a credit")
            if not sale.standing.status.is_refundable:
                return _rejected("91506", "cannot refund unless settled")
            left = sale.amount - self._refunded(sale)
            if not left:
                return _rejected("91512", "transaction has already been fully refunded")
            if refund.amount > left:
                return _rejected("91521", "refund amount is too large")
            status, decline = _verdict(refund.amount, captures=True)
            decline = CATALOGUE[DeclineReason.REFUND_REFUSED] if decline else None
            credit = self._add(
                order_id=refund.operation_id,
                kind=TransactionKind.CREDIT,
                amount=refund.amount,
                status=status,
                decline=decline,
                instrument=sale.instrument,
                refunded_transaction_id=sale.transaction_id,
            )
            self._change(sale, refund_ids=(*sale.refund_ids, credit.transaction_id))
            return self._answer(credit, refund.operation_id, OperationKind.REFUND)

    def _refunded(self, sale: Transaction) -> Money:
        credits = [self._now(credit_id) for credit_id in sale.refund_ids]
        undone = (*_OVER, TransactionStatus.SETTLEMENT_DECLINED, TransactionStatus.VOIDED)
        amounts = (credit.amount for credit in credits if credit.standing.status not in undone)
        return Money.total(amounts, sale.amount.currency_code)

    # Looking things up

    def find_transaction(self, transaction_id: str) -> Transaction | None:
        with self._lock:
            return self._now(transaction_id) if transaction_id in self._transactions else None

    def find_transactions(self, transaction_ids: Sequence[str]) -> list[Transaction]:
        return [found for found in self._search() if found.transaction_id in transaction_ids]

    def find_by_operation(self, operation_id: OperationId) -> list[Transaction]:
        return [found for found in self._search() if found.order_id == operation_id]

    def transactions_created(self, start: datetime, end: datetime) -> Iterator[Transaction | Unreadable]:
        yield from self.unreadable
        yield from [found for found in self._search() if start <= found.create_time < end]

    def sell_for_others(self, order_id: str, amount: Money) -> Transaction:
        """Somebody else on the same merchant account takes money. Its order id carries another mark, or none."""
        with self._lock:
            return self._add(
                order_id=order_id,
                kind=TransactionKind.SALE,
                amount=amount,
                status=TransactionStatus.SUBMITTED,
                is_marked=False,
            )

    def all_transactions(self) -> list[Transaction]:
        """The whole ledger, as it is."""
        with self._lock:
            return [self._now(transaction_id) for transaction_id in self._transactions]

    def _search(self) -> list[Transaction]:
        shown_until = self.clock.now() - self.search_lag
        with self._lock:
            indexed = ([shown for time, shown in past if time <= shown_until] for past in self._transactions.values())
            return [past[-1] for past in indexed if past]

    # What time does

    def settle(self, *transaction_ids: str) -> None:
        """The nightly batch: of the transactions given, or of all."""
        self._move_on(
            {TransactionStatus.SUBMITTED, TransactionStatus.SETTLING}, TransactionStatus.SETTLED, transaction_ids
        )

    def confirm(self, *transaction_ids: str) -> None:
        """The payer's side confirms settlements that wait for it."""
        self._move_on({TransactionStatus.SETTLEMENT_PENDING}, TransactionStatus.SETTLED, transaction_ids)

    def begin_settling(self, *transaction_ids: str) -> None:
        self._move_on({TransactionStatus.SUBMITTED}, TransactionStatus.SETTLING, transaction_ids)

    def expire(self, *transaction_ids: str) -> None:
        """Authorizations run out."""
        self._move_on({TransactionStatus.AUTHORIZED}, TransactionStatus.EXPIRED, transaction_ids)

    def decline_settlement(self, *transaction_ids: str) -> None:
        unsettled = {TransactionStatus.SUBMITTED, TransactionStatus.SETTLING}
        self._move_on(unsettled, TransactionStatus.SETTLEMENT_DECLINED, transaction_ids)

    def keep_authorizing(self, transaction_id: str) -> None:
        """The bank takes its time."""
        with self._lock:
            found = self._now(transaction_id)
            self._change(found, standing=replace(found.standing, status=TransactionStatus.AUTHORIZING))

    def _move_on(self, before: set[TransactionStatus], after: TransactionStatus, only: tuple[str, ...]) -> None:
        with self._lock:
            for found in self.all_transactions():
                if found.standing.status not in before or (only and found.transaction_id not in only):
                    continue
                status = after
                if after is TransactionStatus.SETTLED and found.transaction_id in self._expected_declines:
                    status = TransactionStatus.SETTLEMENT_DECLINED
                if after is TransactionStatus.SETTLED and _is_held_up(found):
                    status = TransactionStatus.SETTLEMENT_PENDING
                standing = replace(found.standing, status=status)
                if status is TransactionStatus.SETTLED:
                    standing = replace(standing, settle_time=self.clock.now())
                decline = found.decline
                if status is TransactionStatus.SETTLEMENT_DECLINED:
                    decline = CATALOGUE[DeclineReason.SETTLEMENT_DECLINED]
                self._change(found, standing=standing, decline=decline)

    # Customers and what they keep

    def ensure_customer(self, customer: Customer, lease: Lease) -> MerchantWarning | None:
        _must_hold(lease)
        with self._lock:
            if customer.customer_id in self._customers or _takes_email(customer.email):
                self._customers.setdefault(customer.customer_id, customer)
                return None
            self._customers[customer.customer_id] = replace(customer, given_name="", family_name="", email="", phone="")
            return MerchantWarning(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, "81604")

    def update_customer(self, customer: Customer, lease: Lease) -> None:
        _must_hold(lease)
        with self._lock:
            if not _takes_email(customer.email):
                raise CustomerRefused({"email": "81604 EmailIsInvalid"})
            self._customers[customer.customer_id] = customer

    def delete_customer(self, customer_id: CustomerId, lease: Lease) -> None:
        _must_hold(lease)
        with self._lock:
            self._customers.pop(customer_id, None)
            for method in list(self._methods.values()):
                if method.customer_id == customer_id:
                    del self._methods[method.token]

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome:
        _must_hold(lease)
        with self._lock:
            if method.customer_id not in self._customers:
                return _rejected("91705", "customer id is invalid", RefusalCause.CUSTOMER_UNKNOWN)
            earlier = self._methods.get(method.payment_method_id)
            if earlier is not None:
                mine = earlier.customer_id == method.customer_id
                return Stored(earlier) if mine else Rejected(detail="the token is in use for something else")
            refused = _refused_address(method.billing_address)
            if refused is not None:
                return refused
            paid_with = self._instrument_of(method.source)
            if isinstance(paid_with, Declined):
                return NotStored(Verification(approved=False, decline=paid_with.decline))
            verification = None
            if method.verify and isinstance(method.source, Card):
                if method.source.number in UNVERIFIABLE_CARDS:
                    return NotStored(Verification(approved=False, decline=CATALOGUE[DeclineReason.DECLINED]))
                verification = Verification(approved=True)
            token, instrument = method.payment_method_id, paid_with[0]
            kept = self._keep(token, method.customer_id, instrument, make_default=method.make_default)
            return Stored(replace(kept, verification=verification))

    def find_method(self, token: str) -> StoredInstrument | None:
        with self._lock:
            return self._methods.get(token)

    def change_method(self, change: MethodChange, lease: Lease) -> StoreOutcome:
        _must_hold(lease)
        with self._lock:
            kept = self._methods.get(change.token)
            if kept is None:
                return Rejected(detail="the gateway knows no such payment method", cause=RefusalCause.METHOD_UNKNOWN)
            instrument = replace(
                kept.instrument,
                expiry=change.expiry or kept.instrument.expiry,
                cardholder_name=(
                    kept.instrument.cardholder_name if change.cardholder_name is None else change.cardholder_name
                ),
            )
            default = change.make_default or kept.is_default
            return Stored(self._keep(change.token, kept.customer_id, instrument, make_default=default))

    def delete_method(self, token: str, lease: Lease) -> None:
        _must_hold(lease)
        with self._lock:
            self._methods.pop(token, None)

    def create_client_token(self, customer_id: CustomerId | None, currency_code: str | None) -> str:
        if customer_id is not None and customer_id not in self._customers:
            raise CustomerUnknown("the gateway knows no such customer")
        return f"token for {customer_id} in {currency_code}"

    def _keep(self, token: str, customer_id: str, instrument: Instrument, *, make_default: bool) -> StoredInstrument:
        others = [m for m in self._methods.values() if m.customer_id == customer_id and m.token != token]
        becomes_default = make_default or not others
        if becomes_default:
            self._methods |= {other.token: replace(other, is_default=False) for other in others}
        kept = StoredInstrument(token=token, customer_id=customer_id, instrument=instrument, is_default=becomes_default)
        self._methods[token] = kept
        return kept

    # Disputes

    def open_dispute(
        self, transaction_id: str, amount: Money | None = None, kind: DisputeKind = DisputeKind.CHARGEBACK
    ) -> str:
        """A bank's claim on a transaction. Returns the gateway's id of it."""
        with self._lock:
            sale, now = self._now(transaction_id), self.clock.now()
            gateway_dispute_id = f"dp{len(self._disputes) + 1}"
            self._disputes[gateway_dispute_id] = DisputeReport(
                gateway_dispute_id=gateway_dispute_id,
                transaction_id=transaction_id,
                kind=kind,
                state=DisputeState.OPEN,
                reason=DisputeReason.FRAUD,
                amount=amount or sale.amount,
                change_time=now,
                receive_time=now,
                reply_by_time=now + timedelta(days=14),
                order_id=sale.order_id,
            )
            self._show_claims(transaction_id)
            return gateway_dispute_id

    def decide_dispute(self, gateway_dispute_id: str, state: DisputeState) -> None:
        """The bank decides, or time does."""
        with self._lock:
            self._move_dispute(gateway_dispute_id, state=state)

    def find_dispute(self, gateway_dispute_id: str) -> DisputeReport | None:
        with self._lock:
            return self._disputes.get(gateway_dispute_id)

    def disputes_received(self, since: date) -> Iterator[DisputeReport]:
        with self._lock:
            found = [one for one in self._disputes.values() if one.receive_time.date() >= since]
        yield from found

    def accept_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        _must_hold(lease)
        return self._answer_dispute(
            gateway_dispute_id, lambda: self._move_dispute(gateway_dispute_id, state=DisputeState.ACCEPTED)
        )

    def finalize_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        _must_hold(lease)

        def finalize() -> None:
            now = self.clock.now()
            sent = tuple(replace(e, send_time=now) for e in self._disputes[gateway_dispute_id].evidence)
            self._move_dispute(gateway_dispute_id, state=DisputeState.UNDER_REVIEW, evidence=sent)

        return self._answer_dispute(gateway_dispute_id, finalize)

    def add_text_evidence(self, gateway_dispute_id: str, text: str, lease: Lease) -> DisputeOutcome:
        _must_hold(lease)
        return self._add_evidence(gateway_dispute_id, text=text)

    def add_file_evidence(self, gateway_dispute_id: str, name: str, content: bytes, lease: Lease) -> DisputeOutcome:
        _must_hold(lease)
        return self._add_evidence(gateway_dispute_id, file_name=name)

    def _add_evidence(self, gateway_dispute_id: str, *, text: str = "", file_name: str = "") -> DisputeOutcome:
        added: list[Evidence] = []

        def add() -> None:
            evidence_id = f"ev{sum(len(one.evidence) for one in self._disputes.values()) + 1}"
            one = Evidence(evidence_id=evidence_id, text=text, file_name=file_name, create_time=self.clock.now())
            added.append(one)
            self._move_dispute(gateway_dispute_id, evidence=(*self._disputes[gateway_dispute_id].evidence, one))

        outcome = self._answer_dispute(gateway_dispute_id, add)
        return DisputeAnswered(added[0]) if added else outcome

    def _answer_dispute(self, gateway_dispute_id: str, act: Callable[[], None]) -> DisputeOutcome:
        with self._lock:
            found = self._disputes.get(gateway_dispute_id)
            if found is None:
                return Rejected(detail="the gateway knows no such dispute")
            if found.state is not DisputeState.OPEN:
                return Rejected(detail="the dispute is not open")
            act()
            return DisputeAnswered()

    def _move_dispute(self, gateway_dispute_id: str, **changes: object) -> None:
        found = self._disputes[gateway_dispute_id]
        self._disputes[gateway_dispute_id] = replace(found, change_time=self.clock.now(), **changes)  # type: ignore[arg-type]
        self._show_claims(found.transaction_id)

    def _show_claims(self, transaction_id: str) -> None:
        """A transaction shows what disputes take of it."""
        sale = self._now(transaction_id)
        found = [one for one in self._disputes.values() if one.transaction_id == transaction_id]
        total = Money.total((one.claim for one in found), sale.amount.currency_code)
        self._change(
            sale,
            standing=replace(sale.standing, disputed_amount=total or None),
            claims=tuple(Claim(one.gateway_dispute_id, one.claim, one.change_time) for one in found),
        )

    # How transactions are kept

    def _instrument_of(self, source: Source) -> tuple[Instrument, str] | Declined:
        match source:
            case Card():
                return _card(source), ""
            case Nonce(value) if value == VALID_NONCE:
                return _card(Card("4111111111111111", CardExpiry(2035, 12))), ""
            case Nonce(value) if value == PAYPAL_NONCE:
                return Instrument(InstrumentKind.PAYPAL, account="jane.doe@paypal.com"), ""
            case Nonce():
                return Declined(decline=CATALOGUE[DeclineReason.INVALID_DATA])
            case StoredMethod(token):
                kept = self._methods.get(token)
                gone = Declined(
                    decline=CATALOGUE[DeclineReason.METHOD_REMOVED], details=GatewayDetails(validation_code="91518")
                )
                return (kept.instrument, token) if kept else gone

    def _add(
        self,
        *,
        order_id: str,
        kind: TransactionKind,
        amount: Money,
        status: TransactionStatus,
        decline: Decline | None = None,
        instrument: Instrument | None = None,
        token: str = "",
        refunded_transaction_id: str = "",
        authorized_transaction_id: str = "",
        is_marked: bool = True,
    ) -> Transaction:
        now = self.clock.now()
        transaction_id = f"bt{len(self._transactions) + 1}"
        expires = now + AUTHORIZATION_LIFETIME if status is TransactionStatus.AUTHORIZED else None
        added = Transaction(
            transaction_id=transaction_id,
            order_id=order_id,
            kind=kind,
            amount=amount,
            standing=TransactionSnapshot(status, authorization_expire_time=expires),
            create_time=now,
            details=GatewayDetails(transaction_id=transaction_id, status=status.value),
            instrument=instrument,
            decline=decline,
            token=token,
            refunded_transaction_id=refunded_transaction_id,
            authorized_transaction_id=authorized_transaction_id,
            is_marked=is_marked,
        )
        self._transactions[transaction_id] = [(now, added)]
        if _whole_units(amount) == 4001 and kind is TransactionKind.SALE:
            self._expected_declines.add(transaction_id)
        return added

    def _change(self, transaction: Transaction, **changes: object) -> None:
        changed = replace(transaction, **changes)  # type: ignore[arg-type]
        changed = replace(changed, details=replace(changed.details, status=changed.standing.status.value))
        self._transactions[transaction.transaction_id].append((self.clock.now(), changed))

    def _now(self, transaction_id: str) -> Transaction:
        return self._transactions[transaction_id][-1][1]

    def _answer(self, added: Transaction, operation_id: OperationId, kind: OperationKind) -> Outcome:
        if added.decline is not None:
            return Declined(decline=added.decline, details=added.details, instrument=added.instrument)
        return self._done(added.transaction_id, operation_id, kind, added.amount)

    def _done(self, transaction_id: str, operation_id: OperationId, kind: OperationKind, amount: Money) -> Approved:
        self.effects.append(Effect(operation_id, kind, transaction_id, amount))
        return Approved(self._now(transaction_id))


def _is_held_up(sale: Transaction) -> bool:
    """Whether the payer's side does not confirm the settlement in the batch: some amounts paid by PayPal."""
    by_paypal = sale.instrument is not None and sale.instrument.kind is InstrumentKind.PAYPAL
    waits = sale.standing.status is TransactionStatus.SETTLEMENT_PENDING
    return by_paypal and not waits and _whole_units(sale.amount) == 4002


def _verdict(amount: Money, *, captures: bool) -> tuple[TransactionStatus, Decline | None]:
    """What an amount makes the gateway do, as Braintree's sandbox has it."""
    whole = _whole_units(amount)
    if 2000 <= whole < 3000:
        return TransactionStatus.DECLINED, CATALOGUE[_DECLINES.get(whole, DeclineReason.DECLINED)]
    if whole == 3000:
        return TransactionStatus.FAILED, CATALOGUE[_DECLINES[whole]]
    if amount.to_decimal() == "5001.00":
        return TransactionStatus.DECLINED, CATALOGUE[DeclineReason.MERCHANT_SETUP]
    return (TransactionStatus.SUBMITTED if captures else TransactionStatus.AUTHORIZED), None


def _whole_units(amount: Money) -> int:
    return int(amount.minor_units // 10**amount.exponent)


def _card(card: Card) -> Instrument:
    return Instrument(
        InstrumentKind.CARD,
        brand="visa" if card.number.startswith("4") else "mastercard",
        last_four=card.last_four,
        expiry=card.expiry,
        cardholder_name=card.cardholder_name,
        unique_number_identifier=f"of-{card.number}",
    )


def _rejected(code: str, detail: str, cause: RefusalCause = RefusalCause.REQUEST) -> Rejected:
    return Rejected(detail=f"{code}: {detail}", details=GatewayDetails(validation_code=code), cause=cause)


def _takes_email(email: str) -> bool:
    return not email or "." in email.partition("@")[2]


def _is_refused(address: Address) -> bool:
    return address.postal_code.startswith("-")


def _refused_address(address: Address) -> Rejected | None:
    if not _is_refused(address):
        return None
    return _rejected("81813", "postal code has invalid characters", RefusalCause.BILLING_ADDRESS)


def _unknown_transaction() -> Rejected:
    return Rejected(detail="the gateway knows no such transaction")


def _must_hold(lease: Lease) -> None:
    """Directly before the first byte."""
    try:
        lease.hold()
    except LeaseOver as over:
        raise GatewayNotReached(str(over)) from None


class Fault(Enum):
    """What can go wrong with one call."""

    NONE = "none"
    # Surely nothing was sent.
    UNREACHABLE = "unreachable"
    REFUSED_CREDENTIALS = "refused credentials"
    # It was sent, and no readable answer came: before the gateway acted, after, or it will act later.
    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    LATE = "late"


class FaultyGateway:
    """A gateway behind a network that fails as `choose` says, call by call."""

    def __init__(
        self,
        inner: MemoryGateway,
        choose: Callable[[str], Fault],
        delay: Callable[[], timedelta] = lambda: timedelta(seconds=60),
    ) -> None:
        self._inner = inner
        self._choose = choose
        self._delay = delay
        self._late: list[tuple[datetime, Callable[[], object]]] = []

    @property
    def next_arrival(self) -> datetime | None:
        """When the next of what was sent late arrives."""
        return min((due for due, _ in self._late), default=None)

    def deliver_late(self) -> None:
        """Carries out what was sent late and has arrived by now."""
        now = self._inner.clock.now()
        arrived = [call for due, call in self._late if due <= now]
        self._late = [(due, call) for due, call in self._late if due > now]
        for call in arrived:
            call()

    def authorize(self, authorization: Authorization, lease: Lease) -> Outcome:
        return self._change("authorize", lambda: self._inner.authorize(authorization, lease))

    def capture(self, capture: Capture, lease: Lease) -> Outcome:
        return self._change("capture", lambda: self._inner.capture(capture, lease))

    def void(self, void: Void, lease: Lease) -> Outcome:
        return self._change("void", lambda: self._inner.void(void, lease))

    def refund(self, refund: Refund, lease: Lease) -> Outcome:
        return self._change("refund", lambda: self._inner.refund(refund, lease))

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome:
        return self._change("store_method", lambda: self._inner.store_method(method, lease))

    def change_method(self, change: MethodChange, lease: Lease) -> StoreOutcome:
        return self._change("change_method", lambda: self._inner.change_method(change, lease))

    def find_transaction(self, transaction_id: str) -> Transaction | None:
        return self._ask("find_transaction", lambda: self._inner.find_transaction(transaction_id))

    def find_transactions(self, transaction_ids: Sequence[str]) -> list[Transaction]:
        return self._ask("find_transactions", lambda: self._inner.find_transactions(transaction_ids))

    def find_by_operation(self, operation_id: OperationId) -> list[Transaction]:
        return self._ask("find_by_operation", lambda: self._inner.find_by_operation(operation_id))

    def transactions_created(self, start: datetime, end: datetime) -> Iterator[Transaction | Unreadable]:
        found = self._ask("transactions_created", lambda: list(self._inner.transactions_created(start, end)))
        return iter(found)

    def ensure_customer(self, customer: Customer, lease: Lease) -> MerchantWarning | None:
        return self._ask("ensure_customer", lambda: self._inner.ensure_customer(customer, lease))

    def update_customer(self, customer: Customer, lease: Lease) -> None:
        self._ask("update_customer", lambda: self._inner.update_customer(customer, lease))

    def delete_customer(self, customer_id: CustomerId, lease: Lease) -> None:
        self._ask("delete_customer", lambda: self._inner.delete_customer(customer_id, lease))

    def find_method(self, token: str) -> StoredInstrument | None:
        return self._ask("find_method", lambda: self._inner.find_method(token))

    def delete_method(self, token: str, lease: Lease) -> None:
        self._ask("delete_method", lambda: self._inner.delete_method(token, lease))

    def create_client_token(self, customer_id: CustomerId | None, currency_code: str | None) -> str:
        return self._ask("create_client_token", lambda: self._inner.create_client_token(customer_id, currency_code))

    def find_dispute(self, gateway_dispute_id: str) -> DisputeReport | None:
        return self._ask("find_dispute", lambda: self._inner.find_dispute(gateway_dispute_id))

    def disputes_received(self, since: date) -> Iterator[DisputeReport]:
        return iter(self._ask("disputes_received", lambda: list(self._inner.disputes_received(since))))

    def accept_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        return self._change("accept_dispute", lambda: self._inner.accept_dispute(gateway_dispute_id, lease))

    def finalize_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        return self._change("finalize_dispute", lambda: self._inner.finalize_dispute(gateway_dispute_id, lease))

    def add_text_evidence(self, gateway_dispute_id: str, text: str, lease: Lease) -> DisputeOutcome:
        return self._change("add_text_evidence", lambda: self._inner.add_text_evidence(gateway_dispute_id, text, lease))

    def add_file_evidence(self, gateway_dispute_id: str, name: str, content: bytes, lease: Lease) -> DisputeOutcome:
        return self._change(
            "add_file_evidence", lambda: self._inner.add_file_evidence(gateway_dispute_id, name, content, lease)
        )

    def _change(self, name: str, call: Callable[[], Answer]) -> Answer | Unknown:
        match self._reach(name):
            case Fault.NONE:
                return call()
            case Fault.LOST_AFTER:
                call()
            case Fault.LATE:
                self._late.append((self._inner.clock.now() + self._delay(), call))
        return Unknown("no answer")

    def _ask(self, name: str, call: Callable[[], Answer]) -> Answer:
        fault = self._reach(name)
        if fault is Fault.LOST_AFTER:
            call()
        if fault is not Fault.NONE:
            raise GatewayUnavailable("no answer")
        return call()

    def _reach(self, name: str) -> Fault:
        fault = self._choose(name)
        if fault is Fault.UNREACHABLE:
            raise GatewayNotReached("nobody there")
        if fault is Fault.REFUSED_CREDENTIALS:
            raise GatewayRefusedCredentials("who are you")
        return fault


_: type[Gateway] = MemoryGateway
_faulty: type[Gateway] = FaultyGateway
