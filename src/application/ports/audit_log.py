"""Port for the audit log, and its entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from application.common.pagination import Position


class AuditKind(Enum):
    # Written before the call is executed, and again with its outcome.
    ADMIN_CALL_BEGUN = "admin_call_begun"
    ADMIN_CALL_ENDED = "admin_call_ended"
    ACCESS_REFUSED = "access_refused"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    # A search over the payments of every caller.
    PAYMENTS_SEARCHED = "payments_searched"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One audited event. `count`: the number of equal events up to `time`."""

    entry_id: str
    time: datetime
    kind: AuditKind
    actor: str
    subject: str
    outcome: str = ""
    peer: str = ""
    count: int = 1
    details: Mapping[str, str] = field(default_factory=dict)


class AuditLog(Protocol):
    def add(self, entry: AuditEntry) -> None: ...

    def page(self, *, after: Position | None, limit: int) -> list[AuditEntry]:
        """Newest first."""
