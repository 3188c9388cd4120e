"""The OAuth endpoints: the page of a grant, access tokens from codes and refresh tokens, and their revocation."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from braintree_twin.calls import Answer, Call, PageAnswer, Route
from braintree_twin.errors import MalformedRequest, NotAuthenticated, NotFound
from braintree_twin.oauth.grants import (
    create_grant,
    grant_of_access_token,
    grant_of_refresh_token,
    merchant_named,
    renew,
    use_code,
)
from braintree_twin.oauth.scopes import are_scopes
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING, schema
from braintree_twin.state.records import OAuthGrant
from braintree_twin.validation import failed, failed_saying
from braintree_twin.webhooks.notifications import notify
from braintree_twin.xml_writer import Node, Timestamp

ROOT = "credentials"
INVALID_GRANT, INVALID_SCOPE, INVALID_REQUEST, UNSUPPORTED_GRANT_TYPE = "93801", "93803", "93804", "93805"
MERCHANT_PATTERN = "merchant_id must name the merchant that grants; the twin has no page to sign in"


def _require_client(call: Call) -> str:
    """The client id of the application whose credentials are given. Raises NotAuthenticated."""
    if not call.merchant.has_client_credentials(call.headers.get("authorization", "")):
        raise NotAuthenticated
    return call.merchant.client_id


def connect(call: Call) -> PageAnswer:
    """Grant at once, and send the merchant's browser back with a code, as if its owner had agreed."""
    query = call.query
    back, merchant_id = query.get("redirect_uri", ""), query.get("merchant_id")
    scope = query.get("scope", "read_write")
    if not urlsplit(back).netloc:
        raise MalformedRequest("redirect_uri must be a URL")
    if not merchant_id:
        raise MalformedRequest(MERCHANT_PATTERN)
    if not are_scopes(scope):
        raise MalformedRequest("scope is unknown")
    with call.store.change():
        grant = create_grant(call, merchant_id, call.merchant.client_id, scope)
    answer = {"code": grant.code, "merchantId": merchant_id}
    if "state" in query:
        answer["state"] = query["state"]
    joint = "&" if urlsplit(back).query else "?"
    return PageAnswer("", 302, headers={"Location": f"{back}{joint}{urlencode(answer)}"})


def create_test_grant(call: Call) -> Answer:
    """A grant without a browser, as the SDKs' own tests create it."""
    client_id = _require_client(call)
    params = call.params("grant")
    merchant_id, scope = params.text("merchant_public_id"), params.text("scope") or "read_write"
    if merchant_id is None:
        raise failed("grant", "merchant_public_id", INVALID_REQUEST)
    if not are_scopes(scope):
        raise failed("grant", "scope", INVALID_SCOPE)
    return Answer("grant", {"code": create_grant(call, merchant_id, client_id, scope).code}, 201)


def create_tokens(call: Call) -> Answer:
    client_id = _require_client(call)
    # The Node SDK sends the fields without an element around them.
    params = call.params(ROOT) if ROOT in call.document else Params(call.document)
    match params.text("grant_type"):
        case "authorization_code":
            grant = use_code(call, params.text("code") or "", client_id)
            if grant is None:
                raise failed_saying(ROOT, "code", INVALID_GRANT, "Invalid grant: code not found")
        case "refresh_token":
            token = params.text("refresh_token") or ""
            grant = grant_of_refresh_token(call.store, token, client_id)
            if grant is None:
                raise failed_saying(ROOT, "refresh_token", INVALID_GRANT, "Invalid grant: refresh token not found")
            grant = renew(call, merchant_named(token) or "", grant)
        case _:
            raise failed(ROOT, "grant_type", UNSUPPORTED_GRANT_TYPE)
    return Answer(ROOT, _credentials(grant), 201)


def _credentials(grant: OAuthGrant) -> dict[str, Node]:
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "expires_at": Timestamp(grant.expires_at or ""),
        "token_type": "bearer",
        "scope": grant.scope,
    }


def revoke(call: Call) -> Answer:
    """Revoke an access token, and notify the application's owner."""
    client_id = _require_client(call)
    token = str(call.document.get("token") or "")
    grant = grant_of_access_token(call.store, token, call.clock.stamp())
    if grant is None or grant.client_id != client_id:
        raise NotFound
    grant.revoked = True
    merchant_id = merchant_named(token) or ""
    call.store.oauth_grants.put(merchant_id, grant)
    subject: Node = {"merchant_id": merchant_id, "oauth_application_client_id": client_id}
    notify(call, "oauth_access_revoked", {"oauth_application_revocation": subject})
    return Answer("result", {"success": True})


ROUTES = (
    Route(
        "GET",
        "/oauth/connect",
        connect,
        needs_keys=False,
        query=frozenset({"client_id", "merchant_id", "redirect_uri", "scope", "state", "landing_page"}),
    ),
    Route(
        "POST",
        "/oauth_testing/grants",
        create_test_grant,
        needs_keys=False,
        takes={"grant": schema("merchant_public_id scope")},
    ),
    Route(
        "POST",
        "/oauth/access_tokens",
        create_tokens,
        needs_keys=False,
        takes={
            ROOT: schema("grant_type code refresh_token", no_effect="scope"),
            **dict.fromkeys(("grant_type", "code", "refresh_token"), EVERYTHING),
        },
    ),
    Route("POST", "/oauth/revoke_access_token", revoke, needs_keys=False, takes={"token": EVERYTHING}),
)
