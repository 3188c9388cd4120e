"""Addresses in answers."""

from __future__ import annotations

from collections.abc import Mapping

from braintree_twin.state.records import Address
from braintree_twin.xml_out import Node, Timestamp

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


def vault_address(address: Address) -> dict[str, Node]:
    fields = address.fields
    return {
        "id": address.id,
        "customer_id": address.customer_id,
        **{name: fields.get(name) for name in (*_FIELDS, *_CODES, "country_name", "phone_number")},
        "created_at": Timestamp(address.created_at),
        "updated_at": Timestamp(address.updated_at),
    }


_TRANSACTION_FIELDS = ("id", *_FIELDS, "country_name", *_CODES)


def transaction_address(fields: Mapping[str, str | None]) -> dict[str, Node]:
    """Billing or shipping, as the transaction remembers it."""
    return {name: fields.get(name) for name in _TRANSACTION_FIELDS}
