"""Compares the gateway's request log with the recorded starts: each start is sent at most once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from braintree_twin.control import LoggedRequest
from domain.dispute import ActionKind, Dispute
from domain.events import OperationStarted
from domain.operation import OperationKind
from domain.three_d_secure import is_acceptable
from tests.crash.database_records import Record
from tests.crash.external_client import is_external
from tests.crash.ledger_audit import taken_back
from tests.order_ids import operation_of

_ACTIONS: Final = {
    "accept": (ActionKind.ACCEPT,),
    "finalize": (ActionKind.FINALIZE,),
    "evidence": (ActionKind.ADD_TEXT, ActionKind.ADD_FILE),
}
_ON_A_TRANSACTION: Final = {
    "submit_for_settlement": OperationKind.CAPTURE,
    "void": OperationKind.VOID,
    "adjust_authorization": OperationKind.ADJUST,
}
_REFUSED: Final = 422


def double_sends(
    log: Iterable[LoggedRequest],
    records: Sequence[Record],
    disputes: Sequence[Dispute],
    adjusted_by_others: Collection[str] = (),
) -> Iterator[str]:
    """Findings: requests that were sent more often than they were started, whatever their outcome.

    An adjustment carries no order id: those of the transactions that others adjust as well are not counted.
    """
    by_order: defaultdict[str, list[LoggedRequest]] = defaultdict(list)
    by_target: defaultdict[tuple[str, str], list[LoggedRequest]] = defaultdict(list)
    by_token: defaultdict[str, list[LoggedRequest]] = defaultdict(list)
    for each in log:
        parts = each.path.strip("/").split("/")
        if is_external(each.order_id):
            continue
        if parts[0] == "transactions" and each.order_id:
            by_order[operation_of(each.order_id)].append(each)
        elif len(parts) == 3 and parts[0] in ("transactions", "disputes"):
            by_target[parts[1], parts[2]].append(each)
        elif each.method == "POST" and each.path == "/payment_methods" and each.token:
            by_token[each.token].append(each)
    starts, targets = _starts(records)
    actions = _actions(disputes)
    unauthenticated = set(_unauthenticated_sales(records))
    for operation_id, sent in by_order.items():
        times = _that_count(sent)
        if times > starts[operation_id]:
            yield f"{operation_id} was started {starts[operation_id]} times, and sent {times} times: {sent}"
    for (target, verb), sent in by_target.items():
        if verb == "adjust_authorization" and target in adjusted_by_others:
            continue
        if verb == "void" and target in unauthenticated:
            # It is repeated until the sale is voided, as often as the process dies on the way.
            continue
        allowed = actions[target, verb] if verb in _ACTIONS else targets[target, verb]
        if len(sent) > allowed:
            yield f"{verb} of {target} was started {allowed} times, and sent {len(sent)} times: {sent}"
    for token, sent in by_token.items():
        if len(sent) > 1:
            yield f"the method {token} was sent {len(sent)} times: {sent}"


def _unauthenticated_sales(records: Sequence[Record]) -> Iterator[str]:
    """Sales that the service voids by itself. One that settles before the void stands, and its void was refused."""
    for record in records:
        policy = record.payment.terms.three_d_secure_policy
        for operation in record.payment.operations:
            yield taken_back(operation)
            result = operation.details.three_d_secure
            if result is not None and not is_acceptable(policy, result):
                yield operation.details.transaction_id


def _starts(records: Sequence[Record]) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Starts of each operation, and of each kind on a transaction for requests without an order id."""
    starts: Counter[str] = Counter()
    targets: Counter[tuple[str, str]] = Counter()
    for record in records:
        for event in record.history:
            if not isinstance(event, OperationStarted):
                continue
            starts[event.operation_id] += 1
            for verb, kind in _ON_A_TRANSACTION.items():
                if event.kind is kind and not event.in_part:
                    targets[event.target_transaction_id, verb] += 1
    return starts, targets


def _actions(disputes: Sequence[Dispute]) -> Counter[tuple[str, str]]:
    return Counter(
        (dispute.report.gateway_dispute_id, verb)
        for dispute in disputes
        for action in dispute.actions
        for verb, kinds in _ACTIONS.items()
        if action.kind in kinds
    )


def _that_count(sent: Sequence[LoggedRequest]) -> int:
    """The requests that count as sends of one start. A sale with a refused token may be sent again without it."""
    first, *rest = sent
    refused = first.outcome == _REFUSED and first.token is not None
    return len(rest) if refused and rest and rest[0].token is None else len(sent)
