"""The page's settings, and the security headers that follow from them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

# The hosts of Braintree's browser code, as its pages on content security policies list them; those of 3-D Secure are
# CardinalCommerce's, and the data collector's are PayPal's.
_SCRIPTS: Final = (
    "https://js.braintreegateway.com",
    "https://assets.braintreegateway.com",
    "https://songbird.cardinalcommerce.com",
    "https://songbirdstag.cardinalcommerce.com",
    "https://c.paypal.com",
)
_CONNECTIONS: Final = (
    "https://api.braintreegateway.com",
    "https://api.sandbox.braintreegateway.com",
    "https://client-analytics.braintreegateway.com",
    "https://client-analytics.sandbox.braintreegateway.com",
    "https://payments.braintree-api.com",
    "https://payments.sandbox.braintree-api.com",
    "https://*.cardinalcommerce.com",
    "https://www.paypal.com",
    "https://c.paypal.com",
)
_IMAGES: Final = ("data:", "https://assets.braintreegateway.com", "https://c.paypal.com", "https://b.stats.paypal.com")


@dataclass(frozen=True, slots=True)
class Site:
    """The page as this deployment serves it. `key` signs the tokens against cross-site requests."""

    base_url: str
    scripts_url: str
    key: bytes = field(repr=False)
    gateway_origins: tuple[str, ...] = ()
    frame_ancestors: tuple[str, ...] = ()
    shop_name: str = ""
    color: str = "#0b5cad"
    color_dark: str = "#7db8f5"
    logo: bytes = field(default=b"", repr=False)
    logo_type: str = ""
    # The proxies in front of the page that append to X-Forwarded-For.
    proxies: int = 0
    attempts_per_minute: int = 12
    attempts_per_link: int = 60

    @property
    def is_secure(self) -> bool:
        return self.base_url.startswith("https:")

    @property
    def is_embedded(self) -> bool:
        return bool(self.frame_ancestors)

    def request_token(self, token: str, session: str) -> str:
        """Proves that a request comes from a page of this checkout that was sent to this browser."""
        return hmac.new(self.key, f"{token}\0{session}".encode(), hashlib.sha256).hexdigest()

    def headers(self) -> Mapping[str, str]:
        """Of every answer but those of static files."""
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": self._policy(),
            # The gateway's frames need to know the page's origin. Its path, which is the secret, stays here.
            "Referrer-Policy": "strict-origin",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "X-Robots-Tag": "noindex, nofollow",
        }
        if not self.is_embedded:
            headers["X-Frame-Options"] = "DENY"
        if self.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return headers

    def _policy(self) -> str:
        scripts = urlsplit(self.scripts_url)
        own = (f"{scripts.scheme}://{scripts.netloc}", *self.gateway_origins)
        directives = {
            "default-src": ("'none'",),
            "script-src": ("'self'", *_SCRIPTS, *own),
            "style-src-elem": ("'self'",),
            # The gateway's components place their frames by attributes.
            "style-src-attr": ("'unsafe-inline'",),
            "img-src": ("'self'", *_IMAGES, *own),
            "connect-src": ("'self'", *_CONNECTIONS, *own),
            # A challenge of 3-D Secure is a page of the cardholder's bank, whichever that is.
            "frame-src": ("https:", *own),
            "form-action": ("'self'", "https://*.cardinalcommerce.com", *own),
            "frame-ancestors": self.frame_ancestors or ("'none'",),
            "base-uri": ("'none'",),
            "object-src": ("'none'",),
        }
        return "; ".join(f"{name} {' '.join(dict.fromkeys(sources))}" for name, sources in directives.items())
