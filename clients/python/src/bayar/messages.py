"""The names of `bayar` with the contract's messages in place of its models, for programs that pass messages on."""

from decimal import Decimal

from bayar import amounts
from bayar.amounts import format_money
from bayar.calls import RetryPolicy
from bayar.cards import CardInput, card
from bayar.errors import BayarError, Violation
from bayar.message_client import BayarClient
from bayar.payments.v1.address_pb2 import Address
from bayar.payments.v1.admin_service_pb2 import ExportRow
from bayar.payments.v1.checkout_pb2 import Checkout, CheckoutLine, CheckoutMethod, CheckoutState
from bayar.payments.v1.customer_pb2 import Customer, GuestContact
from bayar.payments.v1.decline_pb2 import Decline, DeclineFixer, DeclineReason, RetryAdvice
from bayar.payments.v1.dispute_pb2 import DisputeState
from bayar.payments.v1.money_pb2 import Money
from bayar.payments.v1.movement_pb2 import Movement, MovementKind
from bayar.payments.v1.order_details_pb2 import LineItem, LineItemKind, OrderDetails, ShippingMethod
from bayar.payments.v1.payment_initiator_pb2 import ExternalVault, PaymentInitiator, SeriesPosition
from bayar.payments.v1.payment_method_pb2 import PaymentMethod, PaymentMethodState
from bayar.payments.v1.payment_pb2 import (
    CaptureMode,
    FailureReason,
    Operation,
    OperationKind,
    OperationOrigin,
    OperationState,
    Payment,
    PaymentCheck,
    PaymentEvent,
    PaymentEventType,
    PaymentFunds,
    PaymentState,
    StatementDescriptor,
)
from bayar.payments.v1.payment_service_pb2 import PaymentSearchField, PaymentSearchHit
from bayar.payments.v1.three_d_secure_pb2 import (
    ExternalAuthentication,
    ScaExemption,
    ThreeDSecure,
    ThreeDSecurePolicy,
    ThreeDSecureResult,
    ThreeDSecureStatus,
)
from bayar.payments.v1.warning_pb2 import MerchantWarning, WarningReason

__all__ = [
    "Address",
    "BayarClient",
    "BayarError",
    "CaptureMode",
    "CardInput",
    "Checkout",
    "CheckoutLine",
    "CheckoutMethod",
    "CheckoutState",
    "Customer",
    "Decline",
    "DeclineFixer",
    "DeclineReason",
    "DisputeState",
    "ExportRow",
    "ExternalAuthentication",
    "ExternalVault",
    "FailureReason",
    "GuestContact",
    "LineItem",
    "LineItemKind",
    "MerchantWarning",
    "Money",
    "Movement",
    "MovementKind",
    "Operation",
    "OperationKind",
    "OperationOrigin",
    "OperationState",
    "OrderDetails",
    "Payment",
    "PaymentCheck",
    "PaymentEvent",
    "PaymentEventType",
    "PaymentFunds",
    "PaymentInitiator",
    "PaymentMethod",
    "PaymentMethodState",
    "PaymentSearchField",
    "PaymentSearchHit",
    "PaymentState",
    "RetryAdvice",
    "RetryPolicy",
    "ScaExemption",
    "SeriesPosition",
    "ShippingMethod",
    "StatementDescriptor",
    "ThreeDSecure",
    "ThreeDSecurePolicy",
    "ThreeDSecureResult",
    "ThreeDSecureStatus",
    "Violation",
    "WarningReason",
    "card",
    "format_money",
    "money",
]


def money(amount: str | Decimal, currency_code: str) -> Money:
    """The message of `bayar.money(amount, currency_code)`."""
    exact = amounts.money(amount, currency_code)
    return Money(minor_units=exact.minor_units, currency_code=exact.currency_code)
