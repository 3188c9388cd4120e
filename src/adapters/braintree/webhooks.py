"""Braintree's incoming webhooks: verifies the signature and reads the subject of each."""

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import braintree
from braintree.exceptions.invalid_challenge_error import InvalidChallengeError
from braintree.exceptions.invalid_signature_error import InvalidSignatureError
from braintree.util.xml_util import XmlUtil

from adapters.braintree.settings import BraintreeSettings, environment_of
from application.ports.gateway_webhooks import ForgedGatewayWebhook, GatewayWebhook, Subject, WebhookTopic

_SIGNATURE: Final = re.compile(r"[!-%'-{}~]+\|[!-%'-{}~]+(&[!-%'-{}~]+\|[!-%'-{}~]+)*")
# A lower-case name, like all kinds. Any other kind is not repeated in texts.
_KIND: Final = re.compile(r"[a-z0-9_]{1,80}")
UNREADABLE: Final = "unreadable"

_TOPICS: Final = {
    "check": WebhookTopic.NOTHING,
    "transaction_disbursed": WebhookTopic.TRANSACTIONS,
    "transaction_retried": WebhookTopic.TRANSACTIONS,
    "transaction_reviewed": WebhookTopic.TRANSACTIONS,
    "transaction_settled": WebhookTopic.TRANSACTIONS,
    "transaction_settlement_declined": WebhookTopic.TRANSACTIONS,
    "refund_failed": WebhookTopic.TRANSACTIONS,
    "disbursement": WebhookTopic.TRANSACTIONS,
    "disbursement_exception": WebhookTopic.TRANSACTIONS,
    "dispute_accepted": WebhookTopic.DISPUTE,
    "dispute_auto_accepted": WebhookTopic.DISPUTE,
    "dispute_disputed": WebhookTopic.DISPUTE,
    "dispute_expired": WebhookTopic.DISPUTE,
    "dispute_lost": WebhookTopic.DISPUTE,
    "dispute_opened": WebhookTopic.DISPUTE,
    "dispute_under_review": WebhookTopic.DISPUTE,
    "dispute_won": WebhookTopic.DISPUTE,
    "payment_method_customer_data_updated": WebhookTopic.PAYMENT_METHOD,
    "payment_method_revoked_by_customer": WebhookTopic.REVOKED_PAYMENT_METHOD,
    "account_updater_daily_report": WebhookTopic.ALL_PAYMENT_METHODS,
}


def topic_of(kind: str) -> WebhookTopic | None:
    """The topic of Braintree's kind, or None where it has no meaning for this service."""
    return _TOPICS.get(kind)


class BraintreeWebhooks:
    """Verifies and parses with the merchant's keys; makes no connections. Safe for many threads."""

    def __init__(self, settings: BraintreeSettings) -> None:
        configuration = braintree.Configuration(
            environment_of(settings), settings.merchant_id, settings.public_key, settings.private_key
        )
        self._webhooks = braintree.BraintreeGateway(configuration).webhook_notification

    def read(self, signature: str, payload: str) -> GatewayWebhook:
        if not payload.isascii() or not _SIGNATURE.fullmatch(signature):
            raise ForgedGatewayWebhook
        payload = payload.replace("\r\n", "\n")
        try:
            self._webhooks.parse(signature, payload)
        except InvalidSignatureError:
            raise ForgedGatewayWebhook from None
        except Exception:  # noqa: S110
            # The SDK checks the signature first, so the webhook is genuine: its kind or its subject is unknown to the
            # SDK. It must not be lost for that.
            pass
        document = b64decode(payload)
        return _notification(hashlib.sha256(document).hexdigest(), document)

    def answer_challenge(self, challenge: str) -> str:
        try:
            return str(self._webhooks.verify(challenge))
        except InvalidChallengeError:
            raise ForgedGatewayWebhook from None


def _notification(notification_id: str, document: bytes) -> GatewayWebhook:
    try:
        fields: Any = dict(XmlUtil.dict_from_xml(document))["notification"]
        kind, subject, moment = str(fields["kind"]), fields.get("subject"), fields.get("timestamp")
    except Exception:
        return GatewayWebhook(notification_id=notification_id, kind=UNREADABLE)
    return GatewayWebhook(
        notification_id=notification_id,
        kind=kind if _KIND.fullmatch(kind) else UNREADABLE,
        event_time=moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None,
        subject=_subject(subject) if isinstance(subject, Mapping) else Subject(),
    )


def _subject(document: Mapping[str, Any]) -> Subject:
    """The ids of its subject, and no other content."""
    if isinstance(document.get("api_error_response"), Mapping):
        document = document["api_error_response"]
    named = {name: thing for name, thing in document.items() if isinstance(thing, Mapping)}
    dispute = named.get("dispute", {})
    method = next((thing for thing in _deep(document) if "token" in thing), {})
    return Subject(
        transaction_ids=tuple(_transaction_ids(named)),
        dispute_id=_text(dispute, "id"),
        customer_id=_text(method, "customer_id"),
        token=_text(method, "token"),
    )


def _transaction_ids(named: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if "transaction" in named:
        yield _text(named["transaction"], "id")
    if "transaction_review" in named:
        yield _text(named["transaction_review"], "transaction_id")
    ids = named.get("disbursement", {}).get("transaction_ids")
    if isinstance(ids, Mapping):
        ids = ids.get("item")
    yield from (str(one) for one in ([ids] if isinstance(ids, str) else ids or ()))


def _deep(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for thing in document.values():
        if isinstance(thing, Mapping):
            yield thing
            yield from _deep(thing)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
