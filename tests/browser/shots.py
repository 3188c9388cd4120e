"""Takes a picture of each step of the checkout page; `make checkout-shots` does it."""

from __future__ import annotations

import argparse
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
from tests.browser.checkout_site import CHALLENGED, PHONE, SMALLEST_PHONE, VISA, Shopper, Site, running_site, shopper
from tests.browser.shop import braintree_web, chromium

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


def pending(site: Site, person: Shopper) -> None:
    person.page.route("**/status", lambda route: route.abort("internetdisconnected"))
    person.page.route("**/pay", lambda route: route.abort("internetdisconnected"))
    person.open(site.create().url)
    person.type_card()
    person.pay()
    expect(person.page.locator("#progress")).to_contain_text("do not pay again")


def paid(site: Site, person: Shopper) -> None:
    person.page.add_init_script(
        "window.setTimeout = ((wait) => (run, ms) => wait(run, ms === 2000 ? 60000 : ms))(setTimeout);"
    )
    person.open(site.create().url)
    person.type_card()
    person.pay()
    person.expect_state("paid")


def expired(site: Site, person: Shopper) -> None:
    checkout = site.create()
    site.bayar.expire_checkout(checkout_id=checkout.checkout_id)
    person.open(checkout.url, state="expired")


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
    pending,
    paid,
    expired,
    indonesian,
)
# Name, and how the browser shows it.
LOOKS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("phone", {"viewport": PHONE, "is_mobile": True}),
    ("phone-dark", {"viewport": PHONE, "is_mobile": True, "color_scheme": "dark"}),
    ("smallest", {"viewport": SMALLEST_PHONE, "is_mobile": True}),
    ("desk", {"viewport": DESK}),
)


def take(browser: Browser, site: Site, folder: Path, looks: set[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for look, context in LOOKS:
        for step in STEPS if look in looks else ():
            with shopper(browser, site, **context) as person:
                step(site, person)
                person.page.screenshot(path=folder / f"{step.__name__}-{look}.png", full_page=step is not challenge)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    names = [look for look, _ in LOOKS]
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
        take(browser, site, options.folder, set(options.looks))
    sys.stdout.write(f"The pictures are in {options.folder}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
