"""Copies of records without personal data, as erasure leaves them."""

from __future__ import annotations

from dataclasses import replace

from application.ports.feed import Resource
from domain.address import Address
from domain.customer import Customer
from domain.events import OperationDeclined, OperationSucceeded, PaymentCreated, PaymentEvent, PaymentTerms
from domain.instrument import Instrument
from domain.payment_method import PaymentMethod


def bare_instrument(instrument: Instrument | None) -> Instrument | None:
    return replace(instrument, cardholder_name="", account="") if instrument else None


def bare_terms(terms: PaymentTerms) -> PaymentTerms:
    return replace(terms, billing_address=Address())


def bare_event(event: PaymentEvent) -> PaymentEvent:
    match event:
        case PaymentCreated():
            return replace(event, terms=bare_terms(event.terms))
        case OperationSucceeded() | OperationDeclined():
            return replace(event, instrument=bare_instrument(event.instrument))
        case _:
            return event


def bare_resource(resource: Resource | None) -> Resource | None:
    match resource:
        case Customer():
            return replace(resource, external_id="", given_name="", family_name="", email="", phone="")
        case PaymentMethod():
            return replace(resource, instrument=bare_instrument(resource.instrument), billing_address=Address())
        case _:
            return resource
