"""The pages and scripts of the gateway's other hosts, and of PayPal's and Cardinal's: by path, whatever the host.

A new one is a file in `static` and a line in PAGES.
"""

from __future__ import annotations

from braintree_twin.browser.files import SCRIPT, text_of
from braintree_twin.browser.hosted_fields import hosted_fields_page
from braintree_twin.calls import PageAnswer

# The gateway's hosts in the sandbox, and the two that it shares with production.
GATEWAYS_HOSTS = (
    "api.sandbox.braintreegateway.com",
    "payments.sandbox.braintree-api.com",
    "assets.braintreegateway.com",
    "js.braintreegateway.com",
)
# Hosts of PayPal's that braintree-web calls: its log of events, the data collector and its beacon.
PAYPALS_HOSTS = ("www.paypal.com", "c.paypal.com", "b.stats.paypal.com")
# CardinalCommerce's, in the sandbox: the script of 3-D Secure, and the page of the issuer's challenge.
SONGBIRD_HOST = "songbirdstag.cardinalcommerce.com"
CHALLENGE_HOST = "0merchantacsstag.cardinalcommerce.com"
HOSTS = (*GATEWAYS_HOSTS, *PAYPALS_HOSTS, SONGBIRD_HOST, CHALLENGE_HOST)

SONGBIRD = "/edge/v1/songbird.js"
# Path -> the file that answers a GET, with its content type.
PAGES = {
    # songbirdstag.cardinalcommerce.com, or the address that the configuration names
    SONGBIRD: ("songbird.js", SCRIPT),
    # c.paypal.com: the data collector
    "/da/r/fb.js": ("fraudnet.js", SCRIPT),
}
# What a browser reports about itself; nothing is kept. www.paypal.com, and the analytics address of older clients.
REPORTS = ("/xoplatform/logger/api/logger", "/v1/tracking/batch/events", "/counter.cgi")
ANALYTICS = "/analytics/"


def host_page(method: str, path: str) -> PageAnswer | None:
    """The answer to a request for one of these hosts; None for any other path."""
    file = PAGES.get(path)
    if file and method in ("GET", "OPTIONS"):
        name, content_type = file
        return PageAnswer(text_of(name), content_type=content_type)
    if method in ("GET", "OPTIONS") and (frame := hosted_fields_page(path)):
        return frame
    if path in REPORTS or path.startswith(ANALYTICS):
        return PageAnswer("{}", content_type="application/json; charset=utf-8")
    return None
