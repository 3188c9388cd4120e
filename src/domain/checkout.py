"""A checkout: a page on which a shopper pays one order, or a payment link that many shoppers use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from domain.errors import CheckoutBeingPaid, CheckoutCompleted, CheckoutNotPayable
from domain.events import CaptureMode
from domain.ids import CallerId, CheckoutId, CustomerId, PaymentId
from domain.money import Money
from domain.payment_state import PaymentState

# Declined attempts of one use, after which the page takes no more.
MAX_ATTEMPTS: Final = 20
_FIRST_CHECK: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(minutes=5)


class CheckoutState(Enum):
    OPEN = "open"
    COMPLETED = "completed"
    EXPIRED = "expired"


class CheckoutMethod(Enum):
    """A way to pay that a checkout offers."""

    CARD = "card"
    STORED = "stored"
    APPLE_PAY = "apple_pay"
    PAYPAL = "paypal"


class UseState(Enum):
    # No payment is under way: nobody has tried yet, or the last attempt was declined.
    READY = "ready"
    # A payment is under way, or its outcome is not known.
    PAYING = "paying"
    PAID = "paid"


class Standing(Enum):
    """The shopper's situation on the page."""

    OPEN = "open"
    DECLINED = "declined"
    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"
    # Every use of a payment link is taken.
    USED_UP = "used_up"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    # Another payment for the same order exists.
    ALREADY_PAID = "already_paid"

    @property
    def can_pay(self) -> bool:
        return self in (Standing.OPEN, Standing.DECLINED)


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """A line of the order. The amount is the whole line's; a discount's is negative."""

    description: str
    quantity: int
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutTerms:
    """The merchant's order, which never changes."""

    reference: str
    amount: Money
    methods: tuple[CheckoutMethod, ...]
    success_url: str
    lines: tuple[CheckoutLine, ...] = ()
    cancel_url: str = ""
    language_code: str = ""
    max_uses: int = 1
    offers_storing: bool = False
    capture_mode: CaptureMode = CaptureMode.AUTOMATIC
    metadata: Mapping[str, str] = field(default_factory=dict)
    merchant_account_id: str = ""

    @property
    def is_link(self) -> bool:
        """A payment link: each use belongs to a browser of its own."""
        return self.max_uses > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """`taken_uses` counts the uses that are paid, or whose payment is under way."""

    checkout_id: CheckoutId
    caller_id: CallerId
    terms: CheckoutTerms
    # The secret part of its address.
    token: str = field(repr=False)
    customer_id: CustomerId | None = None
    state: CheckoutState = CheckoutState.OPEN
    expire_time: datetime
    create_time: datetime
    update_time: datetime
    end_time: datetime | None = None
    session_count: int = 0
    taken_uses: int = 0
    completed_uses: int = 0
    payment_id: PaymentId | None = None

    def has_expired(self, now: datetime) -> bool:
        return self.state is CheckoutState.EXPIRED or (self.state is CheckoutState.OPEN and now >= self.expire_time)

    def open_session(self) -> Checkout:
        """Another shopper has their first try."""
        return replace(self, session_count=self.session_count + 1)

    def take_use(self, now: datetime) -> Checkout:
        """Begins a payment. Raises CheckoutNotPayable where it has ended or no use is left."""
        if self.state is not CheckoutState.OPEN or self.has_expired(now) or self.taken_uses >= self.terms.max_uses:
            raise CheckoutNotPayable(self.checkout_id)
        return replace(self, taken_uses=self.taken_uses + 1)

    def release_use(self) -> Checkout:
        """The payment had no effect."""
        return replace(self, taken_uses=self.taken_uses - 1)

    def complete_use(self, payment_id: PaymentId, now: datetime) -> Checkout:
        """The payment was made. A payment that was under way when a link ended completes all the same."""
        completed = self.completed_uses + 1
        changed = replace(self, completed_uses=completed, payment_id=payment_id, update_time=now)
        if self.state is CheckoutState.OPEN and completed == self.terms.max_uses:
            return replace(changed, state=CheckoutState.COMPLETED, end_time=now)
        return changed

    def expire(self, now: datetime) -> Checkout:
        """Ends it. Raises CheckoutCompleted, and CheckoutBeingPaid while the only use's outcome is not known."""
        if self.state is CheckoutState.EXPIRED:
            return self
        if self.state is CheckoutState.COMPLETED:
            raise CheckoutCompleted(self.checkout_id)
        if not self.terms.is_link and self.taken_uses:
            raise CheckoutBeingPaid(self.checkout_id)
        return replace(self, state=CheckoutState.EXPIRED, end_time=now, update_time=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutUse:
    """One shopper's use of a checkout: their attempts to pay, of which at most one has an effect.

    `session` names the browser of a payment link; empty for a checkout that can be paid once, whoever opens it.
    """

    checkout_id: CheckoutId
    session: str = field(repr=False)
    # 1, 2, ... within the checkout.
    ordinal: int
    state: UseState = UseState.READY
    # The number of the attempt that is under way, or comes next.
    attempt: int = 1
    # The payment of the newest attempt.
    payment_id: PaymentId | None = None
    start_time: datetime | None = None
    next_check_time: datetime | None = field(default=None, compare=False)

    def start(self, payment_id: PaymentId, now: datetime) -> CheckoutUse:
        return replace(
            self, state=UseState.PAYING, payment_id=payment_id, start_time=now, next_check_time=now + _FIRST_CHECK
        )

    def complete(self) -> CheckoutUse:
        return replace(self, state=UseState.PAID, next_check_time=None)

    def retry(self) -> CheckoutUse:
        """The attempt had no effect: the next one is a new payment."""
        return replace(self, state=UseState.READY, attempt=self.attempt + 1, next_check_time=None)

    def wait(self, now: datetime) -> CheckoutUse:
        """The outcome is still not known. The pauses grow with its age."""
        age = now - (self.start_time or now)
        return replace(self, next_check_time=now + min(max(_FIRST_CHECK, age / 4), _LONGEST_PAUSE))


def standing_of(checkout: Checkout, use: CheckoutUse | None, now: datetime) -> Standing:
    """The situation of the shopper whose use it is. None: they have not tried yet."""
    if use is not None and use.state is UseState.PAID:
        return Standing.PAID
    if use is not None and use.state is UseState.PAYING:
        return Standing.PENDING
    if checkout.has_expired(now):
        return Standing.EXPIRED
    if checkout.state is CheckoutState.COMPLETED or checkout.taken_uses >= checkout.terms.max_uses:
        return Standing.USED_UP
    if use is not None and use.attempt > MAX_ATTEMPTS:
        return Standing.TOO_MANY_ATTEMPTS
    return Standing.DECLINED if use is not None and use.payment_id is not None else Standing.OPEN


# Of these the shopper paid nothing, and may try again. A payment that was voided or ran out later was made.
_WITHOUT_EFFECT: Final = frozenset({PaymentState.DECLINED, PaymentState.FAILED})


def settle(checkout: Checkout, use: CheckoutUse, state: PaymentState, now: datetime) -> tuple[Checkout, CheckoutUse]:
    """Both after a look at the state of the use's payment."""
    if use.state is not UseState.PAYING or use.payment_id is None:
        return checkout, use
    if state is PaymentState.PENDING:
        return checkout, use.wait(now)
    if state in _WITHOUT_EFFECT:
        return checkout.release_use(), use.retry()
    return checkout.complete_use(use.payment_id, now), use.complete()
