"""List requests: each filter on both sides of its limit, pages, and small look-ups."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.card_testing.list_abuse_blocks import ListAbuseBlocks
from application.common.errors import FieldViolation, InvalidRequest, NotFound, ResourceKind, Rule
from application.common.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, BadPageToken, PageTokens, Position, scope_of
from application.common.validator import MAX_MINOR_UNITS
from application.common.velocity_scope import VelocityScope
from application.customers.find_preferred_language import FindLanguage
from application.payment_methods.find_default_method import FindDefaultMethod
from application.payments.list_payments import RawPaymentFilter
from application.ports.velocity import VelocityBlock
from domain.ids import CallerId, CustomerId
from domain.payment_state import PaymentState
from tests.application.shop import MASTERCARD, SHOP, STRANGER, Shop, a_request_id, an_order, usd
from tests.fakes.runtime import START

SECOND = timedelta(seconds=1)
TOKENS = PageTokens(b"key")
UNKNOWN_CUSTOMER = f"cus_{'9' * 26}"
UNKNOWN_PAYMENT = f"pay_{'9' * 26}"
UNKNOWN_METHOD = f"pm_{'9' * 26}"


def faults_of(ask: Callable[[], object]) -> list[tuple[str, Rule, str]]:
    with pytest.raises(InvalidRequest) as refusal:
        ask()
    return [(fault.field, fault.rule, fault.limit) for fault in refusal.value.violations]


# Filters of payments


@pytest.mark.parametrize(
    ("which", "field", "rule", "limit"),
    [
        (RawPaymentFilter(customer_id="ada"), "customer_id", Rule.ID, "cus"),
        (RawPaymentFilter(reference="x" * 256), "reference", Rule.MAX_CHARACTERS, "255"),
        (RawPaymentFilter(reference_contains="a\nb"), "reference_contains", Rule.NO_CONTROL_CHARACTERS, ""),
        (RawPaymentFilter(brand="x" * 256), "brand", Rule.MAX_CHARACTERS, "255"),
        (RawPaymentFilter(states=(PaymentState.CAPTURED, None)), "states", Rule.KNOWN_VALUE, ""),
        (RawPaymentFilter(currency_code="usd"), "currency_code", Rule.CURRENCY, ""),
        (RawPaymentFilter(min_minor_units=-1), "min_amount_minor_units", Rule.NOT_NEGATIVE, ""),
        (
            RawPaymentFilter(min_minor_units=MAX_MINOR_UNITS + 1),
            "min_amount_minor_units",
            Rule.AT_MOST,
            str(MAX_MINOR_UNITS),
        ),
        (
            RawPaymentFilter(max_minor_units=MAX_MINOR_UNITS + 1),
            "max_amount_minor_units",
            Rule.AT_MOST,
            str(MAX_MINOR_UNITS),
        ),
        (
            RawPaymentFilter(min_minor_units=2, max_minor_units=1),
            "max_amount_minor_units",
            Rule.NOT_BELOW,
            "filter.min_amount_minor_units",
        ),
        (RawPaymentFilter(last_four="123"), "last_four", Rule.LAST_FOUR, ""),
        (RawPaymentFilter(last_four="12345"), "last_four", Rule.LAST_FOUR, ""),
        (RawPaymentFilter(last_four="12a4"), "last_four", Rule.LAST_FOUR, ""),
        (RawPaymentFilter(last_four="١٢٣٤"), "last_four", Rule.LAST_FOUR, ""),
        (
            RawPaymentFilter(created_from=START, created_until=START),
            "created_until_time",
            Rule.AFTER,
            "filter.created_from_time",
        ),
        (
            RawPaymentFilter(created_from=START, created_until=START - SECOND),
            "created_until_time",
            Rule.AFTER,
            "filter.created_from_time",
        ),
    ],
)
def test_a_bad_filter_is_named(which: RawPaymentFilter, field: str, rule: Rule, limit: str) -> None:
    assert faults_of(lambda: Shop().list(which, SHOP)) == [(f"filter.{field}", rule, limit)]


def test_an_amount_below_nothing_is_refused_at_either_end() -> None:
    faults = faults_of(lambda: Shop().list(RawPaymentFilter(min_minor_units=-1, max_minor_units=-1), SHOP))
    assert faults == [
        ("filter.min_amount_minor_units", Rule.NOT_NEGATIVE, ""),
        ("filter.max_amount_minor_units", Rule.NOT_NEGATIVE, ""),
    ]


def test_every_violation_in_a_list_request_is_named_at_once() -> None:
    shop = Shop()
    which = RawPaymentFilter(currency_code="?", last_four="1")
    faults = faults_of(lambda: shop.list(which, SHOP, page_size=-1, page_token="no", language_code="!"))
    assert [field for field, _, _ in faults] == [
        *("page_size", "language_code", "filter.currency_code", "filter.last_four", "page_token")
    ]


@pytest.mark.parametrize(
    ("which", "count"),
    [
        (RawPaymentFilter(min_minor_units=MAX_MINOR_UNITS), 0),
        (RawPaymentFilter(max_minor_units=MAX_MINOR_UNITS), 2),
        (RawPaymentFilter(min_minor_units=1), 2),
        (RawPaymentFilter(max_minor_units=1), 1),
        (RawPaymentFilter(min_minor_units=1, max_minor_units=1), 1),
        (RawPaymentFilter(min_minor_units=2), 1),
        (RawPaymentFilter(created_from=START, created_until=START + SECOND), 1),
        (RawPaymentFilter(created_until=START), 0),
        (RawPaymentFilter(created_from=START + SECOND), 1),
        (RawPaymentFilter(reference_contains="no such order"), 0),
        (RawPaymentFilter(last_four="4444"), 1),
        (RawPaymentFilter(last_four="0000"), 0),
        (RawPaymentFilter(currency_code="EUR"), 0),
        (RawPaymentFilter(customer_id=UNKNOWN_CUSTOMER), 0),
    ],
)
def test_a_filter_is_good_up_to_its_limit(which: RawPaymentFilter, count: int) -> None:
    shop = Shop()
    shop.pay(an_order(amount=usd(1)))
    shop.clock.advance(SECOND)
    shop.pay(an_order(amount=usd(500), source=MASTERCARD))
    assert len(shop.list(which, SHOP).payments) == count


def test_a_customer_who_asks_for_anothers_payments_gets_an_empty_last_page() -> None:
    shop = Shop()
    ada, bob = shop.customer(), shop.customer()
    for customer in (ada, bob, bob):
        shop.pay(an_order(customer_id=customer.customer_id))
    credential = replace(SHOP, customer_id=bob.customer_id)
    page = shop.list(RawPaymentFilter(customer_id=ada.customer_id), credential, page_size=1)
    assert (page.payments, page.next_page_token) == ([], "")
    named = shop.list(RawPaymentFilter(customer_id=bob.customer_id), credential, page_size=1)
    assert len(named.payments) == 1
    token = named.next_page_token
    # The same list, whether the customer is named or not.
    assert len(shop.list(RawPaymentFilter(), credential, page_token=token).payments) == 1


def test_the_states_of_a_filter_name_one_list_in_any_order() -> None:
    shop = Shop()
    for _ in range(2):
        shop.pay()
    states = (PaymentState.CAPTURED, PaymentState.DECLINED, PaymentState.SETTLED)
    token = shop.list(RawPaymentFilter(states=states), SHOP, page_size=1).next_page_token
    again = shop.list(RawPaymentFilter(states=states[::-1]), SHOP, page_token=token)
    assert len(again.payments) == 1


def test_an_amount_of_nothing_is_no_filter() -> None:
    shop = Shop()
    for _ in range(2):
        shop.pay()
    token = shop.list(RawPaymentFilter(), SHOP, page_size=1).next_page_token
    again = shop.list(RawPaymentFilter(min_minor_units=0, max_minor_units=0), SHOP, page_token=token)
    assert len(again.payments) == 1


# Pages of the other lists


def a_block(number: int) -> VelocityBlock:
    return VelocityBlock(
        block_id=f"block {number}",
        key=f"key {number}",
        caller_id=CallerId("shop"),
        scope=VelocityScope.CARD,
        subject="visa 1111",
        counts_cards=False,
        limit=3,
        create_time=START + number * SECOND,
        end_time=START + timedelta(hours=1),
    )


def test_blocks_come_in_pages_newest_first() -> None:
    shop = Shop()
    listed = ListAbuseBlocks(shop.store, TOKENS)
    blocks = [a_block(number) for number in range(3)]
    with shop.store.begin() as work:
        for block in blocks:
            work.velocity.block(block)
    first, token = listed(page_size=2)
    assert first == [blocks[2], blocks[1]]
    assert listed(page_size=1, page_token=token) == ([blocks[0]], "")
    assert listed() == (blocks[::-1], "")
    faults = faults_of(lambda: listed(page_size=-1, page_token="no"))
    assert faults == [("page_size", Rule.NOT_NEGATIVE, ""), ("page_token", Rule.PAGE_TOKEN, "")]


def test_a_history_begins_with_its_first_event() -> None:
    shop = Shop()
    payment = shop.capture(shop.authorize(), 30_00)
    events, _ = shop.list_events(payment.terms.payment_id, SHOP)
    assert [one.sequence for one in events] == list(range(1, len(events) + 1))


def test_a_page_is_of_fifty_where_nothing_else_is_asked_for() -> None:
    shop = Shop()
    for _ in range(DEFAULT_PAGE_SIZE + 1):
        shop.customer()
    page, token = shop.list_customers(SHOP)
    rest, end = shop.list_customers(SHOP, page_token=token)
    assert (len(page), len(rest), end) == (DEFAULT_PAGE_SIZE, 1, "")
    assert len(shop.list_customers(SHOP, page_size=MAX_PAGE_SIZE)[0]) == DEFAULT_PAGE_SIZE + 1


def test_customers_and_methods_come_newest_first() -> None:
    shop = Shop()
    ada = shop.customer()
    shop.clock.advance(SECOND)
    bob = shop.customer()
    first = shop.method(bob)
    shop.clock.advance(SECOND)
    second = shop.method(bob, MASTERCARD)
    assert [one.customer_id for one in shop.list_customers(SHOP)[0]] == [bob.customer_id, ada.customer_id]
    methods = [one.payment_method_id for one in shop.list_methods(bob.customer_id, SHOP)[0]]
    assert methods == [second.payment_method_id, first.payment_method_id]


def test_a_token_of_customers_with_an_email_fits_however_the_email_is_written() -> None:
    shop = Shop()
    for _ in range(2):
        shop.customer(email="ann@example.com")
    _, token = shop.list_customers(SHOP, email="Ann@example.com", page_size=1)
    assert len(shop.list_customers(SHOP, email="ann@EXAMPLE.com", page_token=token)[0]) == 1
    with pytest.raises(InvalidRequest):
        shop.list_customers(SHOP, page_token=token)


@pytest.mark.parametrize(("email", "is_shown"), [("", True), ("ANN@example.com", True), ("bob@example.com", False)])
def test_a_customer_sees_of_all_customers_only_themselves(email: str, is_shown: bool) -> None:
    shop = Shop()
    ann, _ = shop.customer(email="Ann@example.com"), shop.customer(email="bob@example.com")
    credential = replace(SHOP, customer_id=ann.customer_id)
    assert shop.list_customers(credential, email=email) == ([ann] if is_shown else [], "")
    shop.delete_customer(a_request_id(), ann.customer_id, SHOP)
    assert shop.list_customers(credential) == ([], "")


@pytest.mark.parametrize(
    ("ask", "fields"),
    [
        (
            lambda shop: shop.list_customers(SHOP, email="ann", page_size=-1, page_token="no"),
            ["email", "page_size", "page_token"],
        ),
        (
            lambda shop: shop.list_methods("ada", SHOP, page_size=-1, page_token="no", language_code="!"),
            ["customer_id", "language_code", "page_size", "page_token"],
        ),
        (
            lambda shop: shop.list_events("pay", SHOP, page_size=-1, page_token="no"),
            ["payment_id", "page_size", "page_token"],
        ),
        (lambda shop: shop.list_methods("", SHOP), ["customer_id"]),
        (lambda shop: shop.list_events("", SHOP), ["payment_id"]),
        (lambda shop: shop.get("pay", SHOP, language_code="!"), ["payment_id", "language_code"]),
        (lambda shop: shop.get("", SHOP), ["payment_id"]),
        (lambda shop: shop.get_method("pm", SHOP, language_code="!"), ["payment_method_id", "language_code"]),
        (lambda shop: shop.get_method("", SHOP), ["payment_method_id"]),
        (lambda shop: shop.get_customer(SHOP), ["key"]),
        (lambda shop: shop.get_customer(SHOP, customer_id="ada", external_id="a\n"), ["customer_id", "external_id"]),
    ],
)
def test_every_violation_in_a_question_is_named_at_once(ask: Callable[[Shop], object], fields: list[str]) -> None:
    assert [field for field, _, _ in faults_of(lambda: ask(Shop()))] == fields


@pytest.mark.parametrize(
    ("ask", "kind", "named"),
    [
        (lambda shop: shop.get(UNKNOWN_PAYMENT, SHOP), ResourceKind.PAYMENT, UNKNOWN_PAYMENT),
        (lambda shop: shop.list_events(UNKNOWN_PAYMENT, SHOP), ResourceKind.PAYMENT, UNKNOWN_PAYMENT),
        (lambda shop: shop.get_method(UNKNOWN_METHOD, SHOP), ResourceKind.PAYMENT_METHOD, UNKNOWN_METHOD),
        (lambda shop: shop.list_methods(UNKNOWN_CUSTOMER, SHOP), ResourceKind.CUSTOMER, UNKNOWN_CUSTOMER),
        (lambda shop: shop.get_customer(SHOP, customer_id=UNKNOWN_CUSTOMER), ResourceKind.CUSTOMER, UNKNOWN_CUSTOMER),
        (lambda shop: shop.get_customer(SHOP, external_id="ada"), ResourceKind.CUSTOMER, "ada"),
    ],
)
def test_a_missing_resource_is_named(ask: Callable[[Shop], object], kind: ResourceKind, named: str) -> None:
    with pytest.raises(NotFound) as refusal:
        ask(Shop())
    assert (refusal.value.kind, refusal.value.resource_id) == (kind, named)


def test_a_customer_is_found_by_either_id_for_its_own_caller_only() -> None:
    shop = Shop()
    ada, bob = shop.customer(external_id="ada"), shop.customer(external_id="bob")
    assert shop.get_customer(SHOP, customer_id=bob.customer_id, external_id="ada") == bob
    credential = replace(SHOP, customer_id=ada.customer_id)
    assert shop.get_customer(credential, external_id="ada") == ada
    with pytest.raises(NotFound):
        shop.get_customer(credential, external_id="bob")
    with pytest.raises(NotFound):
        shop.get_customer(STRANGER, external_id="ada")


# Tokens


def test_a_token_carries_sixteen_bytes_of_signature() -> None:
    body = json.dumps([START.isoformat(), "pay_1"]).encode()
    token = TOKENS.write("list", Position(START, "pay_1"))
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert raw[16:] == body
    assert "=" not in token


@pytest.mark.parametrize("place", range(16))
def test_no_byte_of_a_signature_can_be_changed(place: int) -> None:
    token = TOKENS.write("list", Position(START, "pay_1"))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[place] ^= 1
    with pytest.raises(BadPageToken):
        TOKENS.read("list", base64.urlsafe_b64encode(raw).decode().rstrip("="))


def test_nothing_may_stand_between_the_characters_of_a_token() -> None:
    token = TOKENS.write("list", Position(START, "pay_1"))
    with pytest.raises(BadPageToken):
        TOKENS.read("list", f"{token[:4]}!!!!{token[4:]}")


def test_a_page_that_is_full_to_the_last_has_no_token() -> None:
    def position(item: int) -> Position:
        return Position(START, str(item))

    assert TOKENS.cut([1, 2], 2, "list", position) == ([1, 2], "")
    assert TOKENS.cut([], 2, "list", position) == ([], "")
    assert TOKENS.cut([1, 2, 3], 2, "list", position) == ([1, 2], TOKENS.write("list", position(2)))


def test_a_filter_that_is_not_set_is_no_part_of_a_lists_name() -> None:
    assert scope_of("list", a="", b=None, c=1, d="x") == "list?[('c', '1'), ('d', 'x')]"
    assert scope_of("list", d="x", c=1) == scope_of("list", c=1, d="x")


# Look-ups


def test_the_default_method_of_a_customer_is_found() -> None:
    shop = Shop()
    find = FindDefaultMethod(shop.store)
    ada = shop.customer()
    assert find(ada.customer_id) == ""
    shop.method(ada)
    chosen = shop.method(ada, MASTERCARD, make_default=True)
    assert find(ada.customer_id) == chosen.payment_method_id
    shop.method(ada)
    assert find(ada.customer_id) == chosen.payment_method_id


def test_the_language_of_a_customer_is_found() -> None:
    shop = Shop()
    find = FindLanguage(shop.store)
    assert find(shop.customer(language_code="pl").customer_id) == "pl"
    assert find(shop.customer().customer_id) == ""
    assert find(CustomerId(UNKNOWN_CUSTOMER)) == ""


def test_a_fault_has_no_limit_where_there_is_none() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Shop().get_customer(SHOP)
    assert refusal.value.violations == (FieldViolation("key", Rule.EXACTLY_ONE, "customer_id, external_id"),)
