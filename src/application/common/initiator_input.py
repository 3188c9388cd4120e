"""Validates who starts a payment, and with what right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.paid_with import UNKNOWN_METHOD, PaidWith, check_initiator, check_is_card
from application.common.validator import Validator
from domain.card_brands import CardBrand
from domain.initiator import MERCHANT_INITIATORS, ExternalVault, Initiator, SeriesPosition, is_customer_absent
from domain.three_d_secure import ThreeDSecurePolicy

_NETWORK_TRANSACTION_ID: Final = re.compile("[A-Za-z0-9 ]{9,15}")
_LINK_ID: Final = re.compile("[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawInitiation:
    """A request's initiator, unchecked."""

    initiator: Initiator = Initiator.CUSTOMER
    position: SeriesPosition | None = None
    external_vault: ExternalVault | None = None
    # The names of the fields with a value that the contract does not list.
    unknown_values: tuple[str, ...] = ()

    @property
    def has_previous_payment(self) -> bool:
        vault = self.external_vault
        return vault is not None and bool(vault.previous_network_transaction_id)

    def series_position(self, *, uses_stored_method: bool) -> SeriesPosition | None:
        """The position, with the default of the contract."""
        if self.position is not None or not self.initiator.is_merchant:
            return self.position
        is_later = uses_stored_method or self.has_previous_payment
        return SeriesPosition.LATER if is_later else SeriesPosition.FIRST


# A customer pays in the shop. Most requests are such, so what depends on it looks for this object first.
BY_CUSTOMER: Final = RawInitiation()


def check_initiation(
    validator: Validator,
    raw: RawInitiation,
    caller: Caller,
    *,
    uses_stored_method: bool,
    consents: Sequence[Initiator] | None = None,
    policy: ThreeDSecurePolicy | None = None,
    paid_with: PaidWith = UNKNOWN_METHOD,
) -> None:
    """Adds the violations. `consents` are those of the stored method, None where none is checked; `policy` is the
    request's own 3-D Secure policy.
    """
    if raw is BY_CUSTOMER:
        return
    check_initiator(validator, raw.initiator, paid_with)
    for name in raw.unknown_values:
        validator.add(name, Rule.KNOWN_VALUE)
    if raw.position is not None and not raw.initiator.is_merchant:
        validator.add("series_position", Rule.CONTRADICTS, "the initiator, who is not the merchant")
    position = raw.series_position(uses_stored_method=uses_stored_method)
    if is_customer_absent(raw.initiator, position):
        if caller.customer_id is not None:
            validator.add("initiator", Rule.NOT_FOR_CUSTOMERS, "a payment in the customer's absence")
        if policy is ThreeDSecurePolicy.REQUIRED:
            validator.add("three_d_secure.policy", Rule.CONTRADICTS, "the initiator: the customer is absent")
    if position is SeriesPosition.LATER:
        if not (uses_stored_method or raw.has_previous_payment):
            validator.add("external_vault.previous_network_transaction_id", Rule.NEEDED_FOR_LATER_PAYMENT)
        if consents is not None and raw.initiator not in consents:
            validator.add("initiator", Rule.NO_CONSENT, ", ".join(sorted(one.name for one in consents)) or "none")
    if raw.external_vault is not None:
        _check_vault(validator, raw.external_vault, paid_with, uses_stored_method=uses_stored_method)
        _check_place(validator, raw.external_vault, raw.position)
        _check_previous_ids(validator, raw.external_vault, caller)


def check_first_consent(validator: Validator, raw: RawInitiation, consents: Sequence[Initiator]) -> None:
    """Adds a violation where the consents lack the kind to which the customer agrees with this payment."""
    if consents and raw.initiator.is_merchant and raw.initiator not in consents:
        validator.add("consents", Rule.CONTRADICTS, f"the initiator {raw.initiator.name}, which they have to name")


def check_consents(
    validator: Validator, consents: Sequence[Initiator | None], path: str = "consents"
) -> tuple[Initiator, ...]:
    """The consents in a fixed order. None stands for a value that the contract does not list."""
    known = tuple(one for one in Initiator if one in consents and one in MERCHANT_INITIATORS)
    if len(known) != len(consents):
        validator.add(path, Rule.CONSENTS, ", ".join(one.name for one in Initiator if one.is_merchant))
    return known


def check_kept_elsewhere(
    validator: Validator, vault: ExternalVault | None, caller: Caller, paid_with: PaidWith
) -> None:
    """Adds the violations of the vault that a card to be stored comes from."""
    if vault is None:
        return
    if vault.will_vault:
        validator.add("external_vault.will_vault", Rule.ONLY_FOR_PAYMENTS)
    else:
        _check_vault(validator, vault, paid_with, uses_stored_method=False)
        _check_previous_ids(validator, vault, caller)


def check_vault_method(validator: Validator, vault: ExternalVault, paid_with: PaidWith) -> None:
    """Adds the violations of a vault for cards at another method, or at a card of another brand."""
    check_is_card(validator, "external_vault", paid_with)
    if vault.previous_mastercard_transaction_link_id and paid_with.brand not in (None, CardBrand.MASTERCARD):
        validator.add("external_vault.previous_mastercard_transaction_link_id", Rule.ONLY_MASTERCARD)


def vault_fields(vault: ExternalVault | None) -> dict[str, object]:
    """The fields that replays must match."""
    return {f"external_vault.{one.name}": getattr(vault, one.name) for one in fields(ExternalVault)} if vault else {}


def initiation_fields(raw: RawInitiation) -> dict[str, object]:
    """The fields that replays must match."""
    if raw is BY_CUSTOMER:
        return {}
    given: dict[str, object] = {
        "initiator": raw.initiator.value if raw.initiator is not Initiator.CUSTOMER else None,
        "series_position": raw.position.value if raw.position else None,
    }
    return given | vault_fields(raw.external_vault)


def _check_place(validator: Validator, vault: ExternalVault, position: SeriesPosition | None) -> None:
    """Adds a violation where the vault and the place in the series say the contrary of each other."""
    if position is SeriesPosition.FIRST and vault.previous_network_transaction_id:
        path = "external_vault.previous_network_transaction_id"
        validator.add(path, Rule.CONTRADICTS, "series_position FIRST: no payment precedes it")
    if position is SeriesPosition.LATER and vault.will_vault:
        validator.add("external_vault.will_vault", Rule.CONTRADICTS, "series_position LATER: the card is kept already")


def _check_previous_ids(validator: Validator, vault: ExternalVault, caller: Caller) -> None:
    """Adds the violations of a customer, who cannot vouch for an agreement that the shop keeps."""
    if caller.customer_id is None:
        return
    for name in ("previous_network_transaction_id", "previous_mastercard_transaction_link_id"):
        if getattr(vault, name):
            validator.add(f"external_vault.{name}", Rule.NOT_FOR_CUSTOMERS, "the id of an earlier payment")


def _check_vault(validator: Validator, vault: ExternalVault, paid_with: PaidWith, *, uses_stored_method: bool) -> None:
    previous, link = vault.previous_network_transaction_id, vault.previous_mastercard_transaction_link_id
    if uses_stored_method:
        validator.add("external_vault", Rule.CONTRADICTS, "payment_method_id: the gateway keeps that one")
    if vault.will_vault and (previous or link):
        validator.add("external_vault.will_vault", Rule.CONTRADICTS, "the previous ids")
    if previous and not _NETWORK_TRANSACTION_ID.fullmatch(previous):
        validator.add("external_vault.previous_network_transaction_id", Rule.NETWORK_TRANSACTION_ID)
    if link and not _LINK_ID.fullmatch(link):
        validator.add("external_vault.previous_mastercard_transaction_link_id", Rule.TRANSACTION_LINK_ID)
    else:
        check_vault_method(validator, vault, paid_with)
    if not (previous or vault.will_vault):
        validator.add("external_vault.previous_network_transaction_id", Rule.REQUIRED)
