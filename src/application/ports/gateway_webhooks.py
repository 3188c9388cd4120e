"""Port for gateway webhooks. Each is only a hint to read the gateway."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol


class ForgedGatewayWebhook(Exception):
    """The webhook does not carry the gateway's signature."""


class WebhookTopic(Enum):
    """The part of the gateway to read again because of a webhook."""

    TRANSACTIONS = "transactions"
    DISPUTE = "dispute"
    PAYMENT_METHOD = "payment_method"
    # The customer revoked the consent to charge the method.
    REVOKED_PAYMENT_METHOD = "revoked_payment_method"
    ALL_PAYMENT_METHODS = "all_payment_methods"
    # A test of the address. Nothing is to be read.
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The subject of a webhook, by the gateway's ids. Nothing else of its content is kept."""

    transaction_ids: tuple[str, ...] = ()
    dispute_id: str = ""
    customer_id: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayWebhook:
    """A genuine webhook. Its id is the digest of the received content, so that a redelivery has the same id."""

    notification_id: str
    kind: str
    # The time of the event, according to the gateway.
    event_time: datetime | None = None
    subject: Subject = Subject()


class GatewayWebhookState(Enum):
    PENDING = "pending"
    DONE = "done"
    # Given up: a dead letter. An administrator can retry it.
    DEAD = "dead"


class GatewayWebhookOutcome(Enum):
    """The outcome of a webhook that is DONE."""

    NONE = "none"
    RECORDED = "recorded"
    # Its subject at the gateway was not made by this service.
    NOT_OURS = "not_ours"
    # Its kind has no meaning for this service.
    UNKNOWN_KIND = "unknown_kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGatewayWebhook:
    """One row of the inbox."""

    webhook: GatewayWebhook
    state: GatewayWebhookState
    receive_time: datetime
    outcome: GatewayWebhookOutcome = GatewayWebhookOutcome.NONE
    attempt_count: int = 0
    next_attempt_time: datetime | None = None
    last_error: str = ""
    finish_time: datetime | None = None


class GatewayWebhookReader(Protocol):
    """Verifies and parses the gateway's notifications."""

    def read(self, signature: str, payload: str) -> GatewayWebhook:
        """Raises ForgedGatewayWebhook for anything invalid."""

    def answer_challenge(self, challenge: str) -> str:
        """Proves possession of the keys to the gateway. Raises ForgedGatewayWebhook for an invalid challenge."""
