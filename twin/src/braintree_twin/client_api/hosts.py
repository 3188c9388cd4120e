"""The addresses that client tokens and configurations name: the twin's own, or the gateway's sandbox hosts.

npm's braintree-web accepts no other hosts than the gateway's; resolver rules of the browser lead them to the twin. At
its address for browsers, the twin serves a copy that accepts this address.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from braintree_twin.browser.hosts import CHALLENGE_HOST, SONGBIRD_HOST
from braintree_twin.calls import Call

API = "https://api.sandbox.braintreegateway.com"
GRAPHQL = "https://payments.sandbox.braintree-api.com"
ASSETS = "https://assets.braintreegateway.com"
_GATEWAYS_DOMAINS = (".braintreegateway.com", ".braintree-api.com")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Addresses without a path."""

    api: str
    graphql: str
    assets: str
    # Of the script of 3-D Secure, and of the page of its challenge.
    songbird: str
    challenge: str


def hosts_of(call: Call) -> Hosts:
    """The gateway's hosts if the request came by one of them, or if the twin is told to name them.

    Otherwise the twin's address for browsers, if it has one.
    """
    reached_by = urlsplit(call.base_url).hostname or ""
    if call.gateway_hosts or reached_by.endswith(_GATEWAYS_DOMAINS):
        return Hosts(API, GRAPHQL, ASSETS, f"https://{SONGBIRD_HOST}", f"https://{CHALLENGE_HOST}")
    own = call.browser_url or call.base_url
    return Hosts(own, own, call.browser_url or ASSETS, own, own)
