"""The cost of the work behind payments (relay, search index, statistics), in function calls and in statements.

After a change that is worth its price: python -m tests.performance.test_background_counts writes the counts down anew.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event

from adapters.persistence.migrate import upgrade
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.events.relay_events import RelayEvents
from application.search.index_payments import IndexPayments
from application.statistics.count_payments import CountPayments
from domain.customer import GuestContact
from tests.contract.random_payments import started
from tests.contract.store_steps import succeed
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds
from tests.performance.test_call_counts import TOLERANCE, counting

BASELINE: Final = Path(__file__).with_name("background_counts.json")
# Payments between two runs of a job.
BATCH: Final = 50
OWNERS: Final = ("ours", "sqlalchemy")


@contextmanager
def a_store() -> Iterator[tuple[SqlStore, Engine]]:
    with tempfile.TemporaryDirectory() as directory:
        engine = create_engine(f"sqlite:///{Path(directory) / 'bayar.db'}")
        upgrade(engine)
        yield SqlStore(engine, CountingIds(), SEALER), engine
        engine.dispose()


def pay(store: SqlStore) -> None:
    """A batch of payments in two units of work each, as they arrive."""
    for _ in range(BATCH):
        payment = started(metadata={"order_no": "A-77"}, guest=GuestContact(given_name="Budi", email="b@example.com"))
        with store.begin() as work:
            work.payments.add(payment)
        with store.begin() as work:
            loaded = work.payments.get(payment.terms.payment_id, lock=True)
            assert loaded is not None
            succeed(loaded)
            work.payments.save(loaded)


def counted(engine: Engine, job: Callable[[], int], prepare: Callable[[], None]) -> dict[str, int]:
    """The calls of one run, and the statements of the next: a connection with listeners executes in another way."""
    while job():
        pass
    prepare()
    with counting() as calls:
        job()
    prepare()
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    job()
    event.remove(engine, "before_cursor_execute", note)
    return {**{owner: calls[owner] for owner in OWNERS}, "statements": len(statements)}


def measure() -> dict[str, dict[str, int]]:
    with a_store() as (store, engine):
        relay, index, count = RelayEvents(store), IndexPayments(store), CountPayments(store)
        # Caches fill, and the index ends its backfill.
        for _ in range(3):
            pay(store)
            relay()
            index()
            count()

        def relayed() -> None:
            pay(store)
            relay()

        return {
            "relay": counted(engine, relay, lambda: pay(store)),
            "idle relay": counted(engine, relay, lambda: None),
            "index": counted(engine, index, relayed),
            "idle index": counted(engine, index, lambda: None),
            "statistics": counted(engine, count, relayed),
            "idle statistics": counted(engine, count, lambda: None),
        }


def test_the_work_behind_payments_costs_no_more_than_it_did() -> None:
    before: dict[str, dict[str, int]] = json.loads(BASELINE.read_text())
    now = measure()
    assert now.keys() == before.keys()
    changed = [
        f"{name}: {owner}: {then} before, {now[name][owner]} now"
        for name, counts in before.items()
        for owner, then in counts.items()
        if abs(now[name][owner] - then) > (0 if owner == "statements" else max(3, TOLERANCE * then))
    ]
    assert not changed, f"{changed}; if that is worth it: python -m tests.performance.test_background_counts"


if __name__ == "__main__":
    BASELINE.write_text(json.dumps(measure(), indent=2) + "\n")
    sys.stdout.write(BASELINE.read_text())
