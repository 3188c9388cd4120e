"""Compares the database, the gateway, its request log, each answer, the feed and the API at the end of a storm."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from adapters.persistence.store import SqlStore
from braintree_twin.control import TwinControl
from domain.dispute import Dispute
from domain.operation import OperationKind, OperationOrigin
from tests.crash.answer_audit import AnswerAudit
from tests.crash.api_audit import ApiAudit
from tests.crash.database_records import Record, read_disputes, read_records, seconds_to_resolve
from tests.crash.double_sends import double_sends
from tests.crash.external_client import external_transactions
from tests.crash.feed_audit import FeedReader, compare_feed, read_all, shown_in_the_feed
from tests.crash.ledger_audit import LedgerAudit
from tests.crash.replica import Replica, wait_until
from tests.crash.request_log import RequestLog
from tests.crash.scoreboard import Scoreboard, kind_of
from tests.crash.service_settings import FEED_INTERVAL_SECONDS
from tests.crash.worker_threads import raise_first_failure

_LONGEST_STREAM_SECONDS: Final = 60.0


class Comparison:
    """Fills a scoreboard with findings. There must be no faults any more, and the replicas must run."""

    def __init__(
        self,
        board: Scoreboard,
        store: SqlStore,
        control: TwinControl,
        request_log: RequestLog,
        replicas: Sequence[Replica],
        readers: Sequence[FeedReader],
    ) -> None:
        self._board = board
        self._findings = board.findings
        self._store = store
        self._control = control
        self._request_log = request_log
        self._replicas = replicas
        self._readers = readers

    def check_before_verification(self) -> None:
        """Compare once nothing is open, before VerifyPayment corrects anything."""
        ledger = self._control.ledger()
        audit = LedgerAudit(
            self._findings,
            read_records(self._store),
            ledger,
            external=external_transactions(ledger),
            adjusted=self._request_log.adjusted_by_others,
        )
        audit.check_before_verification()

    def check_at_the_end(self, *, clocks_agree: bool) -> None:
        """Compare once every payment was verified."""
        board, asked = self._board, self._request_log.asked
        # Read before the records: everything sent by then was recorded earlier.
        log = self._control.request_log()
        records, disputes = read_records(self._store), read_disputes(self._store)
        board.requests = len(asked)
        board.answers = Counter(kind_of(answer) for request in asked for answer in request.answers)
        board.payments = len(records)
        board.operations = Counter(o.kind.value for record in records for o in record.payment.operations)
        board.found_after, board.proven_absent_after = seconds_to_resolve(records)
        board.internal_errors += self._request_log.faults
        findings = self._findings
        ledger = self._control.ledger()
        board.external = len(external_transactions(ledger))
        others = self._request_log.adjusted_by_others
        board.adjusted_by_others = sum(
            operation.kind is OperationKind.ADJUST and operation.origin is OperationOrigin.OUTSIDE
            for record in records
            for operation in record.payment.operations
        )
        LedgerAudit(findings, records, ledger, disputes, external_transactions(ledger), others).check_at_the_end(
            clocks_agree=clocks_agree
        )
        findings.double_sends += double_sends(log, records, disputes, others)
        AnswerAudit(findings, records, asked, self._request_log.read).check(clocks_agree=clocks_agree)
        self._check_the_api(records, disputes)
        # The checks of the API have not changed anything, otherwise the feed has further events.
        self._compare_the_feed(read_records(self._store))

    def _check_the_api(self, records: Sequence[Record], disputes: Sequence[Dispute]) -> None:
        surface = ApiAudit(self._findings, self._request_log.patient)
        surface.payments(records)
        surface.methods(self._request_log.asked, self._control.vault(), self._tokens())
        ids = {str(each.report.gateway_dispute_id): str(each.dispute_id) for each in disputes}
        surface.disputes(self._request_log.asked, self._control.disputes(), ids)
        surface.customers(self._request_log.asked)

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
        raise_first_failure(self._readers)
        self._board.events = len(feed)
        client = self._request_log.patient[0]
        shown = {each.customer_id: shown_in_the_feed(each) for each in client.list_customers()}
        methods = [m for customer_id in shown for m in client.list_payment_methods(customer_id=customer_id)]
        shown |= {each.payment_method_id: shown_in_the_feed(each) for each in methods}
        shown |= {each.dispute_id: shown_in_the_feed(each) for each in client.list_disputes()}
        self._findings.feed_errors += compare_feed(feed, self._readers, records, shown)

    def _end_of_the_feed(self, least: int) -> int:
        """The last position of the feed, once every event has one."""

        def end() -> int:
            with self._store.read() as work:
                return work.feed.end()

        wait_until(lambda: end() >= least, 10)
        time.sleep(2 * FEED_INTERVAL_SECONDS)
        return end()
