"""Translates feed entries into messages and JSON."""

from datetime import date
from typing import Any, Final

from google.protobuf.json_format import MessageToDict

from adapters.grpc.messages.catalogue import catalogue
from adapters.grpc.translate.checkouts import CheckoutMapper
from adapters.grpc.translate.disputes import dispute
from adapters.grpc.translate.history import payment_event
from adapters.grpc.translate.resources import ResourceMapper, customer, known_moment, moment, on_behalf
from application.events.resend_events import EndpointStatus
from application.ports.deliveries import Delivery, DeliveryState
from application.ports.feed import PAYLOAD_VERSION, FeedItem, FeedKind
from bayar.payments.v1 import admin_service_pb2, event_pb2
from domain.checkout import Checkout
from domain.customer import Customer
from domain.dispute import Dispute
from domain.payment_method import PaymentMethod

_TYPES: Final = {
    FeedKind.PAYMENT: event_pb2.EventType.EVENT_TYPE_PAYMENT_CHANGED,
    FeedKind.CUSTOMER: event_pb2.EventType.EVENT_TYPE_CUSTOMER_CHANGED,
    FeedKind.PAYMENT_METHOD: event_pb2.EventType.EVENT_TYPE_PAYMENT_METHOD_CHANGED,
    FeedKind.DISPUTE: event_pb2.EventType.EVENT_TYPE_DISPUTE_CHANGED,
    FeedKind.CHECKOUT: event_pb2.EventType.EVENT_TYPE_CHECKOUT_CHANGED,
}
_DELIVERY_STATES: Final = {
    DeliveryState.WAITING: admin_service_pb2.EventDeliveryState.EVENT_DELIVERY_STATE_WAITING,
    DeliveryState.DEAD: admin_service_pb2.EventDeliveryState.EVENT_DELIVERY_STATE_DEAD,
}
_KINDS: Final = {number: kind for kind, number in _TYPES.items()}


def feed_kind_from(number: int) -> FeedKind | None:
    """None for an unknown number."""
    return next((kind for known, kind in _KINDS.items() if known == number), None)


def event_mapper() -> ResourceMapper:
    """The fallback language: programs of any locale read events."""
    texts = catalogue()
    return ResourceMapper(texts, texts.choose([]))


def event_message(item: FeedItem, mapper: ResourceMapper, today: date) -> event_pb2.Event:
    """`today` decides whether a card is about to expire."""
    entry = item.entry
    message = event_pb2.Event(
        position=entry.position,
        event_id=entry.event_id,
        type=_TYPES[entry.kind],
        event_time=known_moment(entry.time),
        actor=entry.actor,
        customer_id=entry.customer_id,
        payload_version=PAYLOAD_VERSION,
        on_behalf=on_behalf(entry.on_behalf if item.change is None else item.change.event.event.context.on_behalf),
        caller_id=entry.caller_id,
    )
    match entry.resource:
        case Customer() as one:
            message.customer.CopyFrom(customer(one, ""))
        case PaymentMethod() as one:
            message.payment_method.CopyFrom(mapper.payment_method(one, today))
        case Dispute() as one:
            message.dispute.CopyFrom(dispute(one))
        case Checkout() as one:
            message.checkout.CopyFrom(CheckoutMapper().checkout(one))
        case None if item.change is not None:
            payment = item.change.payment
            kinds = {str(operation.operation_id): operation.kind for operation in payment.operations}
            message.payment_change.event.CopyFrom(payment_event(item.change.event, kinds))
            message.payment_change.payment.CopyFrom(mapper.payment(payment, with_line_items=False))
    return message


def event_json(item: FeedItem, today: date) -> tuple[str, str, dict[str, Any]]:
    """The event's type, its subject, and the event as JSON with the contract's field names."""
    message = event_message(item, event_mapper(), today)
    entry = item.entry
    subject = entry.payment_id
    match entry.resource:
        case Customer() as one:
            subject = one.customer_id
        case PaymentMethod() as one:
            subject = one.payment_method_id
        case Dispute() as one:
            subject = one.dispute_id
        case Checkout() as one:
            subject = one.checkout_id
    encoded: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return f"bayar.payments.v1.{entry.kind.value}_changed", subject, encoded


def endpoint_status(one: EndpointStatus) -> admin_service_pb2.EventEndpoint:
    message = admin_service_pb2.EventEndpoint(
        name=one.endpoint.name, caller_id=one.endpoint.caller_id, behind=one.behind, dead_count=one.dead_count
    )
    cursor = one.cursor
    if cursor is not None:
        message.MergeFrom(
            admin_service_pb2.EventEndpoint(
                position=cursor.position,
                failing_since_time=moment(cursor.failing_since),
                attempt_count=cursor.attempt_count,
                last_error=cursor.last_error,
                next_attempt_time=moment(cursor.next_attempt_time),
                success_time=moment(cursor.success_time),
            )
        )
    return message


def event_delivery(one: Delivery) -> admin_service_pb2.EventDelivery:
    return admin_service_pb2.EventDelivery(
        event_id=one.event_id,
        position=one.position,
        state=_DELIVERY_STATES[one.state],
        reason=one.reason,
        change_time=moment(one.time),
    )
