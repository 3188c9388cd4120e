"""Reads a dispute."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import ResourceKind
from application.common.ownership import reached
from application.common.validator import Validator
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.dispute import Dispute
from domain.ids import DisputeId


@dataclass(frozen=True, slots=True)
class GetDispute:
    store: Store

    def __call__(self, dispute_id: str, caller: Caller) -> Dispute:
        """Raises InvalidRequest, NotFound and StoreUnavailable."""
        validator = Validator()
        validator.resource_id("dispute_id", dispute_id, ids.DISPUTE)
        validator.done()
        with self.store.read_once() as work:
            return own_dispute(work, dispute_id, caller)


def own_dispute(work: UnitOfWork, dispute_id: str, caller: Caller, *, lock: bool = False) -> Dispute:
    """The dispute, if it is the caller's. Raises NotFound."""
    dispute = work.disputes.get(DisputeId(dispute_id), lock=lock)
    return reached(dispute, ResourceKind.DISPUTE, dispute_id, caller)
