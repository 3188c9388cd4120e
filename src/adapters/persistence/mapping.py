"""Maps domain objects to rows and back. Columns hold the fields for searching and sorting, JSON holds the rest.

The names of events, and of the fields that are stored as JSON, are permanent in the database: renaming one in the
domain needs a migration, or an entry here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_type_hints

from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter
from sqlalchemy import Row

from adapters.persistence.encryption.blind_indexes import checkout_token_digest, email_digest, external_id_digest
from adapters.persistence.encryption.sealing import Sealer, associated_data
from adapters.persistence.newer_records import Members
from application.common.errors import RecordTooNew
from application.ports.feed import FeedEntry, FeedKind, HistoryEntry, Resource
from application.ports.gateway_webhooks import (
    GatewayWebhook,
    GatewayWebhookOutcome,
    GatewayWebhookState,
    StoredGatewayWebhook,
    Subject,
)
from application.ports.store import RequestRecord
from domain import events
from domain.checkout import Checkout, CheckoutState, CheckoutTerms, CheckoutUse, UseState
from domain.customer import Customer
from domain.decline import Decline
from domain.dispute import Dispute, DisputeAction, DisputeReport
from domain.events import CaptureMode, EventContext, OnBehalf, PaymentCreated, PaymentEvent, PaymentTerms
from domain.ids import EventId, PaymentId
from domain.instrument import Instrument
from domain.money import Money
from domain.operation import Operation, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.payment_state import PaymentState
from domain.personal_data import OF_CUSTOMER, erased_from_json

Values = dict[str, Any]

EVENT_NAMES: Final[Mapping[type[PaymentEvent], str]] = MappingProxyType(
    {
        PaymentCreated: "created",
        events.OperationScheduled: "operation_scheduled",
        events.OperationStarted: "operation_started",
        events.OperationSucceeded: "operation_succeeded",
        events.OperationDeclined: "operation_declined",
        events.OperationFailed: "operation_failed",
        events.OutcomeUnknown: "outcome_unknown",
        events.GatewayStatusChanged: "gateway_status_changed",
        events.OutsideOperationRecorded: "outside_operation_recorded",
        events.DifferenceRepaired: "difference_repaired",
    }
)
_EVENT_TYPES: Final = MappingProxyType({name: kind for kind, name in EVENT_NAMES.items()})

TERMS_REST: Final = (
    "payment_method_id",
    "store_payment_method",
    "billing_address",
    "descriptor",
    "metadata",
    "three_d_secure_policy",
    "sca_exemption",
    "guest",
    "shipping_address",
    "shipping_method",
    "order_details",
    "initiator",
    "series_position",
    "skipped_checks",
    "merchant_account_id",
)
OPERATION_REST: Final = (
    "in_part",
    "final",
    "order_details",
    "was_scheduled",
    "start_count",
    "note",
    "finish_time",
    "standing",
    "decline",
    "failure_reason",
    "failure_detail",
    "details",
    "warnings",
)
METHOD_REST: Final = (
    "instrument",
    "verification",
    "billing_address",
    "failure_detail",
    "duplicate_of",
    "warnings",
    "three_d_secure_policy",
    "consents",
    "has_withdrawn_consents",
    "network_transaction_id",
    "mastercard_transaction_link_id",
    "three_d_secure_authentication_id",
)

# The columns that hold a field as it is, under its name.
_OPERATION: Final = ("operation_id", "request_id", "target_transaction_id", "for_refund", "create_time")
_OPERATION_CHANGES: Final = ("transaction_id", "next_check_time", "check_count")
_CUSTOMER: Final = (
    "customer_id",
    "caller_id",
    "language_code",
    "is_at_gateway",
    "create_time",
    "update_time",
    "delete_time",
)
_METHOD: Final = (
    "payment_method_id",
    "caller_id",
    "customer_id",
    "is_default",
    "create_time",
    "update_time",
    "next_check_time",
)
_DISPUTE: Final = (
    "dispute_id",
    "caller_id",
    "payment_id",
    "customer_id",
    "create_time",
    "update_time",
    "next_check_time",
    "check_count",
)
_CHECKOUT: Final = ("checkout_id", "caller_id", "customer_id", "create_time")
_CHECKOUT_CHANGES: Final = (
    "session_count",
    "taken_uses",
    "completed_uses",
    "payment_id",
    "expire_time",
    "update_time",
    "end_time",
)
_CHECKOUT_USE: Final = ("checkout_id", "session", "ordinal", "attempt", "payment_id", "start_time", "next_check_time")
_WEBHOOK: Final = ("notification_id", "kind", "event_time")
_STORED_WEBHOOK: Final = ("receive_time", "finish_time", "attempt_count", "next_attempt_time", "last_error")
_ACT: Final = "on_behalf"
_FEED_ENTRY: Final = ("position", "event_id", "time", "actor", "caller_id", "customer_id", "payment_id", "sequence")

INSTRUMENT_FIELDS: Final = frozenset(one.name for one in fields(Instrument))
REPORT_FIELDS: Final = frozenset(one.name for one in fields(DisputeReport))

_CAPTURE_MODES: Final = Members(CaptureMode)
_CHECKOUT_STATES: Final = Members(CheckoutState)
_FEED_KINDS: Final = Members(FeedKind)
_GATEWAY_WEBHOOK_OUTCOMES: Final = Members(GatewayWebhookOutcome)
_GATEWAY_WEBHOOK_STATES: Final = Members(GatewayWebhookState)
_OPERATION_KINDS: Final = Members(OperationKind)
_OPERATION_ORIGINS: Final = Members(OperationOrigin)
_OPERATION_STATES: Final = Members(OperationState)
_PAYMENT_METHOD_STATES: Final = Members(PaymentMethodState)
_PAYMENT_STATES: Final = Members(PaymentState)
_USE_STATES: Final = Members(UseState)

_MICROSECOND: Final = timedelta(microseconds=1)

_members_of: Final[Callable[[type[Enum]], Members[Enum]]] = cache(Members)
_converter: Final = make_converter(omit_if_default=True, detailed_validation=False)
_converter.register_unstructure_hook(timedelta, lambda duration: duration // _MICROSECOND)
_converter.register_structure_hook(timedelta, lambda microseconds, _: microseconds * _MICROSECOND)
_converter.register_structure_hook_func(
    lambda kind: isinstance(kind, type) and issubclass(kind, Enum), lambda value, kind: _members_of(kind)[value]
)
# Known of a fresh answer only: the stored advice has followed from it.
_converter.register_unstructure_hook(
    Decline,
    make_dict_unstructure_fn(Decline, _converter, _cattrs_omit_if_default=True, is_cured_by_time=override(omit=True)),
)
# The columns of an event's context.
_converter.register_structure_hook(EventContext, lambda context, _: context)
for _kind in EVENT_NAMES:
    _converter.register_unstructure_hook(
        _kind, make_dict_unstructure_fn(_kind, _converter, _cattrs_omit_if_default=True, context=override(omit=True))
    )


def payment_to_row(payment: Payment, sealer: Sealer) -> Values:
    """The payment's row, without its operations and history."""
    terms = payment.terms
    return {
        "payment_id": terms.payment_id,
        "caller_id": terms.caller_id,
        "creator": payment.creator,
        "reference": terms.reference,
        "reference_folded": terms.reference.casefold(),
        "customer_id": terms.customer_id,
        "reference_space": terms.reference_space,
        "minor_units": terms.amount.minor_units,
        "currency_code": terms.amount.currency_code,
        "capture_mode": terms.capture_mode.value,
        "terms": sealer.seal_entries(_pack(terms, TERMS_REST), associated_data("payments", "terms", terms.payment_id)),
        "create_time": payment.create_time,
        **payment_to_changes(payment, sealer),
    }


def payment_to_changes(payment: Payment, sealer: Sealer) -> Values:
    """The row's columns that may change."""
    instrument = payment.instrument
    aad = associated_data("payments", "instrument", payment.terms.payment_id)
    return {
        "state": payment.state.value,
        "funds": payment.funds.value,
        # In a customer's scope, another index holds the reference.
        "is_live": payment.is_live and payment.terms.reference_space is None,
        "brand": instrument.brand if instrument else "",
        "last_four": instrument.last_four if instrument else "",
        "instrument": sealer.seal_entries(_converter.unstructure(instrument), aad) if instrument else None,
        "update_time": payment.update_time,
        "follow_time": payment.next_poll_time,
    }


def payment_from_rows(row: Any, operations: Iterable[Any], sealer: Sealer) -> Payment:
    """The rows have their tables' columns as attributes."""
    kept = row.instrument
    if kept is not None:
        kept = sealer.open_entries(kept, associated_data("payments", "instrument", row.payment_id))
    terms = PaymentTerms(
        payment_id=row.payment_id,
        caller_id=row.caller_id,
        reference=row.reference,
        amount=Money(row.minor_units, row.currency_code),
        capture_mode=_CAPTURE_MODES[row.capture_mode],
        customer_id=row.customer_id,
        reference_space=row.customer_id if row.reference_space is not None else None,
        **_unpack(PaymentTerms, sealer.open_entries(row.terms, associated_data("payments", "terms", row.payment_id))),
    )
    payment = Payment(
        PaymentCreated(context=EventContext(row.create_time, row.creator), terms=terms),
        [operation_from_row(operation) for operation in operations],
        _converter.structure(kept, Instrument) if kept is not None else None,
        row.update_time,
    )
    payment.next_poll_time = row.follow_time
    return payment


def operation_to_row(operation: Operation, payment_id: PaymentId, sequence: int) -> Values:
    return {
        **{name: getattr(operation, name) for name in _OPERATION},
        "payment_id": payment_id,
        "sequence": sequence,
        "kind": operation.kind.value,
        "origin": operation.origin.value,
        **operation_to_changes(operation),
    }


def operation_to_changes(operation: Operation) -> Values:
    """The row's columns that may change."""
    return {
        **{name: getattr(operation, name) for name in _OPERATION_CHANGES},
        "state": operation.state.value,
        "minor_units": operation.amount.minor_units,
        "currency_code": operation.amount.currency_code,
        "rest": _pack(operation, OPERATION_REST),
    }


def operation_from_row(row: Any) -> Operation:
    return Operation(
        kind=_OPERATION_KINDS[row.kind],
        state=_OPERATION_STATES[row.state],
        amount=Money(row.minor_units, row.currency_code),
        origin=_OPERATION_ORIGINS[row.origin],
        **{name: getattr(row, name) for name in (*_OPERATION, *_OPERATION_CHANGES)},
        **_unpack(Operation, row.rest),
    )


def event_to_row(
    event_id: EventId, payment_id: PaymentId, sequence: int, event: PaymentEvent, state: str, sealer: Sealer
) -> Values:
    return {
        "event_id": event_id,
        "payment_id": payment_id,
        "sequence": sequence,
        "type": EVENT_NAMES[type(event)],
        "time": event.context.time,
        "actor": event.context.actor,
        "state": state,
        "payload": sealer.seal_entries(
            _with_act(_converter.unstructure(event), event.context.on_behalf),
            associated_data("payment_events", "payload", event_id),
        ),
    }


def event_from_row(row: Row[Any], sealer: Sealer) -> HistoryEntry:
    return event_from_values({**opened_event(row, sealer), "payment_id": row.payment_id})


def opened_event(row: Row[Any], sealer: Sealer) -> Values:
    """The event in the row, without its owner."""
    return {
        "event_id": row.event_id,
        "sequence": row.sequence,
        "type": row.type,
        "time": row.time,
        "actor": row.actor,
        "state": row.state,
        "payload": sealer.open_entries(row.payload, associated_data("payment_events", "payload", row.event_id)),
    }


def event_from_values(values: Values) -> HistoryEntry:
    payload = values["payload"]
    payload = {**payload, "context": EventContext(values["time"], values["actor"], _act_of(payload))}
    if values["type"] not in _EVENT_TYPES:
        raise RecordTooNew(f"event {values['event_id']} is of the type {values['type']!r}")
    return HistoryEntry(
        event_id=values["event_id"],
        payment_id=values["payment_id"],
        sequence=values["sequence"],
        event=_converter.structure(payload, _EVENT_TYPES[values["type"]]),
        state=_PAYMENT_STATES[values["state"]],
    )


def picked(source: object, names: Iterable[str]) -> Values:
    """The fields of an object, or the columns of a row, under their names."""
    return {name: getattr(source, name) for name in names}


def request_to_row(record: RequestRecord) -> Values:
    refusal = dict(record.refusal) if record.refusal is not None else None
    return picked(record, RequestRecord.__slots__) | {"fingerprint": dict(record.fingerprint), "refusal": refusal}


def request_from_row(row: Any) -> RequestRecord:
    return RequestRecord(**picked(row, RequestRecord.__slots__))


def customer_to_row(customer: Customer, sealer: Sealer) -> Values:
    sealed = {
        column: sealer.seal(getattr(customer, column), associated_data("customers", column, customer.customer_id))
        for column in OF_CUSTOMER
    }
    return {
        **picked(customer, _CUSTOMER),
        **sealed,
        "external_id_digest": external_id_digest(customer.external_id, sealer),
        "email_digest": email_digest(customer.email, sealer),
    }


def customer_from_row(row: Row[Any], sealer: Sealer) -> Customer:
    opened: Values = {
        column: sealer.open(getattr(row, column), associated_data("customers", column, row.customer_id))
        for column in OF_CUSTOMER
    }
    return Customer(**picked(row, _CUSTOMER), **opened)


def method_to_row(method: PaymentMethod, sealer: Sealer) -> Values:
    own = method.payment_method_id
    return {
        **picked(method, _METHOD),
        "state": method.state.value,
        "gateway_token": sealer.seal(method.gateway_token, associated_data("payment_methods", "gateway_token", own)),
        "rest": sealer.seal_entries(_pack(method, METHOD_REST), associated_data("payment_methods", "rest", own)),
    }


def method_from_row(row: Row[Any], sealer: Sealer) -> PaymentMethod:
    own = row.payment_method_id
    return PaymentMethod(
        **picked(row, _METHOD),
        state=_PAYMENT_METHOD_STATES[row.state],
        gateway_token=sealer.open(row.gateway_token, associated_data("payment_methods", "gateway_token", own)),
        **_unpack(PaymentMethod, sealer.open_entries(row.rest, associated_data("payment_methods", "rest", own))),
    )


def dispute_to_row(dispute: Dispute, sealer: Sealer) -> Values:
    report = dispute.report
    return {
        **picked(dispute, _DISPUTE),
        "gateway_dispute_id": report.gateway_dispute_id,
        "transaction_id": report.transaction_id,
        "state": dispute.state.value,
        "reply_by_time": report.reply_by_time,
        "report": sealer.seal_entries(
            _converter.unstructure(report), associated_data("disputes", "report", dispute.dispute_id)
        ),
        "actions": _converter.unstructure(dispute.actions),
    }


def dispute_from_row(row: Any, sealer: Sealer) -> Dispute:
    report = sealer.open_entries(row.report, associated_data("disputes", "report", row.dispute_id))
    return Dispute(
        **picked(row, _DISPUTE),
        report=_converter.structure(report, DisputeReport),
        actions=_converter.structure(row.actions, tuple[DisputeAction, ...]),
    )


def checkout_to_row(checkout: Checkout, sealer: Sealer) -> Values:
    terms = checkout.terms
    return {
        **picked(checkout, _CHECKOUT),
        "token": sealer.seal(checkout.token, associated_data("checkouts", "token", checkout.checkout_id)),
        "token_digest": checkout_token_digest(checkout.token, sealer),
        "reference": terms.reference,
        "is_link": terms.is_link,
        "terms": _converter.unstructure(terms),
        **checkout_to_changes(checkout),
    }


def checkout_to_changes(checkout: Checkout) -> Values:
    """The row's columns that may change."""
    return {**picked(checkout, _CHECKOUT_CHANGES), "state": checkout.state.value}


def checkout_from_row(row: Row[Any], sealer: Sealer) -> Checkout:
    return Checkout(
        **picked(row, _CHECKOUT),
        **picked(row, _CHECKOUT_CHANGES),
        state=_CHECKOUT_STATES[row.state],
        token=sealer.open(row.token, associated_data("checkouts", "token", row.checkout_id)),
        terms=_converter.structure(row.terms, CheckoutTerms),
    )


def use_to_row(use: CheckoutUse) -> Values:
    return {**picked(use, _CHECKOUT_USE), "state": use.state.value}


def use_from_row(row: Row[Any]) -> CheckoutUse:
    return CheckoutUse(**picked(row, _CHECKOUT_USE), state=_USE_STATES[row.state])


def notification_to_row(stored: StoredGatewayWebhook, sealer: Sealer) -> Values:
    webhook = stored.webhook
    aad = associated_data("webhook_notifications", "subject", webhook.notification_id)
    return {
        **picked(webhook, _WEBHOOK),
        **picked(stored, _STORED_WEBHOOK),
        "state": stored.state.value,
        "outcome": stored.outcome.value,
        "subject": sealer.seal_entries(_converter.unstructure(webhook.subject), aad),
    }


def notification_from_row(row: Row[Any], sealer: Sealer) -> StoredGatewayWebhook:
    subject = sealer.open_entries(row.subject, associated_data("webhook_notifications", "subject", row.notification_id))
    return StoredGatewayWebhook(
        **picked(row, _STORED_WEBHOOK),
        webhook=GatewayWebhook(**picked(row, _WEBHOOK), subject=_converter.structure(subject, Subject)),
        state=_GATEWAY_WEBHOOK_STATES[row.state],
        outcome=_GATEWAY_WEBHOOK_OUTCOMES[row.outcome],
    )


_RESOURCES: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        FeedKind.CUSTOMER.value: Customer,
        FeedKind.PAYMENT_METHOD.value: PaymentMethod,
        FeedKind.DISPUTE.value: Dispute,
        FeedKind.CHECKOUT.value: Checkout,
    }
)


def feed_payload(event_id: str, resource: Resource, sealer: Sealer, on_behalf: OnBehalf | None = None) -> str:
    """The resource's current state, and the act that changed it, sealed."""
    return sealer.seal_json(_with_act(_converter.unstructure(resource), on_behalf), _feed_associated_data(event_id))


def feed_payload_without_personal_data(row: Row[Any], sealer: Sealer) -> str:
    kept = sealer.open_json(row.payload, _feed_associated_data(row.event_id))
    return sealer.seal_json(erased_from_json(kept, of_customer=True), _feed_associated_data(row.event_id))


def feed_entry_from_row(row: Row[Any], sealer: Sealer) -> FeedEntry:
    resource = on_behalf = None
    kind = _FEED_KINDS[row.kind]
    if row.payload:
        kept = sealer.open_json(row.payload, _feed_associated_data(row.event_id))
        resource, on_behalf = _converter.structure(kept, _RESOURCES[kind.value]), _act_of(kept)
    return FeedEntry(**picked(row, _FEED_ENTRY), kind=kind, resource=resource, on_behalf=on_behalf)


def _with_act(payload: Values, on_behalf: OnBehalf | None) -> Values:
    """A stored change with the act of an operator under a name that no resource or event has."""
    return payload if on_behalf is None else {**payload, _ACT: _converter.unstructure(on_behalf)}


def _act_of(payload: Mapping[str, Any]) -> OnBehalf | None:
    return _converter.structure(payload[_ACT], OnBehalf) if _ACT in payload else None


def _feed_associated_data(event_id: str) -> str:
    return associated_data("feed_events", "payload", event_id)


def _defaults_of(kind: type[Any]) -> Values:
    defaults = {}
    for one in fields(kind):
        if one.default_factory is not MISSING:
            defaults[one.name] = one.default_factory()
        elif one.default is not MISSING:
            defaults[one.name] = one.default
    return defaults


_DEFAULTS: Final = {kind: _defaults_of(kind) for kind in (PaymentTerms, Operation, PaymentMethod)}
_HINTS: Final = {kind: get_type_hints(kind) for kind in _DEFAULTS}


def _pack(value: PaymentTerms | Operation | PaymentMethod, names: Iterable[str]) -> Values:
    """The fields that differ from their defaults, as JSON values."""
    defaults = _DEFAULTS[type(value)]
    packed = {}
    for name in names:
        item, default = getattr(value, name), defaults[name]
        # Most are the default itself, which costs no comparison of its fields.
        if item is not default and item != default:
            # Plain text is its own JSON value.
            packed[name] = item if type(item) is str else _converter.unstructure(item)
    return packed


def _unpack(kind: type[Any], packed: Mapping[str, Any]) -> Values:
    """A later version may have written more, which this one ignores, as it does within each value."""
    hints = _HINTS[kind]
    return {
        name: item if hints[name] is str else _converter.structure(item, hints[name])
        for name, item in packed.items()
        if name in hints
    }
