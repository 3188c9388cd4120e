"""One operation of a payment: one gateway call, recorded before it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from domain.decline import Decline
from domain.ids import OperationId, RequestId
from domain.money import Money
from domain.transaction import GatewayDetails, TransactionSnapshot
from domain.warning import MerchantWarning


class OperationKind(Enum):
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class OperationState(Enum):
    SCHEDULED = "scheduled"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Its outcome is still to come."""
        return self in (OperationState.SCHEDULED, OperationState.STARTED)


class OperationOrigin(Enum):
    """Who sent it to the gateway."""

    # This service did, for a caller.
    SERVICE = "service"
    # Somebody else did: in the gateway's control panel, or as another client of the same merchant.
    OUTSIDE = "outside"


class FailureReason(Enum):
    """Why it had no effect although nobody declined it."""

    GATEWAY_UNREACHABLE = "gateway_unreachable"
    GATEWAY_REFUSED_REQUEST = "gateway_refused_request"
    NOT_FOUND_AT_GATEWAY = "not_found_at_gateway"
    GATEWAY_REFUSED_CREDENTIALS = "gateway_refused_credentials"
    NO_LONGER_POSSIBLE = "no_longer_possible"
    CLOSED_BY_ADMINISTRATOR = "closed_by_administrator"

    @property
    def may_turn_out(self) -> bool:
        """Nobody found it, or somebody closed it by hand: what it did can still show up."""
        return self in (FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR)

    @property
    def surely_not_sent(self) -> bool:
        """The same request may be tried again: the gateway never acted on it."""
        return self in (FailureReason.GATEWAY_UNREACHABLE, FailureReason.GATEWAY_REFUSED_CREDENTIALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call to the gateway and what came of it.

    `target_transaction_id` is the transaction acted on (none for an authorization), `transaction_id` the one that
    holds the effect. `standing` is where that one stands; only successful operations have it.
    """

    operation_id: OperationId
    kind: OperationKind
    state: OperationState
    amount: Money
    request_id: RequestId
    create_time: datetime
    target_transaction_id: str = ""
    origin: OperationOrigin = OperationOrigin.SERVICE
    # A capture that leaves the rest of the authorization open: a transaction of its own.
    in_part: bool = False
    # A capture that releases what it leaves.
    final: bool = False
    # It was accepted before it was possible. What surely had no effect is scheduled again, not given up.
    was_scheduled: bool = False
    # How often it was on its way to the gateway: scheduled again, it starts again under its own id.
    start_count: int = 0
    # A void that carries out a refund: where it comes too late, a refund takes its place.
    for_refund: bool = False
    note: str = ""
    finish_time: datetime | None = None
    transaction_id: str = ""
    standing: TransactionSnapshot | None = None
    decline: Decline | None = None
    failure_reason: FailureReason | None = None
    failure_detail: str = ""
    details: GatewayDetails = GatewayDetails()
    # What the gateway refused of the records that went along, and what was left out for it.
    warnings: tuple[MerchantWarning, ...] = ()
    # When the service looks at it next, and how often it has. No part of what happened.
    next_check_time: datetime | None = field(default=None, compare=False)
    check_count: int = field(default=0, compare=False)

    @property
    def is_captured_sale(self) -> bool:
        """It holds money that was taken from the customer."""
        return (
            self.kind in (OperationKind.AUTHORIZE, OperationKind.CAPTURE)
            and self.standing is not None
            and self.standing.status.is_captured
        )
