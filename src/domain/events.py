"""The domain events of a payment. The history is a list of them; replaying it gives the payment."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from domain.address import Address, StatementDescriptor
from domain.customer import NO_CONTACT, GuestContact
from domain.decline import Decline
from domain.ids import CallerId, CustomerId, OperationId, OperatorId, PaymentId, PaymentMethodId, RequestId
from domain.initiator import Initiator, SeriesPosition
from domain.instrument import Instrument
from domain.money import Money
from domain.operation import FailureReason, OperationKind
from domain.order_details import OrderDetails, ShippingMethod
from domain.payment_check import PaymentCheck
from domain.quick_init import quick_init
from domain.three_d_secure import ScaExemption, ThreeDSecurePolicy
from domain.transaction import GatewayDetails, TransactionSnapshot
from domain.warning import MerchantWarning

SERVICE: Final = "bayar"
OUTSIDE: Final = "gateway"


class CaptureMode(Enum):
    AUTOMATIC = "automatic"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """An act of an operator, a person who acts for a caller, with the reason."""

    operator_id: OperatorId
    operator_name: str
    caller_id: CallerId
    reason: str


@quick_init
@dataclass(frozen=True, slots=True)
class EventContext:
    """The time and the actor: a caller's id, SERVICE, or OUTSIDE for somebody else at the gateway."""

    time: datetime
    actor: str
    on_behalf: OnBehalf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    context: EventContext


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEvent(DomainEvent):
    operation_id: OperationId


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """The terms that the caller requested. They never change."""

    payment_id: PaymentId
    caller_id: CallerId
    reference: str
    amount: Money
    capture_mode: CaptureMode
    customer_id: CustomerId | None = None
    # The stored method that pays, or the id under which to store the one that pays.
    payment_method_id: PaymentMethodId | None = None
    store_payment_method: bool = False
    billing_address: Address = Address()
    descriptor: StatementDescriptor = StatementDescriptor()
    metadata: dict[str, str] = field(default_factory=dict)
    three_d_secure_policy: ThreeDSecurePolicy = ThreeDSecurePolicy.IF_OFFERED
    sca_exemption: ScaExemption | None = None
    # Of a payment without a customer.
    guest: GuestContact = NO_CONTACT
    shipping_address: Address = Address()
    shipping_method: ShippingMethod | None = None
    order_details: OrderDetails | None = None
    initiator: Initiator = Initiator.CUSTOMER
    series_position: SeriesPosition | None = None
    skipped_checks: tuple[PaymentCheck, ...] = ()
    # The account that takes it: as requested, or else the currency's default at that time. Empty in records of versions
    # that did not keep it.
    merchant_account_id: str = ""
    # The scope in which the reference is unique: the payments that this customer makes with a credential of their own.
    # None: the payments of the caller's back end.
    reference_space: CustomerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCreated(DomainEvent):
    terms: PaymentTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationScheduled(OperationEvent):
    """Accepted for later. An operation that started and surely had no effect is rescheduled under its own id."""

    kind: OperationKind
    amount: Money
    request_id: RequestId
    target_transaction_id: str = ""
    note: str = ""


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted(OperationEvent):
    """Written before the gateway call. A scheduled operation starts under its own id."""

    kind: OperationKind
    amount: Money
    request_id: RequestId
    target_transaction_id: str = ""
    in_part: bool = False
    final: bool = False
    # Of a capture.
    order_details: OrderDetails | None = None
    # A void that carries out a refund. If it comes too late, a refund replaces it.
    for_refund: bool = False
    note: str = ""


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSucceeded(OperationEvent):
    amount: Money
    transaction_id: str
    standing: TransactionSnapshot
    details: GatewayDetails = GatewayDetails()
    instrument: Instrument | None = None
    warnings: tuple[MerchantWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationDeclined(OperationEvent):
    decline: Decline
    details: GatewayDetails = GatewayDetails()
    instrument: Instrument | None = None
    warnings: tuple[MerchantWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailed(OperationEvent):
    reason: FailureReason
    detail: str = ""
    details: GatewayDetails = GatewayDetails()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown(OperationEvent):
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStatusChanged(OperationEvent):
    """The gateway changed a transaction's status: settled, refused at settlement, expired, paid out."""

    amount: Money
    standing: TransactionSnapshot
    details: GatewayDetails = GatewayDetails()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideOperationRecorded(OperationEvent):
    """Somebody else moved this payment's money at the gateway. The operation is recorded as found."""

    kind: OperationKind
    amount: Money
    transaction_id: str
    target_transaction_id: str
    standing: TransactionSnapshot
    details: GatewayDetails = GatewayDetails()


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRepaired(OperationEvent):
    """A check found the record different from the gateway. The events after it repair the record."""

    difference: str
    recorded: str
    at_gateway: str


PaymentEvent = (
    PaymentCreated
    | OperationScheduled
    | OperationStarted
    | OperationSucceeded
    | OperationDeclined
    | OperationFailed
    | OutcomeUnknown
    | GatewayStatusChanged
    | OutsideOperationRecorded
    | DifferenceRepaired
)
