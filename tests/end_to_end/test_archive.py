"""Histories are put away while the service works, and callers notice nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

from bayar.messages import PaymentState
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Pair, run_bayar


def test_a_history_that_was_archived_is_listed_and_streamed_as_before(pair: Pair) -> None:
    bayar = pair.service.client()
    payment = pay(bayar, "2000.00")
    assert payment.state == PaymentState.PAYMENT_STATE_DECLINED
    before = list(bayar.list_payment_events(payment_id=payment.payment_id))

    def streamed() -> list[object]:
        events = islice(bayar.stream_events(), 10_000)
        own = (event for event in events if event.payment_change.payment.payment_id == payment.payment_id)
        return list(islice(own, len(before)))

    at_first = streamed()
    now = datetime.now(UTC).isoformat()
    said = run_bayar("events", "archive", "--before", now, environment=pair.service.environment)
    assert said.returncode == 0, said.stderr
    assert said.stdout.endswith("were archived.\n")
    assert not said.stdout.startswith("0 events")
    assert list(bayar.list_payment_events(payment_id=payment.payment_id)) == before
    assert streamed() == at_first


def test_an_open_payment_cannot_be_archived(pair: Pair) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    said = run_bayar("events", "archive", "--before", tomorrow, environment=pair.service.environment)
    assert said.returncode == 2
    assert "is in the future" in said.stderr
