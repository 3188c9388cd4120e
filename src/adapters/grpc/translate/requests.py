"""Translates requests into the raw values that use cases validate."""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from adapters.grpc.translate.enums import (
    capture_mode_from,
    dispute_state_from,
    funds_from,
    initiator_from,
    orphan_policy_from,
    payment_check_from,
    payment_state_from,
    resolution_from,
    sca_exemption_from,
    series_position_from,
    shipping_method_from,
    three_d_secure_policy_from,
)
from adapters.grpc.translate.order_details import raw_order_details
from application.common.errors import FieldViolation, InvalidRequest, Rule
from application.common.initiator_input import BY_CUSTOMER, RawInitiation
from application.common.three_d_secure_input import NOTHING_SAID, RawThreeDSecure
from application.common.validator import RawCard, RawMoney
from application.customers.create_customer import CustomerCommand
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.payment_methods.change_payment_method import UpdatePaymentMethodCommand
from application.payments.adjust_authorization import AdjustAuthorizationCommand
from application.payments.capture_payment import CapturePaymentCommand
from application.payments.create_payment_command import CreatePaymentCommand, RawSource, RawStoredMethod
from application.payments.list_payments import RawPaymentFilter
from application.payments.refund_payment import RefundPaymentCommand
from application.payments.void_payment import VoidPaymentCommand
from application.ports.gateway import Nonce
from application.recovery.reconcile import ReconcileCommand
from application.recovery.resolve_operation import ResolveOperationCommand
from bayar.payments.v1 import (
    address_pb2,
    admin_service_pb2,
    card_pb2,
    customer_service_pb2,
    money_pb2,
    payment_method_service_pb2,
    payment_pb2,
    payment_service_pb2,
    three_d_secure_pb2,
)
from domain.address import Address, StatementDescriptor
from domain.customer import NO_CONTACT, GuestContact
from domain.initiator import ExternalVault, Initiator
from domain.three_d_secure import ExternalAuthentication

Command = TypeVar("Command")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def create_payment_command(request: payment_service_pb2.CreatePaymentRequest) -> CreatePaymentCommand:
    shipping_method = shipping_method_from(request.shipping_method)
    return CreatePaymentCommand(
        request_id=request.request_id,
        reference=request.reference,
        amount=_money(request.amount) if request.HasField("amount") else None,
        source=_payment_source(request),
        customer_id=request.customer_id,
        capture_mode=capture_mode_from(request.capture_mode),
        store_payment_method=request.store_payment_method,
        billing_address=_address(request.billing_address),
        descriptor=_descriptor(request.statement_descriptor),
        metadata=dict(request.metadata),
        language_code=request.language_code,
        client_address=request.client_address,
        three_d_secure=_three_d_secure(request.three_d_secure) if request.HasField("three_d_secure") else NOTHING_SAID,
        consents=tuple(initiator_from(number) for number in request.consents),
        device_data=request.device_data,
        skip_checks=tuple(map(payment_check_from, request.skip_checks)),
        merchant_account_id=request.merchant_account_id,
        initiation=_initiation(request),
        guest=_same_fields(GuestContact, request.guest) if request.HasField("guest") else NO_CONTACT,
        shipping_address=_address(request.shipping_address) if request.HasField("shipping_address") else Address(),
        shipping_method=shipping_method,
        unknown_values=("shipping_method",) if request.shipping_method and shipping_method is None else (),
        order_details=raw_order_details(request.order_details) if request.HasField("order_details") else None,
    )


def capture_command(request: payment_service_pb2.CapturePaymentRequest) -> CapturePaymentCommand:
    return _same_fields(
        CapturePaymentCommand,
        request,
        amount=_optional_money(request),
        shipping_address=_address(request.shipping_address),
        order_details=raw_order_details(request.order_details) if request.HasField("order_details") else None,
    )


def adjust_command(request: payment_service_pb2.AdjustAuthorizationRequest) -> AdjustAuthorizationCommand:
    return _same_fields(AdjustAuthorizationCommand, request, amount=_optional_money(request))


def void_command(request: payment_service_pb2.VoidPaymentRequest) -> VoidPaymentCommand:
    return _same_fields(VoidPaymentCommand, request)


def refund_command(request: payment_service_pb2.RefundPaymentRequest) -> RefundPaymentCommand:
    return _same_fields(RefundPaymentCommand, request, amount=_optional_money(request))


def payment_filter(sent: payment_service_pb2.PaymentFilter) -> RawPaymentFilter:
    """Raises InvalidRequest with every invalid time."""
    created_from, created_until = times_of(
        "filter", sent, created_from_time=sent.created_from_time, created_until_time=sent.created_until_time
    )
    return _same_fields(
        RawPaymentFilter,
        sent,
        states=tuple(payment_state_from(number) for number in sent.states),
        funds=tuple(funds_from(number) for number in sent.funds),
        dispute_states=tuple(dispute_state_from(number) for number in sent.dispute_states),
        is_disputed=sent.is_disputed if sent.HasField("is_disputed") else None,
        created_from=created_from,
        created_until=created_until,
        min_minor_units=sent.min_amount_minor_units,
        max_minor_units=sent.max_amount_minor_units,
    )


def create_customer_command(request: customer_service_pb2.CreateCustomerRequest) -> CustomerCommand:
    return _same_fields(CustomerCommand, request)


def update_customer_command(request: customer_service_pb2.UpdateCustomerRequest) -> CustomerCommand:
    return _same_fields(CustomerCommand, request.customer, request_id=request.request_id)


def add_payment_method_command(request: payment_method_service_pb2.AddPaymentMethodRequest) -> AddPaymentMethodCommand:
    source: RawCard | Nonce | None = None
    match request.WhichOneof("source"):
        case "card":
            source = _card(request.card)
        case "payment_method_nonce":
            source = Nonce(request.payment_method_nonce)
    return _same_fields(
        AddPaymentMethodCommand,
        request,
        source=source,
        billing_address=_address(request.billing_address),
        three_d_secure=_three_d_secure(request.three_d_secure) if request.HasField("three_d_secure") else NOTHING_SAID,
        consents=tuple(initiator_from(number) for number in request.consents),
        external_vault=_external_vault(request),
        skip_checks=tuple(map(payment_check_from, request.skip_checks)),
        verification_amount=_money(request.verification_amount) if request.HasField("verification_amount") else None,
    )


def update_payment_method_command(
    request: payment_method_service_pb2.UpdatePaymentMethodRequest,
) -> UpdatePaymentMethodCommand:
    return _same_fields(
        UpdatePaymentMethodCommand,
        request,
        cardholder_name=request.cardholder_name if request.HasField("cardholder_name") else None,
        billing_address=_address(request.billing_address) if request.HasField("billing_address") else None,
        consents=tuple(map(initiator_from, request.consents.initiators)) if request.HasField("consents") else None,
    )


def resolve_operation_command(request: admin_service_pb2.ResolveOperationRequest) -> ResolveOperationCommand:
    return _same_fields(ResolveOperationCommand, request, resolution=resolution_from(request.resolution))


def reconcile_command(request: admin_service_pb2.ReconcileRequest) -> ReconcileCommand:
    start, end = times_of("", request, from_time=request.from_time, until_time=request.until_time)
    return ReconcileCommand(
        start=start,
        end=end,
        policy=orphan_policy_from(request.orphan_policy),
        max_reversals=request.max_reversals,
        gateway_transaction_ids=tuple(request.gateway_transaction_ids),
    )


def times_of(prefix: str, sent: Message, **fields: Timestamp) -> list[datetime | None]:
    """The times of the fields, None for unset ones. Raises InvalidRequest with every time outside the calendar."""
    found: list[datetime | None] = []
    violations: list[FieldViolation] = []
    for name, time in fields.items():
        try:
            found.append(_time(time) if sent.HasField(name) else None)
        except OverflowError:
            violations.append(FieldViolation(f"{prefix}.{name}" if prefix else name, Rule.TIMESTAMP))
    if violations:
        raise InvalidRequest(tuple(violations))
    return found


def _time(sent: Timestamp) -> datetime:
    if not 0 <= sent.nanos < 1_000_000_000:
        raise OverflowError
    return _EPOCH + timedelta(seconds=sent.seconds, microseconds=sent.nanos // 1000)


def _same_fields(kind: type[Command], sent: Message, **given: object) -> Command:
    """A command or a part of one: its fields are the message's of the same names, except those that are given."""
    names: tuple[str, ...] = kind.__slots__  # type: ignore[attr-defined]
    return kind(**{name: getattr(sent, name) for name in names if name not in given}, **given)


def _payment_source(request: payment_service_pb2.CreatePaymentRequest) -> RawSource | None:
    match request.WhichOneof("source"):
        case "card":
            return _card(request.card)
        case "payment_method_nonce":
            return Nonce(request.payment_method_nonce)
        case "payment_method_id":
            return RawStoredMethod(request.payment_method_id)
        case _:
            return None


def _optional_money(
    request: payment_service_pb2.CapturePaymentRequest
    | payment_service_pb2.RefundPaymentRequest
    | payment_service_pb2.AdjustAuthorizationRequest,
) -> RawMoney | None:
    return _money(request.amount) if request.HasField("amount") else None


def _money(sent: money_pb2.Money) -> RawMoney:
    return RawMoney(sent.minor_units, sent.currency_code)


def _card(sent: card_pb2.Card) -> RawCard:
    return _same_fields(RawCard, sent)


def _three_d_secure(sent: three_d_secure_pb2.ThreeDSecure) -> RawThreeDSecure:
    policy, exemption = three_d_secure_policy_from(sent.policy), sca_exemption_from(sent.exemption)
    given = {"policy": (sent.policy, policy), "exemption": (sent.exemption, exemption)}
    return RawThreeDSecure(
        policy=policy,
        authentication_id=sent.authentication_id,
        external=_external(sent.external) if sent.HasField("external") else None,
        exemption=exemption,
        unknown_values=tuple(name for name, (number, known) in given.items() if number and known is None),
    )


def _initiation(sent: payment_service_pb2.CreatePaymentRequest) -> RawInitiation:
    if not (sent.initiator or sent.series_position or sent.HasField("external_vault")):
        return BY_CUSTOMER
    initiator, position = initiator_from(sent.initiator), series_position_from(sent.series_position)
    given = {"initiator": (sent.initiator, initiator), "series_position": (sent.series_position, position)}
    return RawInitiation(
        initiator=initiator or Initiator.CUSTOMER,
        position=position,
        external_vault=_external_vault(sent),
        unknown_values=tuple(name for name, (number, known) in given.items() if number and known is None),
    )


def _external_vault(
    sent: payment_service_pb2.CreatePaymentRequest | payment_method_service_pb2.AddPaymentMethodRequest,
) -> ExternalVault | None:
    if not sent.HasField("external_vault"):
        return None
    return ExternalVault(**{name: getattr(sent.external_vault, name) for name in ExternalVault.__slots__})


def _external(sent: three_d_secure_pb2.ExternalAuthentication) -> ExternalAuthentication:
    return ExternalAuthentication(**{name: getattr(sent, name) for name in ExternalAuthentication.__slots__})


def _address(sent: address_pb2.Address) -> Address:
    return _same_fields(Address, sent)


def _descriptor(sent: payment_pb2.StatementDescriptor) -> StatementDescriptor:
    return _same_fields(StatementDescriptor, sent)
