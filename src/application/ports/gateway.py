"""Port for the payment gateway: its requests, and the answers it can give."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Final, Protocol

from application.common.lease import Lease
from domain.address import Address, StatementDescriptor
from domain.customer import NO_CONTACT, Customer, GuestContact
from domain.decline import Decline
from domain.dispute import DisputeReport, Evidence
from domain.ids import CustomerId, OperationId, PaymentMethodId
from domain.initiator import ExternalVault, Initiator, SeriesPosition
from domain.instrument import Card, CardExpiry, Instrument, InstrumentKind
from domain.merchant_account import MerchantAccount
from domain.money import Money
from domain.order_details import OrderDetails, ShippingMethod
from domain.payment_check import PaymentCheck
from domain.payment_method import Verification
from domain.quick_init import quick_init
from domain.three_d_secure import ExternalAuthentication, ScaExemption, ThreeDSecureResult
from domain.transaction import GatewayDetails, TransactionSnapshot
from domain.warning import MerchantWarning


class GatewayUnavailable(Exception):
    """The gateway gave no usable answer to a query. The query changed nothing."""


class GatewayNotReached(GatewayUnavailable):
    """Surely nothing was sent."""


class TransactionUnreadable(GatewayUnavailable):
    """The gateway shows the transaction in a form that this service cannot interpret. Retrying does not help."""


class RefundIncomplete(GatewayNotReached):
    """A part of a refund was refunded or is under way. The missing part surely was not sent."""


class GatewayRefusedCredentials(GatewayNotReached):
    """The gateway rejects this service's credentials. It acted on nothing."""


class GatewayRefused(Exception):
    """The gateway answered, and refused the request. Nothing was changed. The text holds the reason."""


class CustomerUnknown(GatewayRefused):
    """The gateway has no such customer, or no longer has it."""


class CustomerRefused(GatewayRefused):
    """The gateway refuses a customer's details: the refused fields, each with the gateway's code."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(fields.values()))
        self.fields = fields


# Payment sources -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nonce:
    """A single-use token for card or wallet data."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A method stored at the gateway, by its token there."""

    token: str = field(repr=False)


Source = Card | Nonce | StoredMethod


# Requests ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeDSecureRequest:
    """The 3-D Secure part of a sale. A nonce may carry an authentication besides."""

    # The gateway rejects a sale without a liability shift. None: the gateway's own default.
    is_required: bool | None = None
    authentication_id: str = field(default="", repr=False)
    external: ExternalAuthentication | None = None
    exemption: ScaExemption | None = None


UNASKED: Final = ThreeDSecureRequest()


@dataclass(frozen=True, slots=True)
class RiskInput:
    """The data for the gateway's risk check."""

    device_data: str = field(default="", repr=False)
    customer_address: str = field(default="", repr=False)
    # The checks that the gateway leaves out.
    skipped_checks: tuple[PaymentCheck, ...] = ()


NO_RISK_INPUT: Final = RiskInput()


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Holds the amount, and captures it at once if requested. It is found again by its operation id."""

    operation_id: OperationId
    amount: Money
    source: Source
    captures: bool
    customer: Customer | None = None
    # Store the method under this token for the customer, if the authorization succeeds.
    store_as: PaymentMethodId | None = None
    billing_address: Address = Address()
    descriptor: StatementDescriptor = StatementDescriptor()
    three_d_secure: ThreeDSecureRequest = UNASKED
    initiator: Initiator = Initiator.CUSTOMER
    series_position: SeriesPosition | None = None
    external_vault: ExternalVault | None = None
    risk: RiskInput = NO_RISK_INPUT
    # The merchant's own order, which the gateway may show in front of the operation's id.
    reference: str = ""
    guest: GuestContact = NO_CONTACT
    shipping_address: Address = Address()
    shipping_method: ShippingMethod | None = None
    order_details: OrderDetails | None = field(default=None, repr=False)
    # Empty: the default account of the currency.
    merchant_account_id: str = ""
    # Counts requests sent again with different content after a refusal without effect.
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Captures the amount from an authorized transaction.

    In part: it is a transaction of its own, found again by its operation id; the final part releases the rest.
    Otherwise the rest is released.
    """

    operation_id: OperationId
    transaction_id: str
    amount: Money
    in_part: bool
    final: bool = False
    shipping_address: Address = Address()
    order_details: OrderDetails | None = field(default=None, repr=False)
    # Counts requests sent again with different content after a refusal without effect.
    attempt: int = 1
    # The merchant's own order, which the gateway may show in front of the operation's id.
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust:
    """Changes the amount of an authorized transaction. Sending it twice changes it once."""

    operation_id: OperationId
    transaction_id: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    operation_id: OperationId
    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Refunds the amount. It is a transaction of its own, found again by its operation id."""

    operation_id: OperationId
    transaction_id: str
    amount: Money
    # The merchant's own order, which the gateway may show in front of the operation's id.
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMethod:
    """Stores a card or wallet for the customer under the given token."""

    payment_method_id: PaymentMethodId
    customer_id: CustomerId
    source: Card | Nonce
    verify: bool = False
    make_default: bool = False
    billing_address: Address = Address()
    external_authentication: ExternalAuthentication | None = None
    device_data: str = field(default="", repr=False)
    # The amount that the bank is asked about. None: the gateway's own.
    verification_amount: Money | None = None
    # The merchant account that asks. Empty: the gateway's default.
    verification_account_id: str = ""
    # The checks that the verification goes without.
    skipped_checks: tuple[PaymentCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodChange:
    """New values for a stored method. None: unchanged."""

    token: str = field(repr=False)
    expiry: CardExpiry | None = field(default=None, repr=False)
    cardholder_name: str | None = field(default=None, repr=False)
    billing_address: Address | None = None
    make_default: bool = False


# Answers -------------------------------------------------------------------------------------------------------------


class TransactionKind(Enum):
    SALE = "sale"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Claim:
    """The amount that one dispute takes of a transaction, as the transaction shows it: zero once it is won."""

    gateway_dispute_id: str
    amount: Money
    change_time: datetime


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One attempt to change an authorized amount, by anybody. The change is negative where the amount sank."""

    change: Money
    succeeded: bool
    # Set where it did not succeed.
    decline: Decline | None = None
    details: GatewayDetails = GatewayDetails()


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction as the gateway shows it. `decline` is set where the gateway or the bank declined it.

    `order_id` is the operation's id if this deployment made it, which is certain if it carries the deployment's mark.
    Versions before the mark sent the bare id. Any other value is a foreign order id, unchanged.
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
    # The attempts to change its authorized amount, oldest first.
    adjustments: tuple[Adjustment, ...] = ()
    # Whether the order id carries this deployment's mark.
    is_marked: bool = False
    merchant_account_id: str = ""


class RefusalCause(Enum):
    """The subject of a refusal. None of these concerns the card that was to pay."""

    # The request of this service itself.
    REQUEST = "request"
    MERCHANT_ACCOUNT = "merchant_account"
    METHOD_UNKNOWN = "method_unknown"
    CUSTOMER_UNKNOWN = "customer_unknown"
    CUSTOMER_DETAILS = "customer_details"
    BILLING_ADDRESS = "billing_address"
    SHIPPING_ADDRESS = "shipping_address"
    ORDER_DETAILS = "order_details"
    EXTERNAL_VAULT = "external_vault"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A transaction in a form that this service cannot interpret. `detail` holds as much as is known."""

    transaction_id: str
    order_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Approved:
    transaction: Transaction
    warnings: tuple[MerchantWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The bank or the gateway declined, or the caller's card or token cannot be used."""

    decline: Decline
    details: GatewayDetails = GatewayDetails()
    instrument: Instrument | None = None
    warnings: tuple[MerchantWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The gateway refused the request as sent; it had no effect."""

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
    """A method as stored at the gateway."""

    token: str = field(repr=False)
    customer_id: str
    instrument: Instrument
    is_default: bool
    verification: Verification | None = None
    # The customer revoked the consent to charge it: it will never pay again.
    is_revoked: bool = False
    # Of its latest verification.
    network_transaction_id: str = ""
    mastercard_transaction_link_id: str = ""


@dataclass(frozen=True, slots=True)
class MethodNonce:
    """A single-use name of a stored method, with which a browser can authenticate its owner.

    `bin` holds the first digits of a card, as far as the gateway shows them; empty for other methods.
    """

    value: str = field(repr=False)
    bin: str = ""


@dataclass(frozen=True, slots=True)
class NonceDetails:
    """The method behind a nonce, and the authentication in it. The brand is empty for wallets without one."""

    kind: InstrumentKind
    brand: str = ""
    three_d_secure: ThreeDSecureResult | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    method: StoredInstrument


@dataclass(frozen=True, slots=True)
class NotStored:
    """The bank or the gateway declined its verification."""

    verification: Verification


StoreOutcome = Stored | NotStored | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class DisputeAnswered:
    """The gateway accepted the dispute action. Holds the evidence if one was added."""

    evidence: Evidence | None = None


DisputeOutcome = DisputeAnswered | Rejected | Unknown


class Gateway(Protocol):
    """Moves money. Every method is thread-safe.

    Calls that move money or store something return their outcome as a value. They raise GatewayNotReached only if
    surely nothing was sent. Every call that changes something takes a lease, and checks it after every wait and
    directly before each send. Once the lease is over, it sends nothing and raises GatewayNotReached, for nothing had an
    effect by then. Queries raise GatewayUnavailable when they stay unanswered.
    """

    def authorize(self, authorization: Authorization, lease: Lease) -> Outcome: ...

    def capture(self, capture: Capture, lease: Lease) -> Outcome: ...

    def adjust(self, adjust: Adjust, lease: Lease) -> Outcome: ...

    def void(self, void: Void, lease: Lease) -> Outcome: ...

    def refund(self, refund: Refund, lease: Lease) -> Outcome: ...

    def find_transaction(self, transaction_id: str) -> Transaction | None:
        """Also raises TransactionUnreadable."""

    def find_transactions(self, transaction_ids: Sequence[str]) -> list[Transaction]:
        """The transactions that the gateway knows, in few calls."""

    def find_by_operation(self, operation_id: OperationId) -> list[Transaction]:
        """The transactions with the operation's id. The gateway guarantees no delay after which it shows them."""

    def transactions_created(self, start: datetime, end: datetime) -> Iterator[Transaction | Unreadable]:
        """All transactions created from start until before end, unordered. Raises GatewayUnavailable, also during
        iteration.

        An unreadable one does not hide the others.
        """

    def ensure_customer(self, customer: Customer, lease: Lease) -> MerchantWarning | None:
        """Creates the customer under its own id unless it exists. Raises GatewayUnavailable.

        If the gateway refuses the customer's details, it is created without them, and the warning says so.
        """

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome: ...

    def find_method(self, token: str) -> StoredInstrument | None: ...

    def change_method(self, change: MethodChange, lease: Lease) -> StoreOutcome: ...

    def delete_method(self, token: str, lease: Lease) -> None:
        """Deletes a stored method, if it still exists. Raises GatewayUnavailable."""

    def update_customer(self, customer: Customer, lease: Lease) -> None:
        """Updates the gateway's copy, or creates it again if it is gone.

        Raises CustomerRefused and GatewayUnavailable.
        """

    def delete_customer(self, customer_id: CustomerId, lease: Lease) -> None:
        """Deletes the customer and everything stored for it, if it still exists. Raises GatewayUnavailable."""

    def create_client_token(self, customer_id: CustomerId | None, merchant_account_id: str) -> str:
        """For the merchant account; empty: the gateway's default. Raises CustomerUnknown, GatewayRefused and
        GatewayUnavailable.
        """

    def create_method_nonce(self, token: str, lease: Lease) -> MethodNonce | None:
        """None where there is no such stored method. Raises GatewayUnavailable."""

    def describe_nonce(self, nonce: Nonce) -> NonceDetails | None:
        """None for an unknown nonce. It is not used up. Raises GatewayUnavailable."""

    def describe_merchant_accounts(self) -> list[MerchantAccount]:
        """The accounts that may be used, each as the gateway shows it now. Raises GatewayUnavailable."""

    def find_dispute(self, gateway_dispute_id: str) -> DisputeReport | None: ...

    def disputes_received(self, since: date) -> Iterator[DisputeReport]:
        """Disputes opened on that day or later, unordered. Raises GatewayUnavailable, also during iteration."""

    def accept_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome: ...

    def finalize_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome: ...

    def add_text_evidence(self, gateway_dispute_id: str, text: str, lease: Lease) -> DisputeOutcome: ...

    def add_file_evidence(self, gateway_dispute_id: str, name: str, content: bytes, lease: Lease) -> DisputeOutcome:
        """Raises GatewayNotReached also if only the file was uploaded: nothing was added to the dispute."""
