"""Settings of hosted checkout: the page on which shoppers pay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from bayar.channels import is_loopback
from bootstrap.config.server_settings import checked_address
from bootstrap.config.settings_group import SettingsGroup
from bootstrap.config.urls import plain_url

# The browser code of the gateway that the page is tested with.
BRAINTREE_WEB: Final = "https://js.braintreegateway.com/web/3.144.0/js"


def _optional_address(value: str) -> str:
    return checked_address(value) if value else value


def _browser_url(value: str) -> str:
    """An address that a browser trusts: https, or http on the machine itself."""
    parts = plain_url(value)
    if value and (parts is None or parts.scheme not in ("http", "https") or parts.query):
        raise ValueError("must be https://HOST, or http://127.0.0.1:PORT on one machine")
    if parts is not None and parts.scheme == "http" and not is_loopback(parts.netloc):
        raise ValueError("must be https: http goes only with an address of the same machine")
    return value.rstrip("/")


def _page_url(value: str) -> str:
    checked = _browser_url(value)
    parts = plain_url(checked)
    if parts is not None and parts.path:
        raise ValueError("must have no path: give the page a host of its own, such as https://pay.shop.example")
    return checked


def _origins(value: object) -> object:
    return [one for one in value.replace(",", " ").split() if one] if isinstance(value, str) else value


def _origin(value: str) -> str:
    parts = plain_url(_browser_url(value))
    if parts is None or parts.path:
        raise ValueError("must list origins, such as https://shop.example, separated by commas")
    # A wildcard or a quote would mean something else in the content security policy.
    if set(value) & set("*'\";,"):
        raise ValueError("must list whole origins, without wildcards and quotes")
    return value


Origin = Annotated[str, AfterValidator(_origin)]
_COLOR: Final = r"^#[0-9a-fA-F]{6}$"
_IMAGES: Final = frozenset({".svg", ".png", ".jpg", ".jpeg", ".webp"})


class CheckoutSettings(SettingsGroup):
    checkout_address: Annotated[str, AfterValidator(_optional_address)] = Field("", examples=["127.0.0.1:8082"])
    """The address of the checkout page, HOST:PORT; a port of its own, behind your TLS proxy. Port 0 takes a free one.
    Without it there is no page, and CreateCheckout fails with CHECKOUT_NOT_SERVED. Set it once every replica is
    upgraded: version 0.1.0 cannot read the events of checkouts. See docs/integrate/checkout.md.
    """
    checkout_base_url: Annotated[str, AfterValidator(_page_url)] = Field("", examples=["https://pay.shop.example"])
    """The public address under which shoppers reach the checkout page: a host without a path."""
    checkout_proxies: int = Field(0, ge=0, le=10)
    """The number of your proxies in front of the checkout page that append the peer's address to X-Forwarded-For. The
    shopper's address, by which the limits against card testing count, is read from there. 0: the connection's peer.
    """
    checkout_scripts_url: Annotated[str, AfterValidator(_browser_url)] = BRAINTREE_WEB
    """The folder of Braintree's browser scripts. Another one is for tests with the twin."""
    checkout_gateway_origins: Annotated[tuple[Origin, ...], NoDecode] = Field((), examples=["https://127.0.0.1:8443"])
    """Origins that the page may use besides Braintree's own, separated by commas. For tests with the twin."""
    checkout_frame_ancestors: Annotated[tuple[Origin, ...], NoDecode] = Field((), examples=["https://shop.example"])
    """The origins whose pages may embed the checkout in a frame, separated by commas. Without any, no page may."""
    checkout_shop_name: str = Field("", max_length=60, examples=["Kopi Tenang"])
    """The shop's name on the page."""
    checkout_logo_file: Path | None = Field(None, examples=["/etc/bayar/logo.svg"])
    """The shop's logo on the page: an SVG, PNG, JPEG or WebP file of at most 64 KiB. The page serves it itself."""
    checkout_color: str = Field("#0b5cad", pattern=_COLOR)
    """The colour of buttons and links, as #rrggbb. White text must be readable on it: a contrast of 4.5 to 1."""
    checkout_color_dark: str = Field("#7db8f5", pattern=_COLOR)
    """The same colour on a dark page. Black text must be readable on it."""
    checkout_attempts_per_minute: int = Field(12, ge=1, le=1000)
    """Attempts to pay that the page takes from one address of a shopper in a minute. Further ones wait."""
    checkout_attempts_per_link: int = Field(60, ge=1, le=100_000)
    """Attempts to pay that the page takes at one checkout or payment link in a minute. Further ones wait."""

    @field_validator("checkout_gateway_origins", "checkout_frame_ancestors", mode="before")
    @classmethod
    def _lists_origins(cls, value: object) -> object:
        return _origins(value)

    @model_validator(mode="after")
    def _has_a_public_address(self) -> CheckoutSettings:
        if bool(self.checkout_address) != bool(self.checkout_base_url):
            raise ValueError(
                "BAYAR_CHECKOUT_ADDRESS and BAYAR_CHECKOUT_BASE_URL go together: the port of the page, and the address "
                "that shoppers see, for example BAYAR_CHECKOUT_ADDRESS=127.0.0.1:8082 "
                "BAYAR_CHECKOUT_BASE_URL=https://pay.shop.example"
            )
        logo = self.checkout_logo_file
        if logo is not None and (logo.suffix.lower() not in _IMAGES or not logo.is_file()):
            raise ValueError(f"BAYAR_CHECKOUT_LOGO_FILE names {logo}, which is no file of {', '.join(sorted(_IMAGES))}")
        if _contrast(self.checkout_color, "#ffffff") < _READABLE:
            raise ValueError(
                f"BAYAR_CHECKOUT_COLOR is {self.checkout_color}, on which white text cannot be read. Take a darker one"
            )
        if _contrast(self.checkout_color_dark, "#000000") < _READABLE:
            raise ValueError(
                f"BAYAR_CHECKOUT_COLOR_DARK is {self.checkout_color_dark}, on which black text cannot be read. Take a "
                "lighter one"
            )
        return self

    @property
    def serves_checkouts(self) -> bool:
        return bool(self.checkout_address)


# WCAG 2, success criterion 1.4.3.
_READABLE: Final = 4.5


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
