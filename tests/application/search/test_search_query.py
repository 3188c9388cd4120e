"""Reading a query: the terms that each word can stand for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from application.search.amount_input import read_amount
from application.search.normal_form import normalised
from application.search.search_query import period_of, read_query
from application.search.search_terms import Term, TermKind


def terms(query: str, kind: TermKind) -> list[set[str]]:
    """The values of one kind, by clause."""
    return [{term.value for term in clause.terms if term.kind is kind} for clause in read_query(query).clauses]


@pytest.mark.parametrize(
    ("written", "readings", "currency"),
    [
        ("10", ["10"], ""),
        ("10.00", ["10"], ""),
        ("10,5", ["10.5"], ""),
        ("1,234.50", ["1234.5"], ""),
        ("1.234,50", ["1234.5"], ""),
        ("150.000", ["150000", "150"], ""),
        ("1.234.567", ["1234567"], ""),
        ("rp150.000", ["150000", "150"], ""),
        ("$10", ["10"], ""),
        ("10usd", ["10"], "USD"),
        ("eur9,99", ["9.99"], "EUR"),
        ("1'000", ["1000"], ""),
        ("10.", [], ""),
        ("order10", [], ""),
        ("10-20", [], ""),
        ("1,23,456", [], ""),
    ],
)
def test_an_amount_is_read_as_people_write_it(written: str, readings: list[str], currency: str) -> None:
    values, found = read_amount(written)
    assert (list(values), found if values else "") == (readings, currency)


def test_case_accents_and_spaces_make_no_difference() -> None:
    assert normalised("  ÉLODIE\tŞahin ") == "elodie sahin"
    assert normalised("\ufb01ne \uff21\uff22\uff23") == "fine abc"


def test_four_digits_are_a_card_an_amount_a_reference_or_metadata() -> None:
    (clause,) = read_query("4242").clauses
    kinds = {term.kind for term in clause.terms if term.value == "4242"}
    assert {TermKind.LAST_FOUR, TermKind.AMOUNT, TermKind.REFERENCE, TermKind.METADATA_WORD} <= kinds


def test_each_word_of_a_name_must_match_in_any_order() -> None:
    assert terms("Budi Santoso", TermKind.NAME) == [{"budi"}, {"santoso"}]
    assert terms('" Budi Santoso"', TermKind.REFERENCE)[0] == {"budi santoso"}
    assert terms('"Budi Santoso"', TermKind.NAME) == [{"budi"}, {"santoso"}]
    assert terms('name:"Budi Santoso"', TermKind.NAME) == [{"budi"}, {"santoso"}]


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("2026-11-03", {"2026-11-03"}),
        ("2026/11/3", {"2026-11-03"}),
        ("3.11.2026", {"2026-11-03"}),
        ("3/11/2026", {"2026-11-03", "2026-03-11"}),
        ("13/11/2026", {"2026-11-13"}),
        ("2026-11", {"2026-11"}),
        ("2026-13-01", set()),
        ("2026-02-30", set()),
        ("9999-12-31", set()),
    ],
)
def test_a_day_is_read_as_people_write_it(written: str, days: set[str]) -> None:
    assert terms(written, TermKind.DAY) == [days]


def test_a_month_ends_where_the_next_begins() -> None:
    period = period_of(Term(TermKind.DAY, "2026-12"))
    assert (period.start, period.end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def test_a_currency_beside_an_amount_narrows_it_down() -> None:
    assert terms("10.00 usd", TermKind.CURRENCY) == [set(), {"USD"}]
    assert terms("rp 150.000", TermKind.CURRENCY) == [{"IDR"}, set()]
    assert terms("usd", TermKind.CURRENCY) == [set()]


def test_key_and_value_name_an_entry_of_the_metadata_or_a_field() -> None:
    assert terms("order_no:A-77", TermKind.METADATA_ENTRY) == [{"order_no=a-77"}]
    assert terms("metadata.order_no=A-77", TermKind.METADATA_ENTRY) == [{"order_no=a-77"}]
    assert terms("email:Budi@Example.com", TermKind.EMAIL) == [{"budi@example.com", "email:budi@example.com"}]


def test_masked_digits_are_the_end_of_a_card() -> None:
    assert terms("****4242", TermKind.LAST_FOUR) == [{"4242"}]
