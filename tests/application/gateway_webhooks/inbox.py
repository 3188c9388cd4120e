"""A shop that the gateway tells of what happened: over fakes, with every use case around notifications."""

from __future__ import annotations

from datetime import timedelta

from application.common.page_tokens import PageTokens
from application.disputes.record_dispute import RecordDispute
from application.gateway_webhooks.list_gateway_webhooks import ListNotifications
from application.gateway_webhooks.process_gateway_webhooks import ProcessNotifications
from application.gateway_webhooks.receive_gateway_webhook import ReceiveNotification
from application.gateway_webhooks.retry_gateway_webhook import RetryNotification
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.sync_from_gateway import SyncPayment
from application.ports.gateway_webhooks import ForgedNotification, Notification, StoredNotification, Subject
from tests.application.shop import Shop

GENUINE = "the gateway's signature"
MAX_ATTEMPTS = 3
METHODS_AT_ONCE = 2


class KnownNotifications:
    """Reads the payloads that it was given."""

    def __init__(self) -> None:
        self.genuine: dict[str, Notification] = {}

    def read(self, signature: str, payload: str) -> Notification:
        if signature != GENUINE:
            raise ForgedNotification
        return self.genuine[payload]

    def answer_challenge(self, challenge: str) -> str:
        return challenge


class Inbox(Shop):
    def __init__(self, *, search_lag: timedelta = timedelta(), max_attempts: int = MAX_ATTEMPTS) -> None:
        super().__init__(search_lag=search_lag)
        self.reader = KnownNotifications()
        self.counted: list[tuple[str, str]] = []
        self.receive = ReceiveNotification(self.store, self.reader, self.clock)
        self.process = ProcessNotifications(
            self.store,
            self.gateway,
            self.clock,
            self.leases,
            SyncPayment(self.store, self.gateway, self.clock, self.ids),
            RecordDispute(
                self.store, self.gateway, self.clock, self.ids, SettlementPollPolicy(), interval=timedelta(hours=1)
            ),
            SyncPaymentMethods(self.store, self.gateway, self.clock, batch_size=METHODS_AT_ONCE),
            self.resolver,
            lambda kind, outcome: self.counted.append((kind, outcome)),
            max_attempts=max_attempts,
        )
        self.retry = RetryNotification(self.store, self.clock, self.guard)
        self.list_notifications = ListNotifications(self.store, PageTokens(b"key"))

    def told(self, kind: str, subject: Subject | None = None) -> str:
        """The id of a notification that was received."""
        notification_id = f"{len(self.reader.genuine):064x}"
        self.reader.genuine[notification_id] = Notification(
            notification_id=notification_id, kind=kind, subject=subject or Subject()
        )
        self.receive(GENUINE, notification_id)
        return notification_id

    def told_of(self, *transaction_ids: str, kind: str = "transaction_settled") -> str:
        return self.told(kind, Subject(transaction_ids=transaction_ids))

    def stored(self, notification_id: str) -> StoredNotification:
        with self.store.read() as work:
            found = work.notifications.get(notification_id)
        assert found is not None
        return found

    def dealt_with(self, notification_id: str) -> StoredNotification:
        """The notification after one round."""
        self.process()
        return self.stored(notification_id)
