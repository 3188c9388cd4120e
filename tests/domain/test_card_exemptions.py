"""The exemptions of the card detector, each rule tried on both sides."""

from __future__ import annotations

import hashlib
import uuid

import pytest

from domain.card_detector import find_card_numbers, looks_like_card
from domain.card_exemptions import is_date, is_numbered_otherwise, without_exempted
from domain.card_issuers import is_card_number
from tests.domain.corpus.cards import grouped
from tests.domain.corpus.others import gs1
from tests.domain.test_card_boundaries import VISA, card, wrong


@pytest.mark.parametrize("length", range(20, 36))
def test_a_parcel_number_is_recognized_by_its_length_and_its_check_digit(length: int) -> None:
    body = VISA.ljust(length - 1, "8")
    assert looks_like_card(gs1(body)) is (length not in (20, 22, 26, 30, 34))
    assert looks_like_card(wrong(gs1(body)))
    behind = next(
        number
        for number in (f"9{n:0>{length - 17}}{VISA}" for n in range(10))
        if gs1(number[:-1]) == number
    )  # fmt: skip
    assert looks_like_card(behind) is (length not in (20, 22, 26, 30, 34))


@pytest.mark.parametrize("article", ["4006381333931", "036000291452", "9783161484100", "00012345600012345675"])
def test_an_article_number_is_recognized_by_its_check_digit(article: str) -> None:
    assert is_numbered_otherwise(article)
    assert not is_numbered_otherwise(wrong(article))


@pytest.mark.parametrize(
    ("number", "is_order"),
    [
        ("2212312359590000", True),
        ("2212312359600000", False),
        ("2213312359590000", False),
        ("2212312459590000", False),
        ("2612310001234567", True),
        ("2612310009991234", True),
        ("2613310001234567", False),
        ("2602290001234567", False),
        ("2612310011234567", True),
        ("2612312500234567", False),
        ("1212312359590000", False),
        ("221231235959000", False),
        ("22123123595900000", False),
    ],
)
def test_an_order_begins_with_its_time(number: str, is_order: bool) -> None:
    assert is_numbered_otherwise(number) is is_order


def test_an_order_that_looks_like_a_mastercard_is_left_alone() -> None:
    order = card("230101101530", 16)
    assert is_card_number(order)
    assert not looks_like_card(order)
    assert looks_like_card(card("231301101530", 16))


@pytest.mark.parametrize(
    ("digits", "is_one"),
    [
        ("2000", False),
        ("2001", True),
        ("2039", True),
        ("2040", False),
        ("20261128", True),
        ("20261328", False),
        ("28112026", True),
        ("28132026", False),
        ("19991128", False),
        ("28111999", False),
        ("20280230", False),
        ("2026112", False),
        ("202611281", False),
        ("202", False),
    ],
)
def test_a_date_has_a_year_of_this_age(digits: str, is_one: bool) -> None:
    assert is_date(digits) is is_one


def test_groups_with_a_date_are_no_card_number() -> None:
    number = card("6222026110", 16)
    assert looks_like_card(f"{number[:2]}/{number[2:5]}/{number[5:]}")
    dated = card("62202611", 16)
    assert not looks_like_card(f"{dated[:2]}/{dated[2:6]}/{dated[6:]}")
    eight = card("6220261128", 17)
    assert not looks_like_card(f"{eight[:2]}/{eight[2:10]}/{eight[10:]}")


def test_the_order_numbers_of_the_largest_shop_are_no_card_numbers() -> None:
    number = card("4", 16)[:16]
    order = card("6220000000000000"[:16], 17)
    assert not looks_like_card(f"{order[:3]}-{order[3:10]}-{order[10:]}")
    assert looks_like_card(f"{order[:4]}-{order[4:10]}-{order[10:]}")
    assert looks_like_card(f"{number[:3]}-{number[3:9]}-{number[9:]}")


# UUIDs, digests and IBANs

LETTERED = "41111111-1111-1111-0000-00000000000a"


@pytest.mark.parametrize(
    ("text", "is_exempt"),
    [
        (LETTERED, True),
        (LETTERED.upper(), True),
        (f"op_{LETTERED}", True),
        (f"x{LETTERED}", False),
        (f"{LETTERED}0", False),
        ("41111111-1111-1111-0000-000000000000", False),
        ("41111111-1111-1111-0000-000000000000-a", False),
        (VISA + "0" * 12 + "abcd", True),
        (VISA + "0" * 12 + "ABCD", True),
        (VISA + "0" * 13 + "abc", False),
        (VISA + "0" * 11 + "abcd", False),
        (VISA + "0" * 108 + "abcd", True),
        (VISA + "0" * 109 + "abcd", False),
        (VISA + "0" * 12 + "abcdg", False),
        ("g" + VISA + "0" * 12 + "abcd", False),
        ("abcd" + "0" * 12 + VISA, True),
    ],
)
def test_a_uuid_or_a_digest_with_letters_is_left_alone(text: str, is_exempt: bool) -> None:
    assert (without_exempted(text) == text) is not is_exempt
    assert looks_like_card(text) is not is_exempt


def test_numbers_beside_a_digest_are_seen() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    assert find_card_numbers(f"{digest} {VISA} {digest}") == [(65, 81)]
    assert not looks_like_card(f"4111 1111 {uuid.UUID(int=2**127)} 1111 1111")


IBANS = [
    *("NO9386011117947", "BE68539007547034", "DK5000400440116243", "NL91ABNA0417164300", "MK07250120000058984"),
    *("AT611904300234573201", "CH9300762011623852957", "DE89370400440532013000", "GB29NWBK60161331926819"),
    *("AE070331234567890123456", "ES9121000418450200051332", "SE4550000000058398257466", "PT50000201231234567890154"),
    *("TR330006100519786457841326", "FR1420041010050500013M02606", "IT60X0542811101000000123456"),
    *("PL61109010140000071219812874", "HU42117730161111101800000000", "BR9700360305000010009795493P1"),
    *("UA213223130000026007233566001", "KW81CBKU0000000000001234560101", "MT84MALT011000012345MTLCAST001S"),
    *("LC55HEMM000100010012001200023015", "CZ6508000000192000145399", "KZ86125KZT5004100100"),
]


@pytest.mark.parametrize("iban", IBANS)
def test_an_iban_is_recognized_by_its_country_its_length_and_its_check_digits(iban: str) -> None:
    for spelling in (iban, grouped(iban, " ", (4,) * 8)):
        assert without_exempted(f"to {spelling}.") == f"to {'x' * len(spelling)}."
    for other in (f"{iban[:2]}{(int(iban[2:4]) + 1) % 100:02}{iban[4:]}", f"Q{iban[1:]}", f"x{iban}", f"{iban}x"):
        assert without_exempted(other) == other
    longer = f"{iban[:4]}0{iban[4:]}"
    valid = next(f"{longer[:2]}{n:02}{longer[4:]}" for n in range(2, 99) if _mod97(f"{longer[:2]}{n:02}{longer[4:]}"))
    assert without_exempted(valid) == valid


def _mod97(iban: str) -> bool:
    return int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97 == 1
