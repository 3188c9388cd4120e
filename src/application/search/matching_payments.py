"""The payments that match a search query, page by page: candidates from lookups and the index, each compared itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from application.common.caller import Caller, Scope
from application.common.pagination import Position
from application.ports.payment_filter import PaymentFilter
from application.ports.search import FoundPage
from application.ports.store import UnitOfWork
from application.search.search_query import Clause, Query, period_of
from application.search.search_terms import FoundIn, Term, TermKind, contents_of, terms_of
from domain import ids
from domain.customer import Customer
from domain.ids import CallerId, CustomerId, PaymentId
from domain.payment import Payment

# Payments that one id or reference finds at once. More with one reference are found by the index.
_MOST_EXACT: Final = 50
# Payments of a page that are read to be compared, where no index narrows them down.
_MOST_COMPARED: Final = 200
# Looks at the index for one page, until some payments match.
_MOST_LOOKS: Final = 5
# Days that are ambiguous, or may be a text as well, make a search of each combination.
_MOST_COMBINATIONS: Final = 16
# The places of exact hits in page tokens. No id begins so.
_EXACT: Final = "!"
_FIRST_OF_INDEX: Final = Position(datetime(9999, 12, 31, tzinfo=UTC), "")


@dataclass(frozen=True, slots=True)
class Match:
    """A word of the query, and a field that it was found in."""

    written: str
    found_in: FoundIn


@dataclass(frozen=True, slots=True)
class Hit:
    """A payment, and the reasons why it was found; none where only a filter was given."""

    payment: Payment
    matches: tuple[Match, ...]

    @property
    def position(self) -> Position:
        return Position(self.payment.create_time, self.payment.terms.payment_id)


@dataclass(frozen=True, slots=True)
class _Combination:
    """One reading of the query: terms for the index, and the period in which the payments were made."""

    clauses: tuple[frozenset[str], ...]
    which: PaymentFilter
    # Whether clauses remain that neither the index nor the period decides.
    is_compared: bool


_Source = Callable[[Position | None, int], FoundPage]


@dataclass(frozen=True, slots=True)
class MatchingPayments:
    work: UnitOfWork
    caller: Caller
    # The caller whose payments are searched. None: every caller's.
    reach: CallerId | None
    which: PaymentFilter
    query: Query

    def page(self, after: Position | None, size: int) -> tuple[list[Hit], Position | None]:
        """The next hits, and the position to continue from: None at the end."""
        exact = self._exact_hits()
        hits: list[Hit] = []
        if after is None or after.id.startswith(_EXACT):
            left = [hit for hit in exact if after is None or _order(_exact_position(hit)) < _order(after)]
            hits, after = left[:size], None
            if len(left) > size:
                return hits, _exact_position(hits[-1])
            if len(hits) == size:
                return hits, _FIRST_OF_INDEX
        known = {hit.payment.terms.payment_id for hit in exact}
        found, end = self._indexed_hits(after, size - len(hits), known)
        return hits + found, end

    def _exact_hits(self) -> list[Hit]:
        if not self.query.lookups:
            return []
        found = self.work.search.find_ids(self.reach, self.query.lookups, self.which, _MOST_EXACT)
        return sorted(self._hits_of(found), key=lambda hit: _order(hit.position), reverse=True)

    def _indexed_hits(
        self, after: Position | None, size: int, known: set[PaymentId]
    ) -> tuple[list[Hit], Position | None]:
        sources = list(self._sources())
        hits: list[Hit] = []
        for _ in range(_MOST_LOOKS):
            candidates, end = _merged([source(after, size + 1) for source in sources])
            new = [PaymentId(one.id) for one in candidates if one.id not in known]
            hits += sorted(self._hits_of(new), key=lambda hit: _order(hit.position), reverse=True)
            if len(hits) > size:
                return hits[:size], hits[size - 1].position
            if end is None or len(hits) == size:
                return hits, end
            after = end
        return hits, end

    def _hits_of(self, payment_ids: Sequence[PaymentId]) -> Iterator[Hit]:
        payments = self.work.payments.find(payment_ids) if payment_ids else []
        customers = self._customers_of(payments)
        for payment in payments:
            # The index gives the caller's own. A fault there shows nobody another's payment.
            if not self.caller.reaches(payment.terms.caller_id, payment.terms.customer_id):
                continue
            matches = _matches(self.query.clauses, payment, customers.get(payment.terms.customer_id))
            if matches is not None:
                yield Hit(payment, matches)

    def _customers_of(self, payments: Iterable[Payment]) -> dict[CustomerId | None, Customer | None]:
        """None for a credential that may not read customers: it must not learn their names by searching."""
        if not self.caller.may(Scope.CUSTOMERS_READ):
            return {}
        wanted = {payment.terms.customer_id for payment in payments}
        return {one: self.work.customers.get(one) for one in sorted(filter(None, wanted))}

    def _sources(self) -> Iterator[_Source]:
        if self.caller.customer_id is not None:
            # One customer's payments are few. The index would show how many others have the same terms.
            yield self._by_filter(self.which)
            return
        for text in self.query.lookups:
            if ids.is_id(text, ids.CUSTOMER) and self.which.customer_id in (None, text):
                yield self._by_filter(replace(self.which, customer_id=CustomerId(text)))
        for one in _combinations(self.query.clauses, self.which):
            yield self._by_index(one) if one.clauses else self._by_filter(one.which, is_narrow=not one.is_compared)

    def _by_index(self, one: _Combination) -> _Source:
        return lambda after, limit: self.work.search.page(self.reach, one.clauses, one.which, after=after, limit=limit)

    def _by_filter(self, which: PaymentFilter, *, is_narrow: bool = False) -> _Source:
        """is_narrow: whether every payment that meets the filter matches the query as well."""

        def source(after: Position | None, limit: int) -> FoundPage:
            most = limit if is_narrow else max(limit, _MOST_COMPARED)
            page = self.work.payments.page(self.reach, which, after=after, limit=most)
            found = [Position(payment.create_time, payment.terms.payment_id) for payment in page.payments]
            return FoundPage(found, page.go_on_after)

        return source


def _combinations(clauses: Sequence[Clause], which: PaymentFilter) -> Iterator[_Combination]:
    """Each way to read the clauses by the index and by periods. A clause with a currency is only compared."""
    narrowing = [clause for clause in clauses if not any(term.kind is TermKind.CURRENCY for term in clause.terms)]
    choices: list[list[frozenset[str] | Term]] = []
    for clause in narrowing:
        words = frozenset(str(term) for term in clause.indexed)
        choices.append([*([words] if words else []), *sorted(clause.days, key=str)])
    for chosen in itertools.islice(itertools.product(*choices), _MOST_COMBINATIONS):
        within: PaymentFilter | None = which
        for one in chosen:
            if isinstance(one, Term) and within is not None:
                within = _within(within, one)
        if within is not None:
            searched = tuple(dict.fromkeys(one for one in chosen if not isinstance(one, Term)))
            yield _Combination(searched, within, is_compared=len(narrowing) < len(clauses))


def _within(which: PaymentFilter, day: Term) -> PaymentFilter | None:
    """The filter within the day or month. None: they have no instant in common."""
    period = period_of(day)
    start = period.start if which.created_from is None else max(period.start, which.created_from)
    end = period.end if which.created_until is None else min(period.end, which.created_until)
    return replace(which, created_from=start, created_until=end) if start < end else None


def _merged(pages: Sequence[FoundPage]) -> tuple[list[Position], Position | None]:
    """The positions of all pages, newest first, as far as all of them go."""
    ends = [page.go_on_after for page in pages if page.go_on_after is not None]
    end = max(ends, key=_order, default=None)
    found = {one for page in pages for one in page.positions if end is None or _order(one) >= _order(end)}
    return sorted(found, key=_order, reverse=True), end


def _matches(clauses: Sequence[Clause], payment: Payment, customer: Customer | None) -> tuple[Match, ...] | None:
    """None: a clause has no match."""
    terms = terms_of(contents_of(payment, customer))
    found: list[Match] = []
    for clause in clauses:
        places = {place for term in clause.terms for place in terms.get(term, ())}
        if not places:
            return None
        ordered = sorted(places, key=lambda place: (place.field.value, place.metadata_key))
        found += [Match(clause.written, place) for place in ordered]
    return tuple(dict.fromkeys(found))


def _exact_position(hit: Hit) -> Position:
    return Position(hit.payment.create_time, _EXACT + hit.payment.terms.payment_id)


def _order(position: Position) -> tuple[datetime, str]:
    return position.time, position.id
