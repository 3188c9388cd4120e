"""One operation of a payment: one gateway call, recorded before it is made."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from domain.decline import Decline
from domain.ids import OperationId, RequestId
from domain.money import Money
from domain.order_details import OrderDetails
from domain.quick_enum import QuickEnum
from domain.quick_init import quick_init
from domain.transaction import GatewayDetails, TransactionSnapshot
from domain.warning import MerchantWarning


class OperationKind(QuickEnum):
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    # Changes the authorized amount, up or down.
    ADJUST = "adjust"


class OperationState(QuickEnum):
    SCHEDULED = "scheduled"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Its outcome is not known yet."""
        return self in (OperationState.SCHEDULED, OperationState.STARTED)


class OperationOrigin(Enum):
    # This service sent it for a caller.
    SERVICE = "service"
    # Somebody else sent it: in the gateway's control panel, or as another client of the same merchant.
    OUTSIDE = "outside"


class FailureReason(Enum):
    """The reason why it had no effect although nobody declined it."""

    GATEWAY_UNREACHABLE = "gateway_unreachable"
    GATEWAY_REFUSED_REQUEST = "gateway_refused_request"
    NOT_FOUND_AT_GATEWAY = "not_found_at_gateway"
    GATEWAY_REFUSED_CREDENTIALS = "gateway_refused_credentials"
    NO_LONGER_POSSIBLE = "no_longer_possible"
    CLOSED_BY_ADMINISTRATOR = "closed_by_administrator"

    @property
    def is_provisional(self) -> bool:
        """It was not found, or was closed by hand: its effect can still show up."""
        return self in (FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR)

    @property
    def surely_not_sent(self) -> bool:
        """The same request may be retried: the gateway never acted on it."""
        return self in (FailureReason.GATEWAY_UNREACHABLE, FailureReason.GATEWAY_REFUSED_CREDENTIALS)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One gateway call and its outcome.

    `target_transaction_id` is the transaction acted on (none for an authorization), `transaction_id` the one that
    holds the effect. `standing` is the snapshot of the latter; only successful operations have it.
    """

    operation_id: OperationId
    kind: OperationKind
    state: OperationState
    amount: Money
    request_id: RequestId
    create_time: datetime
    target_transaction_id: str = ""
    origin: OperationOrigin = OperationOrigin.SERVICE
    # A capture that leaves the rest of the authorization open. It is a transaction of its own.
    in_part: bool = False
    # A capture that releases the rest.
    final: bool = False
    # Of a capture: as given with it. The payment's own are in its terms.
    order_details: OrderDetails | None = field(default=None, repr=False)
    # It was accepted before it was possible. If it surely had no effect, it is rescheduled instead of failed.
    was_scheduled: bool = False
    # The number of starts: a rescheduled operation starts again under its own id.
    start_count: int = 0
    # A void that carries out a refund. If it comes too late, a refund replaces it.
    for_refund: bool = False
    note: str = ""
    finish_time: datetime | None = None
    transaction_id: str = ""
    standing: TransactionSnapshot | None = None
    decline: Decline | None = None
    failure_reason: FailureReason | None = None
    failure_detail: str = ""
    details: GatewayDetails = GatewayDetails()
    # The records sent along that the gateway refused, and that were left out.
    warnings: tuple[MerchantWarning, ...] = ()
    # The time of the next check, and the number of checks so far. Not part of the history.
    next_check_time: datetime | None = field(default=None, compare=False)
    check_count: int = field(default=0, compare=False)

    @property
    def is_captured_sale(self) -> bool:
        """It holds money taken from the customer."""
        return (
            self.kind in (OperationKind.AUTHORIZE, OperationKind.ADJUST, OperationKind.CAPTURE)
            and self.standing is not None
            and self.standing.status.is_captured
        )
