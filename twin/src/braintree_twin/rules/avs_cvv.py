"""AVS and CVV response codes, as the sandbox gives them, and the rules that reject on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from braintree_twin.merchants import MerchantAccount

_CVV = {"200": "N", "2000": "N", "201": "U", "2011": "U", "301": "S", "3011": "S"}
_POSTAL = {"20000": "N", "20001": "U"}
_STREET = {"200": "N", "201": "U"}
_ERRORS = {"30000": "E", "30001": "S"}


@dataclass(frozen=True, slots=True)
class Avs:
    """AVS response codes: M matches, N does not match, U not verified, I not provided; errors: E, S."""

    error: str | None = None
    postal: str = "I"
    street: str = "I"


def cvv_response(cvv: str | None) -> str:
    return "I" if cvv is None else _CVV.get(cvv, "M")


def avs_response(billing: Mapping[str, str | None]) -> Avs:
    postal, street = billing.get("postal_code"), billing.get("street_address")
    if postal in _ERRORS:
        return Avs(_ERRORS[postal], "I", "I")
    number = re.match(r"\s*([0-9]+)", street or "")
    return Avs(
        postal="I" if not postal else _POSTAL.get(postal, "M"),
        street="I" if not street else _STREET.get(number[1] if number else "", "M"),
    )


def rejection(account: MerchantAccount, avs: Avs | None, cvv: str | None) -> str | None:
    """The gateway rejection reason under the account's rules. `avs` or `cvv` is None if that check was skipped."""
    bad_avs = avs is not None and (avs.postal in account.reject_avs_postal or avs.street in account.reject_avs_street)
    bad_cvv = cvv is not None and cvv in account.reject_cvv
    if bad_avs and bad_cvv:
        return "avs_and_cvv"
    return "avs" if bad_avs else "cvv" if bad_cvv else None
