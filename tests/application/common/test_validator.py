"""Every fault of a request is named, all at once, and whatever is sent is answered with nothing worse."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.common.errors import FieldViolation, InvalidRequest, NotFound, RequestIdReused, Rule
from application.common.validator import RawCard, RawMoney
from application.customers.create_customer import CustomerCommand
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.payment_methods.change_payment_method import UpdatePaymentMethodCommand
from application.payments.capture_payment import CapturePaymentCommand
from application.payments.create_payment_command import CreatePaymentCommand, RawStoredMethod
from application.payments.list_payments import RawPaymentFilter
from application.payments.refund_payment import RefundPaymentCommand
from application.payments.void_payment import VoidPaymentCommand
from application.ports.gateway import Nonce
from domain.address import Address, StatementDescriptor
from domain.errors import DomainError
from domain.events import CaptureMode
from tests.application.shop import MASTERCARD, SHOP, STRANGER, VISA, Shop, a_request_id, an_order, usd
from tests.fakes.runtime import START

# The ids of these tests count.
FIRST_PAYMENT = "pay_00000000000000000000000001"
UNKNOWN_METHOD = "pm_00000000000000000000000999"
UNKNOWN_CUSTOMER = "cus_00000000000000000000000999"

LONG_TOWN = Address(locality="x" * 256)
HYPHEN_FIRST = Address(postal_code="-12345")

Case = tuple[CreatePaymentCommand, str, Rule]

ORDERS: dict[str, Case] = {
    "no request id": (an_order(request_id=""), "request_id", Rule.REQUIRED),
    "a request id that is no UUID": (an_order(request_id="one"), "request_id", Rule.UUID),
    "a UUID in braces": (an_order(request_id="{11111111-0000-4000-8000-000000000000}"), "request_id", Rule.UUID),
    "no reference": (an_order(reference=" "), "reference", Rule.REQUIRED),
    "a long reference": (an_order(reference="x" * 256), "reference", Rule.MAX_CHARACTERS),
    "a control character": (an_order(reference="a\x00b"), "reference", Rule.NO_CONTROL_CHARACTERS),
    "no amount": (an_order(amount=None), "amount", Rule.REQUIRED),
    "nothing": (an_order(amount=usd(0)), "amount.minor_units", Rule.POSITIVE),
    "less than nothing": (an_order(amount=usd(-1)), "amount.minor_units", Rule.POSITIVE),
    "too much": (an_order(amount=usd(10**12)), "amount.minor_units", Rule.AT_MOST),
    "no currency": (an_order(amount=RawMoney(1, "")), "amount.currency_code", Rule.REQUIRED),
    "no such currency": (an_order(amount=RawMoney(1, "XXX")), "amount.currency_code", Rule.CURRENCY),
    "a currency in small letters": (an_order(amount=RawMoney(1, "usd")), "amount.currency_code", Rule.CURRENCY),
    "a currency not taken": (an_order(amount=RawMoney(1, "EUR")), "amount.currency_code", Rule.CURRENCY_ACCEPTED),
    "no source": (an_order(source=None), "source", Rule.EXACTLY_ONE),
    "no capture mode": (an_order(capture_mode=None), "capture_mode", Rule.KNOWN_VALUE),
    "no card number": (an_order(source=replace(VISA, number="")), "card.number", Rule.REQUIRED),
    "a wrong check digit": (an_order(source=replace(VISA, number="4111111111111112")), "card.number", Rule.CARD_NUMBER),
    "a short card number": (an_order(source=replace(VISA, number="41111")), "card.number", Rule.CARD_NUMBER_LENGTH),
    "a word for a number": (an_order(source=replace(VISA, number="x" * 16)), "card.number", Rule.CARD_NUMBER_LENGTH),
    "month 13": (an_order(source=replace(VISA, expiration_month=13)), "card.expiration_month", Rule.MONTH),
    "month 0": (an_order(source=replace(VISA, expiration_month=0)), "card.expiration_month", Rule.MONTH),
    "year 35": (an_order(source=replace(VISA, expiration_year=35)), "card.expiration_year", Rule.YEAR),
    "an absurd year": (an_order(source=replace(VISA, expiration_year=2099)), "card.expiration_year", Rule.YEAR),
    "a past expiry": (an_order(source=replace(VISA, expiration_year=2020)), "card.expiration_year", Rule.NOT_PAST),
    "a CVV of two digits": (an_order(source=replace(VISA, cvv="12")), "card.cvv", Rule.CVV),
    "a CVV of letters": (an_order(source=replace(VISA, cvv="abc")), "card.cvv", Rule.CVV),
    "a card for a name": (
        an_order(source=replace(VISA, cardholder_name="4111 1111 1111 1111")), "card.cardholder_name", Rule.NO_CARD_DATA
    ),
    "an empty nonce": (an_order(source=Nonce("")), "payment_method_nonce", Rule.REQUIRED),
    "a nonce with an umlaut": (an_order(source=Nonce("ü")), "payment_method_nonce", Rule.NO_CONTROL_CHARACTERS),
    "no method id": (an_order(source=RawStoredMethod("")), "payment_method_id", Rule.REQUIRED),
    "a method id that is none": (an_order(source=RawStoredMethod("pm_1")), "payment_method_id", Rule.ID),
    "an unknown method": (an_order(source=RawStoredMethod(UNKNOWN_METHOD)), "payment_method_id", Rule.EXISTS),
    "a customer id that is none": (an_order(customer_id="cus"), "customer_id", Rule.ID),
    "an unknown customer": (an_order(customer_id=UNKNOWN_CUSTOMER), "customer_id", Rule.EXISTS),
    "nobody to store it for": (an_order(store_payment_method=True), "customer_id", Rule.NEEDS_CUSTOMER),
    "storing what is stored": (
        an_order(source=RawStoredMethod(UNKNOWN_METHOD), store_payment_method=True),
        "store_payment_method",
        Rule.NEEDS_NEW_METHOD,
    ),
    "a long town": (an_order(billing_address=LONG_TOWN), "billing_address.locality", Rule.MAX_CHARACTERS),
    "a postal code": (an_order(billing_address=HYPHEN_FIRST), "billing_address.postal_code", Rule.POSTAL_CODE),
    "a country": (an_order(billing_address=Address(country_code="id")), "billing_address.country_code", Rule.COUNTRY),
    "a descriptor": (
        an_order(descriptor=StatementDescriptor(name="Shop")), "statement_descriptor.name", Rule.DESCRIPTOR_NAME,
    ),
    "its phone": (
        an_order(descriptor=StatementDescriptor(phone="12")), "statement_descriptor.phone", Rule.DESCRIPTOR_PHONE,
    ),
    "its url": (
        an_order(descriptor=StatementDescriptor(url="x" * 14)), "statement_descriptor.url", Rule.DESCRIPTOR_URL,
    ),
    "much metadata": (an_order(metadata={str(n): "" for n in range(51)}), "metadata", Rule.MAX_ENTRIES),
    "a nameless entry": (an_order(metadata={"": "x"}), "metadata[?].key", Rule.REQUIRED),
    "a long entry": (an_order(metadata={"a": "x" * 501}), "metadata[a]", Rule.MAX_CHARACTERS),
    "a card in an entry": (an_order(metadata={"a": "4111111111111111"}), "metadata[a]", Rule.NO_CARD_DATA),
    "the very card as the reference": (an_order(reference=f"no. {VISA.number}"), "reference", Rule.NO_CARD_DATA),
    "the very card in an entry": (
        an_order(source=replace(VISA, number="6304 0000 0000 0000"), metadata={"a": "x630400 and 0000000000"}),
        "metadata[a]",
        Rule.NO_CARD_DATA,
    ),
    **{
        f"a reference with {name}": (an_order(reference=reference), "reference", Rule.UNAMBIGUOUS)
        for name, reference in {
            "a zero-width space": "order\u200b 1",
            "a soft hyphen": "order\u00ad1",
            "a variation selector": "order 1\ufe0f",
            "a Hangul filler": "order\u31641",
            "a tag": "order 1\U000e0031",
            "a mark of direction": "\u202eorder 1",
            "a no-break space": "order\u00a01",
            "a space at its end": "order 1 ",
            "two spaces": "order  1",
            "a letter in two parts": "cafe\u0301 1",
        }.items()
    },
    **{
        f"a card in {path}": (order, path, Rule.NO_CARD_DATA)
        for path, order in {
            "request_id": an_order(request_id="41111111-1111-1111-0000-000000000000"),
            "reference": an_order(reference="4012.8888.8888.1881"),
            "language_code": an_order(language_code="en-40128888-88881881"),
            "billing_address.company": an_order(billing_address=Address(company="4012_8888_8888_1881")),
            "statement_descriptor.url": an_order(descriptor=StatementDescriptor(url="4222222222222")),
        }.items()
    },
    "a language": (an_order(language_code="english!"), "language_code", Rule.LANGUAGE),
}  # fmt: skip


def faults_of(attempt: Callable[[], object]) -> tuple[FieldViolation, ...]:
    with pytest.raises(InvalidRequest) as refusal:
        attempt()
    return refusal.value.violations


@pytest.mark.parametrize(("order", "path", "rule"), ORDERS.values(), ids=ORDERS)
def test_each_violation_of_a_create_payment_command_is_named_by_path_and_rule(
    order: CreatePaymentCommand, path: str, rule: Rule
) -> None:
    shop = Shop()
    faults = faults_of(lambda: shop.pay(order))
    assert (path, rule) in [(fault.field, fault.rule) for fault in faults]
    assert not shop.calls
    assert not shop.list(RawPaymentFilter(), SHOP).payments


def test_a_method_of_another_customer_does_not_pay() -> None:
    shop = Shop()
    ada, eve = shop.customer(), shop.customer()
    source = RawStoredMethod(shop.method(ada).payment_method_id)
    faults = faults_of(lambda: shop.pay(an_order(source=source, customer_id=eve.customer_id)))
    assert faults == (FieldViolation("payment_method_id", Rule.OF_CUSTOMER),)


def test_a_resource_of_another_caller_is_not_found() -> None:
    shop = Shop()
    ada = shop.customer()
    method = shop.method(ada)
    for order in (an_order(customer_id=ada.customer_id), an_order(source=RawStoredMethod(method.payment_method_id))):
        (fault,) = faults_of(lambda order=order: shop.pay(order, STRANGER))  # type: ignore[misc]
        assert fault.rule is Rule.EXISTS


OTHERS: dict[str, tuple[Callable[[Shop], object], str, Rule]] = {
    "an amount in another currency": (
        lambda shop: shop.capture_payment(
            CapturePaymentCommand(
                request_id=a_request_id(), payment_id=shop.authorize().terms.payment_id, amount=RawMoney(1, "JPY")
            ),
            SHOP,
        ),
        "amount.currency_code",
        Rule.CURRENCY_OF_PAYMENT,
    ),
    "a payment id that is none": (
        lambda shop: shop.void_payment(VoidPaymentCommand(request_id=a_request_id(), payment_id="pay"), SHOP),
        "payment_id",
        Rule.ID,
    ),
    "a note that holds a card": (
        lambda shop: shop.refund_payment(
            RefundPaymentCommand(
                request_id=a_request_id(), payment_id="pay_00000000000000000000000001", note="for 4111-1111-1111-1111"
            ),
            SHOP,
        ),
        "note",
        Rule.NO_CARD_DATA,
    ),
    "an e-mail without a place": (lambda shop: shop.customer(email="ada"), "email", Rule.EMAIL),
    "an e-mail of this very machine": (lambda shop: shop.customer(email="ann@localhost"), "email", Rule.EMAIL),
    "neither id": (lambda shop: shop.get_customer(SHOP), "key", Rule.EXACTLY_ONE),
    "a page below zero": (
        lambda shop: shop.list(RawPaymentFilter(), SHOP, page_size=-1), "page_size", Rule.NOT_NEGATIVE
    ),
    "a page token of nobody": (
        lambda shop: shop.list(RawPaymentFilter(), SHOP, page_token="x"), "page_token", Rule.PAGE_TOKEN
    ),
    "an unknown state": (
        lambda shop: shop.list(RawPaymentFilter(states=(None,)), SHOP), "filter.states", Rule.KNOWN_VALUE
    ),
    "three last digits": (
        lambda shop: shop.list(RawPaymentFilter(last_four="123"), SHOP), "filter.last_four", Rule.LAST_FOUR
    ),
    "an end before the start": (
        lambda shop: shop.list(RawPaymentFilter(created_from=START, created_until=START), SHOP),
        "filter.created_until_time",
        Rule.AFTER,
    ),
    "a field that nobody may change": (
        lambda shop: shop.update_customer(
            shop.customer().customer_id, CustomerCommand(request_id=a_request_id()), ["caller_id"], SHOP
        ),
        "update_mask",
        Rule.FIELD_PATH,
    ),
    "no field to change": (
        lambda shop: shop.update_customer(
            shop.customer().customer_id, CustomerCommand(request_id=a_request_id()), [], SHOP
        ),
        "update_mask",
        Rule.REQUIRED,
    ),
    "an expiry that is past": (
        lambda shop: shop.update_method(
            UpdatePaymentMethodCommand(
                request_id=a_request_id(),
                payment_method_id=UNKNOWN_METHOD,
                expiration_month=1,
                expiration_year=2020,
            ),
            SHOP,
        ),
        "expiration_year",
        Rule.NOT_PAST,
    ),
    "a method without a source": (
        lambda shop: shop.add_method(
            AddPaymentMethodCommand(request_id=a_request_id(), customer_id=shop.customer().customer_id, source=None),
            SHOP,
        ),
        "source",
        Rule.EXACTLY_ONE,
    ),
    "a token for a currency that nobody takes": (
        lambda shop: shop.create_client_token(SHOP, currency_code="EUR"), "currency_code", Rule.CURRENCY_ACCEPTED
    ),
}  # fmt: skip


@pytest.mark.parametrize(("attempt", "path", "rule"), OTHERS.values(), ids=OTHERS)
def test_each_violation_of_other_commands_is_named(attempt: Callable[[Shop], object], path: str, rule: Rule) -> None:
    shop = Shop()
    assert (path, rule) in [(fault.field, fault.rule) for fault in faults_of(lambda: attempt(shop))]


def test_all_violations_are_named_at_once() -> None:
    order = an_order(
        request_id="",
        reference="",
        amount=RawMoney(0, "usd"),
        source=RawCard("4111111111111112", 13, 35, "12", "\x00"),
        capture_mode=None,
        customer_id="ada",
        store_payment_method=True,
        billing_address=Address(country_code="id"),
        metadata={"a": "x" * 501},
        language_code="!",
    )
    paths = [fault.field for fault in faults_of(lambda: Shop().pay(order))]
    assert sorted(paths) == sorted(
        [
            "request_id",
            "reference",
            "amount.currency_code",
            "amount.minor_units",
            "card.number",
            "card.expiration_month",
            "card.expiration_year",
            "card.cvv",
            "card.cardholder_name",
            "capture_mode",
            "customer_id",
            "billing_address.country_code",
            "metadata[a]",
            "language_code",
        ]
    )


def test_no_fault_repeats_what_was_sent() -> None:
    number = "4111111111111112"
    order = an_order(
        reference=f"{number}\x00", source=replace(VISA, number=number, cvv="9876"), metadata={number: number}
    )
    told = str(faults_of(lambda: Shop().pay(order)))
    assert number not in told
    assert "9876" not in told


@pytest.mark.parametrize("reference", ["café 1", "注文 42", "заказ № 7", "a/b_c-d.e:f#g", "order 1 of 2"])
def test_a_reference_in_any_script_is_taken(reference: str) -> None:
    assert Shop().pay(an_order(reference=reference)).terms.reference == reference


def test_a_repeat_of_an_order_from_before_a_rule_is_answered() -> None:
    shop = Shop()
    order = an_order(reference="order  4012888888881881")
    refusing = shop.create
    with pytest.raises(InvalidRequest):
        refusing(order, SHOP)
    with pytest.MonkeyPatch.context() as before:
        before.setattr("application.common.validator.looks_like_card", lambda _text, **_: False)
        before.setattr("application.common.validator.is_unambiguous", lambda _text: True)
        paid = shop.pay(order)
    assert shop.pay(order).terms == paid.terms
    assert len(shop.calls) == 1


def test_a_valid_request_has_no_violation() -> None:
    order = an_order(
        amount=RawMoney(999_999_999_999, "USD"),
        source=RawCard("3782-822463-10005", 5, 2026, "1234", "Ada Lovelace"),
        billing_address=Address(postal_code="SW1A 1AA", country_code="GB", street_address="10 Downing Street"),
        descriptor=StatementDescriptor(name="BAY*Books", phone="0215551234", url="bayar.example"),
        metadata={"cart.id": "42", "été": "ünïcödé"},
        language_code="id-ID",
    )
    assert Shop().pay(order).terms.metadata == {"cart.id": "42", "été": "ünïcödé"}


# Arbitrary input

texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "",
        "USD",
        "JPY",
        VISA.number,
        "pay_00000000000000000000000001",
        UNKNOWN_CUSTOMER,
        "x" * 600,
        "\ud800",
        "\uff11\uff12",
    ]
)
numbers = st.integers() | st.sampled_from([0, 1, 12, 2030, 100_00, 2**63 - 1, -(2**63)])
money = st.none() | st.builds(RawMoney, numbers, texts)
cards = st.builds(RawCard, texts, numbers, numbers, texts, texts)
sources = st.none() | cards | st.builds(Nonce, texts) | st.builds(RawStoredMethod, texts)
addresses = st.builds(Address, **dict.fromkeys(Address.__slots__, texts))
descriptors = st.builds(StatementDescriptor, texts, texts, texts)
any_order = st.builds(
    CreatePaymentCommand,
    request_id=texts | st.uuids().map(str),
    reference=texts,
    amount=money,
    source=sources,
    customer_id=texts,
    capture_mode=st.none() | st.sampled_from(CaptureMode),
    store_payment_method=st.booleans(),
    billing_address=addresses,
    descriptor=descriptors,
    metadata=st.dictionaries(texts, texts, max_size=3),
    language_code=texts,
)


@given(any_order)
@settings(max_examples=200, deadline=None)
def test_no_order_is_answered_with_anything_but_a_payment_or_its_faults(order: CreatePaymentCommand) -> None:
    with suppress(InvalidRequest):
        Shop().pay(order)


@given(texts | st.uuids().map(str), texts | st.just(FIRST_PAYMENT), money, texts, texts)
@settings(max_examples=100, deadline=None)
def test_no_change_is_answered_with_anything_but_its_faults(
    request_id: str, payment_id: str, amount: RawMoney | None, note: str, language_code: str
) -> None:
    shop = Shop()
    shop.pay(an_order())
    for attempt in (
        lambda: shop.capture_payment(
            CapturePaymentCommand(
                request_id=request_id, payment_id=payment_id, amount=amount, language_code=language_code
            ),
            SHOP,
        ),
        lambda: shop.void_payment(
            VoidPaymentCommand(request_id=request_id, payment_id=payment_id, note=note, language_code=language_code),
            SHOP,
        ),
        lambda: shop.refund_payment(
            RefundPaymentCommand(request_id=request_id, payment_id=payment_id, amount=amount, note=note), SHOP
        ),
        lambda: shop.verify_payment(payment_id, SHOP, language_code=language_code),
        lambda: shop.list_events(payment_id, SHOP, page_token=note),
    ):
        with suppress(InvalidRequest, NotFound, RequestIdReused, DomainError):
            attempt()


@given(texts, texts, texts, texts, numbers, numbers, numbers)
@settings(max_examples=100, deadline=None)
def test_no_question_is_answered_with_anything_but_its_faults(
    one: str, two: str, three: str, token: str, low: int, high: int, size: int
) -> None:
    shop = Shop()
    for attempt in (
        lambda: shop.list(
            RawPaymentFilter(
                customer_id=one,
                reference=two,
                reference_contains=three,
                currency_code=two,
                min_minor_units=low,
                max_minor_units=high,
                brand=one,
                last_four=three,
            ),
            SHOP,
            page_size=size,
            page_token=token,
        ),
        lambda: shop.list_customers(SHOP, email=one, page_size=size, page_token=token),
        lambda: shop.list_methods(one, SHOP, page_size=size, page_token=token),
        lambda: shop.get_customer(SHOP, customer_id=one, external_id=two),
        lambda: shop.create_customer(
            CustomerCommand(request_id=one, external_id=two, given_name=three, email=token, phone=one), SHOP
        ),
        lambda: shop.update_method(
            UpdatePaymentMethodCommand(
                request_id=one, payment_method_id=two, expiration_month=low, expiration_year=high
            ),
            SHOP,
        ),
    ):
        with suppress(InvalidRequest, NotFound):
            attempt()


def test_a_card_may_be_declined_and_is_no_fault() -> None:
    payment = Shop().pay(an_order(amount=usd(2001_00), source=MASTERCARD))
    assert payment.final_decline is not None
    assert payment.create_time - START < timedelta(seconds=1)
