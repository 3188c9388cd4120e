"""Apple Pay: its networks, and the domains that may offer it. Every domain counts as validated."""

from __future__ import annotations

import json

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING
from braintree_twin.validation import failed
from braintree_twin.xml_writer import Elements

APPLE_PAY = "apple_pay_card"
BASE = "/processing/apple_pay"
# The domain that every merchant of the sandbox has.
SANDBOX_DOMAIN = "www.example.com"
DOMAIN_REQUIRED, NOT_ACCEPTED = "93523", "83501"
NETWORKS = ("visa", "mastercard", "amex", "discover", "maestro", "elo")


def _setting(call: Call) -> str:
    return f"apple_pay_domains/{call.merchant.id}"


def _domains(call: Call) -> list[str]:
    known: list[str] = json.loads(call.store.setting(_setting(call), json.dumps([SANDBOX_DOMAIN])))
    return known


def _keep(call: Call, domains: list[str]) -> None:
    call.store.set_setting(_setting(call), json.dumps(domains))


def register(call: Call) -> Answer:
    domain = Params(call.document).text("url")
    if domain is None:
        raise failed("apple_pay", "url", DOMAIN_REQUIRED)
    _keep(call, sorted({*_domains(call), domain}))
    return Answer("response", {"success": True})


def unregister(call: Call) -> Answer:
    _keep(call, [domain for domain in _domains(call) if domain != call.query.get("url")])
    return Answer()


def list_all(call: Call) -> Answer:
    return Answer("response", {"domains": Elements("domain", _domains(call))})


def provision(call: Call) -> Answer:
    """Provision Apple Pay for a merchant that decrypts its tokens itself; an account must take Apple Pay cards."""
    if not any(each.instruments is None or APPLE_PAY in each.instruments for each in call.merchant.accounts):
        raise failed("apple_pay", "base", NOT_ACCEPTED)
    return Answer("apple_pay", {"supported_networks": Elements("supported_network", NETWORKS)})


ROUTES = (
    Route("PUT", "/provision_raw_apple_pay", provision),
    Route("POST", f"{BASE}/validate_domains", register, takes={"url": EVERYTHING}),
    Route("DELETE", f"{BASE}/unregister_domain", unregister, query=frozenset({"url"})),
    Route("GET", f"{BASE}/registered_domains", list_all),
)
