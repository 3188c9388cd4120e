"""The fields of a CreatePayment request that a repeat must match."""

from __future__ import annotations

from dataclasses import fields

from application.common.caller import Caller
from application.common.initiator_input import initiation_fields
from application.common.order_details_input import order_details_fields
from application.common.three_d_secure_input import three_d_secure_fields
from application.common.validator import address_texts, descriptor_texts
from application.idempotency.idempotency_guard import IdempotentRequest
from application.payment_methods.method_source import new_source_fields
from application.payments.create_payment_command import CreatePaymentCommand, RawStoredMethod
from domain.customer import NO_CONTACT, GuestContact
from domain.ids import RequestId


def idempotent_request(request_id: RequestId, command: CreatePaymentCommand, caller: Caller) -> IdempotentRequest:
    """The request with the fields that replays must match. Their names are permanent: stored fingerprints hold them."""
    fields: dict[str, object] = {
        "reference": command.reference,
        "amount.minor_units": command.amount.minor_units if command.amount else None,
        "amount.currency_code": command.amount.currency_code if command.amount else None,
        "customer_id": command.customer_id,
        "capture_mode": command.capture_mode.value if command.capture_mode else None,
        "store_payment_method": command.store_payment_method,
        "metadata": dict(command.metadata),
        **address_texts("billing_address", command.billing_address),
        **descriptor_texts("descriptor", command.descriptor),
        **three_d_secure_fields(command.three_d_secure),
        **initiation_fields(command.initiation),
        "consents": " ".join(one.value for one in command.consents if one),
        "device_data": command.device_data,
        "shipping_method": command.shipping_method.value if command.shipping_method else None,
        **guest_texts(command.guest),
        **address_texts("shipping_address", command.shipping_address),
        **order_details_fields(command.order_details),
        "skip_checks": " ".join([one.value for one in command.skip_checks if one]) if command.skip_checks else "",
        "merchant_account_id": command.merchant_account_id,
    }
    match command.source:
        case RawStoredMethod(payment_method_id):
            fields["payment_method_id"] = payment_method_id
        case source:
            fields |= new_source_fields(source)
    return IdempotentRequest(caller, request_id, "CreatePayment", fields)


def guest_texts(guest: GuestContact) -> dict[str, str]:
    """A guest's details by path."""
    if guest is NO_CONTACT:
        return {}
    return {f"guest.{one.name}": getattr(guest, one.name) for one in fields(guest)}
