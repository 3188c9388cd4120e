"""Creates, lists and revokes API keys."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from application.audit.audit_log import ENTRY
from application.common.api_key import KEY, SECRET_BYTES, ApiKey, format_key, hash_of, is_caller_id
from application.common.caller import NEVER_FOR_A_CUSTOMER, Scope
from application.common.errors import NotFound, ResourceKind, Rule
from application.common.validator import Validator
from application.ports.audit_log import AuditEntry, AuditKind
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from domain import ids
from domain.ids import CallerId, CustomerId


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    store: Store
    clock: Clock
    ids: IdSource
    random_bytes: Callable[[int], bytes]

    def __call__(
        self,
        caller_id: str,
        scopes: frozenset[Scope],
        *,
        customer_id: str = "",
        note: str = "",
        expire_time: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Returns the stored key, and its text, shown only this once. Raises InvalidRequest and StoreUnavailable."""
        now = self.clock.now()
        validator = Validator()
        if not is_caller_id(caller_id):
            validator.add("caller_id", Rule.CALLER_ID)
        validator.no_card("caller_id", caller_id)
        if not scopes:
            validator.add("scopes", Rule.REQUIRED)
        validator.resource_id("customer_id", customer_id, ids.CUSTOMER, required=False)
        refused = NEVER_FOR_A_CUSTOMER.intersection(scopes) if customer_id else ()
        if refused:
            validator.add("scopes", Rule.NOT_FOR_CUSTOMERS, ", ".join(sorted(scope.value for scope in refused)))
        validator.plain_text("note", note)
        if expire_time is not None and expire_time <= now:
            validator.add("expire_time", Rule.AFTER, "now")
        validator.done()
        secret = new_secret(self.random_bytes)
        key = ApiKey(
            key_id=self.ids.new(KEY),
            caller_id=CallerId(caller_id),
            scopes=scopes,
            secret_hash=hash_of(secret),
            create_time=now,
            customer_id=CustomerId(customer_id) if customer_id else None,
            note=note,
            expire_time=expire_time,
        )
        with self.store.begin() as work:
            work.api_keys.add(key)
            work.audit.add(key_entry(AuditKind.KEY_CREATED, key, now, self.ids))
        return key, format_key(key.key_id, secret)


@dataclass(frozen=True, slots=True)
class ListApiKeys:
    store: Store

    def __call__(self) -> list[ApiKey]:
        """All keys, newest first. Raises StoreUnavailable."""
        with self.store.read() as work:
            return work.api_keys.all()


@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    store: Store
    clock: Clock
    ids: IdSource

    def __call__(self, key_id: str) -> ApiKey:
        """The key, revoked now or earlier. Raises NotFound and StoreUnavailable."""
        with self.store.begin() as work:
            key = work.api_keys.get(key_id)
            if key is None:
                raise NotFound(ResourceKind.API_KEY, key_id)
            if key.revoke_time is None:
                now = self.clock.now()
                key = replace(key, revoke_time=now)
                work.api_keys.save(key)
                work.audit.add(key_entry(AuditKind.KEY_REVOKED, key, now, self.ids))
        return key


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    return base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).decode().rstrip("=")


def key_entry(kind: AuditKind, key: ApiKey, now: datetime, id_source: IdSource) -> AuditEntry:
    """The actor is the command line: keys are managed there, by operators with the database's credentials."""
    scopes = " ".join(sorted(scope.value for scope in key.scopes))
    return AuditEntry(
        entry_id=id_source.new(ENTRY),
        time=now,
        kind=kind,
        actor="command line",
        subject=key.key_id,
        outcome="OK",
        details={"caller_id": key.caller_id, "customer_id": key.customer_id or "", "scopes": scopes},
    )
