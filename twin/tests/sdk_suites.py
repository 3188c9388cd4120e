"""A twin with the merchants and records that the official SDKs' own test suites expect of a sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import braintree
from twin_sdk import gateway_to

from braintree_twin.testing import Twin

SEED = Path(__file__).parents[1] / "docs" / "sdk_suites.toml"


def of_merchant(twin: Twin, name: str, merchant_id: str | None = None) -> Any:
    """The gateway of one of the suites' merchants."""
    keys = {"public_key": f"{name}_public_key", "private_key": f"{name}_private_key"}
    return gateway_to(twin, merchant_id=merchant_id or f"{name}_merchant_id", **keys)


def configured(twin: Twin, **credentials: Any) -> Any:
    """A gateway with credentials that name no environment but development, which is the twin here."""
    known = braintree.Environment.All["development"]
    braintree.Environment.All["development"] = of_merchant(twin, "integration").config.environment
    try:
        return braintree.BraintreeGateway(braintree.Configuration(wrap_http_exceptions=True, **credentials))
    finally:
        braintree.Environment.All["development"] = known


def application(twin: Twin, name: str = "integration") -> Any:
    """The gateway of one of the suites' OAuth applications."""
    keys = {f"client_{kind}": f"client_{kind}$development${name}_client_{kind}" for kind in ("id", "secret")}
    return configured(twin, **keys)
