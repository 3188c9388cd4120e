"""Wires the checkout page from the settings."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from adapters.checkout.site import Site
from adapters.grpc.messages.catalogue import catalogue
from adapters.http.connections import Gate, Server, mark_owes
from application.checkouts.view_checkout import shopper_of
from application.payment_methods.create_client_token import CreateClientToken
from bootstrap.config.checkout_settings import CheckoutSettings
from bootstrap.config.file_descriptors import MOST_OF_SHOPPERS
from bootstrap.config.settings import BadSettings, Settings
from domain.checkout import Checkout
from domain.decline import Decline

_MAX_LOGO_BYTES: Final = 64 * 1024
_MOST_OF_ONE_ADDRESS: Final = 100
_TYPES: Final = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def checkout_site(settings: Settings) -> Site:
    """Raises BadSettings for a logo that cannot be read or is too large."""
    logo, kind = _logo(settings)
    return Site(
        base_url=settings.checkout_base_url,
        scripts_url=settings.checkout_scripts_url,
        key=settings.key_for("checkout requests"),
        gateway_origins=settings.checkout_gateway_origins,
        frame_ancestors=settings.checkout_frame_ancestors,
        shop_name=settings.checkout_shop_name,
        color=settings.checkout_color,
        color_dark=settings.checkout_color_dark,
        logo=logo,
        logo_type=kind,
        proxies=settings.checkout_proxies,
        attempts_per_minute=settings.checkout_attempts_per_minute,
        attempts_per_link=settings.checkout_attempts_per_link,
    )


def _logo(settings: CheckoutSettings) -> tuple[bytes, str]:
    path = settings.checkout_logo_file
    if path is None:
        return b"", ""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadSettings(f"BAYAR_CHECKOUT_LOGO_FILE names {path}, which cannot be read: {error.strerror}") from None
    if len(content) > _MAX_LOGO_BYTES:
        raise BadSettings(f"BAYAR_CHECKOUT_LOGO_FILE names {path}, which has more than {_MAX_LOGO_BYTES} bytes")
    return content, _TYPES[path.suffix.lower()]


def protocol_server(settings: Settings) -> Callable[[_Handler], web.Server]:
    """Bounds connections as on the HTTP side. Behind a proxy, all come from one address."""
    most_of_one = MOST_OF_SHOPPERS if settings.checkout_proxies else _MOST_OF_ONE_ADDRESS
    gate = Gate(MOST_OF_SHOPPERS, most_of_one)

    def serve(handler: _Handler) -> web.Server:
        async def bounded(request: web.BaseRequest) -> web.StreamResponse:
            mark_owes(request, owes=False)
            try:
                return await handler(request)
            finally:
                mark_owes(request, owes=True)

        return Server(bounded, gate)

    return serve


def decline_text(locale: str, decline: Decline) -> str:
    """The text for the cardholder."""
    return catalogue().text(locale, "decline", decline.reason.value, "customer")


def client_token_of(create_client_token: CreateClientToken) -> Callable[[Checkout], str]:
    """Client tokens for checkouts. Without the customer: in the browser, such a token would show all stored methods."""

    def create(checkout: Checkout) -> str:
        terms = checkout.terms
        return create_client_token(
            shopper_of(checkout),
            currency_code=terms.amount.currency_code,
            merchant_account_id=terms.merchant_account_id,
        )

    return create
