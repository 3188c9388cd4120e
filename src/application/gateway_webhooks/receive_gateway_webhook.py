"""Receives a gateway webhook: verifies its signature, and stores it once."""

from dataclasses import dataclass

from application.ports.gateway_webhooks import GatewayWebhookReader
from application.ports.runtime import Clock
from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class Received:
    kind: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class ReceiveGatewayWebhook:
    store: Store
    reader: GatewayWebhookReader
    clock: Clock

    def __call__(self, signature: str, payload: str) -> Received:
        """Raises ForgedGatewayWebhook and StoreUnavailable. Once it returns, the webhook is stored durably."""
        webhook = self.reader.read(signature, payload)
        with self.store.begin() as work:
            is_new = work.gateway_webhooks.receive(webhook, self.clock.now())
        return Received(webhook.kind, is_new)
