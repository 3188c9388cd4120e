"""Creates notifications, signs them as Braintree does, and queues them for delivery."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from braintree_twin.calls import Call
from braintree_twin.merchants import Merchant
from braintree_twin.state.records import Delivery
from braintree_twin.state.store import Store
from braintree_twin.xml_writer import Node, Timestamp, write_xml

CHALLENGE = "challenge"


def address_of(store: Store, merchant_id: str) -> str:
    """The address of a merchant's notifications; empty if there is none."""
    return store.setting(f"webhook_url:{merchant_id}", "")


def set_address(store: Store, merchant_id: str, url: str) -> None:
    store.set_setting(f"webhook_url:{merchant_id}", url)


def sign(merchant: Merchant, text: str) -> str:
    key = hashlib.sha1(merchant.private_key.encode()).digest()  # noqa: S324
    return hmac.new(key, text.encode(), hashlib.sha1).hexdigest()


def compose(call: Call, kind: str, subject: Mapping[str, Node], source_merchant_id: str | None = None) -> Delivery:
    """A signed notification that is not queued yet."""
    head: dict[str, Node] = {"timestamp": Timestamp(call.clock.stamp()), "kind": kind}
    source: dict[str, Node] = {"source_merchant_id": source_merchant_id} if source_merchant_id else {}
    document = write_xml("notification", {**head, **source, "subject": subject})
    payload = base64.encodebytes(document).decode()
    return Delivery(
        id=call.ids.dispute(),
        kind=kind,
        url=address_of(call.store, call.merchant.id),
        created_at=call.clock.stamp(),
        signature=f"{call.merchant.public_key}|{sign(call.merchant, payload)}",
        payload=payload,
        due_at=call.clock.stamp(),
    )


def notify(call: Call, kind: str, subject: Mapping[str, Node]) -> None:
    """Queue a notification, if the merchant has an address."""
    if address_of(call.store, call.merchant.id):
        call.store.deliveries.put(call.merchant.id, compose(call, kind, subject))


def challenge(call: Call) -> None:
    """Queue a challenge: the server must prove that it has the keys, as Braintree demands for a new address."""
    delivery = Delivery(
        id=call.ids.dispute(),
        kind=CHALLENGE,
        url=address_of(call.store, call.merchant.id),
        created_at=call.clock.stamp(),
        payload=call.ids.keyed_hash(call.ids.dispute())[:20],
        due_at=call.clock.stamp(),
    )
    call.store.deliveries.put(call.merchant.id, delivery)
