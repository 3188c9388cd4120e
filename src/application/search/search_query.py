"""Reads a search query: each of its words becomes the set of terms that it can stand for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from application.search.amount_input import currency_in, read_amount
from application.search.normal_form import name_word, normalised, plain_decimal, without_marks, words_of
from application.search.search_terms import Term, TermKind, entry_value
from domain.money import Money

MAX_WORDS: Final = 12
# A quoted text after "name:" or on its own, or a word.
_WORD: Final = re.compile(r'(?:[^\s":]+:)?"[^"]*"|\S+')
_QUALIFIED: Final = re.compile(r'(?P<key>[^\s":=]+)[:=](?P<value>.+)', re.DOTALL)
_LAST_FOUR: Final = re.compile(r"(?:[*x.•#-]*[ ]?)(\d{4})")
_ISO_DAY: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_DAY_LAST: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True, slots=True)
class Clause:
    """One word of the query, as it was written, and the terms that it can stand for. One of them must match."""

    written: str
    terms: frozenset[Term]

    @property
    def indexed(self) -> frozenset[Term]:
        return frozenset(term for term in self.terms if term.is_indexed)

    @property
    def days(self) -> frozenset[Term]:
        return frozenset(term for term in self.terms if term.kind is TermKind.DAY)


@dataclass(frozen=True, slots=True)
class Query:
    """Clauses that must all match, and the texts that may be an id or a whole reference."""

    clauses: tuple[Clause, ...]
    lookups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    end: datetime


def period_of(day: Term) -> Period:
    """The day or month that a term of the kind DAY names, in UTC."""
    year, month, *rest = map(int, day.value.split("-"))
    first = date(year, month, rest[0] if rest else 1)
    after = first + timedelta(days=1) if rest else date(year + month // 12, month % 12 + 1, 1)
    return Period(datetime.combine(first, time(), UTC), datetime.combine(after, time(), UTC))


def read_query(text: str) -> Query:
    """Words are separated by spaces; quotation marks keep a text together. KEY:VALUE names the field, or a key of the
    metadata.
    """
    folded = normalised(text)
    written = _WORD.findall(folded)
    whole = frozenset(_terms_of_phrase(folded)) if len(written) > 1 else frozenset[Term]()
    # Marks between words, such as "&", are no part of a name.
    places = [place for place, word in enumerate(written) if name_word(word)] or range(len(written))
    read = [clause for place in places for clause in _clauses(written, place)]
    clauses = tuple(Clause(one.written, one.terms | whole) for one in read)
    raw = text.split()
    values = [_unquoted(one["value"]) for one in map(_QUALIFIED.fullmatch, raw) if one]
    return Query(clauses, tuple(dict.fromkeys([text.strip(), *raw, *map(without_marks, raw), *values])))


def joined(*queries: Query) -> Query:
    """The query that asks for everything that each of them asks for."""
    return Query(
        tuple(clause for query in queries for clause in query.clauses),
        tuple(dict.fromkeys(text for query in queries for text in query.lookups)),
    )


def name_query(text: str) -> Query:
    words = [name_word(word) for word in words_of(text)]
    return Query(tuple(Clause(word, frozenset({Term(TermKind.NAME, word)})) for word in words if word), ())


def exact_query(text: str, *kinds: TermKind) -> Query:
    """One text that must be there as a whole."""
    value = normalised(text)
    return Query((Clause(value, frozenset(Term(kind, value) for kind in kinds)),), (text,))


def metadata_query(entries: Mapping[str, str]) -> Query:
    found = (Term(TermKind.METADATA_ENTRY, entry_value(key, value)) for key, value in sorted(entries.items()))
    return Query(tuple(Clause(term.value, frozenset({term})) for term in found), ())


def amount_query(amount: Money) -> Query:
    terms = (
        Term(TermKind.AMOUNT, plain_decimal(Decimal(amount.to_decimal()))),
        Term(TermKind.CURRENCY, amount.currency_code),
    )
    return Query(tuple(Clause(term.value, frozenset({term})) for term in terms), ())


def _clauses(written: Sequence[str], place: int) -> Iterator[Clause]:
    """The clauses of one word: several for a quoted text with spaces, and for an amount with its currency."""
    word = written[place]
    beside = [written[one] for one in (place - 1, place + 1) if 0 <= one < len(written)]
    code = _CURRENCIES.get(word, currency_in(word))
    if (code or word in _CURRENCIES) and any(read_amount(one)[0] for one in beside):
        if code:
            yield Clause(word, frozenset({Term(TermKind.CURRENCY, code), *_readings(word)}))
        return
    qualified = _QUALIFIED.fullmatch(word)
    text = _unquoted(qualified["value"] if qualified else word)
    if " " in text:
        yield from _of_quoted(word, qualified["key"] if qualified else "", text)
        return
    terms = frozenset(_terms_of_word(word))
    yield Clause(word, terms)
    currency = read_amount(text)[1]
    if currency:
        others = frozenset(term for term in terms if term.kind is not TermKind.AMOUNT)
        yield Clause(word, others | {Term(TermKind.CURRENCY, currency)})


def _of_quoted(written: str, key: str, text: str) -> Iterator[Clause]:
    """A text with spaces: a whole reference or entry of the metadata; or a name, each of whose words must be there."""
    phrase = frozenset(_terms_of_phrase(f"{key}:{text}" if key else text))
    if key:
        phrase |= {term for kind in _PHRASES.get(key, ()) for term in [Term(kind, text)]}
    parts = text.split()
    if key in ("", "amount") and len(parts) == 2 and any(read_amount(part)[0] for part in parts):
        for place in range(2):
            yield from (Clause(written, one.terms | phrase) for one in _clauses(parts, place))
        return
    words = [name_word(word) for word in words_of(text)] if key in ("", "name") else []
    if not any(words):
        yield Clause(written, phrase)
    for word in filter(None, words):
        yield Clause(written, phrase | {Term(TermKind.NAME, word)})


def _terms_of_word(written: str) -> Iterator[Term]:
    """Every reading of a normalised word. Text that only looks like KEY:VALUE is text as well."""
    yield from _readings(_unquoted(written))
    qualified = _QUALIFIED.fullmatch(written)
    if qualified:
        key, value = qualified["key"], _unquoted(qualified["value"])
        yield Term(TermKind.METADATA_ENTRY, entry_value(key.removeprefix("metadata."), value))
        read = _QUALIFIERS.get(key.replace("-", "_"))
        if read is not None:
            yield from read(value)


def _terms_of_phrase(folded: str) -> Iterator[Term]:
    for kind in _WHOLE_TEXTS:
        yield Term(kind, folded)
    qualified = _QUALIFIED.fullmatch(folded)
    if qualified:
        yield Term(TermKind.METADATA_ENTRY, entry_value(qualified["key"].removeprefix("metadata."), qualified["value"]))


def _readings(word: str) -> Iterator[Term]:
    bare = without_marks(word)
    for text in dict.fromkeys((word, bare)):
        for kind in _ANY_TEXT:
            yield Term(kind, text)
    yield from _names(word)
    yield from _last_four(word)
    yield from _amount(word)
    yield from _days(word)


def _names(text: str) -> Iterator[Term]:
    """A single word: each word of a longer name needs a clause of its own."""
    word = name_word(text)
    if word and " " not in text:
        yield Term(TermKind.NAME, word)


def _last_four(text: str) -> Iterator[Term]:
    digits = _LAST_FOUR.fullmatch(text)
    if digits:
        yield Term(TermKind.LAST_FOUR, digits[1])


def _amount(text: str) -> Iterator[Term]:
    for value in read_amount(text)[0]:
        yield Term(TermKind.AMOUNT, value)


def _days(text: str) -> Iterator[Term]:
    for value in _dates(text):
        yield Term(TermKind.DAY, value)


def _dates(text: str) -> Iterator[str]:
    if found := _ISO_DAY.fullmatch(text):
        yield from _date(found[1], found[2], found[3])
    elif found := _DAY_LAST.fullmatch(text):
        yield from _date(found[4], found[3], found[1])
        # With slashes, some write the month first.
        if found[2] == "/" and found[1] != found[3]:
            yield from _date(found[4], found[1], found[3])
    elif (found := _MONTH.fullmatch(text)) and 1 <= int(found[2]) <= 12 and 1000 <= int(found[1]) < 9999:
        yield text


def _date(year: str, month: str, day: str) -> Iterator[str]:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return
    if found < date.max:
        yield f"{found:%Y-%m-%d}"


def _of(*kinds: TermKind) -> Callable[[str], Iterator[Term]]:
    return lambda value: (Term(kind, value) for kind in kinds)


def _unquoted(text: str) -> str:
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == '"' else text


# Texts that are found as a whole, with the spaces that they may have.
_WHOLE_TEXTS: Final = (
    TermKind.REFERENCE,
    TermKind.EMAIL,
    TermKind.EXTERNAL_ID,
    TermKind.METADATA_VALUE,
    TermKind.NETWORK_ID,
    TermKind.REPORTED_TRANSACTION_ID,
    TermKind.TRANSACTION_ID,
    TermKind.ID,
)
_ANY_TEXT: Final = (*_WHOLE_TEXTS, TermKind.REFERENCE_PART, TermKind.EMAIL_NAME, TermKind.METADATA_WORD)
_PHRASES: Final[Mapping[str, Sequence[TermKind]]] = {
    "reference": (TermKind.REFERENCE,),
    "customer": (TermKind.EXTERNAL_ID,),
    "metadata": (TermKind.METADATA_VALUE,),
}
# Signs of currencies beside an amount. Several currencies share most of them.
_CURRENCIES: Final = {"rp": "IDR", "$": "", "€": "EUR", "£": "GBP", "¥": "", "₹": "INR"}
_QUALIFIERS: Final[Mapping[str, Callable[[str], Iterator[Term]]]] = {
    "name": _names,
    "email": _of(TermKind.EMAIL, TermKind.EMAIL_NAME),
    "reference": _of(TermKind.REFERENCE, TermKind.REFERENCE_PART),
    "amount": _amount,
    "last_four": _last_four,
    "card": _last_four,
    "day": _days,
    "date": _days,
    "id": _of(TermKind.ID, TermKind.TRANSACTION_ID, TermKind.REPORTED_TRANSACTION_ID, TermKind.EXTERNAL_ID),
    "transaction": _of(TermKind.TRANSACTION_ID, TermKind.REPORTED_TRANSACTION_ID),
    "network": _of(TermKind.NETWORK_ID),
    "customer": _of(TermKind.ID, TermKind.EXTERNAL_ID),
    "metadata": _of(TermKind.METADATA_WORD, TermKind.METADATA_VALUE),
}
