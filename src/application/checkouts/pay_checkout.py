"""Pays a checkout. Double clicks, reloads and second tabs pay once: each attempt is one request of CreatePayment.

The attempt is taken in the transaction that records the payment. So a checkout that was ended, or paid elsewhere in the
meantime, is not paid, and no crash leaves an attempt without its payment.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from application.checkouts.view_checkout import CheckoutView, ViewCheckout, own_session, shopper_of
from application.common.conflicts import retry_on_conflict
from application.common.errors import (
    AuthenticationRequired,
    InvalidRequest,
    OperationRefused,
    ReferenceAlreadyPaid,
    RequestIdReused,
    TooManyDeclines,
)
from application.common.three_d_secure_input import NOTHING_SAID, RawThreeDSecure
from application.common.validator import RawMoney
from application.payments.create_payment import CreatePayment
from application.payments.create_payment_command import CreatePaymentCommand, RawStoredMethod
from application.ports.gateway import GatewayNotReached, Nonce
from application.ports.runtime import Clock
from application.ports.store import Store, UnitOfWork
from domain.checkout import Checkout, CheckoutMethod, CheckoutUse, UseState
from domain.errors import CheckoutNotPayable
from domain.ids import CheckoutId, PaymentId

_BY_NONCE: Final = frozenset({CheckoutMethod.CARD, CheckoutMethod.APPLE_PAY, CheckoutMethod.PAYPAL})
# The namespace of attempts' request ids. Permanent: a repeat after an upgrade is the same request.
_ATTEMPTS: Final = uuid.UUID("5c1e7f0a-5f0e-5d55-9a7e-0f6a3c2b9d41")


class PayProblem(Enum):
    """The reason why an attempt made no payment. Nothing was charged."""

    # The service demands 3-D Secure.
    AUTHENTICATE = "authenticate"
    # The gateway was surely not reached.
    NOT_SENT = "not_sent"
    # The gateway refused the request as it was: no bank was asked.
    REFUSED = "refused"
    # Another payment for the same order exists.
    ALREADY_PAID = "already_paid"
    TOO_MANY_DECLINES = "too_many_declines"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayCheckoutCommand:
    """The shopper's wish. Exactly one of `nonce` and `payment_method_id` is set."""

    token: str = field(repr=False)
    session: str = field(repr=False)
    # The attempt that the shopper saw. Another one changes nothing.
    attempt: int
    nonce: str = field(default="", repr=False)
    payment_method_id: str = ""
    # Of the stored method, by 3-D Secure in the browser.
    authentication_id: str = field(default="", repr=False)
    store_payment_method: bool = False
    device_data: str = field(default="", repr=False)
    client_address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PayResult:
    view: CheckoutView
    problem: PayProblem | None = None


@dataclass(frozen=True, slots=True)
class PayCheckout:
    store: Store
    clock: Clock
    create_payment: CreatePayment
    view: ViewCheckout

    def __call__(self, command: PayCheckoutCommand) -> PayResult | None:
        """None where no checkout has this address. Raises StoreUnavailable."""
        view = self.view(command.token, command.session)
        if view is None:
            return None
        if not view.standing.can_pay or command.attempt != view.attempt:
            return PayResult(view)
        if not _is_offered(view.checkout, command):
            return PayResult(view, PayProblem.INVALID)
        session = own_session(view.checkout, command.session)
        try:
            use = view.use or self._open_use(view.checkout.checkout_id, session)
            problem = self._pay(view.checkout, use, command)
        except CheckoutNotPayable:
            problem = None
        return PayResult(self.view.settle(view.checkout.checkout_id, session), problem)

    def _pay(self, checkout: Checkout, use: CheckoutUse, command: PayCheckoutCommand) -> PayProblem | None:
        attempt = _Attempt(checkout.checkout_id, use.session, command.attempt, self.clock)
        try:
            self.create_payment(_payment_command(checkout, use, command), shopper_of(checkout), on_start=attempt.start)
        except RequestIdReused:
            # Another tab pays the same attempt with another card.
            return None
        except ReferenceAlreadyPaid:
            self._skip_attempt(checkout.checkout_id, use.session, command.attempt)
            return PayProblem.ALREADY_PAID
        except AuthenticationRequired:
            return PayProblem.AUTHENTICATE
        except TooManyDeclines:
            return PayProblem.TOO_MANY_DECLINES
        except InvalidRequest:
            return PayProblem.INVALID
        except GatewayNotReached:
            return PayProblem.NOT_SENT
        except OperationRefused:
            return PayProblem.REFUSED
        return None

    @retry_on_conflict
    def _open_use(self, checkout_id: CheckoutId, session: str) -> CheckoutUse:
        """The session's use, recorded before its first payment: the payment's reference has its number.

        Raises CheckoutNotPayable.
        """
        with self.store.begin() as work:
            checkout = _locked(work, checkout_id)
            use = work.checkouts.use(checkout_id, session)
            if use is None:
                use = CheckoutUse(checkout_id=checkout_id, session=session, ordinal=checkout.session_count + 1)
                work.checkouts.add_use(use)
                work.checkouts.save(checkout.open_session())
        return use

    @retry_on_conflict
    def _skip_attempt(self, checkout_id: CheckoutId, session: str, number: int) -> None:
        """The refusal answers this attempt for ever; the next one is decided afresh."""
        with self.store.begin() as work:
            _locked(work, checkout_id)
            use = work.checkouts.use(checkout_id, session)
            if use is not None and use.state is UseState.READY and use.attempt == number:
                work.checkouts.save_use(use.retry())


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Takes the attempt in the transaction that records its payment."""

    checkout_id: CheckoutId
    session: str = field(repr=False)
    attempt: int
    clock: Clock

    def start(self, work: UnitOfWork, payment_id: PaymentId) -> None:
        """Raises CheckoutNotPayable."""
        checkout, now = _locked(work, self.checkout_id), self.clock.now()
        use = work.checkouts.use(self.checkout_id, self.session)
        if use is None or use.attempt != self.attempt:
            raise CheckoutNotPayable(self.checkout_id)
        if use.state is UseState.PAYING and use.payment_id == payment_id:
            # The payment was surely not sent, and the same attempt sends it again.
            return
        if use.state is not UseState.READY:
            raise CheckoutNotPayable(self.checkout_id)
        work.checkouts.save(checkout.take_use(now))
        work.checkouts.save_use(use.start(payment_id, now))


def _locked(work: UnitOfWork, checkout_id: CheckoutId) -> Checkout:
    checkout = work.checkouts.get(checkout_id, lock=True)
    if checkout is None:
        raise CheckoutNotPayable(checkout_id)
    return checkout


def _is_offered(checkout: Checkout, command: PayCheckoutCommand) -> bool:
    if bool(command.nonce) == bool(command.payment_method_id):
        return False
    if command.payment_method_id:
        return CheckoutMethod.STORED in checkout.terms.methods
    # A nonce does not tell which of these it stands for.
    return bool(_BY_NONCE & set(checkout.terms.methods))


def _payment_command(checkout: Checkout, use: CheckoutUse, command: PayCheckoutCommand) -> CreatePaymentCommand:
    terms = checkout.terms
    authentication_id = command.authentication_id if command.payment_method_id else ""
    name = f"{checkout.token}/{use.session}/{command.attempt}"
    return CreatePaymentCommand(
        request_id=str(uuid.uuid5(_ATTEMPTS, name)),
        reference=f"{terms.reference}-{use.ordinal}" if terms.is_link else terms.reference,
        amount=RawMoney(terms.amount.minor_units, terms.amount.currency_code),
        source=Nonce(command.nonce) if command.nonce else RawStoredMethod(command.payment_method_id),
        customer_id=checkout.customer_id or "",
        capture_mode=terms.capture_mode,
        store_payment_method=bool(command.nonce) and terms.offers_storing and command.store_payment_method,
        metadata=terms.metadata,
        client_address=command.client_address,
        device_data=command.device_data,
        three_d_secure=RawThreeDSecure(authentication_id=authentication_id) if authentication_id else NOTHING_SAID,
        merchant_account_id=terms.merchant_account_id,
    )
