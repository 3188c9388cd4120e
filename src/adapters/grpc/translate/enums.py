"""One table for each enum that exists both in the contract and in the domain."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from application.common.velocity_scope import VelocityScope
from application.payments.verify_payment import VerificationOutcome
from application.ports.gateway_webhooks import GatewayWebhookOutcome, GatewayWebhookState
from application.recovery.reconcile import OrphanPolicy
from application.recovery.reconciliation_findings import FindingKind, Remedy
from application.recovery.resolve_operation import Resolution
from application.recovery.settlement_comparison import DifferenceKind, Stage
from application.search.search_terms import SearchField
from bayar.payments.v1 import (
    admin_service_pb2,
    card_pb2,
    checkout_pb2,
    decline_pb2,
    dispute_pb2,
    movement_pb2,
    order_details_pb2,
    payment_initiator_pb2,
    payment_method_pb2,
    payment_pb2,
    payment_service_pb2,
    three_d_secure_pb2,
    warning_pb2,
)
from domain import events
from domain.checkout import CheckoutMethod, CheckoutState
from domain.decline import DeclineReason, Fixer, RetryAdvice
from domain.dispute import ActionKind, DisputeKind, DisputeReason, DisputeState
from domain.events import CaptureMode, PaymentEvent
from domain.initiator import Initiator, SeriesPosition
from domain.instrument import InstrumentKind
from domain.movement import MovementKind
from domain.operation import FailureReason, OperationKind, OperationOrigin, OperationState
from domain.operation_log import Funds
from domain.order_details import LineItemKind, ShippingMethod
from domain.payment_check import PaymentCheck
from domain.payment_method import CheckResult, ExpiryStatus, PaymentMethodState
from domain.payment_state import PaymentState
from domain.three_d_secure import ScaExemption, ThreeDSecurePolicy, ThreeDSecureStatus
from domain.warning import WarningReason

Member = TypeVar("Member")


def _by_name(members: type[Member], wire: Any, prefix: str) -> Mapping[Member, Any]:
    """Pairs each member with the wire's value of the same name. Raises ValueError if one is missing."""
    names: Mapping[str, Member] = members.__members__  # type: ignore[attr-defined]
    return MappingProxyType({member: wire.Value(f"{prefix}_{name}") for name, member in names.items()})


PAYMENT_STATE: Final = _by_name(PaymentState, payment_pb2.PaymentState, "PAYMENT_STATE")
FUNDS: Final = _by_name(Funds, payment_pb2.PaymentFunds, "PAYMENT_FUNDS")
SEARCH_FIELD: Final = _by_name(SearchField, payment_service_pb2.PaymentSearchField, "PAYMENT_SEARCH_FIELD")
CAPTURE_MODE: Final = _by_name(CaptureMode, payment_pb2.CaptureMode, "CAPTURE_MODE")
OPERATION_KIND: Final = _by_name(OperationKind, payment_pb2.OperationKind, "OPERATION_KIND")
OPERATION_ORIGIN: Final = _by_name(OperationOrigin, payment_pb2.OperationOrigin, "OPERATION_ORIGIN")
OPERATION_STATE: Final = _by_name(OperationState, payment_pb2.OperationState, "OPERATION_STATE")
ABUSE_SCOPE: Final = _by_name(VelocityScope, admin_service_pb2.AbuseScope, "ABUSE_SCOPE")
FAILURE_REASON: Final = _by_name(FailureReason, payment_pb2.FailureReason, "FAILURE_REASON")
DECLINE_REASON: Final = _by_name(DeclineReason, decline_pb2.DeclineReason, "DECLINE_REASON")
FIXER: Final = _by_name(Fixer, decline_pb2.DeclineFixer, "DECLINE_FIXER")
RETRY_ADVICE: Final = _by_name(RetryAdvice, decline_pb2.RetryAdvice, "RETRY_ADVICE")
LINE_ITEM_KIND: Final = _by_name(LineItemKind, order_details_pb2.LineItemKind, "LINE_ITEM_KIND")
SHIPPING_METHOD: Final = _by_name(ShippingMethod, order_details_pb2.ShippingMethod, "SHIPPING_METHOD")
INSTRUMENT_KIND: Final = _by_name(InstrumentKind, card_pb2.InstrumentKind, "INSTRUMENT_KIND")
METHOD_STATE: Final = _by_name(PaymentMethodState, payment_method_pb2.PaymentMethodState, "PAYMENT_METHOD_STATE")
EXPIRY_STATUS: Final = _by_name(ExpiryStatus, payment_method_pb2.ExpiryStatus, "EXPIRY_STATUS")
WARNING_REASON: Final = _by_name(WarningReason, warning_pb2.WarningReason, "WARNING_REASON")
CHECK_RESULT: Final = _by_name(CheckResult, payment_method_pb2.CheckResult, "CHECK_RESULT")
VERIFICATION_OUTCOME: Final = _by_name(
    VerificationOutcome, payment_service_pb2.VerificationOutcome, "VERIFICATION_OUTCOME"
)

THREE_D_SECURE_POLICY: Final = _by_name(
    ThreeDSecurePolicy, three_d_secure_pb2.ThreeDSecurePolicy, "THREE_D_SECURE_POLICY"
)
THREE_D_SECURE_STATUS: Final = _by_name(
    ThreeDSecureStatus, three_d_secure_pb2.ThreeDSecureStatus, "THREE_D_SECURE_STATUS"
)
PAYMENT_CHECK: Final = _by_name(PaymentCheck, payment_pb2.PaymentCheck, "PAYMENT_CHECK")
INITIATOR: Final = _by_name(Initiator, payment_initiator_pb2.PaymentInitiator, "PAYMENT_INITIATOR")
SERIES_POSITION: Final = _by_name(SeriesPosition, payment_initiator_pb2.SeriesPosition, "SERIES_POSITION")
SCA_EXEMPTION: Final = _by_name(ScaExemption, three_d_secure_pb2.ScaExemption, "SCA_EXEMPTION")

DISPUTE_KIND: Final = _by_name(DisputeKind, dispute_pb2.DisputeKind, "DISPUTE_KIND")
DISPUTE_STATE: Final = _by_name(DisputeState, dispute_pb2.DisputeState, "DISPUTE_STATE")
DISPUTE_REASON: Final = _by_name(DisputeReason, dispute_pb2.DisputeReason, "DISPUTE_REASON")
DISPUTE_ACTION: Final = _by_name(ActionKind, dispute_pb2.DisputeAction, "DISPUTE_ACTION")
CHECKOUT_STATE: Final = _by_name(CheckoutState, checkout_pb2.CheckoutState, "CHECKOUT_STATE")
CHECKOUT_METHOD: Final = _by_name(CheckoutMethod, checkout_pb2.CheckoutMethod, "CHECKOUT_METHOD")
NOTIFICATION_STATE: Final = _by_name(
    GatewayWebhookState, admin_service_pb2.WebhookNotificationState, "WEBHOOK_NOTIFICATION_STATE"
)
FINDING_KIND: Final = _by_name(FindingKind, admin_service_pb2.FindingKind, "FINDING_KIND")
MOVEMENT_KIND: Final = _by_name(MovementKind, movement_pb2.MovementKind, "MOVEMENT_KIND")
SETTLEMENT_STAGE: Final = _by_name(Stage, admin_service_pb2.SettlementStage, "SETTLEMENT_STAGE")
SETTLEMENT_DIFFERENCE: Final = _by_name(
    DifferenceKind, admin_service_pb2.SettlementDifferenceKind, "SETTLEMENT_DIFFERENCE_KIND"
)
FINDING_REMEDY: Final = _by_name(Remedy, admin_service_pb2.FindingRemedy, "FINDING_REMEDY")

EVENT_TYPE: Final[Mapping[type[PaymentEvent], payment_pb2.PaymentEventType.ValueType]] = MappingProxyType(
    {
        events.PaymentCreated: payment_pb2.PAYMENT_EVENT_TYPE_CREATED,
        events.OperationScheduled: payment_pb2.PAYMENT_EVENT_TYPE_OPERATION_SCHEDULED,
        events.OperationStarted: payment_pb2.PAYMENT_EVENT_TYPE_OPERATION_STARTED,
        events.OperationSucceeded: payment_pb2.PAYMENT_EVENT_TYPE_OPERATION_SUCCEEDED,
        events.OperationDeclined: payment_pb2.PAYMENT_EVENT_TYPE_OPERATION_DECLINED,
        events.OperationFailed: payment_pb2.PAYMENT_EVENT_TYPE_OPERATION_FAILED,
        events.OutcomeUnknown: payment_pb2.PAYMENT_EVENT_TYPE_OUTCOME_UNKNOWN,
        events.GatewayStatusChanged: payment_pb2.PAYMENT_EVENT_TYPE_GATEWAY_STATUS_CHANGED,
        events.OutsideOperationRecorded: payment_pb2.PAYMENT_EVENT_TYPE_OUTSIDE_OPERATION_RECORDED,
        events.DifferenceRepaired: payment_pb2.PAYMENT_EVENT_TYPE_DIFFERENCE_REPAIRED,
    }
)

NOTIFICATION_OUTCOME: Final[Mapping[GatewayWebhookOutcome, Any]] = MappingProxyType(
    {
        GatewayWebhookOutcome.NONE: admin_service_pb2.WEBHOOK_NOTIFICATION_OUTCOME_UNSPECIFIED,
        GatewayWebhookOutcome.RECORDED: admin_service_pb2.WEBHOOK_NOTIFICATION_OUTCOME_RECORDED,
        GatewayWebhookOutcome.NOT_OURS: admin_service_pb2.WEBHOOK_NOTIFICATION_OUTCOME_NOT_OURS,
        GatewayWebhookOutcome.UNKNOWN_KIND: admin_service_pb2.WEBHOOK_NOTIFICATION_OUTCOME_UNKNOWN_KIND,
    }
)
# From the wire. None for a number that names no member.
funds_from: Final = {number: funds for funds, number in FUNDS.items()}.get
payment_state_from: Final = {number: state for state, number in PAYMENT_STATE.items()}.get
dispute_state_from: Final = {number: state for state, number in DISPUTE_STATE.items()}.get
checkout_state_from: Final = {number: state for state, number in CHECKOUT_STATE.items()}.get
checkout_method_from: Final = {number: method for method, number in CHECKOUT_METHOD.items()}.get
movement_kind_from: Final = {number: kind for kind, number in MOVEMENT_KIND.items()}.get
notification_state_from: Final = {number: state for state, number in NOTIFICATION_STATE.items()}.get
three_d_secure_policy_from: Final = {number: policy for policy, number in THREE_D_SECURE_POLICY.items()}.get
sca_exemption_from: Final = {number: exemption for exemption, number in SCA_EXEMPTION.items()}.get
payment_check_from: Final = {number: check for check, number in PAYMENT_CHECK.items()}.get
initiator_from: Final = {number: initiator for initiator, number in INITIATOR.items()}.get
series_position_from: Final = {number: position for position, number in SERIES_POSITION.items()}.get
shipping_method_from: Final = {number: method for method, number in SHIPPING_METHOD.items()}.get
# Unspecified is a debit.
line_item_kind_from: Final = (
    {number: kind for kind, number in LINE_ITEM_KIND.items()}
    | {order_details_pb2.LINE_ITEM_KIND_UNSPECIFIED: LineItemKind.DEBIT}
).get
# Unspecified is automatic.
capture_mode_from: Final = (
    {number: mode for mode, number in CAPTURE_MODE.items()}
    | {payment_pb2.CAPTURE_MODE_UNSPECIFIED: CaptureMode.AUTOMATIC}
).get
# Unspecified only reports.
orphan_policy_from: Final = {
    admin_service_pb2.ORPHAN_POLICY_UNSPECIFIED: OrphanPolicy.REPORT,
    admin_service_pb2.ORPHAN_POLICY_REPORT: OrphanPolicy.REPORT,
    admin_service_pb2.ORPHAN_POLICY_REVERSE: OrphanPolicy.REVERSE,
}.get
# Unspecified asks the gateway.
resolution_from: Final = {
    admin_service_pb2.MANUAL_RESOLUTION_UNSPECIFIED: Resolution.CHECK_NOW,
    admin_service_pb2.MANUAL_RESOLUTION_CHECK_NOW: Resolution.CHECK_NOW,
    admin_service_pb2.MANUAL_RESOLUTION_FAILED: Resolution.FAILED,
    admin_service_pb2.MANUAL_RESOLUTION_SUCCEEDED: Resolution.SUCCEEDED,
}.get
