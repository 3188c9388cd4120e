"""Translates a payment's history into messages, each event with an English summary."""

from typing import Final, assert_never

from adapters.grpc.translate import enums
from adapters.grpc.translate.resources import details, moment, money, on_behalf, warning_sentence
from application.ports.feed import HistoryEntry
from bayar.payments.v1 import payment_pb2
from domain import events
from domain.events import OnBehalf, PaymentCreated, PaymentEvent
from domain.money import Money
from domain.operation import FailureReason, OperationKind
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from domain.warning import MerchantWarning

_FAILURES: Final = {
    FailureReason.GATEWAY_UNREACHABLE: "The gateway could not be reached; nothing was sent.",
    FailureReason.GATEWAY_REFUSED_REQUEST: "The gateway refused the request.",
    FailureReason.NOT_FOUND_AT_GATEWAY: "No answer came, and the gateway does not know of it.",
    FailureReason.GATEWAY_REFUSED_CREDENTIALS: "The gateway refused this service's credentials.",
    FailureReason.NO_LONGER_POSSIBLE: "It is not possible any more.",
    FailureReason.CLOSED_BY_ADMINISTRATOR: "An administrator closed it.",
}
_STATUSES: Final = {
    TransactionStatus.AUTHORIZING: "The bank is still deciding.",
    TransactionStatus.AUTHORIZED: "The money is held.",
    TransactionStatus.PARTIALLY_CAPTURED: "A part is captured.",
    TransactionStatus.SUBMITTED: "The money is on its way to settlement.",
    TransactionStatus.SETTLEMENT_PENDING: "The settlement waits for the payer's side.",
    TransactionStatus.SETTLEMENT_CONFIRMED: "The settlement is confirmed.",
    TransactionStatus.SETTLING: "The money is settling.",
    TransactionStatus.SETTLED: "The money has settled.",
    TransactionStatus.SETTLEMENT_DECLINED: "The bank refused the transfer at settlement.",
    TransactionStatus.VOIDED: "The money was released.",
    TransactionStatus.RELEASED: "The rest of the hold is released.",
    TransactionStatus.EXPIRED: "The authorization ran out.",
    TransactionStatus.DECLINED: "The bank said no.",
    TransactionStatus.FAILED: "The gateway could not process it.",
}


def payment_event(entry: HistoryEntry, kinds: dict[str, OperationKind]) -> payment_pb2.PaymentEvent:
    """`kinds` maps the payment's operation ids to their kinds."""
    event = entry.event
    operation_id = "" if isinstance(event, PaymentCreated) else event.operation_id
    message = payment_pb2.PaymentEvent(
        event_id=entry.event_id,
        payment_id=entry.payment_id,
        sequence=entry.sequence,
        type=enums.EVENT_TYPE[type(event)],
        event_time=moment(event.context.time),
        actor=event.context.actor,
        operation_id=operation_id,
        state=enums.PAYMENT_STATE[entry.state],
        summary=_acted(summary(event), event.context.on_behalf),
        gateway_details=details(getattr(event, "details", GatewayDetails())),
        on_behalf=on_behalf(event.context.on_behalf),
    )
    if operation_id in kinds:
        message.operation_kind = enums.OPERATION_KIND[kinds[operation_id]]
    amount = event.terms.amount if isinstance(event, PaymentCreated) else getattr(event, "amount", None)
    if amount is not None:
        message.amount.CopyFrom(money(amount))
    return message


def summary(event: PaymentEvent) -> str:
    """The event and its cause, in one or two English sentences."""
    match event:
        case PaymentCreated(terms=terms):
            skipped = ", ".join(one.value.replace("_", " ") for one in terms.skipped_checks)
            account = f" in the merchant account {terms.merchant_account_id}" if terms.merchant_account_id else ""
            asked = f"A payment of {terms.amount} was asked for{account}"
            return f"{asked}, without the checks: {skipped}." if skipped else f"{asked}."
        case events.OperationScheduled(kind=kind, amount=amount, note=note):
            return _noted(f"A {kind.value} of {amount} waits for settlement.", note)
        case events.OperationStarted(kind=kind, amount=amount, note=note):
            return _noted(f"{_named(kind, amount)} is sent to the gateway.", note)
        case events.OperationSucceeded(standing=standing):
            done = f"The gateway did it. {_standing(standing)}{_authenticated(event.details)}{_risk(event.details)}"
            return _warned(done, event.warnings)
        case events.OperationDeclined(decline=decline, details=said):
            code = f" ({said.processor_response_code} {said.processor_response_text})".replace("( ", "(")
            reason = decline.reason.value.replace("_", " ")
            declined = f"Declined: {reason}{code if said.processor_response_code else ''}."
            refused = f"{declined}{_authenticated(said)}{_risk(said)}"
            return _warned(refused, event.warnings)
        case events.OperationFailed(reason=reason_of_failure, detail=detail):
            return f"{_FAILURES[reason_of_failure]} {detail}".strip()
        case events.OutcomeUnknown(detail=detail):
            return f"No usable answer came ({detail}). Bayar goes on looking for the outcome."
        case events.GatewayStatusChanged(standing=standing):
            return _standing(standing)
        case events.OutsideOperationRecorded(
            kind=kind, amount=amount, transaction_id=transaction_id, standing=standing
        ):
            done = f"{_named(kind, amount)} was made at the gateway by somebody else"
            return f"{done} (transaction {transaction_id}). {_standing(standing)}"
        case events.DifferenceRepaired(difference=difference, recorded=recorded, at_gateway=at_gateway):
            return f"The record said {difference} {recorded}, the gateway says {at_gateway}; the record was corrected."
        case _:
            assert_never(event)


def _named(kind: OperationKind, amount: Money) -> str:
    match kind:
        case OperationKind.AUTHORIZE:
            return f"An authorization of {amount}"
        case OperationKind.ADJUST:
            return f"An adjustment of the authorization to {amount}"
        case _:
            return f"A {kind.value} of {amount}"


def _standing(standing: TransactionSnapshot) -> str:
    paid_out = f" It was paid out on {standing.disburse_date}." if standing.disburse_date else ""
    disputed = f" The customer's bank claims {standing.disputed_amount} back." if standing.disputed_amount else ""
    return _STATUSES[standing.status] + paid_out + disputed


def _authenticated(details: GatewayDetails) -> str:
    result = details.three_d_secure
    if result is None:
        return ""
    shift = "shifted to the bank" if result.liability_shifted else "stays with the shop"
    return f" 3-D Secure: {result.status.value.replace('_', ' ')}; liability {shift}."


def _risk(details: GatewayDetails) -> str:
    check = details.risk_check
    if check is None or not check.decision:
        return ""
    reasons = f" ({', '.join(check.decision_reasons)})" if check.decision_reasons else ""
    return f" The gateway's risk check said {check.decision}{reasons}."


def _warned(sentence: str, warnings: tuple[MerchantWarning, ...]) -> str:
    return " ".join([sentence, *(warning_sentence(one) for one in warnings)])


def _acted(sentence: str, act: OnBehalf | None) -> str:
    if act is None:
        return sentence
    return f"{sentence} {act.operator_name} acted on behalf of {act.caller_id}: {act.reason}"


def _noted(sentence: str, note: str) -> str:
    return f"{sentence} Note: {note}" if note else sentence
