"""The search index of a long history, written as fast as the history itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Engine

from adapters.persistence.encryption.blind_indexes import search_digest, search_key
from adapters.persistence.store import SqlStore
from adapters.persistence.tables import search_entries
from application.ports.search import IndexProgress
from application.search.normal_form import plain_decimal
from application.search.search_terms import TERMS_VERSION, Term, TermKind
from domain.money import Money
from domain.payment_state import PaymentState
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds
from tests.history_generator import LongHistory

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE: Final = 20_000
# In these states the gateway has shown the card.
_WITHOUT_CARD: Final = (PaymentState.PENDING, PaymentState.FAILED)
# A word that every payment has.
EVERY_PAYMENTS_WORD: Final = "web"


def fill_index(engine: Engine, history: LongHistory) -> None:
    """Fills the empty index for a history that `fill` wrote, as the job would, but without documents for erasures."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            cursor: Any = connection.connection.cursor()
            with cursor.copy("COPY search_entries (digest, caller_id, create_time, payment_id) FROM STDIN") as copy:
                for batch in _batches(history):
                    copy.write("".join("\t".join(map(str, row)) + "\n" for row in batch))
        else:
            insert = str(search_entries.insert().compile(dialect=engine.dialect))
            for batch in _batches(history):
                connection.exec_driver_sql(insert, batch)
    store = SqlStore(engine, CountingIds(), SEALER)
    with store.begin() as work:
        progress = work.search.claim(TERMS_VERSION)
        assert progress is not None
        work.search.save(IndexProgress(progress.position, None))
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("VACUUM ANALYZE search_entries")
            connection.invalidate()


def terms_of_number(history: LongHistory, number: int) -> set[str]:
    """The indexed terms of a payment, as `terms_of` gives them."""
    facts = history.facts(number)
    reference = facts["reference"]
    amount = plain_decimal(Decimal(Money(facts["minor_units"], facts["currency"]).to_decimal()))
    terms = [
        Term(TermKind.REFERENCE, reference),
        Term(TermKind.AMOUNT, amount),
        *(Term(TermKind.REFERENCE_PART, part) for part in [str(number)] if len(part) >= 3),
    ]
    for key, value in (("channel", EVERY_PAYMENTS_WORD), ("cart", reference)):
        terms += [Term(TermKind.METADATA_WORD, value), Term(TermKind.METADATA_ENTRY, f"{key}={value}")]
    state = history.state_of(number)
    if state not in _WITHOUT_CARD:
        terms.append(Term(TermKind.LAST_FOUR, facts["last_four"]))
    if state is PaymentState.DECLINED:
        terms.append(Term(TermKind.REPORTED_TRANSACTION_ID, f"t{number:010d}"))
    return {str(term) for term in terms}


def _batches(history: LongHistory) -> Iterator[list[tuple[int, str, int, str]]]:
    key = search_key(SEALER)
    batch: list[tuple[int, str, int, str]] = []
    for number in range(1, history.count + 1):
        caller = str(history.facts(number)["caller"])
        time = (history.time_of(number) - _EPOCH) // timedelta(microseconds=1)
        payment_id = str(history.payment_id(number))
        batch += [(search_digest(key, term), caller, time, payment_id) for term in terms_of_number(history, number)]
        if len(batch) >= _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
