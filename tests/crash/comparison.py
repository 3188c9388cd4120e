"""Compares everything: the database, the gateway, what was sent to it, each answer, the feed and the API at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from adapters.persistence.store import SqlStore
from braintree_twin.control import TwinControl
from domain.dispute import Dispute
from tests.crash.feed import FeedReader, compare_feed, read_all, shown_in_the_feed
from tests.crash.ledgers import LedgerAudit
from tests.crash.outsider import made_outside
from tests.crash.records import Record, read_disputes, read_records, seconds_to_resolve
from tests.crash.replica import Replica, wait_until
from tests.crash.scoreboard import Scoreboard, kind_of
from tests.crash.sends import double_sends
from tests.crash.surface import SurfaceAudit
from tests.crash.told import ToldAudit
from tests.crash.town import Town
from tests.crash.victim_settings import FEED_INTERVAL_SECONDS
from tests.crash.worker import all_well

_LONGEST_STREAM_SECONDS: Final = 60.0


class Comparison:
    """Fills a scoreboard. Nothing may break any more, and the replicas must run."""

    def __init__(
        self,
        board: Scoreboard,
        store: SqlStore,
        control: TwinControl,
        town: Town,
        replicas: Sequence[Replica],
        readers: Sequence[FeedReader],
    ) -> None:
        self._board = board
        self._verdict = board.verdict
        self._store = store
        self._control = control
        self._town = town
        self._replicas = replicas
        self._readers = readers

    def before_anything_is_mended(self) -> None:
        """Once nothing is open any more, and before VerifyPayment mends what it finds."""
        ledger = self._control.ledger()
        audit = LedgerAudit(self._verdict, read_records(self._store), ledger, outside=made_outside(ledger))
        audit.before_anything_is_mended()

    def at_the_end(self, *, clocks_agree: bool) -> None:
        """Once every payment was verified."""
        board, asked = self._board, self._town.asked
        # Before the records: all that had been sent by then was recorded before.
        log = self._control.request_log()
        records, disputes = read_records(self._store), read_disputes(self._store)
        board.requests = len(asked)
        board.answers = Counter(kind_of(answer) for request in asked for answer in request.answers)
        board.payments = len(records)
        board.operations = Counter(o.kind.value for record in records for o in record.payment.operations)
        board.found_after, board.proven_absent_after = seconds_to_resolve(records)
        board.internal_errors += self._town.faults
        verdict = self._verdict
        ledger = self._control.ledger()
        board.outside = len(made_outside(ledger))
        LedgerAudit(verdict, records, ledger, disputes, made_outside(ledger)).at_the_end(clocks_agree=clocks_agree)
        verdict.double_sends += double_sends(log, records, disputes)
        ToldAudit(verdict, records, asked, self._town.read).check(clocks_agree=clocks_agree)
        self._ask_the_surface(records, disputes)
        # The checks of the surface have changed nothing, or the feed goes on.
        self._compare_the_feed(read_records(self._store))

    def _ask_the_surface(self, records: Sequence[Record], disputes: Sequence[Dispute]) -> None:
        surface = SurfaceAudit(self._verdict, self._town.patient)
        surface.payments(records)
        surface.methods(self._town.asked, self._control.vault(), self._tokens())
        ids = {str(each.report.gateway_dispute_id): str(each.dispute_id) for each in disputes}
        surface.disputes(self._town.asked, self._control.disputes(), ids)
        surface.customers(self._town.asked)

    def _tokens(self) -> dict[str, str]:
        """The gateway's token of each stored method."""
        with self._store.read() as work:
            return {
                str(m.payment_method_id): m.gateway_token for m in work.payment_methods.active(after="", limit=10**6)
            }

    def _compare_the_feed(self, records: Sequence[Record]) -> None:
        end = self._end_of_the_feed(sum(len(record.history) for record in records))
        feed = read_all(self._replicas[-1].address, end)
        for reader in self._readers:
            reader.stop()
            reader.join(_LONGEST_STREAM_SECONDS)
            reader.read_on(self._replicas[0].address, 10, end)
        all_well(self._readers)
        self._board.events = len(feed)
        client = self._town.patient[0]
        shown = {each.customer_id: shown_in_the_feed(each) for each in client.list_customers()}
        methods = [m for customer_id in shown for m in client.list_payment_methods(customer_id=customer_id)]
        shown |= {each.payment_method_id: shown_in_the_feed(each) for each in methods}
        shown |= {each.dispute_id: shown_in_the_feed(each) for each in client.list_disputes()}
        self._verdict.feed_errors += compare_feed(feed, self._readers, records, shown)

    def _end_of_the_feed(self, least: int) -> int:
        """The last position, once every change has one."""

        def end() -> int:
            with self._store.read() as work:
                return work.feed.end()

        wait_until(lambda: end() >= least, 10)
        time.sleep(2 * FEED_INTERVAL_SECONDS)
        return end()
