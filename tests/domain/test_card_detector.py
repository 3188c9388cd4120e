"""One detector finds card numbers everywhere; it is judged by the numbers that it misses and those it wrongly finds."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from domain.card_detector import find_card_numbers, looks_like_card, without_card_numbers
from domain.card_issuers import ISSUERS, Issuer, is_card_number
from tests.domain.corpus import others
from tests.domain.corpus.cards import SCHEMES, SPELLINGS, check_digit, numbers

_PAGE: Final = Path(__file__).parents[2] / "docs" / "operate" / "security.md"
_EACH: Final = 1000
# A 12-digit tracking number and the like: nothing but chance tells it from a card.
_MOST_WRONG: Final = 0.005


@cache
def missed(spelling: str) -> tuple[str, ...]:
    return tuple(number for number in numbers() if not looks_like_card(SPELLINGS[spelling](number)))


@cache
def wrong(kind: str) -> tuple[str, ...]:
    return tuple(text for text in others.some(others.KINDS[kind], _EACH) if looks_like_card(text))


def is_an_article(number: str) -> bool:
    """Whether it is as good an EAN or UPC."""
    return len(number) in (12, 13) and others.gs1(number[:-1]) == number


def chance(length: int, count: int = 20_000) -> float:
    """Which share of random numbers looks like a card: nothing can tell these."""
    made = others.some(lambda: others.digits(1).replace("0", "7") + others.digits(length - 1), count)
    return sum(map(looks_like_card, made)) / count


def table() -> str:
    """The rates in docs/operate/security.md."""
    written = sum(len(list(numbers())) for _ in SPELLINGS)
    unseen = sum(len(missed(spelling)) for spelling in SPELLINGS)
    rows = [
        f"| {len(list(numbers()))} numbers of {len(SCHEMES)} schemes in {len(SPELLINGS)} spellings: missed "
        f"| {unseen} of {written:,} |"
    ]
    rows += [f"| {kind}: wrongly found | {len(wrong(kind))} of {_EACH:,} |" for kind in others.KINDS]
    rows += [f"| random numbers of {length} digits: found | {chance(length):.1%} |" for length in (11, 12, 13, 16, 19)]
    return "\n".join(["| Texts | |", "|---|---|", *rows])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_card_number_is_found_in_every_spelling(spelling: str) -> None:
    assert [number for number in missed(spelling) if not is_an_article(number)] == []


def test_only_the_lengths_that_no_scheme_issues_any_more_give_way_to_articles() -> None:
    articles = [number for number in numbers() if is_an_article(number)]
    assert 0 < len(articles) < 5
    assert {len(number) for number in articles} <= {12, 13}


@pytest.mark.parametrize("text", others.WELL_KNOWN)
def test_a_well_known_number_that_is_no_card_is_left_alone(text: str) -> None:
    assert not looks_like_card(text)


@pytest.mark.parametrize("kind", others.KINDS)
def test_numbers_of_other_kinds_are_hardly_ever_taken_for_cards(kind: str) -> None:
    assert len(wrong(kind)) <= _EACH * _MOST_WRONG, wrong(kind)[:5]


def test_a_telephone_field_takes_every_telephone_number() -> None:
    for make in (others.phone, others.bare_phone):
        assert [text for text in others.some(make, _EACH) if looks_like_card(text, is_phone=True)] == []


@pytest.mark.parametrize("text", ["4111111111111111", "+4111111111111111", "+3782 822463 10005", "٤١١١١١١١١١١١١١١١"])
def test_a_telephone_field_takes_no_card_number(text: str) -> None:
    assert looks_like_card(text, is_phone=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",
        "41111111111",
        "1234567890123456",
        "4111 then 1111 then 1111 then 1111",
        "4500-A-123456-B-78",
    ],
)
def test_text_without_a_card_number_is_unchanged(text: str) -> None:
    assert not looks_like_card(text)


def test_the_page_on_security_shows_the_measured_rates() -> None:
    shown = _PAGE.read_text().partition("<!-- measured -->\n")[2].partition("\n<!-- end -->")[0]
    assert shown == table(), f"docs/operate/security.md should show between its marks:\n{table()}"


@pytest.mark.parametrize("issuer", ISSUERS, ids=lambda issuer: issuer.scheme)
def test_each_range_counts_from_its_first_to_its_last_number(issuer: Issuer) -> None:
    for prefix in (min(issuer.prefixes), max(issuer.prefixes)):
        for length in issuer.lengths:
            body = prefix.ljust(length - 1, "7")
            assert is_card_number(body + check_digit(body))


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("paid with 4111 1111 1111 1111, ok", "paid with [removed], ok"),
        ("4111111111111111 and 378282246310005.", "[removed] and [removed]."),
        ("x" + "".join(chr(0xFF10 + int(digit)) for digit in "4111111111111111") + "y", "x[removed]y"),
        ("<b>4111</b><b>1111</b>11111111!", "<b>[removed]!"),
        ("nothing here", "nothing here"),
    ],
)
def test_exactly_the_number_is_taken_out(text: str, rest: str) -> None:
    assert without_card_numbers(text, "[removed]") == rest
    assert len(find_card_numbers(text)) == rest.count("[removed]")


@pytest.mark.parametrize(
    "piece",
    [
        "4",
        "4 ",
        "41 ",
        "4111 ",
        "<",
        "<4",
        "<>4",
        "&#",
        "&#52;",
        "%34",
        "12345678-",
        "DE89 ",
        "AB12",
        "4\u200b",
        "f4",
        "a-",
    ],
)
def test_the_time_is_linear_in_the_length(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        return min(_timed(lambda: find_card_numbers(text)) for _ in range(3))

    short, long = seconds(5_000), seconds(40_000)
    # Eight times as long. The rest is for a busy machine; a square would be 64 times.
    assert long < 24 * short + 0.05


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def test_a_text_without_enough_digits_costs_nothing_to_speak_of() -> None:
    assert not looks_like_card("x" * 1_000_000)
