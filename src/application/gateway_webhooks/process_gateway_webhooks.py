"""Processes stored gateway webhooks: reads the subject of each from the gateway again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from application.common.backoff import doubled
from application.common.conflicts import retry_on_conflict
from application.common.errors import StoreUnavailable
from application.common.lease import LeasePolicy
from application.disputes.record_dispute import RecordDispute
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.sync_from_gateway import SyncPayment
from application.ports.gateway import Gateway, GatewayUnavailable, Transaction
from application.ports.gateway_webhooks import (
    GatewayWebhook,
    GatewayWebhookOutcome,
    GatewayWebhookState,
    StoredGatewayWebhook,
    Subject,
    WebhookTopic,
)
from application.ports.runtime import Clock
from application.ports.store import Store
from application.recovery.resolve_outcome import ResolveOutcome
from domain.operation import OperationState

_log = logging.getLogger(__name__)

_LONGEST_WAIT: Final = timedelta(hours=1)

Count = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class ProcessGatewayWebhooks:
    """Late, repeated and unordered webhooks are harmless: each is a hint, and the gateway is read for the facts."""

    store: Store
    gateway: Gateway
    clock: Clock
    leases: LeasePolicy
    sync_payment: SyncPayment
    record_dispute: RecordDispute
    sync_methods: SyncPaymentMethods
    resolve_outcome: ResolveOutcome
    # The topic of a kind: the gateway's own name of it, which is stored. None where it has no meaning here.
    topic_of: Callable[[str], WebhookTopic | None]
    # Called with the kind and the outcome, for metrics.
    count: Count
    max_attempts: int
    batch_size: int = 20

    def __call__(self) -> int:
        """Processes the webhooks that are due. Returns their number. Raises StoreUnavailable."""
        now = self.clock.now()
        with self.store.begin() as work:
            due = work.gateway_webhooks.due(now, now + self.leases.duration, self.batch_size)
        for one in due:
            self._process(one)
        return len(due)

    def _process(self, one: StoredGatewayWebhook) -> None:
        notification_id, kind = one.webhook.notification_id, one.webhook.kind
        try:
            outcome = self._process_topic(one.webhook)
        except StoreUnavailable:
            # The failure cannot be recorded either. The webhook is due again after its lease.
            raise
        except Exception as failure:
            if not isinstance(failure, GatewayUnavailable):
                _log.exception("webhook %s (%s) could not be processed", notification_id, kind)
            self._postpone(one, failure)
            return
        if isinstance(outcome, Subject):
            # One part is done. The rest is due after other webhooks that are due now.
            rest = replace(one.webhook, subject=outcome)
            now = self.clock.now()
            self._save(replace(one, webhook=rest, attempt_count=0, next_attempt_time=now, last_error=""))
            return
        self.count(kind if outcome is not GatewayWebhookOutcome.UNKNOWN_KIND else "unknown", outcome.value)
        self._save(
            replace(one, state=GatewayWebhookState.DONE, outcome=outcome, next_attempt_time=None, last_error=""),
            finished=True,
        )

    def _process_topic(self, webhook: GatewayWebhook) -> GatewayWebhookOutcome | Subject:
        """Reads what the webhook is about. A subject: only a part of it is done, and this is the rest."""
        subject = webhook.subject
        match self.topic_of(webhook.kind):
            case WebhookTopic.TRANSACTIONS:
                return self.sync_transactions(subject)
            case WebhookTopic.DISPUTE:
                return self.sync_dispute(subject)
            case WebhookTopic.PAYMENT_METHOD:
                return _recorded(self.sync_methods.sync_by_token(subject.token, subject.customer_id))
            case WebhookTopic.REVOKED_PAYMENT_METHOD:
                return _recorded(self.sync_methods.record_revoked(subject.token, subject.customer_id))
            case WebhookTopic.ALL_PAYMENT_METHODS:
                # The report lists its cards in an external file, so this reads the vault instead, some at a time.
                last = self.sync_methods.sync_batch(after=subject.token)
                return GatewayWebhookOutcome.RECORDED if last is None else Subject(token=last)
            case WebhookTopic.NOTHING:
                return GatewayWebhookOutcome.RECORDED
            case None:
                return GatewayWebhookOutcome.UNKNOWN_KIND

    def sync_transactions(self, subject: Subject) -> GatewayWebhookOutcome:
        match subject.transaction_ids:
            case (only,):
                # Read by id, because searches lag.
                one = self.gateway.find_transaction(only)
                found = [one] if one is not None else []
            case several:
                found = self.gateway.find_transactions(several)
        ours = [transaction for transaction in found if self._sync(transaction)]
        return _recorded(bool(ours))

    def _sync(self, transaction: Transaction) -> bool:
        with self.store.read() as work:
            order_ids = [transaction.order_id] if transaction.order_id else []
            parents = (transaction.refunded_transaction_id, transaction.authorized_transaction_id)
            transaction_ids = [one for one in (transaction.transaction_id, *parents) if one]
            found = work.payments.find_operations(order_ids, transaction_ids)
        if not found:
            return False
        # The sale may be recorded already, with a refund or a part of it still under way.
        for one in found:
            if one.operation.state is OperationState.STARTED:
                self.resolve_outcome(one.payment.terms.payment_id, one.operation.operation_id)
        first, *_ = found
        self.sync_payment.record(first.payment, [transaction])
        return True

    def sync_dispute(self, subject: Subject) -> GatewayWebhookOutcome:
        report = self.gateway.find_dispute(subject.dispute_id)
        recorded = self.record_dispute(report) if report is not None else None
        return _recorded(recorded is not None)

    def _postpone(self, one: StoredGatewayWebhook, failure: Exception) -> None:
        error = str(failure) if isinstance(failure, GatewayUnavailable) else type(failure).__name__
        if one.attempt_count >= self.max_attempts:
            self.count(one.webhook.kind, GatewayWebhookState.DEAD.value)
            _log.error(
                "webhook %s (%s) is dead after %d attempts",
                one.webhook.notification_id,
                one.webhook.kind,
                one.attempt_count,
            )
            dead = replace(one, state=GatewayWebhookState.DEAD, next_attempt_time=None, last_error=error)
            self._save(dead, finished=True)
            return
        wait = doubled(self.leases.first_check, one.attempt_count - 1, _LONGEST_WAIT)
        self._save(replace(one, next_attempt_time=self.clock.now() + wait, last_error=error))

    @retry_on_conflict
    def _save(self, one: StoredGatewayWebhook, *, finished: bool = False) -> None:
        with self.store.begin() as work:
            current = work.gateway_webhooks.get(one.webhook.notification_id, lock=True)
            if current is None or current.state is not GatewayWebhookState.PENDING:
                # Another replica processed it after this one's lease expired.
                return
            work.gateway_webhooks.save(replace(one, finish_time=self.clock.now() if finished else None))


def _recorded(is_ours: bool) -> GatewayWebhookOutcome:
    return GatewayWebhookOutcome.RECORDED if is_ours else GatewayWebhookOutcome.NOT_OURS
