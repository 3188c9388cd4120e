"""Creates, lists and revokes API keys."""

from dataclasses import dataclass, replace
from datetime import datetime

from application.access.issue_key import IssueKey, key_entry
from application.common.api_key import ApiKey, is_caller_id
from application.common.caller import NEVER_FOR_A_CUSTOMER, Scope
from application.common.errors import NotFound, ResourceKind, Rule
from application.common.validator import Validator
from application.ports.audit_log import AuditKind
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from domain import ids
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    issue: IssueKey

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
        return self.issue(
            validator,
            caller_id,
            scopes,
            customer_id=CustomerId(customer_id) if customer_id else None,
            note=note,
            expire_time=expire_time,
        )


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
