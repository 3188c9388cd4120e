"""A shop that the gateway tells of what happened: over fakes, with every use case around notifications."""

from __future__ import annotations

from datetime import timedelta

from adapters.braintree.webhooks import topic_of
from application.common.pagination import PageTokens
from application.disputes.record_dispute import RecordDispute
from application.gateway_webhooks.list_gateway_webhooks import ListGatewayWebhooks
from application.gateway_webhooks.process_gateway_webhooks import ProcessGatewayWebhooks
from application.gateway_webhooks.receive_gateway_webhook import ReceiveGatewayWebhook
from application.gateway_webhooks.retry_gateway_webhook import RetryGatewayWebhook
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.sync_from_gateway import SyncPayment
from application.ports.gateway_webhooks import ForgedGatewayWebhook, GatewayWebhook, StoredGatewayWebhook, Subject
from tests.application.shop import Shop

GENUINE = "the gateway's signature"
MAX_ATTEMPTS = 3
METHODS_AT_ONCE = 2


class KnownNotifications:
    """Reads the payloads that it was given."""

    def __init__(self) -> None:
        self.genuine: dict[str, GatewayWebhook] = {}

    def read(self, signature: str, payload: str) -> GatewayWebhook:
        if signature != GENUINE:
            raise ForgedGatewayWebhook
        return self.genuine[payload]

    def answer_challenge(self, challenge: str) -> str:
        return challenge


class Inbox(Shop):
    def __init__(self, *, search_lag: timedelta = timedelta(), max_attempts: int = MAX_ATTEMPTS) -> None:
        super().__init__(search_lag=search_lag)
        self.reader = KnownNotifications()
        self.counted: list[tuple[str, str]] = []
        self.receive = ReceiveGatewayWebhook(self.store, self.reader, self.clock)
        self.process = ProcessGatewayWebhooks(
            self.store,
            self.gateway,
            self.clock,
            self.leases,
            SyncPayment(self.store, self.gateway, self.clock, self.ids),
            RecordDispute(
                self.store, self.gateway, self.clock, self.ids, SettlementPollPolicy(), interval=timedelta(hours=1)
            ),
            SyncPaymentMethods(self.store, self.gateway, self.clock, batch_size=METHODS_AT_ONCE),
            self.resolver.resolve,
            topic_of,
            lambda kind, outcome: self.counted.append((kind, outcome)),
            max_attempts=max_attempts,
        )
        self.retry = RetryGatewayWebhook(self.store, self.clock, self.guard)
        self.list_gateway_webhooks = ListGatewayWebhooks(self.store, PageTokens(b"key"))

    def told(self, kind: str, subject: Subject | None = None) -> str:
        """The id of a webhook that was received."""
        notification_id = f"{len(self.reader.genuine):064x}"
        self.reader.genuine[notification_id] = GatewayWebhook(
            notification_id=notification_id, kind=kind, subject=subject or Subject()
        )
        self.receive(GENUINE, notification_id)
        return notification_id

    def told_of(self, *transaction_ids: str, kind: str = "transaction_settled") -> str:
        return self.told(kind, Subject(transaction_ids=transaction_ids))

    def stored(self, notification_id: str) -> StoredGatewayWebhook:
        with self.store.read() as work:
            found = work.gateway_webhooks.get(notification_id)
        assert found is not None
        return found

    def dealt_with(self, notification_id: str) -> StoredGatewayWebhook:
        """The webhook after one round."""
        self.process()
        return self.stored(notification_id)
