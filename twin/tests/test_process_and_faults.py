"""The process: keys, restarts, faults, the control API, malformed requests."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import braintree
import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.http.connection_error import ConnectionError as SdkConnectionError
from braintree.exceptions.http.timeout_error import ReadTimeoutError
from braintree.exceptions.server_error import ServerError
from twin_sdk import VISA, card, gateway_to, sale, sale_request

from braintree_twin.control import ControlError, TwinControl
from braintree_twin.testing import Twin, start_twin

SALES = "/transactions"


@pytest.fixture
def own_twin() -> Iterator[Twin]:
    """A new twin for this test."""
    with start_twin() as running:
        yield running


def test_wrong_keys_are_refused(twin: Twin) -> None:
    for wrong in ({"public_key": "no"}, {"private_key": "no"}, {"merchant_id": "no"}):
        with pytest.raises(AuthenticationError):
            gateway_to(twin, **wrong).transaction.find("x")


def test_the_key_file_is_private_and_a_restart_keeps_the_authority(own_twin: Twin) -> None:
    assert own_twin.ca_file is not None
    authority = own_twin.ca_file.read_bytes()
    assert stat.S_IMODE((own_twin.ca_file.parent / "server-key.pem").stat().st_mode) == 0o600
    own_twin.stop()
    own_twin.restart()
    assert own_twin.ca_file.read_bytes() == authority
    assert sale(gateway_to(own_twin)).status == "authorized"


def test_a_kill_loses_nothing_that_was_answered(own_twin: Twin) -> None:
    gateway = gateway_to(own_twin)
    made = [sale(gateway, order_id=f"survives-{n}") for n in range(20)]
    own_twin.kill()
    own_twin.restart()
    gateway = gateway_to(own_twin)
    assert [gateway.transaction.find(each.id).order_id for each in made] == [each.order_id for each in made]
    assert [entry.id for entry in own_twin.control.ledger()] == [each.id for each in made]


def test_no_card_number_is_stored(tmp_path: Path) -> None:
    with start_twin(tmp_path) as twin:
        gateway = gateway_to(twin)
        sale(gateway, credit_card=card(cvv="987"), options={"store_in_vault": True}, api_request_key="secret-1")
        assert not gateway.transaction.sale({"amount": "x", "credit_card": {"number": VISA}}).is_success
        twin.stop()
        kept = b"".join(path.read_bytes() for path in tmp_path.glob("twin.db*"))
    assert VISA.encode() not in kept
    assert b"987" not in kept.replace(b"\x00", b"") or b'"cvv":"987"' not in kept


def test_a_sigterm_stops_the_twin_within_two_seconds(own_twin: Twin) -> None:
    sale(gateway_to(own_twin))
    started = time.monotonic()
    assert own_twin.stop() == 0
    assert time.monotonic() - started < 2


def test_the_option_plain_serves_http() -> None:
    with start_twin(plain=True) as twin:
        assert sale(gateway_to(twin)).status == "authorized"


def test_the_fault_reset_before_leaves_no_transaction(own_twin: Twin) -> None:
    own_twin.control.add_fault("reset_before", method="POST", path=SALES, next=1)
    gateway = gateway_to(own_twin)
    with pytest.raises(SdkConnectionError):
        gateway.transaction.sale(sale_request())
    assert own_twin.control.ledger() == []
    assert sale(gateway).status == "authorized"


def test_the_fault_reset_after_leaves_a_charge_that_a_search_finds(own_twin: Twin) -> None:
    own_twin.control.add_fault("reset_after", method="POST", path=SALES, next=1)
    gateway = gateway_to(own_twin)
    with pytest.raises(SdkConnectionError):
        gateway.transaction.sale(sale_request(order_id="hidden"))
    (found,) = gateway.transaction.search(braintree.TransactionSearch.order_id == "hidden").items
    assert found.status == "authorized"
    assert own_twin.control.requests().count("POST /transactions", "reset_after") == 1


def test_the_fault_status_answers_without_or_after_processing(own_twin: Twin) -> None:
    gateway = gateway_to(own_twin)
    own_twin.control.add_fault("status", status=500, path=SALES, next=1)
    with pytest.raises(ServerError):
        gateway.transaction.sale(sale_request())
    assert own_twin.control.ledger() == []
    own_twin.control.add_fault("status", status=500, path=SALES, next=1, processed=True)
    with pytest.raises(ServerError):
        gateway.transaction.sale(sale_request())
    assert len(own_twin.control.ledger()) == 1


@pytest.mark.parametrize("fault", ["truncate", "garbage"])
def test_the_faults_truncate_and_garbage_hide_a_charge(own_twin: Twin, fault: Any) -> None:
    own_twin.control.add_fault(fault, method="POST", path=SALES, next=1)
    with pytest.raises(Exception):  # noqa: B017, PT011
        gateway_to(own_twin).transaction.sale(sale_request())
    assert len(own_twin.control.ledger()) == 1


def test_the_fault_delay_outlasts_a_client_timeout_and_the_charge_happens(own_twin: Twin) -> None:
    own_twin.control.add_fault("delay", seconds=0.4, method="POST", path=SALES, next=1)
    with pytest.raises(ReadTimeoutError):
        gateway_to(own_twin, timeout=0.1).transaction.sale(sale_request())
    deadline = time.monotonic() + 5
    while not own_twin.control.ledger():
        assert time.monotonic() < deadline


def test_the_fault_refuse_refuses_connections_until_it_ends() -> None:
    with start_twin(separate_control=True) as twin:
        gateway = gateway_to(twin)
        sale(gateway)
        rule = twin.control.add_fault("refuse")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((twin.host, twin.port), timeout=2)
        # A client of its own: the one above has a connection, and may or may not have seen yet that it was closed.
        with pytest.raises(SdkConnectionError, match="refused"):
            gateway_to(twin).transaction.sale(sale_request())
        assert len(twin.control.ledger()) == 1
        twin.control.delete_fault(rule.id)
        assert sale(gateway).status == "authorized"


def test_the_fault_refuse_on_a_shared_address_ends_by_itself_or_by_deletion(own_twin: Twin) -> None:
    gateway = gateway_to(own_twin)
    sale(gateway)
    own_twin.control.add_fault("refuse", method="POST", path=SALES, seconds=60, next=1)
    with pytest.raises(SdkConnectionError):
        gateway.transaction.sale(sale_request())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((own_twin.host, own_twin.port), timeout=2)
    assert len(own_twin.control.ledger()) == 1
    own_twin.control.clear_faults()
    assert sale(gateway).status == "authorized"


def test_a_seed_makes_the_same_requests_fail_again(own_twin: Twin) -> None:
    def outcomes() -> list[bool]:
        rule = own_twin.control.add_fault("status", status=503, path=SALES, probability=0.5, seed=7)
        gateway = gateway_to(own_twin)
        struck = []
        for _ in range(20):
            try:
                sale(gateway)
                struck.append(False)
            except braintree.exceptions.service_unavailable_error.ServiceUnavailableError:
                struck.append(True)
        assert own_twin.control.delete_fault(rule.id).struck == sum(struck)
        return struck

    first = outcomes()
    assert 0 < sum(first) < 20
    assert outcomes() == first


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"fault": "explode"}, "fault"),
        ({"fault": "delay"}, "seconds"),
        ({"fault": "status", "status": 9}, "status"),
        ({"fault": "garbage", "probability": 2}, "probability"),
        ({"fault": "garbage", "seed": 2}, "seed"),
        ({"fault": "garbage", "next": 0}, "next"),
        ({"fault": "garbage", "method": "BREW"}, "method"),
        ({"fault": "garbage", "path": "^("}, "path"),
    ],
)
def test_an_invalid_fault_rule_is_refused_with_its_field_and_a_remedy(
    twin: Twin, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(ControlError) as caught:
        twin.control.add_fault(**fields)
    assert caught.value.status == 400
    assert caught.value.field == named
    assert caught.value.remedy


def test_the_ledger_and_the_request_counts_have_every_call(own_twin: Twin) -> None:
    gateway = gateway_to(own_twin)
    made = sale(gateway, amount="10.00", order_id="counted", merchant_account_id="twin_eur")
    (entry,) = own_twin.control.ledger()
    assert (entry.id, entry.order_id, entry.type, entry.status) == (made.id, "counted", "sale", "authorized")
    assert (entry.amount, entry.currency, entry.parent, entry.merchant_id) == ("10.00", "EUR", None, "twin_merchant")
    traffic = own_twin.control.requests()
    assert traffic.count("POST /transactions", 201) == 1
    assert traffic.connections_accepted == 2


def _post(twin: Twin, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    connection = http.client.HTTPSConnection(twin.host, twin.port, timeout=5, context=context)
    keys = base64.b64encode(f"{twin.public_key}:{twin.private_key}".encode()).decode()
    fixed = {"Authorization": f"Basic {keys}", "Content-Type": "application/xml", "Accept-Encoding": "gzip"}
    connection.request("POST", f"/merchants/{twin.merchant_id}{path}", body, {**fixed, **headers})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, gzip.decompress(text) if response.headers["Content-Encoding"] == "gzip" else text


MALFORMED = {
    "not xml": b"hello",
    "unclosed": b"<transaction><amount>1",
    "crossed": b"<transaction><a></transaction></a>",
    "binary": bytes(range(256)),
    "two roots": b"<transaction/><transaction/>",
    "wrong encoding": b"<?xml version='1.0' encoding='nonsense'?><transaction/>",
    "entity bomb": b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><transaction><amount>&b;</amount></transaction>',
    "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><transaction>&a;</transaction>',
    "deep": b"<a>" * 1000 + b"</a>" * 1000,
    "wide": b"<a>" + b"<b/>" * 30000 + b"</a>",
    "another root": b"<something/>",
    "text for a section": b"<transaction><type>sale</type><credit_card>4111</credit_card></transaction>",
    "section for text": b"<transaction><type>sale</type><amount><b>1</b></amount></transaction>",
    "list for text": b'<transaction><type>sale</type><amount type="array"><i>1</i></amount></transaction>',
    "text for the root": b"<transaction>sale</transaction>",
}


@pytest.mark.parametrize(
    "path", ["/transactions", "/customers", "/payment_methods", "/transactions/advanced_search_ids"]
)
@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_body_is_answered_in_the_gateways_shape(twin: Twin, path: str, kind: str) -> None:
    status, body = _post(twin, path, MALFORMED[kind])
    if 200 <= status < 300:
        # Nothing is required of a customer or a search: a body about something else says nothing.
        assert path in ("/customers", "/transactions/advanced_search_ids")
        return
    assert 400 <= status < 500
    assert b"<api-error-response>" in body
    assert b'<errors type="array"/>' in body


def test_a_body_that_is_too_large_is_refused(twin: Twin) -> None:
    status, _ = _post(twin, "/transactions", b"<transaction>" + b" " * 2_000_000 + b"</transaction>")
    assert status == 413


def test_hyphenated_tags_are_read_as_well(twin: Twin) -> None:
    body = (
        b"<transaction><type>sale</type><amount>77.01</amount><credit-card><number>4111111111111111</number>"
        b"<expiration-date>05/2030</expiration-date></credit-card></transaction>"
    )
    status, text = _post(twin, "/transactions", body)
    assert status == 201
    assert b"<processor-response-code>1000</processor-response-code>" in text


def test_an_unknown_path_is_an_empty_404(twin: Twin) -> None:
    assert _post(twin, "/no/such/thing", b"<x/>") == (404, b"")


def test_the_control_api_lists_its_endpoints_on_a_404(twin: Twin) -> None:
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    connection = http.client.HTTPSConnection(twin.host, twin.port, timeout=5, context=context)
    connection.request("GET", "/_twin/nonsense")
    response = connection.getresponse()
    assert response.status == 404
    assert "POST /_twin/faults" in json.loads(response.read())["known"]
    connection.close()


def test_the_control_client_speaks_over_tls(twin: Twin) -> None:
    with TwinControl(twin.url, twin.ca_file) as control:
        assert control.now().endswith("Z")
