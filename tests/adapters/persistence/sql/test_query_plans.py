"""Reads of a long history cost no more than of a short one, by the rows and pages that are touched, or by the
steps that SQLite takes, never by the time.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event, text

from adapters.persistence.migrate import upgrade
from adapters.persistence.sql import keyset_pagination
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.common.pagination import Position
from application.ports.feed import FeedFilter, FeedKind
from application.ports.movements import MovementFilter
from application.ports.payment_filter import PaymentFilter
from application.ports.store import UnitOfWork
from domain.dispute import DisputeState
from domain.ids import CallerId, CustomerId
from domain.movement import MovementKind
from domain.operation_log import Funds
from domain.payment_state import PaymentState
from tests import history_generator as long_history
from tests.databases import Postgres
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds
from tests.history_generator import EVERY, MARKET, MUSEUM, REGULAR, SHOP, WHOLESALER, LongHistory
from tests.statistics_history import days, fill_statistics

FEW, MANY = 6_000, 24_000
LIMIT = 5
# Far fewer than there are of anything but what is rare, as the real ones are of millions.
SCAN_LIMITS: Final = (10, 25)
SMALL_BLOCKS: Final = 10
EXPIRED, DECLINED = PaymentState.EXPIRED, PaymentState.DECLINED
NOBODY = CustomerId(f"cus_{'9' * 26}")

# Most of these match three payments of all, or none: a filter that skipped along would meet every row.
FILTERS: Final = {
    "all": PaymentFilter(),
    "customer": PaymentFilter(customer_id=REGULAR),
    "customer with many": PaymentFilter(customer_id=WHOLESALER),
    "customer without payments": PaymentFilter(customer_id=NOBODY),
    "reference": PaymentFilter(reference="order-77"),
    "part of a reference": PaymentFilter(reference_contains="NEEDLE"),
    "no part of any reference": PaymentFilter(reference_contains="haystack"),
    "state": PaymentFilter(states=frozenset({DECLINED})),
    "rare state": PaymentFilter(states=frozenset({EXPIRED})),
    "state of none": PaymentFilter(states=frozenset({PaymentState.SETTLEMENT_DECLINED})),
    "two states": PaymentFilter(states=frozenset({EXPIRED, DECLINED})),
    "every state": PaymentFilter(states=frozenset(PaymentState)),
    "rare currency": PaymentFilter(currency_code=long_history.RARE_CURRENCY),
    "amounts": PaymentFilter(min_minor_units=long_history.RARE_MINOR_UNITS),
    "small amounts": PaymentFilter(max_minor_units=1),
    "common brand": PaymentFilter(brand="Visa"),
    "rare brand": PaymentFilter(brand=long_history.RARE_BRAND),
    "usual last four": PaymentFilter(last_four=long_history.USUAL_LAST_FOUR),
    "rare last four": PaymentFilter(last_four=long_history.RARE_LAST_FOUR),
    "last four of none": PaymentFilter(last_four="9999"),
    "funds": PaymentFilter(funds=frozenset({Funds.HELD})),
    "rare funds": PaymentFilter(funds=frozenset({Funds.UNKNOWN})),
    "funds of none": PaymentFilter(funds=frozenset({Funds.DISPUTED})),
    "two funds": PaymentFilter(funds=frozenset({Funds.RETURNED, Funds.NONE})),
    "funds, rare brand": PaymentFilter(funds=frozenset({Funds.SETTLED}), brand=long_history.RARE_BRAND),
    "disputes": PaymentFilter(is_disputed=True),
    "open disputes": PaymentFilter(dispute_states=frozenset({DisputeState.OPEN})),
    "disputes of none": PaymentFilter(dispute_states=frozenset({DisputeState.ACCEPTED})),
    "disputes, rare brand": PaymentFilter(is_disputed=True, brand=long_history.RARE_BRAND),
    "no dispute": PaymentFilter(is_disputed=False),
    "state, rare brand": PaymentFilter(states=frozenset({DECLINED}), brand=long_history.RARE_BRAND),
    "states, amounts": PaymentFilter(states=frozenset({EXPIRED, DECLINED}), min_minor_units=10**9),
    "customer with many, state": PaymentFilter(customer_id=WHOLESALER, states=frozenset({EXPIRED})),
    "customer, state": PaymentFilter(customer_id=REGULAR, states=frozenset({EXPIRED})),
    "last four, currency": PaymentFilter(last_four=long_history.USUAL_LAST_FOUR, currency_code="JPY"),
}
# The bound of a filter's plan, independent of its other conditions.
INDEXES: Final = {
    "customer": "ix_payments_customer",
    "reference": "ix_payments_reference",
    "last": "ix_payments_last_four",
    "usual": "ix_payments_last_four",
    "state": "ix_payments_state",
    "states,": "ix_payments_state",
    "funds": "ix_payments_funds",
    "disputes": "ix_disputes_of_payments",
    "open": "ix_disputes_of_payments",
}

# In both histories.
DAYS: Final = days(1)

Ask = Callable[[UnitOfWork, LongHistory], object]


@dataclass
class Cost:
    """The cost of reading. The plans are PostgreSQL's."""

    rows: int = 0
    blocks: int = 0
    steps: int = 0
    plans: list[dict[str, Any]] = field(default_factory=list)

    @property
    def nodes(self) -> list[dict[str, Any]]:
        return [node for plan in self.plans for node in _nodes(plan)]


@dataclass(frozen=True)
class Filled:
    engine: Engine
    history: LongHistory


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Filled, Filled]]:
    """A database with few payments, and one with many; each kind in turn."""
    if request.param == "sqlite":
        directory = tmp_path_factory.mktemp("filled")
        urls = [f"sqlite:///{directory}/{count}.db" for count in (FEW, MANY)]
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        urls = [postgres.new_database() for _ in range(2)]
    engines = [create_engine(url) for url in urls]
    filled = []
    for engine, count in zip(engines, (FEW, MANY), strict=True):
        upgrade(engine)
        filled.append(Filled(engine, long_history.fill(engine, count)))
        fill_statistics(engine, filled[-1].history)
    yield filled[0], filled[1]
    for engine, url in zip(engines, urls, strict=True):
        engine.dispose()
        if request.param == "postgresql":
            postgres.drop(url)


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset_pagination, "SCAN_LIMITS", SCAN_LIMITS)


@contextmanager
def costs_of(engine: Engine, *, any_parameters: bool) -> Iterator[Cost]:
    cost = Cost()

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("SELECT", "WITH")):
            return
        if engine.dialect.name == "postgresql":
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + statement, parameters)
            told = cursor.fetchone()[0]
            plan = (told if isinstance(told, list) else json.loads(told))[0]["Plan"]
            cost.plans.append(plan)
            cost.rows += sum(_rows(node) for node in _nodes(plan) if "Scan" in node["Node Type"])
            cost.blocks += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        else:
            cursor.execute("EXPLAIN QUERY PLAN " + statement, parameters)
            cost.plans += [{"Detail": row[-1]} for row in cursor.fetchall()]

    def prepare(connection: Any) -> None:
        if engine.dialect.name == "postgresql" and any_parameters:
            connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))

    def count() -> int:
        cost.steps += 1
        return 0

    def count_steps(connection: Any) -> None:
        if engine.dialect.name == "sqlite":
            connection.connection.dbapi_connection.set_progress_handler(count, 100)

    event.listen(engine, "before_cursor_execute", explain)
    event.listen(engine, "begin", prepare)
    event.listen(engine, "begin", count_steps)
    try:
        yield cost
    finally:
        event.remove(engine, "before_cursor_execute", explain)
        event.remove(engine, "begin", prepare)
        event.remove(engine, "begin", count_steps)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


def _rows(node: dict[str, Any]) -> int:
    """How many rows were looked at, shown or not."""
    removed = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    if "Relation Name" not in node:
        return 0
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


def cost_of(filled: Filled, ask: Ask, *, any_parameters: bool = False) -> Cost:
    store = SqlStore(filled.engine, CountingIds(), SEALER)
    with costs_of(filled.engine, any_parameters=any_parameters) as cost, store.read() as work:
        ask(work, filled.history)
    return cost


def must_cost_the_same(both: tuple[Filled, Filled], ask: Ask) -> Cost:
    """On PostgreSQL, with a plan for these parameters, and with one for any, as statements get after the fifth time."""
    if both[0].engine.dialect.name == "postgresql":
        _compare(*(cost_of(filled, ask, any_parameters=True) for filled in both))
    return _compare(*(cost_of(filled, ask) for filled in both))


def _compare(few: Cost, many: Cost) -> Cost:
    told = f"\n{few}\n{many}"
    # Which few rows there are in a short time is left to chance.
    small = [node for node in many.nodes if _reads_small_table(node)]
    assert many.rows - sum(map(_rows, small)) <= 1.5 * few.rows + 2 * SCAN_LIMITS[-1], told
    assert many.blocks <= 1.5 * few.blocks + 2 * SCAN_LIMITS[-1], told
    assert many.steps <= 1.5 * few.steps + 20, told
    assert not [node for node in many.nodes if node.get("Node Type") == "Seq Scan" and node not in small], told
    whole = re.compile(r"SCAN (?!\w+ USING|seen|together|anon|open_ones|CONSTANT ROW)")
    assert not [node for node in many.nodes if whole.match(node.get("Detail", ""))], told
    return many


def _reads_small_table(node: dict[str, Any]) -> bool:
    """Whether it reads a table whole that is hardly larger than an index's way to one row, as planners should."""
    blocks = node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0)
    return bool(node.get("Node Type") == "Seq Scan" and blocks <= SMALL_BLOCKS)


def a_page(which: PaymentFilter, caller_id: CallerId | None = SHOP) -> Ask:
    return lambda work, _: work.payments.page(caller_id, which, after=None, limit=LIMIT)


def a_page_in_the_middle(which: PaymentFilter) -> Ask:
    def ask(work: UnitOfWork, history: LongHistory) -> object:
        middle = history.count // 2
        after = Position(history.time_of(middle), history.payment_id(middle))
        return work.payments.page(SHOP, which, after=after, limit=LIMIT)

    return ask


def within_an_hour(which: PaymentFilter) -> Ask:
    def ask(work: UnitOfWork, history: LongHistory) -> object:
        end = history.time_of(history.count // 2)
        return work.payments.page(
            SHOP, replace(which, created_from=end - timedelta(hours=1), created_until=end), after=None, limit=LIMIT
        )

    return ask


@pytest.mark.parametrize("name", FILTERS)
def test_a_page_costs_the_same_however_many_payments_there_are(both: tuple[Filled, Filled], name: str) -> None:
    for shape in (a_page, a_page_in_the_middle, within_an_hour):
        cost = must_cost_the_same(both, shape(FILTERS[name]))
        assert cost.rows <= 2 * sum(SCAN_LIMITS) + len(PaymentState) * (LIMIT + 1)


@pytest.mark.parametrize(
    "name", ["all", "customer", "state", "two states", "reference", "usual last four", "funds", "open disputes"]
)
def test_an_indexed_query_reads_the_index_alone(both: tuple[Filled, Filled], name: str) -> None:
    cost = must_cost_the_same(both, a_page(FILTERS[name]))
    # The payments, those of the first page's end, and their operations.
    assert cost.rows <= 2 * (LIMIT + 1) + LIMIT
    index = INDEXES.get(name.split()[0], "ix_payments_caller" if name == "all" else "ix_payments_state")
    assert index in str(cost.plans)


def test_a_caller_who_has_been_away_for_long_waits_for_no_caller(both: tuple[Filled, Filled]) -> None:
    """Between now and the caller's last payment lie all those of others."""
    for which in (PaymentFilter(), FILTERS["state"], FILTERS["rare brand"]):
        assert must_cost_the_same(both, a_page(which, MUSEUM)).rows <= 4 * long_history.MUSEUM_PAYMENTS


def test_the_count_of_payments_of_another_callers_customer_stays_hidden(both: tuple[Filled, Filled]) -> None:
    for filled in both:
        with SqlStore(filled.engine, CountingIds(), SEALER).read() as work:
            page = work.payments.page(MUSEUM, FILTERS["customer with many, state"], after=None, limit=LIMIT)
        assert (page.payments, page.go_on_after) == ([], None)


@pytest.mark.parametrize("name", ["rare brand", "part of a reference", "amounts", "rare currency", "rare last four"])
def test_pages_without_a_payment_lead_to_all_there_are(both: tuple[Filled, Filled], name: str) -> None:
    for filled in both:
        found, pages, after = [], 0, None
        while True:
            with SqlStore(filled.engine, CountingIds(), SEALER).read() as work:
                page = work.payments.page(SHOP, FILTERS[name], after=after, limit=LIMIT)
            pages += 1
            found += [payment.terms.payment_id for payment in page.payments]
            after = page.go_on_after
            if after is None:
                break
        facts = [filled.history.facts(number) for number in reversed(filled.history.rare)]
        assert found == [f"pay_{fact['number']:026}" for fact in facts if fact["caller"] == SHOP]
        assert pages <= 1 + filled.history.count // SCAN_LIMITS[-1]


OTHERS: Final[dict[str, Ask]] = {
    "payment": lambda work, history: work.payments.get(history.payment_id(history.count // 2)),
    "history": lambda work, history: work.payments.history(history.payment_id(history.count // 2)),
    "everybody's payments": a_page(PaymentFilter(), None),
    "customers": lambda work, _: work.customers.page(SHOP, email=None, after=None, limit=LIMIT),
    "customers by email": lambda work, _: work.customers.page(SHOP, email="a@b.example", after=None, limit=LIMIT),
    "customer by external id": lambda work, _: work.customers.find_by_external_id(SHOP, "nobody"),
    "unresolved": lambda work, history: work.payments.unresolved(
        history.time_of(history.count), after=Position(history.time_of(history.count // 2), "op_"), limit=LIMIT
    ),
    "methods": lambda work, _: work.payment_methods.of_customer(REGULAR),
    "export": lambda work, history: work.payments.oldest_first(
        history.time_of(history.count // 2), long_history.LATEST, after=None, limit=LIMIT
    ),
    "export, later": lambda work, history: work.payments.oldest_first(
        history.time_of(0),
        long_history.LATEST + EVERY,
        after=Position(history.time_of(history.count // 2), history.payment_id(history.count // 2)),
        limit=LIMIT,
    ),
    "movements": lambda work, history: work.movements.page(
        MovementFilter(start=history.time_of(history.count // 2), end=long_history.LATEST), after=None, limit=LIMIT
    ),
    "movements, later": lambda work, history: work.movements.page(
        MovementFilter(start=history.time_of(0), end=long_history.LATEST + timedelta(days=2)),
        after=Position(history.time_of(history.count // 2), f"mov_{history.count // 2:026}_0003_1"),
        limit=LIMIT,
    ),
    "refunds": lambda work, history: work.movements.page(
        MovementFilter(start=history.time_of(0), end=long_history.LATEST, kinds=frozenset({MovementKind.REFUND})),
        after=None,
        limit=LIMIT,
    ),
    "sums by day": lambda work, _: work.statistics.by_day(1, SHOP, None, start=DAYS[0], end=DAYS[1], hours_a_day=24),
    "everybody's sums by day": lambda work, _: work.statistics.by_day(
        1, None, "USD", start=DAYS[0], end=DAYS[1], hours_a_day=24
    ),
    "totals of movements": lambda work, _: work.statistics.totals(1, None, None, until=DAYS[0]),
    "movements of payments": lambda work, history: work.statistics.movements_of([history.payment_id(9)]),
    "disputes of payments": lambda work, history: work.statistics.disputes_of([history.payment_id(200)]),
    "completeness of the ledger": lambda work, _: work.movements.is_complete(),
    "reconciliation": lambda work, history: work.payments.succeeded(
        history.time_of(history.count // 2), long_history.LATEST, after=None, limit=LIMIT
    ),
    "reconciliation, later": lambda work, history: work.payments.succeeded(
        history.time_of(0),
        long_history.LATEST,
        after=Position(history.time_of(history.count // 2), f"op_{history.count // 2:026}"),
        limit=LIMIT,
    ),
    "operations": lambda work, history: work.payments.find_operations(
        [f"op_{history.count // 2:026}"], [f"t{history.count // 3:010}"]
    ),
    "feed": lambda work, history: work.feed.after(
        history.count * 5, FeedFilter(caller_id=MARKET), until=work.feed.end(), limit=LIMIT
    ),
    "feed of a kind": lambda work, _: work.feed.after(
        0, FeedFilter(caller_id=SHOP, kinds=frozenset({FeedKind.DISPUTE})), until=work.feed.end(), limit=LIMIT
    ),
    "feed of one who is away": lambda work, history: work.feed.after(
        history.count, FeedFilter(caller_id=MUSEUM), until=work.feed.end(), limit=LIMIT
    ),
    "feed of a customer": lambda work, history: work.feed.after(
        history.count * 5, FeedFilter(caller_id=SHOP, customer_id=REGULAR), until=work.feed.end(), limit=LIMIT
    ),
    "feed of everybody": lambda work, history: work.feed.after(
        history.count * 5, FeedFilter(), until=work.feed.end(), limit=LIMIT
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_read_costs_the_same(both: tuple[Filled, Filled], name: str) -> None:
    must_cost_the_same(both, OTHERS[name])


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ("ix_payments_caller", "rare brand"),
        ("ix_payments_state", "rare state"),
        ("ix_payments_reference", "reference"),
        ("ix_payments_customer", "customer without payments"),
        ("ix_payments_last_four", "last four of none"),
    ],
)
def test_without_an_index_these_tests_fail(tmp_path: Path, both: tuple[Filled, Filled], index: str, name: str) -> None:
    if both[0].engine.dialect.name != "sqlite":
        with pytest.raises(AssertionError), _without(both, index):
            must_cost_the_same(both, a_page(FILTERS[name]))
        return
    copies = []
    for filled in both:
        path = shutil.copy(str(filled.engine.url.database), tmp_path)
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.execute(text(f"DROP INDEX {index}"))
        copies.append(Filled(engine, filled.history))
    with pytest.raises(AssertionError):
        must_cost_the_same((copies[0], copies[1]), a_page(FILTERS[name]))
    for filled in copies:
        filled.engine.dispose()


@contextmanager
def _without(both: tuple[Filled, Filled], index: str) -> Iterator[None]:
    """PostgreSQL is told not to use it."""

    def tell(*, valid: bool) -> None:
        for filled in both:
            with filled.engine.begin() as connection:
                change = "UPDATE pg_index SET indisvalid = :valid WHERE indexrelid = CAST(:index AS regclass)"
                connection.execute(text(change), {"valid": valid, "index": index})
            filled.engine.dispose()

    tell(valid=False)
    try:
        yield
    finally:
        tell(valid=True)
