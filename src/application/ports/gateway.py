"""Port for the payment gateway: its requests, and the answers it can give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Protocol

from application.common.lease import Lease
from domain.address import Address, StatementDescriptor
from domain.customer import Customer
from domain.decline import Decline
from domain.dispute import DisputeReport, Evidence
from domain.ids import CustomerId, OperationId, PaymentMethodId
from domain.instrument import Card, CardExpiry, Instrument
from domain.money import Money
from domain.payment_method import Verification
from domain.transaction import GatewayDetails, TransactionSnapshot
from domain.warning import MerchantWarning


class GatewayUnavailable(Exception):
    """The gateway gave no usable answer to a question. Nothing was changed by asking."""


class GatewayNotReached(GatewayUnavailable):
    """Surely nothing was sent."""


class TransactionUnreadable(GatewayUnavailable):
    """The gateway shows the transaction, and in a way that means nothing here. Asking again changes nothing."""


class RefundIncomplete(GatewayNotReached):
    """A part of a refund was given back or is under way. What is missing surely was not sent."""


class GatewayRefusedCredentials(GatewayNotReached):
    """The gateway knows neither this service nor its keys. It acted on nothing."""


class GatewayRefused(Exception):
    """The gateway answered, and refused what it was asked. Nothing was changed. The text says why."""


class CustomerUnknown(GatewayRefused):
    """The gateway has no such customer (any more)."""


class CustomerRefused(GatewayRefused):
    """The gateway refuses what is to be kept of a customer: the refused fields, each with the gateway's code."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(fields.values()))
        self.fields = fields


# What pays -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nonce:
    """A single-use stand-in for card or wallet data."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A method kept at the gateway, by its token there."""

    token: str = field(repr=False)


Source = Card | Nonce | StoredMethod


# What is asked -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Hold the amount, and capture it at once if asked to. Found again by its operation id."""

    operation_id: OperationId
    amount: Money
    source: Source
    captures: bool
    customer: Customer | None = None
    # Keep the method under this token, for the customer, if the authorization succeeds.
    store_as: PaymentMethodId | None = None
    billing_address: Address = Address()
    descriptor: StatementDescriptor = StatementDescriptor()
    # Counts what is sent again, with another content, after a refusal that had no effect.
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Take the amount from an authorized transaction.

    In part: as a transaction of its own, found again by its operation id; the final part releases the rest. Otherwise
    the rest is released.
    """

    operation_id: OperationId
    transaction_id: str
    amount: Money
    in_part: bool
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    operation_id: OperationId
    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Give the amount back. A transaction of its own, found again by its operation id."""

    operation_id: OperationId
    transaction_id: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMethod:
    """Keep a card or wallet for the customer under the given token."""

    payment_method_id: PaymentMethodId
    customer_id: CustomerId
    source: Card | Nonce
    verify: bool = False
    make_default: bool = False
    billing_address: Address = Address()


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodChange:
    """New values for a stored method. None: unchanged."""

    token: str = field(repr=False)
    expiry: CardExpiry | None = field(default=None, repr=False)
    cardholder_name: str | None = field(default=None, repr=False)
    billing_address: Address | None = None
    make_default: bool = False


# What is answered ----------------------------------------------------------------------------------------------------


class TransactionKind(Enum):
    SALE = "sale"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one dispute takes of a transaction, as the transaction shows it: zero once it is won."""

    gateway_dispute_id: str
    amount: Money
    change_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction as the gateway shows it. `decline` is set where the gateway or the bank said no to it.

    `order_id` is the operation's id where this deployment made it: that is certain where it carries the deployment's
    mark. Versions before the mark sent the bare id. Anything else is somebody else's order id, as it stands.
    """

    transaction_id: str
    order_id: str
    kind: TransactionKind
    amount: Money
    standing: TransactionSnapshot
    create_time: datetime
    details: GatewayDetails = GatewayDetails()
    instrument: Instrument | None = None
    decline: Decline | None = None
    # The token of the stored method that paid, or that was stored with it.
    token: str = field(default="", repr=False)
    refunded_transaction_id: str = ""
    authorized_transaction_id: str = ""
    refund_ids: tuple[str, ...] = ()
    partial_settlement_ids: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    # Whether the order id carries this deployment's mark.
    is_marked: bool = False


class RefusalCause(Enum):
    """What a refusal is about. None of these says anything of the card that was to pay."""

    # This service's own request.
    REQUEST = "request"
    MERCHANT_ACCOUNT = "merchant_account"
    METHOD_UNKNOWN = "method_unknown"
    CUSTOMER_UNKNOWN = "customer_unknown"
    CUSTOMER_DETAILS = "customer_details"
    BILLING_ADDRESS = "billing_address"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A transaction that the gateway shows in a way that means nothing here. `detail` says as much as can be told."""

    transaction_id: str
    order_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Approved:
    transaction: Transaction
    warnings: tuple[MerchantWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The bank or the gateway said no, or what the caller gave cannot be used."""

    decline: Decline
    details: GatewayDetails = GatewayDetails()
    instrument: Instrument | None = None
    warnings: tuple[MerchantWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The gateway refused the request as it was; it had no effect."""

    detail: str
    details: GatewayDetails = GatewayDetails()
    cause: RefusalCause = RefusalCause.REQUEST


@dataclass(frozen=True, slots=True)
class Unknown:
    """No readable answer: it may have happened, or may still happen."""

    detail: str


Outcome = Approved | Declined | Rejected | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInstrument:
    """A method as the gateway keeps it."""

    token: str = field(repr=False)
    customer_id: str
    instrument: Instrument
    is_default: bool
    verification: Verification | None = None
    # The customer took back the consent to charge it: it will never pay again.
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    method: StoredInstrument


@dataclass(frozen=True, slots=True)
class NotStored:
    """The bank or the gateway said no when it was verified."""

    verification: Verification


StoreOutcome = Stored | NotStored | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class DisputeAnswered:
    """The gateway took the answer to a dispute; with the evidence that was added, where it was one."""

    evidence: Evidence | None = None


DisputeOutcome = DisputeAnswered | Rejected | Unknown


class Gateway(Protocol):
    """Moves money. Every method may be called by many threads at once.

    Calls that move money or store something answer with a value; they raise GatewayNotReached only where surely nothing
    was sent. Whatever changes something takes a lease, looks at it after every wait and directly before each thing that
    it sends, and sends nothing once it is over: GatewayNotReached, for nothing had an effect by then. Questions raise
    GatewayUnavailable when they stay unanswered.
    """

    def authorize(self, authorization: Authorization, lease: Lease) -> Outcome: ...

    def capture(self, capture: Capture, lease: Lease) -> Outcome: ...

    def void(self, void: Void, lease: Lease) -> Outcome: ...

    def refund(self, refund: Refund, lease: Lease) -> Outcome: ...

    def find_transaction(self, transaction_id: str) -> Transaction | None:
        """Raises TransactionUnreadable, besides."""
        ...

    def find_transactions(self, transaction_ids: Sequence[str]) -> list[Transaction]:
        """Those of the transactions that the gateway knows, with few calls."""
        ...

    def find_by_operation(self, operation_id: OperationId) -> list[Transaction]:
        """What carries the operation's id. The gateway promises no delay after which it is found."""
        ...

    def transactions_created(self, start: datetime, end: datetime) -> Iterator[Transaction | Unreadable]:
        """Everything created from start until before end, in no order. Raises GatewayUnavailable, on the way, too.

        One that cannot be read does not hide the others.
        """
        ...

    def ensure_customer(self, customer: Customer, lease: Lease) -> MerchantWarning | None:
        """Makes the customer known under its own id; already known is fine. Raises GatewayUnavailable.

        Where the gateway refuses the customer's details it is made known without them, and the warning says so.
        """
        ...

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome: ...

    def find_method(self, token: str) -> StoredInstrument | None: ...

    def change_method(self, change: MethodChange, lease: Lease) -> StoreOutcome: ...

    def delete_method(self, token: str, lease: Lease) -> None:
        """Forgets a stored method; already gone is fine. Raises GatewayUnavailable."""
        ...

    def update_customer(self, customer: Customer, lease: Lease) -> None:
        """Brings the gateway's copy up to date, and makes it anew where it is gone.

        Raises CustomerRefused and GatewayUnavailable.
        """
        ...

    def delete_customer(self, customer_id: CustomerId, lease: Lease) -> None:
        """Forgets the customer and everything stored for it; already gone is fine. Raises GatewayUnavailable."""
        ...

    def create_client_token(self, customer_id: CustomerId | None, currency_code: str | None) -> str:
        """Raises CustomerUnknown, GatewayRefused and GatewayUnavailable."""
        ...

    def find_dispute(self, gateway_dispute_id: str) -> DisputeReport | None: ...

    def disputes_received(self, since: date) -> Iterator[DisputeReport]:
        """Those that banks opened on the day or later, in no order. Raises GatewayUnavailable, on the way, too."""
        ...

    def accept_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome: ...

    def finalize_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome: ...

    def add_text_evidence(self, gateway_dispute_id: str, text: str, lease: Lease) -> DisputeOutcome: ...

    def add_file_evidence(self, gateway_dispute_id: str, name: str, content: bytes, lease: Lease) -> DisputeOutcome:
        """Raises GatewayNotReached also where the file alone got through: nothing was added to the dispute."""
        ...
