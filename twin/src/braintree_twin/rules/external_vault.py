"""Validates the fields of a card that is stored in another provider's vault."""

from __future__ import annotations

import re

from braintree_twin.params import Params
from braintree_twin.validation import Errors

_NETWORK_ID = re.compile(r"[A-Za-z0-9 ]{9,15}")
VAULT_STATUSES = ("will_vault", "vaulted")
CARD_KINDS = frozenset({"credit_card"})
NOT_FOR_THIS_INSTRUMENT = "915176"


def check_external_vault(params: Params, errors: Errors, kind: str | None) -> None:
    """Validate `external_vault`, which cards and card nonces may have. Adds to `errors`."""
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
