"""Reads requests to the page: who asks, in which language, and whether the request comes from the page itself."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from adapters.checkout.site import Site
from adapters.checkout.texts import Texts, choose
from application.common.languages import accepted_languages
from domain.checkout import Checkout
from domain.networks import network_of

MAX_BODY_BYTES: Final = 64 * 1024
_BODY_SECONDS: Final = 5.0
COOKIE: Final = "bayar_checkout"
TOKEN_HEADER: Final = "X-Checkout-Token"  # noqa: S105 (a header's name)
LANGUAGE_HEADER: Final = "X-Checkout-Language"
_COOKIE_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_SESSION_BYTES: Final = 16


class Refused(Exception):
    """The request is not answered. `text` names the shopper's text."""

    def __init__(self, status: int, text: str, retry_seconds: int = 0) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Shopper:
    """A browser. `cookie` is its secret; the service stores only the digest `session`."""

    address: str
    cookie: str = field(default="", repr=False)

    @property
    def network(self) -> str:
        """The key of limits by address: whoever has one IPv6 address has its whole network."""
        try:
            return network_of(self.address)
        except ValueError:
            return self.address

    @property
    def session(self) -> str:
        return hashlib.sha256(self.cookie.encode()).hexdigest() if self.cookie else ""


def shopper_of(request: web.BaseRequest, site: Site) -> Shopper:
    cookie = request.cookies.get(COOKIE, "")
    return Shopper(_address_of(request, site.proxies), cookie if _COOKIE_VALUE.fullmatch(cookie) else "")


def new_cookie() -> str:
    return secrets.token_urlsafe(_SESSION_BYTES)


def texts_for(request: web.BaseRequest, checkout: Checkout | None = None) -> Texts:
    """The page's own choice, then the checkout's language, then the browser's."""
    asked = [request.headers.get(LANGUAGE_HEADER, ""), request.query.get("lang", "")]
    if checkout is not None:
        asked.append(checkout.terms.language_code)
    return choose([*(one for one in asked if one), *accepted_languages(request.headers.get("Accept-Language", ""))])


def must_be_own(request: web.BaseRequest, site: Site, token: str, shopper: Shopper) -> None:
    """Raises Refused for a request that another site's page caused, or a page of another browser or checkout."""
    if request.headers.get("Origin") != site.base_url:
        raise Refused(403, "stale")
    if not shopper.cookie:
        raise Refused(403, "cookies")
    shown = request.headers.get(TOKEN_HEADER, "")
    # Headers may hold bytes that are no text.
    if not hmac.compare_digest(
        shown.encode(errors="surrogateescape"), site.request_token(token, shopper.cookie).encode()
    ):
        raise Refused(403, "stale")
    if request.content_type != "application/json":
        raise Refused(415, "unknown")


async def json_body(request: web.BaseRequest) -> dict[str, Any]:
    """Raises Refused for a body that is too large, too slow, or no JSON object."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise Refused(413, "unknown")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise Refused(413, "unknown")
        found = json.loads(body.decode() or "{}")
    except TimeoutError:
        raise Refused(408, "unknown") from None
    except (ValueError, RecursionError, web.RequestPayloadError):
        raise Refused(400, "unknown") from None
    if not isinstance(found, dict):
        raise Refused(400, "unknown")
    return found


def text_in(body: dict[str, Any], name: str) -> str:
    """The text of the field, empty where it is missing. Raises Refused for anything else."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Refused(400, "unknown")
    return value


def flag_in(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise Refused(400, "unknown")
    return value


def attempt_in(body: dict[str, Any]) -> int:
    value = body.get("attempt")
    if type(value) is not int or not 1 <= value <= 1_000_000:
        raise Refused(400, "unknown")
    return value


def _address_of(request: web.BaseRequest, proxies: int) -> str:
    """The shopper's address, as the proxy furthest out of ours saw it. Whatever stands before it anybody can write."""
    # Without the zone of a link-local address, which means nothing elsewhere.
    peer = (request.remote or "").partition("%")[0]
    if not proxies:
        return peer
    hops = [hop.strip() for header in request.headers.getall("X-Forwarded-For", []) for hop in header.split(",")]
    try:
        return str(ipaddress.ip_address(hops[-proxies]))
    except (IndexError, ValueError):
        return peer
