"""The XML of addresses."""

from __future__ import annotations

from collections.abc import Mapping

from braintree_twin.rules.addresses import PHONE_FIELDS, PHONE_PARTS
from braintree_twin.state.records import Address
from braintree_twin.xml_writer import Node, Timestamp

_FIELDS = (
    "first_name",
    "last_name",
    "company",
    "street_address",
    "extended_address",
    "locality",
    "region",
    "postal_code",
)
_CODES = ("country_code_alpha2", "country_code_alpha3", "country_code_numeric")


def international_phone(fields: Mapping[str, str | None]) -> Node:
    """The element's two parts; empty if no number was given."""
    parts = {part: fields.get(field) for part, field in zip(PHONE_PARTS, PHONE_FIELDS, strict=True)}
    return {**parts} if any(parts.values()) else {}


def vault_address(address: Address) -> dict[str, Node]:
    fields = address.fields
    return {
        "id": address.id,
        "customer_id": address.customer_id,
        **{name: fields.get(name) for name in (*_FIELDS, *_CODES, "country_name", "phone_number")},
        "international_phone": international_phone(fields),
        "created_at": Timestamp(address.created_at),
        "updated_at": Timestamp(address.updated_at),
    }


_TRANSACTION_FIELDS = ("id", *_FIELDS, "country_name", *_CODES, "phone_number")


def transaction_address(fields: Mapping[str, str | None]) -> dict[str, Node]:
    """The billing or shipping address of a transaction."""
    shown: dict[str, Node] = {name: fields.get(name) for name in _TRANSACTION_FIELDS}
    shown["international_phone"] = international_phone(fields)
    return shown
