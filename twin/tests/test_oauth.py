"""OAuth: codes, tokens, access in another merchant's name, granted payment methods; with the official Python SDK."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import braintree
import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.not_found_error import NotFoundError
from twin_sdk import codes, codes_on

from braintree_twin.sdk_twin import SdkTwin, run_sdk_twin

MERCHANT = """
[[merchants]]
id = "{0}"
public_key = "{0}_public"
private_key = "{0}_private"
accounts = [{{id = "{0}_usd", currency = "USD", duplicate_checking = false}}]
"""
CREDENTIALS = ("client_id$development$platform", "client_secret$development$platform")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkTwin]:
    folder: Path = tmp_path_factory.mktemp("oauth")
    (folder / "seed.toml").write_text("".join(MERCHANT.format(name) for name in ("platform", "shop", "other")))
    with run_sdk_twin(folder, seed=folder / "seed.toml") as running:
        yield running


def _configured(twin: SdkTwin, **credentials: Any) -> Any:
    """A gateway with credentials that name no environment but development, which is the twin here."""
    known = braintree.Environment.All["development"]
    braintree.Environment.All["development"] = twin._environment()
    try:
        return braintree.BraintreeGateway(braintree.Configuration(wrap_http_exceptions=True, **credentials))
    finally:
        braintree.Environment.All["development"] = known


def platform(twin: SdkTwin) -> Any:
    return _configured(twin, client_id=CREDENTIALS[0], client_secret=CREDENTIALS[1])


def granted(twin: SdkTwin, scope: str = "read_write", merchant_id: str = "shop") -> str:
    """The code of a new grant."""
    answer = (
        platform(twin)
        .config.http()
        .post("/oauth_testing/grants", {"grant": {"merchant_public_id": merchant_id, "scope": scope}})
    )
    code: str = answer["grant"]["code"]
    return code


def connected(twin: SdkTwin, **grant: str) -> tuple[Any, Any]:
    """The tokens of a new grant, and the gateway that acts by them."""
    credentials = platform(twin).oauth.create_token_from_code({"code": granted(twin, **grant)}).credentials
    return credentials, _configured(twin, access_token=credentials.access_token)


def test_a_code_gives_tokens_once(twin: SdkTwin) -> None:
    code = granted(twin)
    result = platform(twin).oauth.create_token_from_code({"code": code})
    assert result.is_success
    assert result.credentials.token_type == "bearer"
    assert result.credentials.access_token.startswith("access_token$development$shop$")
    assert result.credentials.refresh_token
    assert result.credentials.expires_at
    for wrong in (code, "bad_code", "code$development$shop$none"):
        refused = platform(twin).oauth.create_token_from_code({"code": wrong})
        assert codes_on(refused, "credentials", "code") == ["93801"]
        assert refused.message == "Invalid grant: code not found"


def test_an_access_token_acts_for_its_merchant_alone(twin: SdkTwin) -> None:
    _, acting = connected(twin)
    sold = acting.transaction.sale({"amount": "10.00", "payment_method_nonce": "fake-valid-nonce"}).transaction
    assert sold.merchant_account_id == "shop_usd"
    assert twin.gateway("shop").transaction.find(sold.id).amount == sold.amount
    with pytest.raises(NotFoundError):
        twin.gateway("other").transaction.find(sold.id)
    acting.config.merchant_id = "other"
    with pytest.raises(AuthenticationError):
        acting.transaction.find(sold.id)
    acting.config.merchant_id = "shop"
    assert acting.graphql_client.query("{ ping }")["data"]["ping"] == "pong"


def test_a_refresh_token_replaces_both_tokens(twin: SdkTwin) -> None:
    credentials, acting = connected(twin)
    renewed = platform(twin).oauth.create_token_from_refresh_token({"refresh_token": credentials.refresh_token})
    assert renewed.credentials.access_token != credentials.access_token
    with pytest.raises(AuthenticationError):
        acting.plan.all()
    again = platform(twin).oauth.create_token_from_refresh_token({"refresh_token": credentials.refresh_token})
    assert codes_on(again, "credentials", "refresh_token") == ["93801"]


def test_a_revoked_token_is_refused_and_the_application_is_notified(twin: SdkTwin) -> None:
    credentials, acting = connected(twin)
    assert acting.plan.all() == []
    with twin.receive_webhooks("platform") as inbox:
        assert platform(twin).oauth.revoke_access_token(credentials.access_token).is_success
        revocation = inbox.wait_for("oauth_access_revoked").oauth_access_revocation
        assert (revocation.merchant_id, revocation.oauth_application_client_id) == ("shop", CREDENTIALS[0])
    with pytest.raises(AuthenticationError):
        acting.plan.all()
    with pytest.raises(NotFoundError):
        platform(twin).oauth.revoke_access_token(credentials.access_token)


def test_wrong_client_credentials_are_refused(twin: SdkTwin) -> None:
    wrong = _configured(twin, client_id=CREDENTIALS[0], client_secret="client_secret$development$wrong")
    with pytest.raises(AuthenticationError):
        wrong.oauth.create_token_from_code({"code": "x"})


def test_the_connect_url_sends_the_browser_back_with_a_code(twin: SdkTwin) -> None:
    back = "https://platform.example/back?from=twin"
    asked = {"merchant_id": "shop", "redirect_uri": back, "scope": "read_write", "state": "s p"}
    url = urlsplit(platform(twin).oauth.connect_url(asked))
    parts = urlsplit(twin.url)
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
    connection.request("GET", f"{url.path}?{url.query}")
    response = connection.getresponse()
    response.read()
    assert response.status == 302
    target = urlsplit(response.headers["Location"])
    answer = parse_qs(target.query)
    assert (target.netloc, answer["from"], answer["state"], answer["merchantId"]) == (
        "platform.example",
        ["twin"],
        ["s p"],
        ["shop"],
    )
    assert platform(twin).oauth.create_token_from_code({"code": answer["code"][0]}).is_success
    connection.request("GET", f"{url.path}?client_id={CREDENTIALS[0]}")
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize(
    ("scope", "permitted", "refused"),
    [
        ("read_only", ("find", "search"), ("sale", "create", "vault")),
        ("transaction:sale,transaction:find", ("find", "sale"), ("create", "vault")),
        ("transaction:find", ("find",), ("sale", "search", "create")),
        ("transaction:search", ("search",), ("sale", "find")),
        ("customer:create", ("create",), ("find", "sale", "vault")),
        ("view_facilitated_transactions", ("find", "search"), ("sale", "create")),
        ("grant_payment_method", (), ("find", "sale", "create")),
        ("payment_method:create/facilitated,read_only", ("find", "vault"), ("sale",)),
    ],
)
def test_a_scope_permits_its_calls_alone(
    twin: SdkTwin, scope: str, permitted: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    _, shop = connected(twin, scope=scope)
    paid = twin.gateway("shop").transaction.sale({"amount": "10.00", "payment_method_nonce": "fake-valid-nonce"})
    owner = twin.gateway("shop").customer.create({}).customer.id
    calls: dict[str, Callable[[], Any]] = {
        "find": lambda: shop.transaction.find(paid.transaction.id),
        "search": lambda: list(shop.transaction.search(braintree.TransactionSearch.order_id == "none").items),
        "sale": lambda: shop.transaction.sale({"amount": "11.00", "payment_method_nonce": "fake-valid-nonce"}),
        "create": lambda: shop.customer.create({}),
        "vault": lambda: shop.payment_method.create({"customer_id": owner, "payment_method_nonce": "fake-valid-nonce"}),
    }
    for name in permitted:
        calls[name]()
    for name in refused:
        with pytest.raises(AuthorizationError):
            calls[name]()


def test_a_scope_for_reading_permits_no_mutation(twin: SdkTwin) -> None:
    _, shop = connected(twin, scope="read_only")
    assert shop.graphql_client.query("{ ping }")["data"] == {"ping": "pong"}
    with pytest.raises(AuthorizationError):
        shop.graphql_client.query("mutation { createCustomer { customer { id } } }")


def test_an_unknown_scope_is_refused(twin: SdkTwin) -> None:
    answer = (
        platform(twin)
        .config.http()
        .post("/oauth_testing/grants", {"grant": {"merchant_public_id": "shop", "scope": "everything"}})
    )
    assert "93803" in str(answer)


def test_a_granted_payment_method_pays_its_recipient(twin: SdkTwin) -> None:
    _, granting = connected(twin, scope="grant_payment_method")
    owner, recipient = twin.gateway("shop"), twin.gateway("platform")
    customer = owner.customer.create({"credit_card": {"number": "4111111111111111", "expiration_date": "05/2030"}})
    token = customer.customer.credit_cards[0].token
    once = granting.payment_method.grant(token, {"allow_vaulting": False}).payment_method_nonce.nonce
    stranger = recipient.customer.create({}).customer.id
    kept = recipient.payment_method.create({"customer_id": stranger, "payment_method_nonce": once})
    assert not kept.is_success
    sold = recipient.transaction.sale({"amount": "10.00", "payment_method_nonce": once})
    assert sold.transaction.credit_card_details.last_4 == "1111"
    assert codes(recipient.transaction.sale({"amount": "11.00", "payment_method_nonce": once})) == ["91564"]
    vaulted = granting.payment_method.grant(token, {"allow_vaulting": True}).payment_method_nonce.nonce
    assert recipient.payment_method.create({"customer_id": stranger, "payment_method_nonce": vaulted}).is_success
    revoked = granting.payment_method.grant(token).payment_method_nonce.nonce
    assert granting.payment_method.revoke(token).is_success
    assert codes(recipient.transaction.sale({"amount": "12.00", "payment_method_nonce": revoked})) == ["91566"]
    with pytest.raises(NotFoundError):
        granting.payment_method.grant("unknown")
    assert not owner.payment_method.grant(token).is_success


@pytest.mark.parametrize(("revokes", "refusal"), [(True, ["91566"]), (False, [])])
def test_a_deleted_method_takes_its_grants_along_if_that_is_asked_for(
    twin: SdkTwin, revokes: bool, refusal: list[str]
) -> None:
    _, granting = connected(twin, scope="grant_payment_method")
    owner, recipient = twin.gateway("shop"), twin.gateway("platform")
    customer = owner.customer.create({"credit_card": {"number": "4111111111111111", "expiration_date": "05/2030"}})
    token = customer.customer.credit_cards[0].token
    nonce = granting.payment_method.grant(token).payment_method_nonce.nonce
    assert owner.payment_method.delete(token, {"revoke_all_grants": revokes}).is_success
    sold = recipient.transaction.sale({"amount": "10.00", "payment_method_nonce": nonce})
    assert (codes(sold) if refusal else sold.transaction.status) == (refusal or "authorized")


def test_an_account_that_its_bank_has_verified_pays_with_its_nonce(twin: SdkTwin) -> None:
    parts = urlsplit(twin.url)
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
    body = {
        "account_details": {"account_number": "567891234", "account_type": "CHECKING", "classification": "PERSONAL"},
        "institution_details": {"bank_id": {"bank_code": "021000021", "country_code": "US"}},
        "account_holders": [{"name": {"full_name": "Dan Schulman"}}],
    }
    keys = base64.b64encode(b"shop_public:shop_private").decode()
    headers = {"Authorization": f"Basic {keys}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/open-finance/tokenize-bank-account-details", json.dumps(body), headers)
    nonce = json.loads(connection.getresponse().read())["tenant_token"]
    mandate = {"ach_mandate_text": "I authorize this", "ach_mandate_accepted_at": "2026-01-02T03:04:05Z"}
    paid = twin.gateway("shop").transaction.sale(
        {
            "amount": "12.34",
            "payment_method_nonce": nonce,
            "us_bank_account": mandate,
            "options": {"submit_for_settlement": True},
        }
    )
    account = paid.transaction.us_bank_account
    assert (account.account_holder_name, account.last_4) == ("Dan Schulman", "1234")
    assert account.ach_mandate.text == "I authorize this"
    wrong = {**headers, "Authorization": "Basic " + base64.b64encode(b"a:b").decode()}
    connection.request("POST", "/v1/open-finance/tokenize-bank-account-details", json.dumps(body), wrong)
    assert connection.getresponse().status == 401
    connection.close()
