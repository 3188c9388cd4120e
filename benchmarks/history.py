"""The cost of reads with years of payments, against the cost with ten thousand."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

from adapters.persistence.migrate import upgrade
from adapters.persistence.sql.engine import Limits, create_engine
from adapters.persistence.store import SqlStore
from application.audit.audit_log import Audit
from application.common.caller import EVERY_SCOPE, Caller, Scope
from application.common.pagination import PageTokens
from application.customers.list_customers import ListCustomers
from application.events.read_feed import ReadFeed
from application.payment_methods.list_payment_methods import ListPaymentMethods
from application.payments.book_movements import BookMovements
from application.payments.export_movements import ExportMovements, ExportMovementsCommand
from application.payments.export_payments import ExportPayments
from application.payments.get_payment import GetPayment
from application.payments.list_payment_events import ListPaymentEvents
from application.payments.list_payments import ListPayments, RawPaymentFilter
from application.ports.feed import FeedFilter, FeedKind
from application.search.search_payments import RawSearch, SearchPayments
from application.statistics.summarize_payments import RawSummaryQuery, SummarizePayments
from benchmarks.environment import POSTGRESQL, SQLITE, Environment
from benchmarks.report import Line
from bootstrap.wiring.clock_and_ids import SystemClock, UlidSource
from domain.dispute import DisputeState
from domain.operation_log import Funds
from domain.payment_state import PaymentState
from tests import history_generator as long_history
from tests.encryption_keys import SEALER
from tests.history_generator import LATEST, MUSEUM, REGULAR, REGULAR_PAYMENTS, SHOP, WHOLESALER, LongHistory
from tests.search_history import EVERY_PAYMENTS_WORD, fill_index
from tests.statistics_history import fill_statistics

_BASE: Final = 10_000
# How many payments there are beside those: usually, and where the largest sizes are wanted.
_SIZES: Final = {POSTGRESQL: ((100_000,), (1_000_000, 10_000_000)), SQLITE: ((100_000,), (1_000_000,))}
_BYTES_A_PAYMENT: Final = 7_000
_CALLS: Final = 15
_TOKENS: Final = PageTokens(b"benchmark")
_SHOP: Final = Caller(SHOP)
_SHOP_STAFF: Final = Caller(SHOP, frozenset({Scope.PAYMENTS_READ, Scope.CUSTOMERS_READ}))
_ADMINISTRATOR: Final = Caller(SHOP, EVERY_SCOPE)
_ALL: Final = RawPaymentFilter()


@dataclass(frozen=True, slots=True)
class _Read:
    """The use cases over one database, as the servicers call them."""

    store: SqlStore
    history: LongHistory
    # Which answers, where the database is not in this process.
    database_process: int | None

    def cpu_seconds(self) -> float:
        """CPU seconds of this process and of its PostgreSQL backend."""
        used = time.process_time()
        if self.database_process:
            used += int(Path(f"/proc/{self.database_process}/schedstat").read_text().split()[0]) / 1e9
        return used

    @property
    def a_payment(self) -> str:
        # In the middle, and the shop's.
        return self.history.payment_id(self.history.count // REGULAR_PAYMENTS * (REGULAR_PAYMENTS // 2))

    def page(self, which: RawPaymentFilter = _ALL, caller: Caller = _SHOP) -> object:
        return ListPayments(self.store, _TOKENS)(which, caller)

    def page_in_the_middle(self, which: RawPaymentFilter = _ALL) -> object:
        return self.page(replace(which, created_until=self.history.time_of(self.history.count // 2)))

    def page_of_a_day(self, which: RawPaymentFilter = _ALL) -> object:
        end = self.history.time_of(self.history.count // 2)
        return self.page(replace(which, created_from=end - timedelta(days=1), created_until=end))

    def search(self, query: str, caller: Caller) -> object:
        audit = Audit(self.store, SystemClock(), UlidSource())
        return SearchPayments(self.store, _TOKENS, audit, b"benchmark")(RawSearch(query=query), caller)

    def summary(self, caller: Caller) -> object:
        start, end = (LATEST - timedelta(days=14)).date().isoformat(), LATEST.date().isoformat()
        return SummarizePayments(self.store, SystemClock())(RawSummaryQuery(start=start, end=end), caller)

    def feed(self, which: FeedFilter) -> object:
        return ReadFeed(self.store).after(self.history.count * 5, which, limit=50)


_Case = Callable[[_Read], object]


def _filters(*filters: RawPaymentFilter) -> list[_Case]:
    return [
        *(lambda read, which=which: read.page(which) for which in filters),
        *(lambda read, which=which: read.page_in_the_middle(which) for which in filters),
    ]


_DECLINED: Final = RawPaymentFilter(states=(PaymentState.DECLINED,))
_RARE_STATE: Final = RawPaymentFilter(states=(long_history.RARE_STATE,))
_RARE: Final = (
    RawPaymentFilter(brand=long_history.RARE_BRAND),
    RawPaymentFilter(currency_code=long_history.RARE_CURRENCY),
    RawPaymentFilter(min_minor_units=long_history.RARE_MINOR_UNITS),
    RawPaymentFilter(reference_contains=long_history.RARE_REFERENCE),
)
# Alone and together: words of one payment in a hundred, of three payments, of every payment and of none.
_QUERIES: Final = (
    long_history.USUAL_LAST_FOUR,
    long_history.RARE_LAST_FOUR,
    "49.90",
    f"49.90 {long_history.USUAL_LAST_FOUR}",
    f"{EVERY_PAYMENTS_WORD} {long_history.RARE_LAST_FOUR}",
    EVERY_PAYMENTS_WORD,
    "order-4321",
    "cart:order-4321",
    "4321",
    "nothing",
)


def _searches(caller: Caller) -> list[_Case]:
    def case(query: str) -> _Case:
        return lambda read: read.search(query, caller)

    return [case(query) for query in _QUERIES]


# Of each kind the case is told in which the many cost most.
_KINDS: Final[dict[str, list[_Case]]] = {
    "a page": [_Read.page, _Read.page_in_the_middle, lambda read: read.page(caller=Caller(MUSEUM))],
    "a customer's list": _filters(
        RawPaymentFilter(customer_id=REGULAR),
        RawPaymentFilter(customer_id=WHOLESALER),
        RawPaymentFilter(customer_id=f"cus_{9:026}"),
    ),
    "a filter with an index": _filters(
        _DECLINED,
        _RARE_STATE,
        RawPaymentFilter(states=(PaymentState.DECLINED, PaymentState.VOIDED)),
        RawPaymentFilter(reference="order-4321"),
        RawPaymentFilter(last_four=long_history.USUAL_LAST_FOUR),
        RawPaymentFilter(last_four=long_history.RARE_LAST_FOUR),
    ),
    "a filter by funds": _filters(
        *(RawPaymentFilter(funds=(place,)) for place in (Funds.HELD, Funds.CAPTURED, Funds.UNKNOWN, Funds.DISPUTED))
    ),
    "a filter by disputes": _filters(
        RawPaymentFilter(is_disputed=True),
        RawPaymentFilter(dispute_states=(DisputeState.OPEN,)),
        RawPaymentFilter(dispute_states=(DisputeState.LOST,)),
        RawPaymentFilter(is_disputed=True, brand=long_history.RARE_BRAND),
    ),
    "a filter without one": _filters(RawPaymentFilter(brand="Visa"), RawPaymentFilter(currency_code="EUR")),
    "a filter that nearly nothing meets": _filters(*_RARE),
    "several filters": [
        *_filters(
            *(replace(which, states=_DECLINED.states) for which in _RARE),
            replace(_DECLINED, customer_id=REGULAR),
            replace(_DECLINED, brand="Visa", currency_code="EUR", min_minor_units=1_000),
        ),
        *(lambda read, which=which: read.page_of_a_day(which) for which in (*_RARE, _DECLINED, _RARE_STATE)),
    ],
    "a search": _searches(_SHOP_STAFF),
    "a search over every caller": _searches(_ADMINISTRATOR),
    "a summary of two weeks": [lambda read: read.summary(_SHOP_STAFF), lambda read: read.summary(_ADMINISTRATOR)],
    "one payment": [lambda read: GetPayment(read.store)(read.a_payment, _SHOP)],
    "its history": [lambda read: ListPaymentEvents(read.store, _TOKENS)(read.a_payment, _SHOP)],
    "customers and their methods": [
        lambda read: ListCustomers(read.store, _TOKENS)(_SHOP),
        lambda read: ListCustomers(read.store, _TOKENS)(_SHOP, email="nobody@example.com"),
        lambda read: ListPaymentMethods(read.store, _TOKENS)(REGULAR, _SHOP),
    ],
    "a page of the feed": [
        lambda read: read.feed(FeedFilter(caller_id=SHOP)),
        lambda read: read.feed(FeedFilter(caller_id=SHOP, kinds=frozenset({FeedKind.DISPUTE}))),
        lambda read: read.feed(FeedFilter(caller_id=SHOP, customer_id=WHOLESALER)),
    ],
    "a page of an export by payment": [
        lambda read: next(ExportPayments(read.store)(read.history.time_of(read.history.count // 2), LATEST))
    ],
    "a page of an export by movement": [
        lambda read: next(
            ExportMovements(read.store, BookMovements(read.store))(
                ExportMovementsCommand(start=read.history.time_of(read.history.count // 2), end=LATEST)
            )
        )
    ],
}


def history(environment: Environment) -> list[Line]:
    """Measure the CPU of each read use case with many payments against ten thousand."""
    lines: list[Line] = []
    for kind, (usual, full) in _SIZES.items():
        with _filled_database(environment, kind, _BASE) as few:
            for count in full if environment.is_full else usual:
                free = shutil.disk_usage(environment.directory).free
                if free < count * _BYTES_A_PAYMENT:
                    raise RuntimeError(f"{count} payments need {count * _BYTES_A_PAYMENT / 1e9:.0f} GB of disk")
                with _filled_database(environment, kind, count) as many:
                    lines += [_compare(environment, kind, name, cases, few, many) for name, cases in _KINDS.items()]
    return lines


def _compare(environment: Environment, kind: str, name: str, cases: Sequence[_Case], few: _Read, many: _Read) -> Line:
    worst: list[float] = []
    told = 0.0
    for case in cases:
        rounds = [_measure_in_turns(case, few, many) for _ in range(environment.rounds)]
        ratios = [more / less for less, more in rounds]
        if not worst or statistics.median(ratios) > statistics.median(worst):
            worst, told = ratios, statistics.median(more for _, more in rounds)
    count = many.history.count
    return Line(
        measure="6",
        what=f"{name}: {count:,} payments / {_BASE:,}, {kind}",
        values=worst,
        at_most=1.5,
        note=f"{told:.1f} ms of CPU with the many"
        + (f", the worst of {len(cases)}" if len(cases) > 1 else "")
        # Honest, but no growth: a page looks at 2,000 payments at most.
        + ("; among the few are not the 2,000 payments that a page looks at" if statistics.median(worst) > 1.5 else ""),
        series=f"{name}, {kind}",
        place=count,
    )


def _measure_in_turns(case: _Case, few: _Read, many: _Read) -> tuple[float, float]:
    """CPU milliseconds of a call, here and in the database, with warm caches."""
    costs: tuple[list[float], list[float]] = ([], [])
    for call in range(_CALLS + 1):
        for read, cost in zip((few, many), costs, strict=True):
            before = read.cpu_seconds()
            case(read)
            if call:
                cost.append(1000 * (read.cpu_seconds() - before))
    return statistics.median(costs[0]), statistics.median(costs[1])


@contextmanager
def _filled_database(environment: Environment, kind: str, count: int) -> Iterator[_Read]:
    url = environment.new_database(kind)
    print(f"  {count:,} payments into {kind} ...", flush=True)
    with _engine_of(url, Limits()) as engine:
        upgrade(engine)
        with _without_durable_commits(engine):
            filled = long_history.fill(engine, count)
            fill_index(engine, filled)
            fill_statistics(engine, filled)
    # One connection, so that one process of the database does everything.
    with _engine_of(url, Limits(pool_size=1)) as engine:
        yield _Read(SqlStore(engine, UlidSource(), SEALER), filled, _process_of(engine))


@contextmanager
def _engine_of(url: str, limits: Limits) -> Iterator[Engine]:
    engine = create_engine(url, limits)
    try:
        yield engine
    finally:
        engine.dispose()


def _process_of(engine: Engine) -> int | None:
    if engine.dialect.name != "postgresql":
        return None
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


@contextmanager
def _without_durable_commits(engine: Engine) -> Iterator[None]:
    """Fill the database without synchronous commits."""
    if engine.dialect.name == "postgresql":
        _describe(engine, "SET fsync = off", "SET full_page_writes = off", "SET max_wal_size = '4GB'")
    yield
    if engine.dialect.name == "postgresql":
        _describe(engine, "RESET fsync", "RESET full_page_writes", "RESET max_wal_size")
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("CHECKPOINT"))
            connection.invalidate()


def _describe(engine: Engine, *changes: str) -> None:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for change in changes:
            connection.execute(text(f"ALTER SYSTEM {change}"))
        connection.execute(text("SELECT pg_reload_conf()"))
