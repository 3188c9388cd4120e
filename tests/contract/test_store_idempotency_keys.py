"""Store contract: idempotent requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Event

import pytest

from application.ports.store import RequestRecord, Store
from domain.ids import RequestId
from tests.contract.random_payments import SHOP
from tests.contract.store_steps import OTHER_SHOP, at_once, request


class TestRequests:
    def test_a_request_can_be_looked_up(self, store: Store) -> None:
        record = request("one")
        with store.begin() as work:
            assert work.requests.get(SHOP, RequestId("one")) is None
            work.requests.claim(record)
            assert work.requests.get(SHOP, RequestId("one")) == record
        with store.read() as work:
            assert work.requests.get(SHOP, RequestId("one")) == record
            assert work.requests.get(OTHER_SHOP, RequestId("one")) is None
            assert work.requests.get(SHOP, RequestId("two")) is None

    def test_the_first_claim_wins_and_later_ones_get_it(self, store: Store) -> None:
        first = request("one")
        with store.begin() as work:
            assert work.requests.claim(first) is None
        for _ in range(2):
            with store.begin() as work:
                assert work.requests.claim(replace(request("one", resource_id="pay_2"), fingerprint={})) == first

    def test_a_refusal_is_kept_with_its_request(self, store: Store) -> None:
        at_once_refused = replace(request("one"), refusal={"reason": "amount_exceeds", "asked": "100"})
        with store.begin() as work:
            assert work.requests.claim(at_once_refused) is None
            assert work.requests.claim(request("two")) is None
        with store.begin() as work:
            work.requests.refuse(SHOP, RequestId("two"), {"reason": "reference_already_paid"})
        with store.begin() as work:
            assert work.requests.claim(request("one")) == at_once_refused
            later = work.requests.get(SHOP, RequestId("two"))
        assert later == replace(request("two"), refusal={"reason": "reference_already_paid"})

    def test_request_ids_of_different_callers_do_not_clash(self, store: Store) -> None:
        with store.begin() as work:
            assert work.requests.claim(request("one")) is None
            assert work.requests.claim(request("one", caller_id=OTHER_SHOP)) is None
            assert work.requests.claim(request("two")) is None

    def test_one_of_twenty_concurrent_claims_is_the_first(self, store: Store) -> None:
        def claim(thread: int) -> tuple[RequestRecord, RequestRecord | None]:
            record = request("one", resource_id=f"pay_{thread}")
            with store.begin() as work:
                return record, work.requests.claim(record)

        outcomes = at_once(20, claim)
        first = [record for record, earlier in outcomes if earlier is None]
        assert len(first) == 1
        assert [earlier for _, earlier in outcomes if earlier is not None] == first * 19

    @pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
    def test_a_second_claim_waits_until_the_first_has_ended(self, store: Store, *, commits: bool) -> None:
        first, second = request("one", resource_id="pay_1"), request("one", resource_id="pay_2")
        underway = Event()

        def claim_second() -> RequestRecord | None:
            underway.set()
            with store.begin() as work:
                return work.requests.claim(second)

        with ThreadPoolExecutor(1) as pool, suppress(ZeroDivisionError), store.begin() as work:
            work.requests.claim(first)
            answer = pool.submit(claim_second)
            underway.wait(10)
            if not commits:
                raise ZeroDivisionError
        assert answer.result(10) == (first if commits else None)
