"""The limits of each validation rule, tried on both sides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from application.common.errors import FieldViolation, InvalidRequest, Rule
from application.common.validator import (
    MAX_MINOR_UNITS,
    RawCard,
    RawMoney,
    Validator,
    bare_number,
    has_unprintable,
    largest_amount,
    require_checked,
)
from domain import ids
from domain.instrument import Card, CardExpiry
from domain.money import Money

TODAY = date(2026, 5, 31)
VISA = "4111111111111111"
ID = "pay_01hzx3v5k7m9npqrstvwxyz012"
USD_AND_JPY = frozenset({"USD", "JPY"})

Check = Callable[[Validator], object]


def faults(check: Check) -> list[tuple[str, Rule]]:
    return [(fault.field, fault.rule) for fault in whole_faults(check)]


def whole_faults(check: Check) -> tuple[FieldViolation, ...]:
    validator = Validator()
    check(validator)
    try:
        validator.done()
    except InvalidRequest as invalid:
        return invalid.violations
    return ()


def card(**values: object) -> RawCard:
    given = {"number": VISA, "expiration_month": 5, "expiration_year": 2026, "cvv": "123", **values}
    return RawCard(**given)  # type: ignore[arg-type]


def card_faults(**values: object) -> list[tuple[str, Rule]]:
    return faults(lambda validator: validator.card("card", card(**values), TODAY, accepts=True))


# Collecting


def test_each_violation_is_reported_once_with_its_limit() -> None:
    def check(validator: Validator) -> None:
        validator.text("a", "xx", maximum=1)
        validator.text("a", "xxx", maximum=1)
        validator.text("b", "xx", maximum=1)

    assert whole_faults(check) == (
        FieldViolation("a", Rule.MAX_CHARACTERS, "1"),
        FieldViolation("b", Rule.MAX_CHARACTERS, "1"),
    )


def test_a_checked_value_that_is_missing_is_an_internal_error() -> None:
    assert require_checked(0) == 0
    with pytest.raises(RuntimeError, match="missing"):
        require_checked(None)


# Ids and addresses


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", [("request_id", Rule.REQUIRED)]),
        ("x", [("request_id", Rule.UUID)]),
        ("11111111000040008000000000000000", [("request_id", Rule.UUID)]),
        ("urn:uuid:11111111-0000-4000-8000-000000000000", [("request_id", Rule.UUID)]),
        ("41111111-1111-1111-0000-000000000000", [("request_id", Rule.NO_CARD_DATA)]),
        ("ABCDEF00-0000-4000-8000-000000000000", []),
    ],
)
def test_a_request_id_is_a_uuid_with_hyphens(value: str, told: list[tuple[str, Rule]]) -> None:
    assert faults(lambda validator: validator.request_id(value)) == told
    expected = None if told and told[0][1] is not Rule.NO_CARD_DATA else value.lower()
    assert Validator().request_id(value) == expected


def test_an_id_is_required_unless_it_is_said_not_to_be() -> None:
    assert faults(lambda validator: validator.resource_id("id", "", ids.PAYMENT)) == [("id", Rule.REQUIRED)]
    assert faults(lambda validator: validator.resource_id("id", "", ids.PAYMENT, required=False)) == []
    assert Validator().resource_id("id", "", ids.PAYMENT, required=False) is None


def test_an_id_has_the_prefix_of_its_kind() -> None:
    assert Validator().resource_id("id", ID, ids.PAYMENT) == ID
    assert whole_faults(lambda validator: validator.resource_id("id", ID, ids.CUSTOMER)) == (
        FieldViolation("id", Rule.ID, "cus"),
    )
    assert Validator().resource_id("id", ID, ids.CUSTOMER) is None


@pytest.mark.parametrize("address", ["", "203.0.113.7", "2001:db8::1", "0000:0000:0000:0000:0000:ffff:255.255.255.255"])
def test_an_address_of_the_internet_is_taken_as_it_is(address: str) -> None:
    assert faults(lambda validator: validator.client_address("client_address", address)) == []
    assert Validator().client_address("client_address", address) == address


# Texts


LIMITS: list[tuple[int, Callable[[Validator, str], object]]] = [
    (255, lambda validator, text: validator.text("a", text)),
    (255, lambda validator, text: validator.secret_text("a", text)),
    (255, lambda validator, text: validator.plain_text("a", text)),
    (255, lambda validator, text: validator.identifier("a", text)),
    (255, lambda validator, text: validator.phone("a", text)),
    (7, lambda validator, text: validator.plain_text("a", text, maximum=7)),
    (500, lambda validator, text: validator.metadata("a", {"key": text})),
    (40, lambda validator, text: validator.metadata("a", {text: ""})),
    (175, lambda validator, text: validator.card("card", card(cardholder_name=text), TODAY, accepts=True)),
]


@pytest.mark.parametrize(("limit", "check"), LIMITS)
def test_a_text_has_up_to_its_limit_of_characters(limit: int, check: Callable[[Validator, str], object]) -> None:
    assert whole_faults(lambda validator: check(validator, "x" * limit)) == ()
    (fault,) = whole_faults(lambda validator: check(validator, "x" * (limit + 1)))
    assert (fault.rule, fault.limit) == (Rule.MAX_CHARACTERS, str(limit))


@pytest.mark.parametrize("name", ["text", "plain_text", "identifier"])
def test_a_text_is_required_only_where_it_is_said_to_be(name: str) -> None:
    for empty in ("", " "):
        assert faults(lambda validator, empty=empty: getattr(validator, name)("a", empty)) == []  # type: ignore[misc]
        told = faults(lambda validator, empty=empty: getattr(validator, name)("a", empty, required=True))  # type: ignore[misc]
        assert told == [("a", Rule.REQUIRED)]
    assert getattr(Validator(), name)("a", "x") == "x"


def test_a_secret_is_required() -> None:
    assert faults(lambda validator: validator.secret_text("a", " ")) == [("a", Rule.REQUIRED)]


@pytest.mark.parametrize(
    "character", [*"\x00\x1f\n\x7f\x9f\u2028\u2029\ud800\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffff"]
)
def test_unprintable_characters_are_in_no_text(character: str) -> None:
    assert has_unprintable(f"a{character}b")
    assert faults(lambda validator: validator.text("a", f"a{character}b")) == [("a", Rule.NO_CONTROL_CHARACTERS)]


@pytest.mark.parametrize("character", [*" ~\xa0\u2027\u202a\ud7ff\ue000\ufdcf\ufdf0\ufffd\U0001fffd\U00020000"])
def test_printable_text_is_accepted(character: str) -> None:
    assert not has_unprintable(f"a{character}b")
    assert faults(lambda validator: validator.text("a", f"a{character}b")) == []


def test_a_secret_is_ascii() -> None:
    assert faults(lambda validator: validator.secret_text("a", "nonce_1")) == []
    assert faults(lambda validator: validator.secret_text("a", "é")) == [("a", Rule.NO_CONTROL_CHARACTERS)]
    assert Validator().secret_text("a", "nonce_1") == "nonce_1"


def test_only_a_phone_may_look_like_a_short_card_number() -> None:
    number = "501800000009"
    assert faults(lambda validator: validator.phone("a", number)) == []
    assert faults(lambda validator: validator.plain_text("a", number)) == [("a", Rule.NO_CARD_DATA)]
    assert faults(lambda validator: validator.no_card("a", number)) == [("a", Rule.NO_CARD_DATA)]
    assert faults(lambda validator: validator.phone("a", VISA)) == [("a", Rule.NO_CARD_DATA)]
    assert faults(lambda validator: validator.phone("a", "\x00")) == [("a", Rule.NO_CONTROL_CHARACTERS)]
    assert Validator().phone("a", number) == number


def test_an_identifier_looks_like_no_other() -> None:
    assert faults(lambda validator: validator.identifier("a", "order\u200b1")) == [("a", Rule.UNAMBIGUOUS)]
    assert faults(lambda validator: validator.identifier("a", "order 1")) == []
    assert faults(lambda validator: validator.identifier("a", VISA)) == [("a", Rule.NO_CARD_DATA)]


def test_no_text_shows_the_card_that_is_used() -> None:
    texts = {"a": "4111 and 1111 and 1111 and 1111", "b": "4111 1111", "c": ""}
    assert faults(lambda validator: validator.must_not_contain_card(card(), texts)) == [("a", Rule.NO_CARD_DATA)]
    named = card(cardholder_name="Ada 4111, 1111, later 1111 1111")
    assert faults(lambda validator: validator.must_not_contain_card(named, {})) == [
        ("card.cardholder_name", Rule.NO_CARD_DATA)
    ]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("", []),
        ("de", []),
        ("zh-Hant-TW", []),
        ("d", [Rule.LANGUAGE]),
        ("abcdefghi", [Rule.LANGUAGE]),
        ("de_DE", [Rule.LANGUAGE]),
        ("abcdefgh-" * 3 + "abcdefgh", []),
        ("abcdefgh_" * 3 + "abcdefgh", [Rule.LANGUAGE]),
        ("abcdefgh-" * 3 + "abcdefghi", [Rule.MAX_CHARACTERS]),
    ],
)
def test_a_language_is_a_tag_of_at_most_35_characters(language: str, told: list[Rule]) -> None:
    assert [rule for _, rule in faults(lambda validator: validator.language("a", language))] == told
    assert Validator().language("a", language) == language


@pytest.mark.parametrize(
    ("email", "is_one"),
    [
        ("", True),
        ("ada@shop.example", True),
        ("ada@a.b.example", True),
        ("ada", False),
        ("ada@localhost", False),
        ("@shop.example", False),
        ("a@b@c.example", False),
        ("a b@c.example", False),
        ("ada@shop.", False),
    ],
)
def test_an_email_has_a_name_and_a_domain(email: str, is_one: bool) -> None:
    assert faults(lambda validator: validator.email("a", email)) == ([] if is_one else [("a", Rule.EMAIL)])
    assert Validator().email("a", email) == email


def test_an_email_is_no_card_number() -> None:
    assert faults(lambda validator: validator.email("a", f"{VISA}@shop.example")) == [("a", Rule.NO_CARD_DATA)]


# Amounts


@pytest.mark.parametrize(
    ("code", "largest", "told"),
    [
        ("USD", 999_999_999_999, "999999999999 (USD 9,999,999,999.99)"),
        ("JPY", 9_999_999_999, "9999999999 (JPY 9,999,999,999)"),
        ("KWD", 9_999_999_999_999, "9999999999999 (KWD 9,999,999,999.999)"),
    ],
)
def test_an_amount_is_from_one_to_ten_digits_before_the_point(code: str, largest: int, told: str) -> None:
    def check(minor_units: int) -> Check:
        return lambda validator: validator.money("amount", RawMoney(minor_units, code), frozenset({code}))

    for good in (1, largest):
        assert Validator().money("amount", RawMoney(good, code), frozenset({code})) == Money(good, code)
        assert whole_faults(check(good)) == ()
    assert largest_amount(code) == Money(largest, code)
    assert whole_faults(check(largest + 1)) == (FieldViolation("amount.minor_units", Rule.AT_MOST, told),)
    assert faults(check(0)) == [("amount.minor_units", Rule.POSITIVE)]
    assert Validator().money("amount", RawMoney(largest + 1, code), frozenset({code})) is None
    assert Validator().money("amount", RawMoney(0, code), frozenset({code})) is None
    assert largest <= MAX_MINOR_UNITS == 9_999_999_999_999


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (None, [FieldViolation("amount", Rule.REQUIRED)]),
        (RawMoney(1, ""), [FieldViolation("amount.currency_code", Rule.REQUIRED)]),
        (RawMoney(1, "usd"), [FieldViolation("amount.currency_code", Rule.CURRENCY)]),
        (RawMoney(1, "EUR"), [FieldViolation("amount.currency_code", Rule.CURRENCY_ACCEPTED, "JPY, USD")]),
        (
            RawMoney(0, "EUR"),
            [
                FieldViolation("amount.currency_code", Rule.CURRENCY_ACCEPTED, "JPY, USD"),
                FieldViolation("amount.minor_units", Rule.POSITIVE),
            ],
        ),
        (RawMoney(10**13, ""), [FieldViolation("amount.currency_code", Rule.REQUIRED)]),
    ],
)
def test_an_amount_has_a_currency_that_is_taken(raw: RawMoney | None, told: list[FieldViolation]) -> None:
    assert list(whole_faults(lambda validator: validator.money("amount", raw, USD_AND_JPY))) == told


# Cards


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("", [("card.number", Rule.REQUIRED)]),
        (" - ", [("card.number", Rule.REQUIRED)]),
        ("50180000000", [("card.number", Rule.CARD_NUMBER_LENGTH)]),
        ("501800000009", []),
        ("6799990100000000019", []),
        ("67999901000000000190", [("card.number", Rule.CARD_NUMBER_LENGTH)]),
        ("4111 1111-1111 1111", []),
        ("4111.1111.1111.1111", [("card.number", Rule.CARD_NUMBER_LENGTH)]),
        ("٤" + "1" * 15, [("card.number", Rule.CARD_NUMBER_LENGTH)]),
        ("4111111111111112", [("card.number", Rule.CARD_NUMBER)]),
    ],
)
def test_a_card_number_has_twelve_to_nineteen_digits(number: str, told: list[tuple[str, Rule]]) -> None:
    assert card_faults(number=number) == told


@pytest.mark.parametrize(
    ("number", "cvv", "digits"),
    [
        (VISA, "", 0),
        (VISA, "123", 0),
        (VISA, "1234", 3),
        (VISA, "12", 3),
        (VISA, "12x", 3),
        (VISA, "١٢٣", 3),
        ("378282246310005", "1234", 0),
        ("341111111111111", "1234", 0),
        ("378282246310005", "123", 4),
        ("36259600000004", "1234", 3),
        ("3530111333300000", "123", 0),
    ],
)
def test_a_cvv_has_three_digits_and_four_on_american_express(number: str, cvv: str, digits: int) -> None:
    told = whole_faults(lambda validator: validator.card("card", card(number=number, cvv=cvv), TODAY, accepts=True))
    assert told == ((FieldViolation("card.cvv", Rule.CVV, str(digits)),) if digits else ())


@pytest.mark.parametrize(
    ("month", "year", "told"),
    [
        (5, 2026, []),
        (4, 2026, [("card.expiration_year", Rule.NOT_PAST)]),
        (1, 2026, [("card.expiration_year", Rule.NOT_PAST)]),
        (12, 2025, [("card.expiration_year", Rule.NOT_PAST)]),
        (1, 2046, []),
        (12, 2046, []),
        (1, 2047, [("card.expiration_year", Rule.YEAR)]),
        (1, 999, [("card.expiration_year", Rule.YEAR)]),
        (1, 1000, [("card.expiration_year", Rule.NOT_PAST)]),
        (0, 2030, [("card.expiration_month", Rule.MONTH)]),
        (13, 2030, [("card.expiration_month", Rule.MONTH)]),
        (13, 99, [("card.expiration_month", Rule.MONTH), ("card.expiration_year", Rule.YEAR)]),
    ],
)
def test_a_card_expires_from_this_month_to_the_end_of_twenty_years(
    month: int, year: int, told: list[tuple[str, Rule]]
) -> None:
    assert card_faults(expiration_month=month, expiration_year=year) == told
    found = Validator().card("card", card(expiration_month=month, expiration_year=year), TODAY, accepts=True)
    assert (found is None) is bool(told)


def test_the_year_of_an_expiry_is_reported_with_the_last_one() -> None:
    (fault,) = whole_faults(lambda validator: validator.expiry("", 1, 2047, TODAY))
    assert fault == FieldViolation("expiration_year", Rule.YEAR, "2046")
    late = date(9995, 1, 1)
    assert Validator().expiry("", 1, 9999, late) == CardExpiry(9999, 1)
    assert faults(lambda validator: validator.expiry("", 1, 10_000, late)) == [("expiration_year", Rule.YEAR)]


def test_a_card_is_handed_on_without_spaces() -> None:
    raw = card(number="4111 1111-1111 1111", cardholder_name="Ada")
    assert Validator().card("card", raw, TODAY, accepts=True) == Card(VISA, CardExpiry(2026, 5), "123", "Ada")
    assert raw.last_four == "1111"
    assert card(number="4111 1111 1111 1-2-3-4").last_four == "1234"
    assert bare_number("- 4 1-1") == "411"


def test_where_no_cards_are_taken_nothing_of_one_is_looked_at() -> None:
    refused = faults(lambda validator: validator.card("card", card(number="x", cvv="x"), TODAY, accepts=False))
    assert refused == [("card", Rule.NO_CARDS)]
    assert Validator().card("card", card(), TODAY, accepts=False) is None


def test_a_card_shows_nothing_of_itself() -> None:
    shown = repr(card(cardholder_name="Ada"))
    assert not any(secret in shown for secret in (VISA, "123", "2026", "Ada", "5"))


def test_code_and_name_of_a_card_need_not_be_given() -> None:
    raw = RawCard(VISA, 5, 2026)
    assert (raw.cvv, raw.cardholder_name) == ("", "")
