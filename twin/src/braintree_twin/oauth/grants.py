"""Grants: a merchant lets the OAuth application of another act for it. Codes and tokens name the merchant."""

from __future__ import annotations

from datetime import timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.state.records import OAuthGrant
from braintree_twin.state.store import Store

LIFETIME = timedelta(days=10 * 365)
CODE_LIFETIME = timedelta(minutes=10)


def merchant_named(token: str) -> str | None:
    """The merchant that a code or token names, such as access_token$development$shop$secret."""
    parts = token.split("$")
    return parts[2] if len(parts) == 4 else None


def create_grant(call: Call, merchant_id: str, client_id: str, scope: str) -> OAuthGrant:
    grant = OAuthGrant(
        code=_token(call, "code", merchant_id), client_id=client_id, scope=scope, created_at=call.clock.stamp()
    )
    call.store.oauth_grants.put(merchant_id, grant)
    return grant


def _token(call: Call, kind: str, merchant_id: str) -> str:
    return f"{kind}$development${merchant_id}${call.ids.keyed_hash(call.ids.dispute())[:32]}"


def use_code(call: Call, code: str, client_id: str) -> OAuthGrant | None:
    """The grant of an unused code, with new tokens; None if there is none."""
    merchant_id = merchant_named(code) or ""
    grant = call.store.oauth_grants.get(merchant_id, code)
    if grant is None or grant.client_id != client_id or grant.access_token:
        return None
    if call.clock.now() >= parse_stamp(grant.created_at) + CODE_LIFETIME:
        return None
    return renew(call, merchant_id, grant)


def renew(call: Call, merchant_id: str, grant: OAuthGrant) -> OAuthGrant:
    """Give the grant new tokens; the old ones are worthless."""
    grant.access_token = _token(call, "access_token", merchant_id)
    grant.refresh_token = _token(call, "refresh_token", merchant_id)
    grant.expires_at = stamp(call.clock.now() + LIFETIME)
    call.store.oauth_grants.put(merchant_id, grant)
    return grant


def grant_of_refresh_token(store: Store, token: str, client_id: str) -> OAuthGrant | None:
    found = store.oauth_grants.find(merchant_named(token) or "", refresh_token=token)
    return next((grant for grant in found if grant.client_id == client_id and not grant.revoked), None)


def grant_of_access_token(store: Store, token: str, now: str) -> OAuthGrant | None:
    """The valid grant of an access token: not revoked, not expired."""
    found = store.oauth_grants.find(merchant_named(token) or "", access_token=token)
    return next((grant for grant in found if not grant.revoked and (grant.expires_at or "") > now), None)


def bearer(authorization: str) -> str | None:
    """The access token of an Authorization header, if it has one."""
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" and given.startswith("access_token$") else None


def grant_of_call(call: Call) -> OAuthGrant | None:
    """The grant that a call is made by; None if it has the merchant's own keys."""
    token = bearer(call.headers.get("authorization", ""))
    return grant_of_access_token(call.store, token, call.clock.stamp()) if token else None
