"""The statistics are what a recount of the tables gives, whatever is written and killed meanwhile."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import Engine, text

from adapters.persistence.store import SqlStore
from application.statistics.count_payments import CountPayments
from application.statistics.payment_facts import FACTS_VERSION, hour_of
from domain.decline import CATALOGUE, DeclineReason
from domain.dispute import DisputeState
from domain.ids import CallerId
from domain.money import Money
from domain.movement import MovementKind
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.contract.random_payments import START, at, started
from tests.contract.store_steps import add
from tests.contract.test_store_disputes import a_dispute
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds

WRITERS = 2
# A replica's work on the statistics, without a pause.
COUNTER = """
import sys
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.statistics.count_payments import CountPayments
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds
store = SqlStore(create_engine(sys.argv[1]), CountingIds(), SEALER)
job = CountPayments(store, backfill_batch=3)
print("counts", flush=True)
while True:
    job()
"""
HOUR = timedelta(hours=1)
_Key = tuple[str, int, str, str]
_Sums = dict[_Key, tuple[int, int]]


@pytest.fixture
def store(postgres_engine: Engine) -> SqlStore:
    return SqlStore(postgres_engine, CountingIds(), SEALER)


@contextmanager
def counter(url: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", COUNTER, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "counts\n"
        try:
            yield process
        finally:
            process.kill()


def write(store: SqlStore, seed: int, stop: Event) -> None:
    """Makes payments, and lets things happen to them, until told to stop."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    made: list[Payment] = []
    while not stop.is_set():
        if not made or chance.random() < 0.4:
            amount = Money(chance.randint(1, 10_000), chance.choice(["USD", "IDR"]))
            caller = CallerId(chance.choice(["shop", "other"]))
            payment = started(caller_id=caller, amount=amount, seconds=chance.randint(0, 40 * 3600))
            add(store, payment)
            made.append(payment)
            continue
        known = chance.choice(made)
        with store.begin() as work:
            payment_now = work.payments.get(known.terms.payment_id, lock=True)
            assert payment_now is not None
            happen(payment_now, chance)
            work.payments.save(payment_now)
        if payment_now.authorization.transaction_id and chance.random() < 0.2:
            open_dispute(store, payment_now, chance)


def happen(payment: Payment, chance: random.Random) -> None:
    own = payment.authorization
    context = at((payment.create_time - START).total_seconds() + chance.randint(1, 9000))
    if not own.transaction_id and payment.state.value == "pending":
        if chance.random() < 0.3:
            reason = chance.choice([DeclineReason.INSUFFICIENT_FUNDS, DeclineReason.CARD_EXPIRED])
            payment.decline(own.operation_id, CATALOGUE[reason], context=context)
            return
        payment.succeed(
            own.operation_id,
            amount=own.amount,
            transaction_id=f"tx of {payment.terms.payment_id}",
            standing=TransactionSnapshot(TransactionStatus.SUBMITTED, capture_time=context.time),
            context=context,
        )
    elif own.transaction_id:
        status = chance.choice([TransactionStatus.SETTLED, TransactionStatus.VOIDED, TransactionStatus.SETTLED])
        paid = chance.choice([None, context.time.date()]) if status is TransactionStatus.SETTLED else None
        standing = TransactionSnapshot(
            status, settle_time=context.time, disburse_date=paid, settlement_batch_id="batch", capture_time=START
        )
        payment.apply_gateway_status(own.transaction_id, standing, amount=own.amount, context=context)


def open_dispute(store: SqlStore, payment: Payment, chance: random.Random) -> None:
    second = int((payment.create_time - START).total_seconds()) + chance.randint(0, 9000)
    dispute = a_dispute(store, payment, second=second, caller_id=payment.terms.caller_id)
    state = chance.choice([None, DisputeState.WON, DisputeState.LOST, DisputeState.ACCEPTED])
    if state is not None:
        later = dispute.update_time + HOUR * chance.randint(1, 9)
        ended = replace(dispute, report=replace(dispute.report, state=state, change_time=later), update_time=later)
        with store.begin() as work:
            assert work.disputes.get(dispute.dispute_id, lock=True) is not None
            work.disputes.save(ended)


def recount(engine: Engine) -> _Sums:
    """The sums by caller, hour, currency and measure, straight from the tables."""
    sums: dict[_Key, Counter[str]] = {}

    def plus(caller: str, when: datetime, currency: str, measure: str, units: int) -> None:
        for whose in (caller, ""):
            hours = [hour_of(when), -1] if measure.startswith("movement") else [hour_of(when)]
            for hour in hours:
                sums.setdefault((whose, hour, currency, measure), Counter()).update(count=1, units=units)

    with engine.connect() as connection:
        reasons = text(
            "SELECT payment_id, rest->'decline'->>'reason' AS reason FROM operations WHERE state = 'declined'"
        )
        declined = {one.payment_id: one.reason for one in connection.execute(reasons)}
        callers = {}
        for one in connection.execute(text("SELECT * FROM payments")):
            callers[one.payment_id] = one.caller_id
            about = (one.caller_id, one.create_time, one.currency_code)
            plus(*about, f"payment:{one.state}", one.minor_units)
            if one.state == "declined":
                plus(*about, f"decline:{declined[one.payment_id]}", one.minor_units)
        for one in connection.execute(text("SELECT * FROM movements")):
            plus(callers[one.payment_id], one.time, one.currency_code, f"movement:{one.kind}", one.minor_units)
    return {key: (found["count"], found["units"]) for key, found in sums.items()}


def rollups(engine: Engine) -> tuple[_Sums, _Sums]:
    """Those of payments and movements, and those of disputes."""
    newest = (
        "SELECT * FROM statistics_rollups WHERE generation = (SELECT generation FROM statistics_progress)"
        " AND (count <> 0 OR minor_units <> 0)"
    )
    with engine.connect() as connection:
        found = {
            (one.caller_id, one.hour, one.currency_code, one.measure): (one._mapping["count"], one.minor_units)
            for one in connection.execute(text(newest))
        }
    disputes = {key: each for key, each in found.items() if key[3].startswith("dispute:")}
    return {key: each for key, each in found.items() if key not in disputes}, disputes


def recounted_disputes(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state, count(*) FROM disputes GROUP BY state")).all()
    counts = Counter({str(state): int(count) for state, count in states})
    ends = {"dispute:won": counts["won"], "dispute:lost": counts["lost"] + counts["accepted"]}
    return {"dispute:opened": counts.total(), **ends}


def finish(store: SqlStore) -> None:
    job = CountPayments(store)
    for _ in range(1000):
        with store.begin() as work:
            relayed = work.feed.relay(500)
        job()
        with store.read() as work:
            if not relayed and not work.statistics.has_work(FACTS_VERSION):
                return
    raise AssertionError("the statistics do not come to an end")


def test_the_rollups_are_a_recount_after_concurrent_writes_kills_and_a_rebuild(
    store: SqlStore, postgres_engine: Engine
) -> None:
    url = postgres_engine.url.render_as_string(hide_password=False)
    stop = Event()
    with ThreadPoolExecutor(WRITERS + 1) as pool, counter(url) as first, counter(url) as second:
        writers = [pool.submit(write, store, seed, stop) for seed in range(WRITERS)]
        relay = pool.submit(relay_until, store, stop)
        try:
            wait_for_progress(store)
            first.kill()
            with store.begin() as work:
                work.statistics.restart()
            wait_for_progress(store)
            second.kill()
        finally:
            stop.set()
        for one in (*writers, relay):
            one.result(30)
    finish(store)
    counted, disputes = rollups(postgres_engine)
    assert counted == recount(postgres_engine)
    everybodys = Counter[str]()
    for (caller, _, _, measure), (number, _) in disputes.items():
        if not caller:
            everybodys[measure] += number
    assert +everybodys == +Counter(recounted_disputes(postgres_engine))
    assert {kind.value for kind in MovementKind} > {key[3].partition(":")[2] for key in counted} & {"capture", "payout"}


def relay_until(store: SqlStore, stop: Event) -> None:
    while not stop.wait(0.01):
        with store.begin() as work:
            work.feed.relay(100)


def wait_for_progress(store: SqlStore, *, events: int = 40) -> None:
    """Until so many more events are counted."""

    def position() -> int:
        with store.read() as work:
            progress = work.statistics.progress()
        return progress.position if progress is not None else 0

    begin = position()
    pause = Event()
    for _ in range(1000):
        if position() >= begin + events:
            return
        pause.wait(0.02)
    raise AssertionError("nothing is counted")
