"""What a request says of its authentication elsewhere: 3-D Secure results, and a vault that is not Braintree's."""

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
_NETWORK_ID = re.compile(r"[A-Za-z0-9 ]{9,15}")
VAULT_STATUSES = ("will_vault", "vaulted")
CARD_KINDS = frozenset({"credit_card"})
NOT_FOR_THIS_INSTRUMENT = "915176"


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
    """The outcome of an authentication done by somebody else; None where there was none."""
    name = "three_d_secure_pass_thru"
    if not params.has(name):
        return None
    section, faults = params.section(name), errors.on(name)
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


def check_external_vault(params: Params, errors: Errors, kind: str | None) -> None:
    """Only bare cards and card nonces can come from a vault elsewhere."""
    if not params.has("external_vault"):
        return
    if kind is not None and kind not in CARD_KINDS:
        errors.add("external_vault", NOT_FOR_THIS_INSTRUMENT)
        return
    section, faults = params.section("external_vault"), errors.on("external_vault")
    status, previous = section.text("status"), section.text("previous_network_transaction_id")
    link = section.text("previous_mastercard_transaction_link_id")
    if status is not None and status not in VAULT_STATUSES:
        faults.add("status", "915175")
    if status == "will_vault":
        faults.add("status", "915177" if previous else None)
        faults.add("status", "915278" if link else None)
    if previous and not _NETWORK_ID.fullmatch(previous):
        faults.add("previous_network_transaction_id", "915179")
    if link and not re.fullmatch(r"[A-Za-z0-9_\-]{22}", link):
        faults.add("previous_mastercard_transaction_link_id", "915279")
