"""Add-ons and discounts: what they come to, and the requests that add, update and remove them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from braintree_twin.params import Params
from braintree_twin.rules.money import AmountRule, canonical
from braintree_twin.state.records import CatalogEntry, Subscription
from braintree_twin.validation import Errors

# Kind -> the element of the array.
ARRAYS = {"add_on": "add_ons", "discount": "discounts"}
AMOUNT = AmountRule("92002", negative="92002", too_large="92023")
AMOUNT_BLANK, QUANTITY_INVALID, QUANTITY_BLANK, QUANTITY_NOT_POSITIVE = "92003", "92001", "92004", "92010"
CYCLES_INVALID, CYCLES_BLANK, CYCLES_INCONSISTENT, CYCLES_NOT_POSITIVE = "92005", "92017", "92018", "92019"
EXISTING_INVALID, EXISTING_REQUIRED, EXISTING_WRONG_KIND = "92011", "92012", "92020"
INHERITED_INVALID, INHERITED_REQUIRED, DUPLICATE = "92013", "92014", "91911"
UPDATED_AND_REMOVED, NOT_PRESENT, REMOVED_WRONG_KIND = "92015", "92016", "92021"

_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)

Modification = dict[str, Any]


def _runs(modification: Modification, ahead: int) -> bool:
    cycles = modification["number_of_billing_cycles"]
    return cycles is None or int(modification["current_billing_cycle"]) + ahead <= int(cycles)


def total_of(modifications: list[Modification], *, next_cycle: bool = False) -> Decimal:
    """Their sum in the current billing cycle, or in the next one."""
    running = (each for each in modifications if _runs(each, int(next_cycle)))
    return sum((Decimal(each["amount"]) * int(each["quantity"]) for each in running), Decimal(0))


def price_of_cycle(record: Subscription, *, next_cycle: bool = False) -> Decimal:
    """The price of the current or the next billing cycle, with add-ons and discounts; never below zero."""
    added = total_of(record.add_ons, next_cycle=next_cycle) - total_of(record.discounts, next_cycle=next_cycle)
    return max(Decimal(0), Decimal(record.price) + added)


def from_catalog(entry: CatalogEntry, **overrides: Any) -> Modification:
    """A modification as its catalogue entry describes it."""
    known = entry.fields
    return {
        "id": entry.id,
        "kind": entry.kind,
        "name": known.get("name"),
        "description": known.get("description"),
        "amount": known.get("amount"),
        "quantity": 1,
        "number_of_billing_cycles": known.get("number_of_billing_cycles"),
        "current_billing_cycle": 0,
        **overrides,
    }


@dataclass(frozen=True, slots=True)
class ModificationReader:
    """Applies `add`, `update` and `remove` of one kind. `catalog` finds an entry by kind and id."""

    kind: str
    currency: str
    catalog: Callable[[str, str], CatalogEntry | None]

    @property
    def other_kind(self) -> str:
        return next(kind for kind in ARRAYS if kind != self.kind)

    def read(self, params: Params, errors: Errors, existing: list[Modification]) -> list[Modification]:
        """The modifications after the request. Adds to `errors`; those in arrays are below index_0, index_1 ..."""
        array = ARRAYS[self.kind]
        section, faults = params.section(array), errors.on(array)
        known = {each["id"]: dict(each) for each in existing}
        removed = section.texts("remove")
        for place, update in enumerate(section.sections("update")):
            self._update(update, faults.on("update").on(f"index_{place}"), known, removed)
        for place, identifier in enumerate(removed):
            if known.pop(identifier, None) is None:
                is_other = self.catalog(self.other_kind, identifier) is not None
                code = REMOVED_WRONG_KIND if is_other else NOT_PRESENT
                faults.on("remove").on(f"index_{place}").add("base", code)
        for place, added in enumerate(section.sections("add")):
            self._add(added, faults.on("add").on(f"index_{place}"), known, errors)
        return list(known.values())

    def _add(self, params: Params, errors: Errors, known: dict[str, Modification], top: Errors) -> None:
        identifier = params.text("inherited_from_id")
        entry = self.catalog(self.kind, identifier) if identifier else None
        if entry is None:
            errors.add("inherited_from_id", INHERITED_INVALID if identifier else INHERITED_REQUIRED)
            return
        if entry.id in known:
            top.add("base", DUPLICATE)
        known[entry.id] = self._changed(params, errors, from_catalog(entry))

    def _update(self, params: Params, errors: Errors, known: dict[str, Modification], removed: list[str]) -> None:
        identifier = params.text("existing_id")
        if identifier is None:
            errors.add("existing_id", EXISTING_REQUIRED)
        elif identifier in removed:
            errors.add("existing_id", UPDATED_AND_REMOVED)
        elif identifier in known:
            known[identifier] = self._changed(params, errors, known[identifier])
        else:
            is_other = self.catalog(self.other_kind, identifier) is not None
            errors.add("existing_id", EXISTING_WRONG_KIND if is_other else EXISTING_INVALID)

    def _changed(self, params: Params, errors: Errors, known: Modification) -> Modification:
        changed = dict(known)
        if "amount" in params:
            amount, fault = AMOUNT.check(params.text("amount"), self.currency)
            errors.add("amount", AMOUNT_BLANK if params.text("amount") is None else fault)
            changed["amount"] = canonical(amount or Decimal(0), self.currency)
        if "quantity" in params:
            changed["quantity"] = self._quantity(params.text("quantity"), errors)
        never_expires = params.flag("never_expires")
        if params.has("number_of_billing_cycles"):
            changed["number_of_billing_cycles"] = self._cycles(params, errors, never_expires)
        elif never_expires:
            changed["number_of_billing_cycles"] = None
        elif params.has("never_expires") and known["number_of_billing_cycles"] is None:
            errors.add("number_of_billing_cycles", CYCLES_BLANK)
        return changed

    @staticmethod
    def _quantity(text: str | None, errors: Errors) -> int:
        if text is None:
            errors.add("quantity", QUANTITY_BLANK)
        elif not _NUMBER.fullmatch(text) or int(text) < 0:
            errors.add("quantity", QUANTITY_INVALID)
        elif int(text) == 0:
            errors.add("quantity", QUANTITY_NOT_POSITIVE)
        else:
            return int(text)
        return 1

    @staticmethod
    def _cycles(params: Params, errors: Errors, never_expires: bool) -> int | None:
        text = params.text("number_of_billing_cycles") or ""
        if not _NUMBER.fullmatch(text):
            errors.add("number_of_billing_cycles", CYCLES_INVALID)
        elif int(text) <= 0:
            errors.add("number_of_billing_cycles", CYCLES_NOT_POSITIVE)
        elif never_expires:
            errors.add("number_of_billing_cycles", CYCLES_INCONSISTENT)
        else:
            return int(text)
        return None
