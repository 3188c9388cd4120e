"""The disputes of the gateway in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from application.common.lease import Lease
from application.ports.gateway import Claim, DisputeAnswered, DisputeOutcome, Rejected
from application.ports.runtime import Clock
from domain.dispute import DisputeKind, DisputeReason, DisputeReport, DisputeState, Evidence
from domain.money import Money
from tests.fakes.gateway.answers import require_lease
from tests.fakes.gateway.ledger import Ledger


class Disputes(Ledger):
    def __init__(self, clock: Clock, *, search_lag: timedelta = timedelta()) -> None:
        super().__init__(clock, search_lag=search_lag)
        self._disputes: dict[str, DisputeReport] = {}

    def open_dispute(
        self, transaction_id: str, amount: Money | None = None, kind: DisputeKind = DisputeKind.CHARGEBACK
    ) -> str:
        """Open a dispute over a transaction. Returns its gateway id."""
        with self._lock:
            sale, now = self._latest(transaction_id), self.clock.now()
            gateway_dispute_id = f"dp{len(self._disputes) + 1}"
            self._disputes[gateway_dispute_id] = DisputeReport(
                gateway_dispute_id=gateway_dispute_id,
                transaction_id=transaction_id,
                kind=kind,
                state=DisputeState.OPEN,
                reason=DisputeReason.FRAUD,
                amount=amount or sale.amount,
                change_time=now,
                receive_time=now,
                reply_by_time=now + timedelta(days=14),
                order_id=sale.order_id,
            )
            self._update_claims(transaction_id)
            return gateway_dispute_id

    def decide_dispute(self, gateway_dispute_id: str, state: DisputeState) -> None:
        """Set a dispute's state, as the bank or an expiry does."""
        with self._lock:
            self._update_dispute(gateway_dispute_id, state=state)

    def find_dispute(self, gateway_dispute_id: str) -> DisputeReport | None:
        with self._lock:
            return self._disputes.get(gateway_dispute_id)

    def disputes_received(self, since: date) -> Iterator[DisputeReport]:
        with self._lock:
            found = [one for one in self._disputes.values() if one.receive_time.date() >= since]
        yield from found

    def accept_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        require_lease(lease)
        return self._answer_dispute(
            gateway_dispute_id, lambda: self._update_dispute(gateway_dispute_id, state=DisputeState.ACCEPTED)
        )

    def finalize_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        require_lease(lease)

        def finalize() -> None:
            now = self.clock.now()
            sent = tuple(replace(e, send_time=now) for e in self._disputes[gateway_dispute_id].evidence)
            self._update_dispute(gateway_dispute_id, state=DisputeState.UNDER_REVIEW, evidence=sent)

        return self._answer_dispute(gateway_dispute_id, finalize)

    def add_text_evidence(self, gateway_dispute_id: str, text: str, lease: Lease) -> DisputeOutcome:
        require_lease(lease)
        return self._add_evidence(gateway_dispute_id, text=text)

    def add_file_evidence(self, gateway_dispute_id: str, name: str, content: bytes, lease: Lease) -> DisputeOutcome:
        require_lease(lease)
        return self._add_evidence(gateway_dispute_id, file_name=name)

    def _add_evidence(self, gateway_dispute_id: str, *, text: str = "", file_name: str = "") -> DisputeOutcome:
        added: list[Evidence] = []

        def add() -> None:
            evidence_id = f"ev{sum(len(one.evidence) for one in self._disputes.values()) + 1}"
            one = Evidence(evidence_id=evidence_id, text=text, file_name=file_name, create_time=self.clock.now())
            added.append(one)
            self._update_dispute(gateway_dispute_id, evidence=(*self._disputes[gateway_dispute_id].evidence, one))

        outcome = self._answer_dispute(gateway_dispute_id, add)
        return DisputeAnswered(added[0]) if added else outcome

    def _answer_dispute(self, gateway_dispute_id: str, act: Callable[[], None]) -> DisputeOutcome:
        with self._lock:
            found = self._disputes.get(gateway_dispute_id)
            if found is None:
                return Rejected(detail="the gateway knows no such dispute")
            if found.state is not DisputeState.OPEN:
                return Rejected(detail="the dispute is not open")
            act()
            return DisputeAnswered()

    def _update_dispute(self, gateway_dispute_id: str, **changes: object) -> None:
        found = self._disputes[gateway_dispute_id]
        self._disputes[gateway_dispute_id] = replace(found, change_time=self.clock.now(), **changes)  # type: ignore[arg-type]
        self._update_claims(found.transaction_id)

    def _update_claims(self, transaction_id: str) -> None:
        """Update the disputed amount of the transaction."""
        sale = self._latest(transaction_id)
        found = [one for one in self._disputes.values() if one.transaction_id == transaction_id]
        total = Money.total((one.claim for one in found), sale.amount.currency_code)
        self._change(
            sale,
            standing=replace(sale.standing, disputed_amount=total or None),
            claims=tuple(Claim(one.gateway_dispute_id, one.claim, one.change_time) for one in found),
        )
