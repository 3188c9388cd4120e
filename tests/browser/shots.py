"""Takes a picture of each step of the checkout page; `make checkout-shots` does it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, expect

from bayar import CheckoutMethod
from braintree_twin.testing import start_twin
from tests.api_keys import in_environment
from tests.browser.challenge import challenge_frame
from tests.browser.checkout_site import (
    APPLE_PAY,
    CHALLENGED,
    PHONE,
    SMALLEST_PHONE,
    VISA,
    Shopper,
    Site,
    running_site,
    shopper,
)
from tests.browser.shop import braintree_web, chromium
from tests.end_to_end.checkout_steps import Shopper as WithoutBrowser

# The page leaves for the shop after this time, which the pictures take longer than.
_STAY: Final = "window.setTimeout = ((wait) => (run, ms) => wait(run, ms === 2000 ? 60000 : ms))(setTimeout);"
Step = Callable[[Site, Shopper], None]
DESK: Final = {"width": 900, "height": 820}


def new_card(site: Site, person: Shopper) -> None:
    person.open(site.create().url)


def filled_card(site: Site, person: Shopper) -> None:
    person.open(site.create().url)
    person.type_card(VISA)


def faulty_card(site: Site, person: Shopper) -> None:
    person.open(site.create().url)
    person.type_card("4111111111111112", expiry="0120", cvv="12")
    person.pay()


def stored_card(site: Site, person: Shopper) -> None:
    customer = site.customer()
    site.bayar.add_payment_method(customer_id=customer, payment_method_nonce="fake-valid-mastercard-nonce")
    methods = [CheckoutMethod.CARD, CheckoutMethod.STORED]
    person.open(site.create(customer_id=customer, offer_storing=True, methods=methods).url)


def saved_card(site: Site, person: Shopper) -> None:
    person.open(site.create(customer_id=site.customer(), offer_storing=True).url)


def declined(site: Site, person: Shopper) -> None:
    person.open(site.create("2001.00").url)
    person.type_card()
    person.pay()
    person.expect_state("declined")


def challenge(site: Site, person: Shopper) -> None:
    person.open(site.create().url)
    person.type_card(CHALLENGED)
    person.pay()
    challenge_frame(person.page).locator("input[name=code]").wait_for()


def wallets(site: Site, person: Shopper) -> None:
    person.page.add_init_script(APPLE_PAY)
    methods = [CheckoutMethod.CARD, CheckoutMethod.APPLE_PAY, CheckoutMethod.PAYPAL]
    person.open(site.create(methods=methods).url)
    expect(person.page.locator("#paypal")).to_be_visible()


def paid_by_wallet(site: Site, person: Shopper) -> None:
    person.page.add_init_script(_STAY)
    wallets(site, person)
    person.page.locator("#apple-pay").click()
    person.expect_state("paid")


def connection_lost(site: Site, person: Shopper) -> None:
    """The network is lost after the shopper pays."""
    person.open(site.create().url)
    person.type_card()
    person.page.route("**/status", lambda route: route.abort("internetdisconnected"))
    person.page.route("**/pay", lambda route: route.abort("internetdisconnected"))
    person.pay()
    expect(person.page.locator("#progress")).to_contain_text("connection is lost")


def not_sent(site: Site, person: Shopper) -> None:
    """The network was lost before the payment began, and is back."""
    person.open(site.create().url)
    person.type_card()
    person.page.route("**/pay", lambda route: route.abort("internetdisconnected"))
    person.pay()
    expect(person.message()).to_contain_text("nothing was charged")


def pending(site: Site, person: Shopper) -> None:
    checkout = site.create()
    site.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    person.open(checkout.url)
    person.type_card()
    person.pay()
    person.expect_state("pending")


def paid(site: Site, person: Shopper) -> None:
    person.page.add_init_script(_STAY)
    person.open(site.create().url)
    person.type_card()
    person.pay()
    person.expect_state("paid")


def expired(site: Site, person: Shopper) -> None:
    checkout = site.create()
    site.bayar.expire_checkout(checkout_id=checkout.checkout_id)
    person.open(checkout.url, state="expired")


def used_up(site: Site, person: Shopper) -> None:
    link = site.create(max_uses=2)
    for _ in range(2):
        other = WithoutBrowser(link.url)
        other.open()
        other.pay()
    person.open(link.url, state="used_up")


def indonesian(site: Site, person: Shopper) -> None:
    person.open(site.create(language_code="id").url)


STEPS: Final[tuple[Step, ...]] = (
    new_card,
    filled_card,
    faulty_card,
    stored_card,
    saved_card,
    declined,
    challenge,
    wallets,
    paid_by_wallet,
    connection_lost,
    not_sent,
    pending,
    paid,
    expired,
    used_up,
    indonesian,
)
# The pictures of docs/integrate/checkout.md: name, step and look.
DOCUMENTED: Final = (
    *((step, step, "phone") for step in ("new_card", "stored_card", "faulty_card", "challenge", "declined", "pending")),
    *((step, step, "phone") for step in ("wallets", "connection_lost", "expired", "paid", "indonesian")),
    ("dark", "saved_card", "phone-dark"),
)
# Name, and how the browser shows it.
LOOKS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("phone", {"viewport": PHONE, "is_mobile": True}),
    ("phone-dark", {"viewport": PHONE, "is_mobile": True, "color_scheme": "dark"}),
    ("smallest", {"viewport": SMALLEST_PHONE, "is_mobile": True}),
    ("desk", {"viewport": DESK}),
)


def take(browser: Browser, site: Site, folder: Path, looks: set[str], steps: set[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for look, context in LOOKS:
        for step in [one for one in STEPS if look in looks and (not steps or one.__name__ in steps)]:
            with shopper(browser, site, **context) as person:
                step(site, person)
                person.page.screenshot(path=folder / f"{step.__name__}-{look}.png", full_page=step is not challenge)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    names = [look for look, _ in LOOKS]
    parser.add_argument("--documents", type=Path, help="copies the documented pictures to this folder")
    parser.add_argument("--steps", nargs="*", help="all without it")
    parser.add_argument("--looks", nargs="*", choices=names, default=names)
    options = parser.parse_args()
    package = str(braintree_web().parents[1])
    with (
        tempfile.TemporaryDirectory(prefix="bayar-shots-") as temporary,
        start_twin(arguments=("--gateway-hosts", "--braintree-web", package)) as twin,
        in_environment(),
        running_site(Path(temporary), twin) as site,
        chromium(twin) as browser,
    ):
        take(browser, site, options.folder, set(options.looks), set(options.steps or ()))
    for name, step, look in DOCUMENTED if options.documents else ():
        shutil.copy(options.folder / f"{step}-{look}.png", options.documents / f"{name}.png")
    sys.stdout.write(f"The pictures are in {options.folder}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
