"""Validates 3-D Secure pass-through: the result of another provider's authentication."""

from __future__ import annotations

import re
from dataclasses import dataclass

from braintree_twin.params import Params
from braintree_twin.state.records import Fields
from braintree_twin.validation import Errors

_ECI_FLAG = re.compile(r"0[0-7]")
_VERSION = re.compile(r"[12](\.[0-9]+){1,2}")
_RESPONSES = frozenset("YNUACR")
_ALGORITHMS = frozenset("0123A")


@dataclass(frozen=True, slots=True)
class PassThruCodes:
    eci_required: str
    eci_invalid: str
    cavv_required: str
    xid_required: str | None
    version_required: str | None
    version_invalid: str
    authentication_invalid: str
    directory_invalid: str
    algorithm_invalid: str


OF_TRANSACTIONS = PassThruCodes("915113", "915114", "915116", "915115", None, "915119", "915120", "915121", "915122")
OF_VERIFICATIONS = PassThruCodes("942113", "942114", "942116", None, "942117", "942119", "942120", "942121", "942122")


def read_pass_thru(params: Params, errors: Errors, codes: PassThruCodes = OF_TRANSACTIONS) -> Fields | None:
    """Read the fields of 3-D Secure pass-through; None if there are none. Adds to `errors`."""
    name = "three_d_secure_pass_thru"
    if not params.has(name):
        return None
    # Those of a verification stand on the verification itself, whatever the request creates.
    section = params.section(name)
    faults = errors.top.on("verification") if codes is OF_VERIFICATIONS else errors.on(name)
    eci_flag, version = section.text("eci_flag"), section.text("three_d_secure_version")
    if eci_flag is None or not _ECI_FLAG.fullmatch(eci_flag):
        faults.add("eci_flag", codes.eci_invalid if eci_flag else codes.eci_required)
    if version is None:
        faults.add("three_d_secure_version", codes.version_required)
    elif not _VERSION.fullmatch(version):
        faults.add("three_d_secure_version", codes.version_invalid)
    if not section.has("cavv"):
        faults.add("cavv", codes.cavv_required)
    if not section.has("xid") and not (version or "").startswith("2"):
        faults.add("xid", codes.xid_required)
    for field, allowed, code in (
        ("authentication_response", _RESPONSES, codes.authentication_invalid),
        ("directory_response", _RESPONSES, codes.directory_invalid),
        ("cavv_algorithm", _ALGORITHMS, codes.algorithm_invalid),
    ):
        text = section.text(field)
        faults.add(field, code if text is not None and text not in allowed else None)
    return {field: section.text(field) for field in section}


_FULL, _SHIFTING = frozenset({"02", "05"}), frozenset({"01", "02", "05", "06"})
# The issuer's answer -> the status of an authentication that the indicator denies.
_STATUSES = {"N": "authenticate_failed", "R": "authenticate_rejected"}


def passed_through(given: Fields | None) -> Fields | None:
    """The 3-D Secure result that answers show for another provider's authentication (inferred)."""
    if given is None:
        return None
    eci_flag = given.get("eci_flag")
    return {
        "status": _status(eci_flag, given.get("authentication_response")),
        "enrolled": "Y",
        "liability_shifted": "true" if eci_flag in _SHIFTING else None,
        "liability_shift_possible": "true",
        **{
            field: given.get(field)
            for field in ("cavv", "xid", "eci_flag", "ds_transaction_id", "three_d_secure_version")
        },
    }


def _status(eci_flag: str | None, response: str | None) -> str:
    if eci_flag in _SHIFTING:
        return "authenticate_successful" if eci_flag in _FULL else "authenticate_attempt_successful"
    return _STATUSES.get(response or "", "authenticate_unable_to_authenticate")
