"""The default merchant's plans, add-ons and discounts: those that the SDKs' own tests expect of a sandbox."""

from __future__ import annotations

from typing import Any

from braintree_twin.app import App
from braintree_twin.merchants import Merchant
from braintree_twin.state.records import CatalogEntry

_LOADED = "default_catalog_loaded"
_ADD_ONS = {"increase_10": "10.00", "increase_20": "20.00", "increase_30": "30.00"}
_DISCOUNTS = {"discount_7": "7.00", "discount_11": "11.00", "discount_15": "15.00"}
_TWO_DAYS = {"trial_period": True, "trial_duration": 2, "trial_duration_unit": "day"}
_PLANS: dict[str, dict[str, Any]] = {
    "integration_trialless_plan": {"price": "12.34"},
    "integration_trial_plan": {"price": "43.21", **_TWO_DAYS},
    "integration_plan_with_billing_day_of_month": {"price": "8.88", "billing_day_of_month": 5},
    "integration_plan_with_add_ons_and_discounts": {
        "price": "9.99",
        **_TWO_DAYS,
        "add_ons": ["increase_10", "increase_20"],
        "discounts": ["discount_7", "discount_11"],
    },
}


def load_default_catalog(app: App, merchant: Merchant) -> None:
    """Load it once into a state file; what was changed since stays as it is."""
    if app.store.setting(_LOADED, ""):
        return
    with app.store.change():
        app.store.set_setting(_LOADED, "1")
        for kind, amounts in (("add_on", _ADD_ONS), ("discount", _DISCOUNTS)):
            for identifier, amount in amounts.items():
                _put(app, merchant, kind, identifier, {"amount": amount})
        for identifier, fields in _PLANS.items():
            plan = {"currency_iso_code": "USD", "billing_frequency": 1, "trial_period": False, **fields}
            _put(app, merchant, "plan", identifier, plan)


def _put(app: App, merchant: Merchant, kind: str, identifier: str, fields: dict[str, Any]) -> None:
    now = app.clock.stamp()
    named = {"name": identifier.replace("_", " ").capitalize(), "description": None, **fields}
    app.store.catalog.put(
        merchant.id, CatalogEntry(kind=kind, id=identifier, created_at=now, updated_at=now, fields=named)
    )
