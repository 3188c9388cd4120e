"""Malformed bodies for every route: refused in the gateway's form, never a 500."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import braintree
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_http import RawHttp, Reply, assert_in_the_gateways_shape
from twin_sdk import card, sale

from braintree_twin.calls import Route
from braintree_twin.resources import ROUTES
from braintree_twin.testing import Twin

ROOTS = (
    "transaction",
    "customer",
    "credit_card",
    "payment_method",
    "client_token",
    "search",
    "verification",
    "address",
    "evidence",
    "merchant_account",
    "settlement_batch_summary",
)
SECTIONS = ("credit_card", "billing", "shipping", "customer", "options", "descriptor", "custom_fields", "ids", "amount")
NAMES = (
    *SECTIONS,
    *("type", "order_id", "number", "expiration_date", "expiration_month", "cvv", "token", "id", "line_items", "is"),
    *("payment_method_nonce", "payment_method_token", "customer_id", "merchant_account_id", "billing_address", "min"),
    *(
        "api_request_key",
        "email",
        "country_code_alpha2",
        "submit_for_settlement",
        "external_vault",
        "item",
        "created_at",
    ),
    *("status", "max", "contains", "version", "first_name", "transaction", "search", "apple_pay_card", "industry"),
)

# Never well-formed: refused by every route, whatever it wants.
BROKEN: dict[str, bytes] = {
    "not xml": b"hello",
    "unclosed": b"<transaction><amount>1",
    "crossed": b"<transaction><a></transaction></a>",
    "binary": bytes(range(256)),
    "null bytes": b"\x00" * 64,
    "a null byte inside": b"<transaction><amount>1\x00</amount></transaction>",
    "two roots": b"<transaction/><transaction/>",
    "text after the root": b"<transaction/>x",
    "an unknown encoding": b"<?xml version='1.0' encoding='nonsense'?><transaction/>",
    "a wrong encoding": "<transaction><order-id>é</order-id></transaction>".encode("latin-1"),
    "half of utf-16": "<transaction/>".encode("utf-16")[:-1],
    "cut utf-8": b"<transaction><order-id>\xe2\x82</order-id></transaction>",
    "control characters": b"<transaction><order-id>\x01\x08</order-id></transaction>",
    "an undefined entity": b"<transaction><order-id>&nbsp;</order-id></transaction>",
    "an entity bomb": b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><transaction>&b;</transaction>',
    "an external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><transaction>&a;</transaction>',
    "an empty doctype": b"<!DOCTYPE x><transaction/>",
    "a forbidden character reference": b"<transaction><order-id>&#0;</order-id></transaction>",
    "half a surrogate": b"<transaction><order-id>&#xD800;</order-id></transaction>",
    "an attribute twice": b'<transaction type="a" type="b"/>',
    "an unquoted attribute": b"<transaction type=a/>",
    "nested deeply": b"<a>" * 1000 + b"</a>" * 1000,
    "very wide": b"<a>" + b"<b/>" * 30_000 + b"</a>",
    "json": b'{"transaction": {"amount": "1.00"}}',
    "a form": b"amount=1.00&type=sale",
    "gzip": gzip.compress(b"<transaction/>"),
    "truncated gzip": gzip.compress(b"<transaction/>" * 50)[:20],
    "zlib": zlib.compress(b"<transaction/>"),
    "a comment that never ends": b"<transaction><!-- ",
    "cdata that never ends": b"<transaction><![CDATA[ ",
}
BROKEN_JSON: dict[str, bytes] = {
    "not json": b"hello",
    "xml": b"<transaction/>",
    "an array": b"[]",
    "an array of objects": b'[{"transaction": {}}]',
    "text": b'"transaction"',
    "a number": b"1",
    "nothing": b"null",
    "not a number": b'{"transaction": {"amount": NaN}}',
    "infinity": b'{"transaction": {"amount": -Infinity}}',
    "unclosed": b'{"transaction": {"amount": "1',
    "wrong encoding": '{"transaction": "é"}'.encode("latin-1"),
    "utf-16": '{"transaction": {}}'.encode("utf-16"),
    "a null byte": b'{"transaction": "\x00"}',
    "half a character": b'{"transaction": {"order_id": "\\ud800"}}',
    "half a character in a name": b'{"\\ud800": {}}',
    "deep objects": b'{"a":' * 500 + b"1" + b"}" * 500,
    "very deep arrays": b'{"a":' + b"[" * 100_000,
    "wide": json.dumps({"a": [None] * 30_000}).encode(),
    "two objects": b"{}{}",
    "trailing comma": b'{"a": 1,}',
}


def _misfits(root: str) -> dict[str, bytes]:
    """Well-formed, of the wrong types. What a route does not look at may pass; nothing may break."""
    wrong = {
        "text for the root": f"<{root}>x</{root}>",
        "an array for the root": f'<{root} type="array"><item>1</item></{root}>',
        "nothing for the root": f'<{root} nil="true"/>',
        "a wrong integer": f'<{root}><amount type="integer">x</amount></{root}>',
        "a wrong date": f'<{root}><created-at type="datetime">yesterday</created-at></{root}>',
        "a huge number": f"<{root}><amount>{'9' * 5000}</amount></{root}>",
        "digits of another script": f"<{root}><amount>\u0661\u0660.\u0660\u0660</amount></{root}>",
        "a number with an exponent": f"<{root}><amount>1E+400</amount></{root}>",
        "an infinite amount": f"<{root}><amount>Infinity</amount></{root}>",
        "text between elements": f"<{root}>a<amount>1</amount>b</{root}>",
        "the same element twice": f"<{root}><amount>1</amount><amount>2</amount></{root}>",
        "emoji everywhere": f"<{root}>" + "".join(f"<{name}>😀</{name}>" for name in NAMES) + f"</{root}>",
        "long text everywhere": f"<{root}>" + "".join(f"<{n}>{'x' * 2000}</{n}>" for n in NAMES) + f"</{root}>",
        "text for sections": f"<{root}>" + "".join(f"<{n}>x</{n}>" for n in SECTIONS) + f"</{root}>",
        "sections for text": f"<{root}>" + "".join(f"<{n}><b>1</b></{n}>" for n in NAMES) + f"</{root}>",
        "arrays for text": f"<{root}>" + "".join(f'<{n} type="array"><i>1</i></{n}>' for n in NAMES) + f"</{root}>",
        "nothing everywhere": f"<{root}>" + "".join(f'<{n} nil="true"/>' for n in NAMES) + f"</{root}>",
        "empty everywhere": f"<{root}>" + "".join(f"<{n}/>" for n in NAMES) + f"</{root}>",
    }
    return {kind: text.encode() for kind, text in wrong.items()}


WRITING = [route for route in ROUTES if route.method in ("POST", "PUT") and route.needs_keys]
# Calls in XML that have the credentials of an application.
_OF_APPLICATIONS = ("/oauth", "/merchants/")
OAUTH = [route for route in ROUTES if route.method == "POST" and route.path.startswith(_OF_APPLICATIONS)]
CLIENT_SIDE = [
    route
    for route in ROUTES
    if route.method == "POST" and not route.needs_keys and not route.path.startswith(_OF_APPLICATIONS)
]


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


def _path(route: Route) -> str:
    """The route with its names for values: no transaction, but a customer and a method are called so."""
    return route.path.replace("{", "").replace("}", "")


@pytest.fixture(scope="module", autouse=True)
def _known(gateway: braintree.BraintreeGateway) -> None:
    """The resources in the paths exist (unless another run took them), so that updates get past the look-up."""
    gateway.customer.create({"id": "id"})
    gateway.customer.create({"id": "customer_id"})
    gateway.credit_card.create({"customer_id": "id", "token": "token", **card()})


@pytest.fixture
def raw(twin: Twin) -> Iterator[RawHttp]:
    connection = RawHttp(twin)
    yield connection
    connection.close()


@pytest.fixture
def sold(gateway: braintree.BraintreeGateway) -> str:
    identifier: str = sale(gateway, options={"submit_for_settlement": True}).id
    return identifier


def _survives(raw: RawHttp, ask: Callable[[], Reply]) -> Reply:
    """The reply, which must leave the connection open and the twin well."""
    port = raw.local_port
    reply = ask()
    assert reply.status < 500, reply.body
    assert raw.local_port == port
    return reply


@pytest.mark.parametrize("route", WRITING, ids=_name)
def test_a_broken_body_is_refused_in_the_gateways_shape(raw: RawHttp, route: Route) -> None:
    for kind, body in BROKEN.items():
        reply = _survives(raw, lambda body=body: raw.ask(route.method, raw.base + _path(route), body))
        assert reply.status == 400, kind
        assert_in_the_gateways_shape(reply)


@pytest.mark.parametrize("route", WRITING, ids=_name)
def test_broken_json_is_refused_in_the_gateways_shape(raw: RawHttp, route: Route) -> None:
    for kind, body in BROKEN_JSON.items():
        reply = _survives(
            raw, lambda body=body: raw.ask(route.method, raw.base + _path(route), body, Content_Type="application/json")
        )
        assert reply.status == 400, kind
        assert_in_the_gateways_shape(reply)


@pytest.mark.parametrize("route", WRITING, ids=_name)
def test_fields_of_wrong_types_are_never_a_server_error(raw: RawHttp, sold: str, route: Route) -> None:
    path = raw.base + _path(route).replace("/transactions/id", f"/transactions/{sold}")
    for root in ROOTS:
        for kind, body in _misfits(root).items():
            reply = _survives(raw, lambda body=body: raw.ask(route.method, path, body))
            if reply.status >= 400:
                assert_in_the_gateways_shape(reply)
            assert reply.status in (200, 201, 400, 404, 422), (root, kind)


@pytest.mark.parametrize("route", WRITING, ids=_name)
def test_an_empty_body_is_never_a_server_error(raw: RawHttp, route: Route) -> None:
    for body in (None, b"", b"   \n"):
        for kind in ("application/xml", "application/json", "text/plain", "multipart/form-data", "", None):
            _survives(raw, lambda b=body, k=kind: raw.ask(route.method, raw.base + _path(route), b, Content_Type=k))


@pytest.mark.parametrize("route", WRITING, ids=_name)
def test_a_body_that_is_too_large_is_refused_and_the_connection_lives(raw: RawHttp, route: Route) -> None:
    body = b"<transaction>" + b" " * 1_100_000 + b"</transaction>"
    reply = _survives(raw, lambda: raw.ask(route.method, raw.base + _path(route), body))
    assert reply.status == 413
    assert_in_the_gateways_shape(reply)


@pytest.mark.parametrize("route", CLIENT_SIDE, ids=_name)
def test_the_client_api_refuses_broken_json_in_json(raw: RawHttp, route: Route) -> None:
    key = "Bearer sandbox_cc71a5b4_twin_merchant"
    for kind, body in {**BROKEN, **BROKEN_JSON}.items():
        if kind == "json":
            continue
        path = (raw.base if route.path != "/graphql" else "") + _path(route)
        reply = _survives(
            raw, lambda p=path, b=body: raw.ask("POST", p, b, Content_Type="application/json", Authorization=key)
        )
        assert reply.status == 400 or (route.path == "/graphql" and reply.json()["errors"]), kind
        assert reply.json()


@pytest.mark.parametrize("route", OAUTH, ids=_name)
def test_an_oauth_endpoint_refuses_broken_bodies_in_the_gateways_shape(raw: RawHttp, route: Route) -> None:
    names = b"client_id$development$twin_merchant:client_secret$development$twin_merchant"
    key = "Basic " + base64.b64encode(names).decode()
    for kind, body in BROKEN.items():
        reply = _survives(raw, lambda body=body: raw.ask("POST", route.path, body, Authorization=key))
        assert reply.status == 400, kind
        assert_in_the_gateways_shape(reply)
    for kind, body in _misfits("credentials").items():
        reply = _survives(raw, lambda body=body: raw.ask("POST", route.path, body, Authorization=key))
        assert reply.status in (400, 404, 422), kind
        assert_in_the_gateways_shape(reply)


MISFIT_CARDS: list[Any] = [
    *(None, "x", 1, True, [], [1], [[]], {}, {"number": []}, {"number": {}}, {"number": 4111111111111111}),
    *({"number": "4111111111111111", "expirationDate": []}, {"number": "x" * 9999}, {"options": "x"}),
    *({"options": {"validate": []}}, {"billingAddress": "x"}, {"billingAddress": [1]}, {"cvv": {}}, {"cvv": 1e999}),
    {"number": "4111111111111111", "expirationDate": "12/2030", "billingAddress": {"postalCode": [1]}},
]


def test_the_client_api_refuses_cards_of_wrong_types(raw: RawHttp) -> None:
    key = "Bearer sandbox_cc71a5b4_twin_merchant"
    for given_card in MISFIT_CARDS:
        graph = {"query": "tokenizeCreditCard", "variables": {"input": {"creditCard": given_card}}}
        for path, content in (
            (f"{raw.base}/client_api/v1/payment_methods/credit_cards", {"creditCard": given_card}),
            ("/graphql", graph),
        ):
            body = json.dumps(content).encode()
            reply = _survives(
                raw, lambda p=path, b=body: raw.ask("POST", p, b, Content_Type="application/json", Authorization=key)
            )
            assert reply.json()
            assert reply.status in (400, 422) or reply.json().get("errors"), given_card
    for variables in (None, "x", [], {"input": "x"}, {"input": []}):
        body = json.dumps({"query": "tokenizeCreditCard", "variables": variables}).encode()
        reply = _survives(
            raw, lambda b=body: raw.ask("POST", "/graphql", b, Content_Type="application/json", Authorization=key)
        )
        assert reply.json()["errors"]


@pytest.mark.parametrize("name", ["faults", "clock", "settle", "webhooks", "disputes"])
def test_the_control_api_refuses_malformed_bodies(raw: RawHttp, name: str) -> None:
    for kind, body in {**BROKEN, **BROKEN_JSON}.items():
        reply = _survives(raw, lambda b=body: raw.ask("POST", f"/_twin/{name}", b, Content_Type="application/json"))
        assert reply.status == 400, kind
        assert reply.json()["remedy"], kind


WRONG_FIELDS: dict[str, list[dict[str, Any]]] = {
    "faults": [
        *({"fault": each} for each in (None, 1, [], {}, True, "nonsense", "x" * 9999)),
        *({"fault": "garbage", "path": each} for each in (1, [], {}, "", "^(", "^" + "(" * 9999)),
        *({"fault": "garbage", "method": each} for each in (1, [], {}, "BREW")),
        *({"fault": "garbage", "next": each} for each in (0, -1, 1.5, "x", True, [], 10**30)),
        *({"fault": "garbage", "probability": each} for each in (-1, 2, "x", [], True, 10**400)),
        *({"fault": "delay", "seconds": each} for each in (-1, "x", [], {}, 10**400, float("nan"), float("inf"))),
        *({"fault": "delay", "seconds": 1, "when": each} for each in (1, [], {}, "never")),
        *({"fault": "status", "status": each} for each in (99, 600, "x", [], 1.5)),
        *({"fault": "status", "processed": each} for each in (1, "yes", [])),
        {"fault": "garbage", "colour": "red"},
    ],
    "clock": [{"advance_seconds": each} for each in (-1, "x", [], {}, True, 10**400, 1e300, float("nan"), None)],
    "webhooks": [
        *(
            {"url": each}
            for each in (1, [], {}, True, "x", "ftp://x", "http://", "http://[", "http://x:99999", "\ud800")
        ),
        *({"kind": each} for each in (None, 1, [], {}, "nonsense")),
        *({"kind": "check", "merchant_id": each} for each in (1, [], {}, "nobody")),
    ],
    "disputes": [
        *({"id": "x", "status": each} for each in (None, 1, [], {}, "nonsense")),
        *({"id": each, "status": "won"} for each in (None, 1, [], {}, "nobody", "\ud800")),
    ],
    "settle": [{"merchant_id": each} for each in (1, [], {}, True, "nobody", "\ud800")],
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_the_control_api_names_the_invalid_field(raw: RawHttp, name: str) -> None:
    for fields in WRONG_FIELDS[name]:
        body = json.dumps(fields).encode()
        reply = _survives(raw, lambda b=body: raw.ask("POST", f"/_twin/{name}", b))
        assert reply.status == 400, fields
        assert reply.json()["remedy"]
        assert reply.json()["field"] in {*fields, "body"}


_text = st.one_of(
    st.sampled_from(
        ("", "1", "-1", "10.00", "true", "2000.00", "4111111111111111", "12/2030", "fake-valid-nonce", "sale")
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12),
)
_tree: st.SearchStrategy[Any] = st.recursive(
    _text,
    lambda inner: st.one_of(st.dictionaries(st.sampled_from(NAMES), inner, max_size=5), st.lists(inner, max_size=3)),
    max_leaves=12,
)


def _xml(tag: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"<{tag}>" + "".join(_xml(name, inner) for name, inner in value.items()) + f"</{tag}>"
    if isinstance(value, list):
        return f'<{tag} type="array">' + "".join(_xml("item", inner) for inner in value) + f"</{tag}>"
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{tag}>{escaped}</{tag}>"


@pytest.mark.parametrize("route", WRITING, ids=_name)
def test_no_xml_tree_is_a_server_error(twin: Twin, sold: str, route: Route) -> None:
    raw = RawHttp(twin)
    path = raw.base + _path(route).replace("/transactions/id", f"/transactions/{sold}")

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(root=st.sampled_from(ROOTS), tree=_tree, as_json=st.booleans())
    def fuzz(root: str, tree: Any, as_json: bool) -> None:
        body = json.dumps({root: tree}) if as_json else _xml(root, tree)
        kind = "application/json" if as_json else "application/xml"
        reply = _survives(raw, lambda: raw.ask(route.method, path, body.encode(), Content_Type=kind))
        if reply.status >= 400:
            assert_in_the_gateways_shape(reply)

    fuzz()
    raw.close()
