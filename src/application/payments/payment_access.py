"""Loads the payment that a request names, if it is the caller's."""

from application.common.caller import Caller
from application.common.errors import NotFound, ResourceKind, Rule
from application.common.ownership import reached
from application.common.validator import RawMoney, Validator
from application.ports.store import Store, UnitOfWork
from domain.currencies import EXPONENTS
from domain.ids import PaymentId
from domain.money import Money
from domain.payment import Payment


def owned_payment(payment: Payment | None, payment_id: str, caller: Caller) -> Payment:
    """The payment, if it is the caller's. Otherwise raises NotFound."""
    if payment is None:
        raise NotFound(ResourceKind.PAYMENT, payment_id)
    reached(payment.terms, ResourceKind.PAYMENT, payment_id, caller)
    return payment


def load_for_update(work: UnitOfWork, payment_id: str, caller: Caller) -> Payment:
    """The payment, locked. Raises NotFound."""
    return owned_payment(work.payments.get(PaymentId(payment_id), lock=True), payment_id, caller)


def lock_payment(work: UnitOfWork, payment_id: PaymentId) -> Payment:
    """The payment, locked. It exists: a row of ours references it."""
    payment = work.payments.get(payment_id, lock=True)
    if payment is None:
        raise RuntimeError(f"{payment_id} is gone")
    return payment


def load(store: Store, payment_id: str, caller: Caller) -> Payment:
    """The payment as it is now. Raises NotFound and StoreUnavailable."""
    with store.read_once() as work:
        return owned_payment(work.payments.get(PaymentId(payment_id)), payment_id, caller)


def check_amount(
    validator: Validator, raw: RawMoney | None, store: Store, payment_id: str | None, caller: Caller
) -> Money | None:
    """Checks an optional amount in the payment's own currency."""
    if raw is None:
        return None
    amount = validator.money("amount", raw, frozenset(EXPONENTS))
    if raw.currency_code in EXPONENTS and payment_id is not None:
        currency_code = load(store, payment_id, caller).terms.amount.currency_code
        if raw.currency_code != currency_code:
            validator.add("amount.currency_code", Rule.CURRENCY_OF_PAYMENT, currency_code)
    return amount
