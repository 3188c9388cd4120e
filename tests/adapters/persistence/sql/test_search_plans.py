"""A search over a long history costs no more than over a short one, and the generated index is the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.persistence.migrate import upgrade
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.ports.payment_filter import PaymentFilter
from application.search.search_terms import contents_of, terms_of
from domain.ids import CallerId
from tests import history_generator as long_history
from tests.databases import Postgres
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds
from tests.history_generator import SHOP, LongHistory
from tests.search_history import EVERY_PAYMENTS_WORD, fill_index, terms_of_number

COUNT = 3_000
USUAL = f"last_four:{long_history.USUAL_LAST_FOUR}"
RARE = f"last_four:{long_history.RARE_LAST_FOUR}"
EVERY = f"metadata_word:{EVERY_PAYMENTS_WORD}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Engine, LongHistory]]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('filled') / Path('search.db')}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database()
    engine = create_engine(url)
    upgrade(engine)
    history = long_history.fill(engine, COUNT)
    fill_index(engine, history)
    yield engine, history
    engine.dispose()


def test_the_generated_index_has_the_terms_of_the_payments(filled: tuple[Engine, LongHistory]) -> None:
    engine, history = filled
    numbers = [*range(1, 60), *history.rare, COUNT]
    with SqlStore(engine, CountingIds(), SEALER).read() as work:
        payments = {one.terms.payment_id: one for one in work.payments.find([history.payment_id(n) for n in numbers])}
    for number in numbers:
        found = terms_of(contents_of(payments[history.payment_id(number)], None))
        assert {str(term) for term in found if term.is_indexed} == terms_of_number(history, number), number


@pytest.mark.parametrize("caller_id", [SHOP, None])
def test_the_rarest_word_leads_and_common_ones_narrow_it_down(
    filled: tuple[Engine, LongHistory], caller_id: CallerId | None
) -> None:
    engine, history = filled
    rare = [str(history.payment_id(number)) for number in reversed(history.rare)]
    with SqlStore(engine, CountingIds(), SEALER).read() as work:

        def found(*terms: str) -> list[str]:
            clauses = [frozenset({term}) for term in terms]
            return [p.id for p in work.search.page(caller_id, clauses, PaymentFilter(), after=None, limit=50).positions]

        assert found(EVERY, RARE) == found(RARE) == rare
        assert found(RARE, USUAL) == []
        usual = found(EVERY, USUAL)
        assert usual == found(USUAL)
        assert usual == sorted(usual, reverse=True)
        assert len(found(EVERY)) == 50
