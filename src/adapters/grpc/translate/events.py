"""Entries of the feed into messages."""

from __future__ import annotations

from datetime import date
from typing import Final

from adapters.grpc.catalogue import catalogue
from adapters.grpc.translate.disputes import dispute
from adapters.grpc.translate.history import payment_event
from adapters.grpc.translate.resources import Voice, customer, known_moment
from application.ports.feed import PAYLOAD_VERSION, FeedKind
from application.read_feed import FeedItem
from bayar.payments.v1 import event_pb2
from domain.customer import Customer
from domain.dispute import Dispute
from domain.payment_method import PaymentMethod

_TYPES: Final = {
    FeedKind.PAYMENT: event_pb2.EventType.EVENT_TYPE_PAYMENT_CHANGED,
    FeedKind.CUSTOMER: event_pb2.EventType.EVENT_TYPE_CUSTOMER_CHANGED,
    FeedKind.PAYMENT_METHOD: event_pb2.EventType.EVENT_TYPE_PAYMENT_METHOD_CHANGED,
    FeedKind.DISPUTE: event_pb2.EventType.EVENT_TYPE_DISPUTE_CHANGED,
}
_KINDS: Final = {number: kind for kind, number in _TYPES.items()}


def feed_kind_from(number: int) -> FeedKind | None:
    """None for an unknown one."""
    return next((kind for known, kind in _KINDS.items() if known == number), None)


def voice_of_events() -> Voice:
    """Events are read by programs of any language, so their texts are in the fallback."""
    texts = catalogue()
    return Voice(texts, texts.choose([]))


def event_message(item: FeedItem, voice: Voice, today: date) -> event_pb2.Event:
    """`today` tells whether a card is about to expire."""
    entry = item.entry
    message = event_pb2.Event(
        position=entry.position,
        event_id=entry.event_id,
        type=_TYPES[entry.kind],
        event_time=known_moment(entry.time),
        actor=entry.actor,
        customer_id=entry.customer_id,
        payload_version=PAYLOAD_VERSION,
    )
    match entry.resource:
        case Customer() as one:
            message.customer.CopyFrom(customer(one, ""))
        case PaymentMethod() as one:
            message.payment_method.CopyFrom(voice.payment_method(one, today))
        case Dispute() as one:
            message.dispute.CopyFrom(dispute(one))
        case None if item.change is not None:
            payment = item.change.payment
            kinds = {str(operation.operation_id): operation.kind for operation in payment.operations}
            message.payment_change.event.CopyFrom(payment_event(item.change.event, kinds))
            message.payment_change.payment.CopyFrom(voice.payment(payment))
    return message
