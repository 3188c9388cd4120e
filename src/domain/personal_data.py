"""Personal data: the one list that encryption and erasure follow."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any, Final, TypeVar

Value = TypeVar("Value")

OF_CUSTOMER: Final = ("external_id", "given_name", "family_name", "email", "phone")
# Of a payment, an event or a payment method. Data for accounting stays.
OF_PAYER: Final = ("billing_address", "shipping_address", "guest", "cardholder_name", "account")
# Sensitive though no personal data: the tokens that name a card at the gateway, and the texts for a bank.
SECRETS: Final = ("unique_number_identifier", "evidence", "token")
# The fields whose values contain such fields.
ENCLOSING: Final = ("terms", "instrument")

_ERASED: Final = frozenset({*OF_CUSTOMER, *OF_PAYER})


def erased_from_json(stored: Mapping[str, Any], *, of_customer: bool = False) -> dict[str, Any]:
    """Stored JSON without personal data: the payer's, and the customer's own on request."""
    erased = {*OF_PAYER, *(OF_CUSTOMER if of_customer else ())}
    bare = {name: item for name, item in stored.items() if name not in erased}
    for name in ENCLOSING:
        if isinstance(bare.get(name), Mapping):
            bare[name] = erased_from_json(bare[name])
    return bare


def erased_from(value: Value) -> Value:
    """The value with its personal data reset to the defaults."""
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes: dict[str, Any] = {one.name: _default_of(one) for one in fields(value) if one.name in _ERASED}
    changes |= {one.name: erased_from(getattr(value, one.name)) for one in fields(value) if one.name in ENCLOSING}
    return replace(value, **changes)


def _default_of(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
