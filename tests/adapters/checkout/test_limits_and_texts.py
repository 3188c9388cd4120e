"""The smaller parts of the checkout page: rate limits, languages, amounts, and the escaping of HTML."""

from __future__ import annotations

import pytest

from adapters.checkout.assets import load_assets
from adapters.checkout.page import notice_page
from adapters.checkout.rate_limits import RateLimit
from adapters.checkout.requests import Shopper
from adapters.checkout.site import Site
from adapters.checkout.texts import all_texts, choose
from application.common.languages import accepted_languages
from domain.money import Money


def test_a_bucket_is_refilled_over_a_minute_and_says_when_to_come_back() -> None:
    now = 0.0
    limit = RateLimit(3, lambda: now)
    assert [limit.take("a") for _ in range(5)] == [0, 0, 0, 20, 20]
    assert limit.take("b") == 0
    now = 20.0
    assert [limit.take("a") for _ in range(2)] == [0, 20]
    now = 1000.0
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 20]


def test_the_keys_of_a_limit_are_bounded() -> None:
    limit = RateLimit(1, lambda: 0.0)
    for number in range(50_010):
        limit.take(str(number))
    # The first ones were forgotten, the last ones were not.
    assert (limit.take("0"), limit.take("50009")) == (0, 60)


def test_one_ipv6_network_is_one_shopper_to_the_limits() -> None:
    networks = {Shopper(address).network for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1")}
    assert len(networks) == 1
    assert Shopper("192.0.2.1").network != Shopper("192.0.2.2").network
    assert Shopper("no address").network == "no address"


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", "en"),
        ("id", "id"),
        ("in-ID", "id"),
        ("fr, id;q=0.8, en;q=0.9", "en"),
        ("id;q=0", "en"),
        ("*", "en"),
        (",;q=1,,", "en"),
        ("x" * 10_000, "en"),
        ("id;q=nonsense", "id"),
    ],
)
def test_the_browsers_languages_choose_the_texts(header: str, locale: str) -> None:
    assert choose(accepted_languages(header)).locale == locale


@pytest.mark.parametrize(
    ("amount", "english", "indonesian"),
    [
        (Money(123_456_789, "USD"), "USD\u00a01,234,567.89", "USD\u00a01.234.567,89"),
        (Money(2_500_000, "IDR"), "Rp\u00a025,000", "Rp\u00a025.000"),
        (Money(2_500_050, "IDR"), "Rp\u00a025,000.50", "Rp\u00a025.000,50"),
        (Money(500, "JPY"), "JPY\u00a0500", "JPY\u00a0500"),
        (Money(1_500, "KWD"), "KWD\u00a01.500", "KWD\u00a01,500"),
        (Money(-3_00, "USD"), "\u2212USD\u00a03.00", "\u2212USD\u00a03,00"),
    ],
)
def test_amounts_are_written_as_the_language_does(amount: Money, english: str, indonesian: str) -> None:
    texts = all_texts()
    assert (texts["en"].amount(amount), texts["id"].amount(amount)) == (english, indonesian)


def test_a_page_of_a_shop_without_a_name_has_a_heading() -> None:
    site = Site("https://pay.shop.example", "https://js.braintreegateway.com/web/3.144.0/js", b"key")
    page = notice_page("Gone.", site, load_assets(site), choose(["id"]))
    assert "<h1>Pembayaran</h1>" in page


def test_the_policy_names_no_scripts_but_the_gateways_and_our_own() -> None:
    site = Site("https://pay.shop.example", "https://js.braintreegateway.com/web/3.144.0/js", b"key")
    policy = site.headers()["Content-Security-Policy"]
    scripts = policy.partition("script-src ")[2].partition(";")[0].split()
    assert scripts[0] == "'self'"
    assert all(one.endswith((".braintreegateway.com", ".cardinalcommerce.com", ".paypal.com")) for one in scripts[1:])
    assert "https://twin.example" not in policy
    with_twin = Site(
        "http://127.0.0.1:1", "http://localhost:2/js", b"key", gateway_origins=("http://localhost:2",)
    ).headers()["Content-Security-Policy"]
    assert with_twin.count("http://localhost:2") == 5
    assert "Strict-Transport-Security" in site.headers()


def test_the_token_of_a_request_belongs_to_checkout_and_browser() -> None:
    site, other = (Site("https://pay.shop.example", "https://x.example", key) for key in (b"one", b"two"))
    tokens = {site.request_token("a", "b"), site.request_token("a", "c"), site.request_token("b", "b")}
    assert len(tokens | {other.request_token("a", "b")}) == 4
    assert "one" not in repr(site)
