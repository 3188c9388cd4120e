"""Finds payments by anything that people know of them. Exact ids and references come first, then the newest."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Final

from application.audit.audit_log import Audit
from application.common.caller import Caller
from application.common.errors import Rule
from application.common.pagination import PageTokens, checked_page_size, read_token, scope_of
from application.common.validator import RawMoney, Validator
from application.payments.list_payments import RawPaymentFilter, check_filter, stable_form
from application.ports.audit_log import AuditKind
from application.ports.payment_filter import PaymentFilter
from application.ports.store import Store
from application.search.matching_payments import Hit, MatchingPayments
from application.search.normal_form import normalised
from application.search.search_query import (
    MAX_WORDS,
    Query,
    amount_query,
    exact_query,
    joined,
    metadata_query,
    name_query,
    read_query,
)
from application.search.search_terms import TermKind
from domain.currencies import EXPONENTS
from domain.ids import CallerId

_METHOD: Final = "SearchPayments"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSearch:
    """A search as the caller sent it: a free text, fields that must match exactly, and a filter."""

    query: str = field(default="", repr=False)
    which: RawPaymentFilter = field(default_factory=RawPaymentFilter)
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    gateway_transaction_id: str = ""
    network_transaction_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    amount: RawMoney | None = None
    # Of this caller. Empty: of every caller whose payments the credential reaches.
    caller_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of hits, possibly empty, and the token of the next page: empty on the last."""

    hits: list[Hit]
    next_page_token: str
    # While the index is being built: older payments than this may be missing. None: it is complete.
    complete_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchPayments:
    store: Store
    page_tokens: PageTokens
    audit: Audit
    # The key of the digests of queries in the audit log.
    audit_key: bytes = field(repr=False)

    def __call__(
        self,
        raw: RawSearch,
        caller: Caller,
        *,
        page_size: int = 0,
        page_token: str = "",
        language_code: str = "",
        peer: str = "",
    ) -> SearchPage:
        """Raises InvalidRequest and StoreUnavailable. A search over all callers or by an operator is audited before it
        is answered.
        """
        validator = Validator()
        size = checked_page_size(validator, page_size)
        validator.language("language_code", language_code)
        which = check_filter(validator, raw.which)
        asked = which.customer_id
        if caller.customer_id is not None:
            which = replace(which, customer_id=caller.customer_id)
        query = _check(validator, raw, which)
        reach = CallerId(raw.caller_id) if raw.caller_id else caller.reach
        scope = scope_of(
            "search",
            caller_id=reach,
            query=query,
            **{one.name: stable_form(getattr(which, one.name)) for one in fields(which)},
        )
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        if asked not in (None, which.customer_id) or (reach is not None and caller.reach not in (None, reach)):
            return SearchPage([], "")
        with self.store.read() as work:
            hits, end = MatchingPayments(work, caller, reach, which, query).page(after, size)
            progress = work.search.progress()
        if caller.reach is None or caller.operator is not None:
            self._write_audit(raw, caller, peer, len(hits))
        backfill = progress.backfill if progress is not None else None
        # Before the first batch, the backfill stands in the far future.
        complete_from = min(backfill.time, self.audit.clock.now()) if backfill else None
        return SearchPage(hits, self.page_tokens.write(scope, end) if end else "", complete_from)

    def _write_audit(self, raw: RawSearch, caller: Caller, peer: str, count: int) -> None:
        """With a digest of the query, not the query: it names people. Whoever knows a query can find its entries."""
        asked = [one.name for one in fields(raw) if getattr(raw, one.name) not in ("", None, {}, RawPaymentFilter())]
        self.audit.write(
            AuditKind.PAYMENTS_SEARCHED,
            caller.actor,
            _METHOD,
            peer=peer,
            query_digest=query_digest(self.audit_key, raw.query),
            fields=",".join(asked),
            hits=str(count),
            **({"caller_id": raw.caller_id} if raw.caller_id else {}),
        )


def query_digest(key: bytes, query: str) -> str:
    """The keyed digest of a query in the audit log, equal for queries that differ in case or accents only."""
    return hmac.new(key, normalised(query).encode(), hashlib.sha256).hexdigest()[:32] if query else ""


def _check(validator: Validator, raw: RawSearch, which: PaymentFilter) -> Query:
    """The query and the fields as one. At least one of them, or a filter, must be there."""
    for name in ("query", "name", "email", "gateway_transaction_id", "network_transaction_id", "caller_id"):
        text = validator.text(_path(name), getattr(raw, name))
        without_card = Validator()
        without_card.no_card(name, text)
        if without_card.count:
            validator.add(_path(name), Rule.CARD_IN_SEARCH)
    query = read_query(raw.query)
    if len(raw.query.split()) > MAX_WORDS:
        validator.add("query", Rule.MAX_WORDS, MAX_WORDS)
    whole = joined(query, *_field_queries(validator, raw))
    if not whole.clauses and which == PaymentFilter() and not raw.caller_id:
        validator.add("query", Rule.NOTHING_TO_FIND)
    return whole


def _path(name: str) -> str:
    return name if name == "query" else f"fields.{name}"


def _field_queries(validator: Validator, raw: RawSearch) -> list[Query]:
    found = [name_query(raw.name), metadata_query(validator.metadata("fields.metadata", raw.metadata))]
    if raw.email:
        found.append(exact_query(raw.email, TermKind.EMAIL))
    if raw.gateway_transaction_id:
        kinds = (TermKind.TRANSACTION_ID, TermKind.REPORTED_TRANSACTION_ID)
        found.append(exact_query(raw.gateway_transaction_id, *kinds))
    if raw.network_transaction_id:
        found.append(exact_query(raw.network_transaction_id, TermKind.NETWORK_ID))
    if raw.amount is not None:
        amount = validator.money("fields.amount", raw.amount, EXPONENTS, may_be_zero=True)
        if amount is not None:
            found.append(amount_query(amount))
    return found
