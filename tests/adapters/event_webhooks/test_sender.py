"""Outgoing webhooks are signed, and go to the checked address only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from adapters.event_webhooks.addresses import AddressRefused, is_public, public_address
from adapters.event_webhooks.sender import HttpWebhookSender
from application.ports.deliveries import Endpoint
from application.ports.feed import FeedEntry, FeedItem, FeedKind
from domain.ids import CallerId, EventId

SECRETS = (b"the old secret of 24 bytes", b"the new secret of 24 bytes")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ITEM = FeedItem(
    FeedEntry(
        position=7,
        event_id=EventId("evt_1"),
        kind=FeedKind.PAYMENT,
        time=NOW,
        actor="shop",
        caller_id=CallerId("shop"),
        payment_id="pay_1",
    )
)


def _encode(item: FeedItem) -> tuple[str, str, dict[str, Any]]:
    return "bayar.payments.v1.payment_changed", item.entry.payment_id, {"über": "ünïcode"}


class _Receiver(BaseHTTPRequestHandler):
    status = 204
    location = ""
    got: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.status)
        if self.location:
            self.send_header("Location", self.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def _receiver(status: int = 204, location: str = "") -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    got: list[tuple[str, dict[str, str], bytes]] = []
    handler = type("Receiver", (_Receiver,), {"status": status, "location": location, "got": got})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks?x=1", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _endpoint(url: str) -> Endpoint:
    return Endpoint(name="shop", url=url, caller_id=CallerId("shop"), secrets=SECRETS)


def test_an_event_arrives_in_its_envelope_and_signed() -> None:
    with _receiver() as (url, got):
        assert HttpWebhookSender(_encode, allow_private=True).send(_endpoint(url), ITEM, NOW) == ""
    ((path, headers, body),) = got
    assert path == "/hooks?x=1"
    assert headers["content-type"].startswith("application/cloudevents+json")
    envelope = json.loads(body)
    assert envelope["specversion"] == "1.0"
    assert (envelope["id"], envelope["type"]) == ("evt_1", "bayar.payments.v1.payment_changed")
    assert (envelope["subject"], envelope["position"], envelope["data"]) == ("pay_1", "7", {"über": "ünïcode"})
    assert envelope["time"] == "2026-11-25T12:00:00Z"
    # As a receiver checks it who knows only one of the secrets.
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for secret in SECRETS:
        wanted = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        assert wanted in headers["webhook-signature"].split()


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_anything_but_a_2xx_is_a_failure(status: int) -> None:
    with _receiver(status) as (url, _):
        assert HttpWebhookSender(_encode, allow_private=True).send(_endpoint(url), ITEM, NOW) == f"HTTP {status}"


def test_redirects_are_not_followed() -> None:
    with _receiver() as (elsewhere, got), _receiver(307, elsewhere) as (url, _):
        error = HttpWebhookSender(_encode, allow_private=True).send(_endpoint(url), ITEM, NOW)
    assert "redirects are not followed" in error
    assert got == []


def test_a_refused_connection_is_a_failure_without_the_address() -> None:
    error = HttpWebhookSender(_encode, allow_private=True).send(
        _endpoint("http://127.0.0.1:9/?token=secret"), ITEM, NOW
    )
    assert error.startswith("no answer")
    assert "secret" not in error


def test_a_private_address_is_refused() -> None:
    with _receiver() as (url, got):
        error = HttpWebhookSender(_encode).send(_endpoint(url), ITEM, NOW)
    assert "private network" in error
    assert got == []


def test_a_name_is_looked_up_once_and_the_very_address_is_connected_to() -> None:
    """So that a name which changes its address (DNS rebinding) is not looked at as one and called as another."""
    asked: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    with _receiver() as (url, got):
        port = url.partition("://")[2].partition("/")[0].rpartition(":")[2]
        webhook_sender = HttpWebhookSender(_encode, allow_private=True, resolve=resolve)
        assert webhook_sender.send(_endpoint(f"http://rebinding.example:{port}/"), ITEM, NOW) == ""
    assert asked == ["rebinding.example"]
    assert got[0][1]["host"] == f"rebinding.example:{port}"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "64:ff9b:1::7f00:1",
        "fec0::1", "192.0.0.8", "192.0.0.9", "192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "192.0.2.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1", "3fff::1", "2001:db8::1", "2001::1", "2001:1::1",
        "2001:20::1", "2620:4f:8000::1", "5f00::1", "100::1", "2002:5db8:d822::1", "64:ff9b::c058:6301",
        "::ffff:192.0.0.8", "::ffff:c000:8",
    ],
)  # fmt: skip
def test_a_private_address_is_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused):
        public_address("x", 443, allow_private=False, resolve=lambda *_: [address])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)
