"""The control API's endpoints of webhooks and disputes: addresses, notifications on demand, deliveries."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from braintree_twin.app import App
from braintree_twin.control_api.errors import InvalidField
from braintree_twin.ledger.disputes import STATUSES, enter
from braintree_twin.merchants import Merchant
from braintree_twin.state.records import Delivery
from braintree_twin.webhooks.notifications import address_of, challenge, compose, set_address
from braintree_twin.webhooks.sample_notifications import KINDS, subject_of


class WebhookEndpoints:
    def __init__(self, app: App) -> None:
        self._app = app

    def configure_or_send(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Set the address (`url`), send a notification (`kind`, `id`), or both, for one merchant or for all."""
        if "url" not in fields and "kind" not in fields:
            raise InvalidField("url", "give the address that notifications go to, or a kind to send")
        sent: list[dict[str, Any]] = []
        with self._app.store.change():
            for merchant in self._selected_merchants(fields):
                if "url" in fields:
                    self._set(merchant, fields)
                if "kind" in fields:
                    sent.append(self._send(merchant, fields))
        return {"addresses": self._addresses(), "sent": sent}

    def _set(self, merchant: Merchant, fields: dict[str, Any]) -> None:
        url = "" if fields["url"] is None else fields["url"]
        if not isinstance(url, str) or (url and not _is_address(url)):
            raise InvalidField("url", "must be like http://127.0.0.1:9000/webhooks, or null for no address")
        set_address(self._app.store, merchant.id, url)
        if url and fields.get("challenge"):
            challenge(self._app.call(merchant))

    def _send(self, merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
        kind = fields["kind"]
        if not isinstance(kind, str) or kind not in KINDS:
            raise InvalidField("kind", f"must be one of {', '.join(sorted(KINDS))}")
        call = self._app.call(merchant)
        subject = subject_of(call, kind, str(fields.get("id") or "my_id"))
        delivery = compose(call, kind, subject, fields.get("source_merchant_id"))
        if not delivery.url:
            delivery.status, delivery.due_at = "no_address", None
        self._app.store.deliveries.put(merchant.id, delivery)
        return _as_json(merchant.id, delivery)

    def list_deliveries(self, _: dict[str, Any]) -> dict[str, Any]:
        deliveries = [
            _as_json(merchant.id, delivery)
            for merchant in self._app.merchants
            for delivery in self._app.store.deliveries.find(merchant.id)
        ]
        return {"addresses": self._addresses(), "deliveries": deliveries}

    def clear(self, _: dict[str, Any]) -> dict[str, Any]:
        """Remove every address, and every delivery, pending or not."""
        with self._app.store.change():
            for merchant in self._app.merchants:
                set_address(self._app.store, merchant.id, "")
                for delivery in self._app.store.deliveries.find(merchant.id):
                    self._app.store.deliveries.delete(merchant.id, delivery.id)
        return self.list_deliveries({})

    def move_dispute(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Give a dispute (`id`) a `status`, as a bank would."""
        if fields.get("status") not in STATUSES:
            raise InvalidField("status", f"must be one of {', '.join(STATUSES)}")
        with self._app.store.change():
            for merchant in self._selected_merchants(fields):
                dispute = self._app.store.disputes.get(merchant.id, str(fields.get("id")))
                if dispute:
                    enter(self._app.call(merchant), dispute, fields["status"])
                    return {"id": dispute.id, "status": dispute.status}
        raise InvalidField("id", "no dispute has it")

    def _selected_merchants(self, fields: dict[str, Any]) -> list[Merchant]:
        merchant_id = fields.get("merchant_id")
        if merchant_id is None:
            return list(self._app.merchants)
        merchant = self._app.merchants.get(str(merchant_id))
        if merchant is None:
            raise InvalidField("merchant_id", "no merchant has it; leave it out for all of them")
        return [merchant]

    def _addresses(self) -> dict[str, str | None]:
        return {merchant.id: address_of(self._app.store, merchant.id) or None for merchant in self._app.merchants}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _as_json(merchant_id: str, delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "merchant_id": merchant_id,
        "kind": delivery.kind,
        "url": delivery.url or None,
        "status": delivery.status,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.due_at,
        "attempts": delivery.attempts,
        "bt_signature": delivery.signature,
        "bt_payload": delivery.payload,
    }
