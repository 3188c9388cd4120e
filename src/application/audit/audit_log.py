"""The audit log: administrators' calls and failed access. Append-only."""

from dataclasses import dataclass
from typing import Final

from application.ports.audit_log import AuditEntry, AuditKind
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from domain.card_detector import without_card_numbers

ENTRY: Final = "aud"


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes audit entries as events happen."""

    store: Store
    clock: Clock
    ids: IdSource

    def write(self, kind: AuditKind, actor: str, subject: str, **more: str) -> None:
        """`more`: outcome, peer, and ids by name. Raises StoreUnavailable: the caller must then not proceed."""
        outcome, peer = more.pop("outcome", ""), more.pop("peer", "")
        entry = AuditEntry(
            entry_id=self.ids.new(ENTRY),
            time=self.clock.now(),
            kind=kind,
            actor=harmless(actor),
            subject=subject,
            outcome=outcome,
            peer=peer,
            details={name: harmless(value) for name, value in more.items()},
        )
        with self.store.begin() as work:
            work.audit.add(entry)


def harmless(text: str) -> str:
    """Makes an id safe to store: it was not validated yet, and a refused caller may have chosen it."""
    return without_card_numbers(text, "[removed]")
