"""Whatever a client sends and the twin does not act on is named: each call, with names that nobody planned."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_calls import Browser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_http import RawHttp
from twin_sdk import gateway_to

from braintree_twin.calls import Route
from braintree_twin.graphql_api.read_inputs import ReadInput
from braintree_twin.resources import ROUTES
from braintree_twin.testing import Twin, start_twin

# Calls that read a body; those without `takes` have tests of their own below.
READING = [route for route in ROUTES if route.method in ("POST", "PUT") and route.takes is not None]
ASKING = [route for route in ROUTES if route.method in ("GET", "DELETE") and route.takes is not None]
# Names that no API has, in the letters of XML and of JSON alike.
NAMES = st.from_regex(r"zz[a-z]{3,12}(_[a-z]{2,6})?", fullmatch=True)
PROPERTY = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder: Path = tmp_path_factory.mktemp("strict")
    with start_twin(folder, arguments=("--strict",)) as running:
        yield running


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder: Path = tmp_path_factory.mktemp("lenient")
    with start_twin(folder) as running:
        yield running


class Caller:
    """Sends a field more than a call knows: as XML to the server API, as JSON to the client API."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.raw = RawHttp(twin)
        self.fingerprint = Browser(twin, gateway_to(twin)).fingerprint

    def path(self, route: Route) -> str:
        below = re.sub(r"{\w+}", "nothing", route.path)
        named = route.path.startswith(("/oauth", "/v1/", "/merchants/", "/tokens"))
        return below if named else self.raw.base + below

    def post(self, route: Route, name: str) -> tuple[int, bytes, str]:
        """The status, the answer, and the field that must be named."""
        root = next(iter(route.takes or ()), None)
        if route.for_browsers:
            body = json.dumps({"authorizationFingerprint": self.fingerprint, name: "x"}).encode()
            reply = self.raw.ask(route.method, self.path(route), body, Content_Type="application/json")
            return reply.status, reply.body, name
        knows_any = root is not None and (route.takes or {})[root].any_name is not None
        if root is None or knows_any:
            sent, expected = f"<{name}>x</{name}>", name
        else:
            sent, expected = f"<{root}><{name}>x</{name}></{root}>", f"{root}.{name}"
        reply = self.raw.ask(route.method, self.path(route), sent.encode(), **self.credentials(route))
        return reply.status, reply.body, expected

    def credentials(self, route: Route) -> dict[str, str]:
        """OAuth's calls have the credentials of the application."""
        if not route.path.startswith(("/oauth", "/merchants/")):
            return {}
        name = self.twin.merchant_id
        pair = f"client_id$development${name}:client_secret$development${name}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def named(self) -> set[tuple[str, str]]:
        return {(each.route, each.field) for each in self.twin.control.requests().unhandled_fields}


@pytest.fixture(scope="module")
def caller(lenient: Twin) -> Iterator[Caller]:
    made = Caller(lenient)
    yield made
    made.raw.close()


@pytest.fixture(scope="module")
def refused(strict: Twin) -> Iterator[Caller]:
    made = Caller(strict)
    yield made
    made.raw.close()


@PROPERTY
@given(name=NAMES)
def test_every_call_names_a_field_that_it_does_not_know(caller: Caller, name: str) -> None:
    expected = set()
    for route in READING:
        status, _, field = caller.post(route, name)
        assert status != 500, route
        expected.add((f"{route.method} {route.path}", field))
    assert expected - caller.named() == set()


@PROPERTY
@given(name=NAMES)
def test_a_strict_twin_refuses_a_field_that_a_call_does_not_know(refused: Caller, name: str) -> None:
    for route in READING:
        status, body, field = refused.post(route, name)
        assert status == 422, route
        assert f"{field} is unknown".encode() in body, route


@PROPERTY
@given(name=NAMES)
def test_every_call_names_a_query_that_it_does_not_know(caller: Caller, refused: Caller, name: str) -> None:
    for route in (each for each in (*ASKING, *READING) if not each.for_browsers):
        path = f"{caller.path(route)}?{name}=x"
        answered = caller.raw.ask(route.method, path, None, **caller.credentials(route))
        assert answered.status != 500, route
        assert (f"{route.method} {route.path}", f"query.{name}") in caller.named(), route
        assert refused.raw.ask(route.method, path, None, **refused.credentials(route)).status == 422, route


@pytest.mark.parametrize("written", ["<{}/>", "<{0}> \n </{0}>", '<{} nil="true"/>'])
def test_an_empty_element_is_named_if_its_name_is_unknown(caller: Caller, refused: Caller, written: str) -> None:
    path = f"{caller.raw.base}/customers"
    for name, status in (("zzempty", 422), ("first-name", 201), ("custom-fields", 201), ("device-data", 201)):
        body = f"<customer>{written.format(name)}</customer>".encode()
        assert caller.raw.ask("POST", path, body).status == 201
        assert refused.raw.ask("POST", path, body).status == status, name
    assert ("POST /customers", "customer.zzempty") in caller.named()


def test_a_body_that_nobody_can_read_is_named(caller: Caller, refused: Caller) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        path = f"{caller.raw.base}/customers"
        assert caller.raw.ask("POST", path, b"<customer/>", Content_Type=kind).status == 201
        assert ("POST /customers", f"body ({kind})") in caller.named()
        assert refused.raw.ask("POST", path, b"<customer/>", Content_Type=kind).status == 422


def test_an_unknown_criterion_of_a_search_is_refused(caller: Caller) -> None:
    searches = [route.path for route in ROUTES if "advanced_search" in route.path]
    assert len(searches) > 8
    for path in searches:
        reply = caller.raw.ask("POST", caller.raw.base + path, b"<search><colour><is>red</is></colour></search>")
        assert reply.status == 422, path


def test_an_unknown_part_of_an_upload_is_named(caller: Caller, refused: Caller) -> None:
    lines = [
        *("--b", 'Content-Disposition: form-data; name="document_upload[kind]"', "", "evidence_document"),
        *("--b", 'Content-Disposition: form-data; name="colour"', "", "red"),
        *("--b", 'Content-Disposition: form-data; name="file"; filename="a.png"', "Content-Type: image/png", ""),
    ]
    body = "\r\n".join(lines).encode() + b"\r\n\x89PNG\r\n\x1a\n\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    path = f"{caller.raw.base}/document_uploads"
    assert caller.raw.ask("POST", path, body, Content_Type=kind).status == 201
    assert ("POST /document_uploads", "colour") in caller.named()
    assert refused.raw.ask("POST", path, body, Content_Type=kind).status == 422


VENMO = """mutation ($input: CreateVenmoPaymentContextInput!) {
    createVenmoPaymentContext(input: $input) { venmoPaymentContext { id status } }
}"""


def venmo(twin: Twin, **fields: Any) -> tuple[int, Any]:
    """Create a Venmo context as braintree-web does, with these fields more."""
    browser = Browser(twin, gateway_to(twin))
    asked = {"paymentMethodUsage": "MULTI_USE", "customerClient": "DESKTOP", "intent": "CONTINUE", **fields}
    body = {"query": VENMO, "variables": {"input": asked}}
    status, content, _ = browser.ask("POST", "/graphql", body, {"Authorization": f"Bearer {browser.fingerprint}"})
    return status, content


def test_a_field_of_graphql_without_effect_is_named_and_refused_if_the_twin_is_strict(
    caller: Caller, refused: Caller
) -> None:
    details = {"paysheetDetails": {"collectCustomerBillingAddress": True}}
    status, content = venmo(caller.twin, **details)
    assert (status, content["data"]["createVenmoPaymentContext"]["venmoPaymentContext"]["status"]) == (200, "CREATED")
    fields = {field for route, field in caller.named() if route == "POST /graphql"}
    assert fields == {"createVenmoPaymentContext.input.paysheetDetails"}
    status, content = venmo(refused.twin, **details)
    assert status == 422
    assert "paysheetDetails is known, without effect" in json.dumps(content)
    # Facts of which the gateway shows no effect either are no reason to refuse.
    assert venmo(refused.twin)[0] == 200


def test_an_unknown_field_of_graphql_is_refused_by_its_schema_and_named(caller: Caller, refused: Caller) -> None:
    for each in (caller, refused):
        status, content = venmo(each.twin, zzcolour="red", paysheetDetails={"zz\nsize": None})
        assert (status, content.get("data")) == (200, None)
        assert "zzcolour" in str(content["errors"])
        named = {field for route, field in each.named() if route == "POST /graphql"}
        place = "createVenmoPaymentContext.input"
        assert {f"{place}.zzcolour", f"{place}.paysheetDetails.zz\\nsize"} <= named


def test_an_unknown_field_in_the_text_of_a_query_is_named(refused: Caller) -> None:
    query = 'mutation { vaultPaymentMethod(input: {paymentMethodId: "x", zzshape: "round"}) { paymentMethod { id } } }'
    body = json.dumps({"query": query}).encode()
    assert refused.raw.ask("POST", "/graphql", body, Content_Type="application/json").status == 200
    assert ("POST /graphql", "vaultPaymentMethod.input.zzshape") in refused.named()


def test_what_a_resolver_passes_on_as_a_whole_counts_as_read() -> None:
    given = ReadInput({"read": 1, "unread": 2, "none": None, "partly": {"a": 1, "b": 2}, "whole": {"c": 3}})
    assert (given["read"], given.get("partly")["a"], dict(given["whole"])) == (1, 1, {"c": 3})
    assert list(given.unread("x")) == ["x.unread", "x.partly.b"]
    items = ReadInput({"list": [{"a": 1, "b": 2}]})
    assert items["list"][0]["a"] == 1
    assert list(items.unread("x")) == ["x.list.b"]
