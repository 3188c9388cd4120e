"""Records the outcome of an operation, whatever its source."""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from application.payment_methods.default_method import assign_default, detach_method
from application.payments.disputed_amounts import with_latest_claims
from application.payments.external_operations import unknown_parts
from application.payments.poll_schedule import SettlementPollPolicy
from application.ports.gateway import Approved, Declined, Outcome, Rejected, Transaction, Unknown
from application.ports.runtime import IdSource
from application.ports.store import UnitOfWork
from domain.decline import Decline, DeclineReason
from domain.events import EventContext
from domain.ids import OPERATION, OperationId, PaymentMethodId
from domain.initiator import SeriesPosition
from domain.operation import FailureReason, Operation, OperationKind
from domain.payment import Payment
from domain.payment_method import PaymentMethodState, Verification
from domain.transaction import TransactionStatus


def outcome_of(transaction: Transaction) -> Outcome:
    """The outcome that a found transaction shows for its operation."""
    if transaction.standing.status is TransactionStatus.AUTHORIZING:
        return Unknown("the gateway is still working on it")
    # A sale refused at settlement was approved all the same: the payment shows that the money never arrived, and no
    # decline.
    settled_badly = transaction.standing.status is TransactionStatus.SETTLEMENT_DECLINED
    if transaction.decline is not None and not settled_badly:
        return Declined(decline=transaction.decline, details=transaction.details, instrument=transaction.instrument)
    return Approved(transaction)


def record_outcome(
    work: UnitOfWork,
    payment: Payment,
    operation_id: OperationId,
    outcome: Outcome,
    context: EventContext,
    poll_policy: SettlementPollPolicy,
) -> None:
    """Applies the outcome to the locked payment and the method stored with it, and saves both."""
    operation = payment.operation(operation_id)
    match outcome:
        case Approved(taken) if taken.amount.currency_code != payment.terms.amount.currency_code:
            # An account of another currency took it. From now on, it is an orphan.
            detail = f"{taken.transaction_id} took {taken.amount}. Reconcile with REVERSE gives it back"
            payment.fail(operation_id, FailureReason.GATEWAY_REFUSED_REQUEST, detail=detail, context=context)
        case Approved(answered, warnings):
            transaction = with_latest_claims(work, answered)
            moves_money = operation.kind is not OperationKind.VOID
            payment.succeed(
                operation_id,
                amount=transaction.amount if moves_money else operation.amount,
                transaction_id=transaction.transaction_id,
                standing=transaction.standing,
                details=transaction.details,
                instrument=transaction.instrument if operation.kind is OperationKind.AUTHORIZE else None,
                warnings=warnings,
                context=context,
            )
        case Declined():
            payment.decline(
                operation_id,
                _decline_of(payment, operation, outcome.decline),
                details=outcome.details,
                instrument=outcome.instrument if operation.kind is OperationKind.AUTHORIZE else None,
                warnings=outcome.warnings,
                context=context,
            )
        case Rejected():
            payment.fail(
                operation_id,
                FailureReason.GATEWAY_REFUSED_REQUEST,
                detail=outcome.detail,
                details=outcome.details,
                context=context,
            )
        case Unknown(detail):
            payment.mark_outcome_unknown(operation_id, detail, context=context)
        case _:
            assert_never(outcome)
    poll_policy.plan(payment, context.time)
    if payment.transaction_ids and _shows_outside_change(payment, outcome):
        payment.next_poll_time = context.time
    work.payments.save(payment)
    if operation.kind is OperationKind.AUTHORIZE and payment.terms.store_payment_method:
        _record_method_outcome(work, payment, outcome, context)
    elif (
        isinstance(outcome, Approved)
        and operation.kind is OperationKind.AUTHORIZE
        and payment.terms.series_position is SeriesPosition.FIRST
    ):
        _keep_agreement(work, payment, outcome.transaction, context)
    elif isinstance(outcome, Declined) and outcome.decline.reason is DeclineReason.METHOD_REMOVED:
        _detach_paying_method(work, payment, context)


def schedule_refund_instead(
    payment: Payment, operation_id: OperationId, ids: IdSource, context: EventContext, *, after: timedelta = timedelta()
) -> bool:
    """Schedules a refund in place of a refused void that carried out a refund: the sale has settled meanwhile.

    The resolver looks at it `after` that time. Returns whether it was scheduled.
    """
    refund_id = OperationId(ids.new(OPERATION))
    if not payment.convert_void_to_refund(operation_id, refund_id, context=context):
        return False
    payment.schedule_check(refund_id, context.time + after)
    return True


def _decline_of(payment: Payment, operation: Operation, decline: Decline) -> Decline:
    is_merchants = payment.terms.series_position is SeriesPosition.LATER
    if operation.kind is OperationKind.AUTHORIZE and is_merchants:
        return decline.of_merchant_initiated_payment()
    return decline


def _shows_outside_change(payment: Payment, outcome: Outcome) -> bool:
    """Whether the outcome shows a change by somebody else: the record is outdated, and is synced again at once."""
    match outcome:
        case Rejected():
            return True
        case Approved(transaction):
            return bool(unknown_parts(payment, [transaction]))
        case _:
            return False


def record_failure(
    work: UnitOfWork,
    payment: Payment,
    operation_id: OperationId,
    reason: FailureReason,
    detail: str,
    context: EventContext,
) -> None:
    """Records that the operation surely had no effect."""
    payment.fail(operation_id, reason, detail=detail, context=context)
    work.payments.save(payment)
    if payment.operation(operation_id).kind is OperationKind.AUTHORIZE and payment.terms.store_payment_method:
        _fail_method(work, payment, "the payment failed", context)


def _record_method_outcome(work: UnitOfWork, payment: Payment, outcome: Outcome, context: EventContext) -> None:
    match outcome:
        case Approved(transaction, warnings) if transaction.token and transaction.instrument is not None:
            method = work.payment_methods.get(_method_id(payment), lock=True)
            if method is not None and method.state is not PaymentMethodState.ACTIVE:
                stored = method.activate(transaction.instrument, transaction.token, None, time=context.time)
                details = transaction.details
                stored = replace(stored, warnings=warnings).with_network_ids(
                    details.network_transaction_id, details.mastercard_transaction_link_id
                )
                work.payment_methods.save(assign_default(work, stored, make_default=False))
        case Approved():
            _fail_method(work, payment, "the gateway did not keep it", context)
        case Declined():
            method = work.payment_methods.get(_method_id(payment), lock=True)
            if method is not None and method.state is PaymentMethodState.PENDING:
                verification = Verification(approved=False, decline=outcome.decline)
                work.payment_methods.save(method.refuse(verification, time=context.time))
        case Rejected():
            _fail_method(work, payment, "the payment failed", context)
        case Unknown():
            pass


def _keep_agreement(work: UnitOfWork, payment: Payment, transaction: Transaction, context: EventContext) -> None:
    """Keeps with the stored method that the customer agreed in this payment, and the network's id of it."""
    method_id, details = payment.terms.payment_method_id, transaction.details
    method = work.payment_methods.get(method_id, lock=True) if method_id is not None else None
    if method is None or method.state is not PaymentMethodState.ACTIVE:
        return
    agreed = method.with_consent(payment.terms.initiator)
    if details.network_transaction_id:
        agreed = replace(
            agreed,
            network_transaction_id=details.network_transaction_id,
            mastercard_transaction_link_id=details.mastercard_transaction_link_id,
        )
    if agreed != method:
        work.payment_methods.save(replace(agreed, update_time=context.time))


def _detach_paying_method(work: UnitOfWork, payment: Payment, context: EventContext) -> None:
    """Deletes the paying stored method here, because the gateway no longer has it."""
    method_id = payment.terms.payment_method_id
    method = work.payment_methods.get(method_id, lock=True) if method_id is not None else None
    if method is not None and method.state is PaymentMethodState.ACTIVE:
        work.payment_methods.save(detach_method(work, method, time=context.time))


def _fail_method(work: UnitOfWork, payment: Payment, detail: str, context: EventContext) -> None:
    method = work.payment_methods.get(_method_id(payment), lock=True)
    if method is not None and method.state is PaymentMethodState.PENDING:
        work.payment_methods.save(method.fail(detail, time=context.time))


def _method_id(payment: Payment) -> PaymentMethodId:
    if payment.terms.payment_method_id is None:
        raise RuntimeError("a method to be stored has an id from the start")
    return payment.terms.payment_method_id
