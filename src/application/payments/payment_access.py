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
    """Checks an optional amount in the payment's own currency. Raises NotFound and StoreUnavailable."""
    if raw is None:
        return None
    currency_code = currency_of(store, payment_id, caller) if raw.currency_code in EXPONENTS else ""
    return check_amount_in(validator, raw, currency_code)


def check_amount_in(validator: Validator, raw: RawMoney | None, currency_code: str) -> Money | None:
    """Checks an optional amount in the currency; empty: in any."""
    if raw is None:
        return None
    amount = validator.money("amount", raw, EXPONENTS)
    if currency_code and raw.currency_code in EXPONENTS and raw.currency_code != currency_code:
        validator.add("amount.currency_code", Rule.CURRENCY_OF_PAYMENT, currency_code)
    return amount


def currency_of(store: Store, payment_id: str | None, caller: Caller) -> str:
    """The payment's currency; empty without an id. Raises NotFound and StoreUnavailable."""
    return load(store, payment_id, caller).terms.amount.currency_code if payment_id is not None else ""
