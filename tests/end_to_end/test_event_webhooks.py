"""Signed webhooks of the real service: every event in order, through an outage of the receiver and a kill -9."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest

from bayar.payments.v1 import admin_service_pb2 as admin
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from bayar.webhooks import read_webhook
from bootstrap.config.event_webhooks import read_endpoints
from bootstrap.config.settings import BadSettings
from tests.end_to_end.service import Pair, running_pair, until

SECRET = "a-secret-that-signs-the-events"


class Receiver:
    """Keeps what it is sent, answers 503 while it is closed."""

    def __init__(self) -> None:
        receiver = self
        self.is_open = True
        self.got: list[dict[str, object]] = []
        self.headers: list[dict[str, str]] = []
        self.refused = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.is_open:
                    webhook = read_webhook(self.headers, body, SECRET)
                    assert str(webhook.event.position) == json.loads(body)["position"]
                    receiver.got.append(json.loads(body))
                    receiver.headers.append(dict(self.headers))
                else:
                    receiver.refused += 1
                self.send_response(204 if receiver.is_open else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/events"

    @property
    def positions(self) -> list[int]:
        return [int(str(event["position"])) for event in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def own_pair(tmp_path: Path, receiver: Receiver) -> Iterator[Pair]:
    config = tmp_path / "webhooks.toml"
    config.write_text(
        f'[[endpoint]]\nname = "shop"\nurl = "{receiver.url}"\ncaller = "default"\nsecret_env = "SHOP_SECRET"\n'
        'start = "beginning"\n'
    )
    settings = {"BAYAR_EVENT_WEBHOOKS_FILE": str(config), "BAYAR_ALLOW_PRIVATE_WEBHOOKS": "true", "SHOP_SECRET": SECRET}
    with running_pair(tmp_path, settings) as pair:
        yield pair


def test_events_arrive_in_order_through_an_outage_and_a_kill(own_pair: Pair, receiver: Receiver) -> None:
    client = own_pair.service.client()
    for number in range(5):
        client.create_customer(given_name=f"before {number}")
    until(lambda: len(receiver.got) >= 5)
    receiver.is_open = False
    for number in range(5):
        client.create_customer(given_name=f"meanwhile {number}")
    until(lambda: receiver.refused)
    stub = AdminServiceStub(client.channel)
    until(lambda: stub.ListEventEndpoints(admin.ListEventEndpointsRequest()).endpoints[0].last_error == "HTTP 503")
    own_pair.service.kill()
    receiver.is_open = True
    own_pair.service.restart()
    until(lambda: len(set(receiver.positions)) == 10, seconds=90)
    assert list(dict.fromkeys(receiver.positions)) == list(range(1, 11))
    names = [event["data"]["customer"]["given_name"] for event in receiver.got]  # type: ignore[index]
    assert names[0] == "before 0"
    assert names[-1] == "meanwhile 4"
    assert SECRET not in own_pair.service.log


def test_events_are_sent_again_when_asked(own_pair: Pair, receiver: Receiver) -> None:
    client = own_pair.service.client()
    client.create_customer(given_name="Ani")
    until(lambda: receiver.got)
    event_id = str(receiver.got[0]["id"])
    stub = AdminServiceStub(client.channel)
    request = admin.ResendEventsRequest(
        request_id="6f1b2c5e-8d1f-4f0e-9d57-0c6a3f0f2b11", endpoint="shop", event_ids=[event_id]
    )
    assert stub.ResendEvents(request).event_count == 1
    until(lambda: [event["id"] for event in receiver.got].count(event_id) == 2)
    assert not stub.ListEventDeliveries(admin.ListEventDeliveriesRequest(endpoint="shop")).deliveries
    unknown = admin.ResendEventsRequest(
        request_id="6f1b2c5e-8d1f-4f0e-9d57-0c6a3f0f2b12", endpoint="shop", event_ids=["evt_none"]
    )
    with pytest.raises(grpc.RpcError, match="event_ids"):
        stub.ResendEvents(unknown)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("endpoint = 1", "only [[endpoint]] tables"),
        ("[[endpoint]]", "name is missing"),
        ('[[endpoint]]\nname="a"\nurl="x"\ncaller="c"\nsecret_env="SHOP_SECRET"', "url must be an address"),
        ('[[endpoint]]\nname="a"\nurl="http://x"\ncaller="c"\nsecret_env="SHOP_SECRET"', "must begin with https://"),
        ('[[endpoint]]\nname="a"\nurl="https://x"\ncaller="c"', "secret_env and secret_file"),
        ('[[endpoint]]\nname="a"\nurl="https://x"\ncaller="c"\nsecret_env="NONE"', "at least 24 bytes"),
        ('[[endpoint]]\nname="a"\nurl="https://x"\ncaller="c"\nsecret_env="SHOP_SECRET"\ntypes=["x"]', "types must be"),
        ('[[endpoint]]\nname="a"\nurl="https://x"\ncaller="c"\nsecret_env="SHOP_SECRET"\nkey="x"', "key is no field"),
        ("[[", "no TOML"),
    ],
)
def test_an_invalid_file_is_reported_at_the_start(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "webhooks.toml"
    config.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_SECRET", SECRET)
        with pytest.raises(BadSettings) as refused:
            read_endpoints(config, allow_private=False)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)
