"""The limits of the detector's rules, each tried on both sides."""

from __future__ import annotations

import pytest

from domain.card_detector import find_card_numbers, holds_digits, looks_like_card, without_card_numbers
from domain.card_exemptions import is_numbered_otherwise
from domain.card_issuers import is_card_number, passes_luhn
from tests.domain.corpus.cards import check_digit, grouped

VISA = "4111111111111111"
AMEX = "378282246310005"
DINERS = "36259600000004"
MAESTRO_12 = "501800000009"
LONG_MAESTRO = "6799990100000000019"


def card(prefix: str, length: int) -> str:
    body = prefix.ljust(length - 1, "7")
    return body + check_digit(body)


def wrong(number: str) -> str:
    """The same with a wrong check digit."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


# A run of digits


@pytest.mark.parametrize("number", [MAESTRO_12, card("4", 13), DINERS, AMEX, VISA, card("62", 17), LONG_MAESTRO])
def test_a_run_is_a_card_number_or_is_not_by_its_check_digit(number: str) -> None:
    assert looks_like_card(number)
    assert looks_like_card(f"no. {number}!")
    assert not looks_like_card(wrong(number))


@pytest.mark.parametrize(
    ("prefix", "length", "is_card"),
    [
        ("4", 12, False),
        ("4", 14, False),
        ("50", 11, False),
        ("50", 12, True),
        ("50", 19, True),
        ("50", 20, False),
        ("50", 13, True),
        ("56", 15, True),
        ("55", 16, True),
        ("2221", 16, True),
        ("2220", 16, False),
        ("2720", 16, True),
        ("2721", 16, False),
        ("300", 14, True),
        ("306", 14, False),
        ("309", 15, False),
        ("38", 16, True),
        ("643", 16, False),
        ("644", 17, True),
        ("3527", 16, False),
        ("3590", 18, False),
        ("1", 15, False),
        ("1800", 15, True),
        ("2131", 15, True),
        ("2131", 16, False),
        ("384100", 16, True),
        ("384101", 16, True),
        ("2205", 16, True),
        ("2205", 17, False),
        ("9704", 19, True),
        ("9705", 19, False),
        ("7", 16, False),
    ],
)
def test_an_issuer_has_its_ranges_and_its_lengths(prefix: str, length: int, is_card: bool) -> None:
    assert is_card_number(card(prefix, length)) is is_card


@pytest.mark.parametrize("number", ["18", "26", "34", "42", "59", "67", "75", "83", "91", "0", "00", "125"])
def test_every_second_digit_counts_twice(number: str) -> None:
    assert passes_luhn(number)
    assert not passes_luhn(wrong(number))


def test_zeros_may_stand_in_front_of_fifteen_digits_and_more() -> None:
    assert looks_like_card("0" + VISA)
    assert looks_like_card("0" + AMEX)
    assert looks_like_card("000" + AMEX)
    assert not looks_like_card("00" + DINERS)
    assert not looks_like_card("0" + wrong(VISA))


@pytest.mark.parametrize("number", [AMEX, VISA, LONG_MAESTRO, card("2300", 16)])
@pytest.mark.parametrize(
    "expiry", ["1227", "0120", "2712", "2001", "122027", "0949", "1227123", "12271234", "122027123"]
)
def test_an_expiry_may_stand_behind_the_number(number: str, expiry: str) -> None:
    assert looks_like_card(number + expiry)
    assert not looks_like_card(wrong(number) + expiry)


@pytest.mark.parametrize("rest", ["1327", "0027", "1219", "1250", "12271", "122712", "122050", "121927", "12271234567"])
def test_other_digits_behind_a_number_are_no_expiry(rest: str) -> None:
    number = "6011000991300009"
    assert looks_like_card(number)
    assert not looks_like_card(number + rest)


def test_a_code_may_stand_behind_the_number() -> None:
    assert looks_like_card(card("6011", 16) + "777")
    assert looks_like_card(AMEX + "1234")
    assert not looks_like_card("6011000991300009" + "77")
    assert not looks_like_card("6011000991300009" + "7777")
    assert not looks_like_card(AMEX + "777")


@pytest.mark.parametrize("number", [VISA, "5555555555554444"])
def test_a_long_run_that_begins_with_a_visa_or_mastercard_is_found(number: str) -> None:
    assert looks_like_card(number + "99999")
    assert looks_like_card(number + "9999")
    assert not looks_like_card(number + "99")
    assert not looks_like_card(wrong(number) + "99999")
    assert not looks_like_card("6011000991300009" + "99999")


@pytest.mark.parametrize("number", [VISA, "5555555555554444", AMEX])
def test_a_long_run_that_ends_with_a_card_is_found(number: str) -> None:
    assert looks_like_card("99999" + number)
    assert looks_like_card("9" * (20 - len(number)) + number)
    assert not looks_like_card("9" * (19 - len(number)) + number)
    assert not looks_like_card("99999" + wrong(number))
    assert not looks_like_card("99999" + "6011000991300009")


# Groups


@pytest.mark.parametrize(
    ("sizes", "length"),
    [
        ((4, 4, 4, 4), 16),
        ((4, 6, 5), 15),
        ((4, 6, 4), 14),
        ((4, 4, 4, 4, 3), 19),
        ((4, 4, 4, 4, 2), 18),
        ((4, 4, 4, 4, 1), 17),
        ((4, 4, 4, 3), 15),
        ((4, 4, 4, 2), 14),
        ((4, 4, 4, 1), 13),
        ((4, 4, 4), 12),
        ((4, 4, 5), 13),
        ((4, 5, 6), 15),
        ((4, 3, 3, 3), 13),
        ((5, 5, 5), 15),
        ((6, 6, 4), 16),
        ((6, 4, 6), 16),
        ((4, 6, 6), 16),
        ((6, 6, 6), 18),
        ((6, 6, 7), 19),
        ((6, 13), 19),
        ((6, 10), 16),
        ((6, 9), 15),
        ((4, 12), 16),
        ((12, 4), 16),
        ((8, 8), 16),
        ((8, 4, 4), 16),
        ((8, 11), 19),
        ((10, 6), 16),
    ],
)
def test_a_grouping_of_cards_is_found_beside_other_digits(sizes: tuple[int, ...], length: int) -> None:
    number = card("5018", length)
    # By chance it may be an article, too.
    number = number if not is_numbered_otherwise(number) else card("5612", length)
    text = grouped(number, " ", sizes)
    assert find_card_numbers(f"7 {text}") == [(2, 2 + len(text))]


@pytest.mark.parametrize("sizes", [(14, 2), (2, 14), (7, 9), (9, 7), (3, 13), (11, 5), (5, 11), (1, 15)])
def test_any_other_grouping_is_found_only_where_it_stands_alone(sizes: tuple[int, ...]) -> None:
    text = grouped(card("62", 16), " ", sizes)
    assert looks_like_card(text)
    assert looks_like_card(f"7 - {text} / 7")
    assert not looks_like_card(f"7 {text} 7")


def test_other_groups_hold_fourteen_digits_and_more() -> None:
    for length, is_found in ((13, False), (14, True)):
        number = card("56", length)
        assert looks_like_card(number)
        assert looks_like_card(grouped(number, " ", (2, 3, 9))) is is_found


def test_groups_of_up_to_three_digits_may_have_anything_between_them() -> None:
    for size in (1, 2, 3):
        mixed = grouped(card("62", 18), " ", (size,) * 18).replace(" ", "-", 2)
        assert looks_like_card(mixed)
        assert not looks_like_card(mixed.replace(" ", " and ", 1))
    assert not looks_like_card("37-828 224-631 000-5")
    seven = card("50", 14)
    assert looks_like_card(f"{seven[:7]} {seven[7:]}")
    assert not looks_like_card(f"7777777 {seven[:7]} - {seven[7:]} - 7777777")


def test_digits_are_together_up_to_a_gap_of_twenty_four() -> None:
    for width, is_found in ((24, True), (25, False)):
        assert looks_like_card(f"41111111{'.' * width}11111111") is is_found


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("4111x1111x1111x1111", True),
        ("4111 x 1111 x 1111 x 1111", True),
        ("4111xx1111xx1111xx1111", False),
        ("4111x1111y1111x1111", False),
        ("4111x1111 1111 1111", False),
        ("4111-1111.1111/1111", True),
        ("4111   1111\t1111\n1111", True),
        ("37x8282246310005", False),
        ("37 828 2246 310 005", True),
        ("37-828 2246 310 005", False),
        ("37 \t828  2246\n310 005", True),
        ("37 -828- 2246 -310- 005", True),
    ],
)
def test_separators_between_digit_groups_count_for_or_against_a_card(text: str, is_found: bool) -> None:
    assert looks_like_card(text) is is_found


# Telephone numbers and fractions


@pytest.mark.parametrize("number", [MAESTRO_12, card("4", 13)])
def test_up_to_thirteen_digits_are_a_telephone_number_behind_a_plus(number: str) -> None:
    for text in (number, grouped(number, " ", (4, 4, 4)), " ".join(number)):
        assert looks_like_card(text)
        assert not looks_like_card(f"+{text}")
        assert not looks_like_card(f"+({text}")
        assert looks_like_card(f"-({text}")
        assert not looks_like_card(text, is_phone=True)


def test_fourteen_digits_are_a_card_number_behind_a_plus() -> None:
    for text in (DINERS, grouped(DINERS, " ", (4, 6, 4)), " ".join(DINERS)):
        assert looks_like_card(f"+{text}")
        assert looks_like_card(text, is_phone=True)


@pytest.mark.parametrize(
    ("front", "is_found"), [("0.", False), (" 0.", False), ("-0.", False), ("10.", True), ("0,", True), ("1.", True)]
)
def test_the_fraction_of_a_number_is_no_card(front: str, is_found: bool) -> None:
    assert looks_like_card(f"{front}{VISA}") is is_found


# Digits in other shapes, and where they stood


@pytest.mark.parametrize("digit", ["\u2460", "\u2776", "\u24f5", "\u00b9", "\uff11", "\u0967", "\u4e00", "\U0001d7f7"])
def test_digits_of_any_shape_are_digits(digit: str) -> None:
    assert looks_like_card(f"4{digit * 15}")
    assert not looks_like_card(f"4{digit * 14}")


def test_twelve_digits_of_another_script_are_enough() -> None:
    full_width = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
    assert looks_like_card(MAESTRO_12.translate(full_width))
    assert not looks_like_card(wrong(MAESTRO_12).translate(full_width))


@pytest.mark.parametrize(
    "unseen", ["\u0301", "\u20dd", "\u0903", "\u200b", "\ue000", "\ud800", "\u0378", "\u115f", "\uffa0"]
)
def test_invisible_characters_do_not_separate_digits(unseen: str) -> None:
    assert find_card_numbers(f"x{unseen.join(VISA)}y") == [(1, 32)]


def test_zeros_and_all_other_digits_are_read_in_chinese() -> None:
    for zero in "〇零":
        chinese = str.maketrans("0123456789", f"{zero}一二三四五六七八九")
        for number in (VISA, AMEX, "4012888888881881", "30569309025904", "5105105105105100"):
            assert looks_like_card(number.translate(chinese))
            assert not looks_like_card(wrong(number).translate(chinese))


@pytest.mark.parametrize(("separator", "plain"), [("\u2014", "-"), ("\u2212", "-"), ("\u2003", " "), ("\u2028", " ")])
def test_dashes_and_spaces_of_any_kind_part_groups(separator: str, plain: str) -> None:
    text = grouped(AMEX, separator, (2, 3, 4, 6))
    assert find_card_numbers(f"é {text} é") == [(2, 20)]
    assert looks_like_card(text.replace(separator, plain, 1))
    assert not looks_like_card(text.replace(separator, "/", 1))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        (f"é{VISA}é", [(1, 17)]),
        ("&#52;" + VISA[1:] + "!", [(0, 20)]),
        ("%34%31" + VISA[2:] + "!", [(0, 20)]),
        ("\\u0034" + VISA[1:] + "!", [(0, 21)]),
        ("x<b>4111</b>111111111111y", [(4, 24)]),
        (f"{VISA} <i>", [(0, 16)]),
        (f"<i>{VISA}", [(3, 19)]),
        (f"{VISA}, {AMEX}", [(0, 16), (18, 33)]),
        ("4111 1111 1111 1111", [(0, 19)]),
        ("4111<b>111111111111", [(0, 19)]),
        ("\\uff14" + VISA[1:] + "!", [(0, 21)]),
        ("x", []),
    ],
)
def test_a_number_is_found_where_it_stands(text: str, spans: list[tuple[int, int]]) -> None:
    assert find_card_numbers(text) == spans


def test_overlapping_findings_are_one() -> None:
    # Its first four groups are a card number, and all five are one.
    number = next(n for n in (f"6200000000000{at:05}" for at in range(10**5)) if passes_luhn(n) and passes_luhn(n[:16]))
    text = grouped(number, " ", (4, 4, 4, 4, 2))
    assert find_card_numbers(f"{text}!") == [(0, len(text))]
    assert find_card_numbers(f"{VISA}, {text}") == [(0, 16), (18, 18 + len(text))]
    assert without_card_numbers(f"a {text}, {VISA}", "-") == "a -, -"


def test_a_finding_within_another_is_none_of_its_own() -> None:
    within = "501800000009"
    number = next(n for n in (f"6200{within}{at:03}" for at in range(1000)) if passes_luhn(n))
    text = grouped(number, " ", (4, 4, 4, 4, 3))
    assert looks_like_card(f"and {text[5:19]} and")
    assert find_card_numbers(f"{VISA}, {text}") == [(0, 16), (18, 18 + len(text))]


# The digits of one number


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        (VISA, True),
        ("4 then 1 1 1 and 1111, later 1111 and 1111", True),
        (f"9{VISA}9", True),
        ("&#52;" + VISA[1:], True),
        ("\u0664" + "\u0661" * 15, True),
        ("4111 1111 1111", False),
        ("é 1", False),
        ("é 1111 4111 1111 1112", False),
        ("", False),
    ],
)
def test_one_number_is_found_whatever_stands_between_its_digits(text: str, is_held: bool) -> None:
    assert holds_digits(text, "4111-1111 1111-1111") is is_held


def test_a_number_of_less_than_twelve_digits_is_in_no_text() -> None:
    assert holds_digits("no. 411111111111", "411111111111")
    assert not holds_digits("no. 41111111111 1", "41111111111")
    assert not holds_digits(VISA, "")
