"""Issues an API key to a back end or an operator: checks it, stores it with its audit entry, and returns its text."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from application.audit.audit_log import ENTRY
from application.common.api_key import KEY, SECRET_BYTES, ApiKey, format_key, hash_of
from application.common.caller import Scope
from application.common.errors import Rule
from application.common.validator import Validator
from application.ports.audit_log import AuditEntry, AuditKind
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store, UnitOfWork
from domain.ids import CallerId, CustomerId


@dataclass(frozen=True, slots=True)
class IssueKey:
    store: Store
    clock: Clock
    ids: IdSource
    random_bytes: Callable[[int], bytes]

    def __call__(
        self,
        validator: Validator,
        caller_id: str,
        scopes: frozenset[Scope],
        *,
        customer_id: CustomerId | None = None,
        note: str,
        expire_time: datetime | None,
        must_allow: Callable[[UnitOfWork, datetime], object] = lambda _work, _now: None,
    ) -> tuple[ApiKey, str]:
        """Returns the stored key, and its text, shown only this once.

        `validator` holds the violations that the caller has found, and `must_allow` raises in the transaction that
        would store the key. Raises InvalidRequest and StoreUnavailable.
        """
        now = self.clock.now()
        validator.plain_text("note", note)
        if expire_time is not None and expire_time <= now:
            validator.add("expire_time", Rule.AFTER, "now")
        validator.done()
        secret = base64.urlsafe_b64encode(self.random_bytes(SECRET_BYTES)).decode().rstrip("=")
        key = ApiKey(
            key_id=self.ids.new(KEY),
            caller_id=CallerId(caller_id),
            scopes=scopes,
            secret_hash=hash_of(secret),
            create_time=now,
            customer_id=customer_id,
            note=note,
            expire_time=expire_time,
        )
        with self.store.begin() as work:
            must_allow(work, now)
            work.api_keys.add(key)
            work.audit.add(key_entry(AuditKind.KEY_CREATED, key, now, self.ids))
        return key, format_key(key.key_id, secret)


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
