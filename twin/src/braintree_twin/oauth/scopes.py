"""The scopes of OAuth grants, and the calls that each of them permits."""

from __future__ import annotations

import re

READ_WRITE, READ_ONLY, GRANTS = "read_write", "read_only", "grant_payment_method"
SHARED_VAULT, FACILITATED = "shared_vault_transactions", "view_facilitated_transactions"
SCOPES = frozenset({READ_WRITE, READ_ONLY, GRANTS, SHARED_VAULT, FACILITATED})
# Resource-oriented scopes, such as transaction:sale or dispute:accept/facilitated.
_OF_RESOURCE = re.compile(r"([a-z_]+):([a-z_]+)(/facilitated)?", re.ASCII)
# The first segment of a path -> the resource of the scopes.
_RESOURCES = {
    "client_token": "client_token",
    "customers": "customer",
    "disputes": "dispute",
    "document_uploads": "document_upload",
    "merchant_accounts": "merchant_account",
    "payment_method_nonces": "payment_method_nonce",
    "payment_methods": "payment_method",
    "plans": "plan",
    "processing": "apple_pay",
    "settlement_batch_summary": "settlement_batch_summary",
    "subscriptions": "subscription",
    "transactions": "transaction",
    "us_bank_account_verifications": "us_bank_account_verification",
    "verifications": "credit_card_verification",
}
# The names of these actions say which calls they permit; any other permits every call of its resource.
_ACTIONS = {"create": "POST", "delete": "DELETE", "find": "GET", "update": "PUT"}


def are_scopes(text: str) -> bool:
    """Whether this is a list of scopes, separated by commas."""
    return bool(text) and all(each in SCOPES or _OF_RESOURCE.fullmatch(each) for each in text.split(","))


def permits(text: str, method: str, path: str) -> bool:
    """Whether a grant with these scopes permits the call. `path` is a route's, such as /transactions/{id}."""
    return any(_permits(each, method, path) for each in text.split(","))


def permits_graph(text: str, *, writes: bool) -> bool:
    """Whether a grant with these scopes permits a query of the graph, or a mutation.

    Resource-oriented scopes permit both: nobody publishes which mutations they stand for.
    """
    scopes = text.split(",")
    if READ_WRITE in scopes or any(_OF_RESOURCE.fullmatch(each) for each in scopes):
        return True
    return READ_ONLY in scopes and not writes


def _permits(scope: str, method: str, path: str) -> bool:
    resource = _resource(path)
    searches = path.endswith(("advanced_search", "advanced_search_ids", "_ids", "/expired", "/expiring"))
    reads = method == "GET" or searches
    if scope in (READ_WRITE, READ_ONLY):
        return scope == READ_WRITE or reads
    if scope == GRANTS:
        return path in ("/payment_methods/grant", "/payment_methods/revoke")
    if scope in (SHARED_VAULT, FACILITATED):
        return resource == "transaction" and (scope == SHARED_VAULT or reads)
    found = _OF_RESOURCE.fullmatch(scope)
    if found is None or found[1] != resource:
        return False
    if found[2] == "search":
        return searches
    return _ACTIONS.get(found[2], method) == method and not (found[2] == "create" and searches)


def _resource(path: str) -> str | None:
    segments = path.strip("/").split("/")
    return "address" if "addresses" in segments else _RESOURCES.get(segments[0])
