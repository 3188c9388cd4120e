"""Creates a checkout: a page on which a shopper pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.checkouts.checkout_input import RawLine, check_lines, check_methods, check_return_address
from application.common.caller import Caller
from application.common.errors import CheckoutNotServed, InvalidRequest, NotForCustomers, Rule
from application.common.merchant_account_input import choose_account
from application.common.validator import MAX_TEXT, RawMoney, Validator, require_checked
from application.customers.get_customer import is_usable
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from domain import ids
from domain.checkout import Checkout, CheckoutMethod, CheckoutTerms
from domain.customer import Customer
from domain.events import CaptureMode
from domain.ids import CheckoutId, CustomerId
from domain.merchant_account import MerchantAccounts

MAX_USES: Final = 10_000
SHORTEST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(days=366)
DEFAULT_TIME: Final = timedelta(hours=24)
DEFAULT_LINK_TIME: Final = timedelta(days=30)
# The payments of a link add "-" and the number of their use to the reference.
_SUFFIX_CHARACTERS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCheckoutCommand:
    """The caller's request, unchecked. None stands for a value that the contract does not list."""

    request_id: str
    reference: str
    amount: RawMoney | None
    success_url: str
    customer_id: str = ""
    methods: tuple[CheckoutMethod | None, ...] = ()
    lines: tuple[RawLine, ...] = ()
    cancel_url: str = ""
    language_code: str = ""
    expire_time: datetime | None = None
    max_uses: int = 0
    offer_storing: bool = False
    capture_mode: CaptureMode | None = CaptureMode.AUTOMATIC
    metadata: Mapping[str, str] = field(default_factory=dict)
    # Empty: the default account of the currency.
    merchant_account_id: str = ""


@dataclass(frozen=True, slots=True)
class CreateCheckout:
    """`new_token` makes the secret part of an address: at least 128 random bits."""

    store: Store
    clock: Clock
    ids: IdSource
    guard: IdempotencyGuard
    accounts: MerchantAccounts
    new_token: Callable[[], str]
    is_served: bool = True

    def __call__(self, command: CreateCheckoutCommand, caller: Caller) -> Checkout:
        """Raises InvalidRequest, RequestIdReused, NotForCustomers, CheckoutNotServed and StoreUnavailable."""
        if caller.customer_id is not None:
            raise NotForCustomers
        try:
            checkout, request = self._check(command, caller), _request(command, caller)
        except InvalidRequest as invalid:
            if not invalid.may_have_been_valid:
                raise
            return self._replay(command, caller, invalid)
        context = request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            earlier = self.guard.claim(work, request, checkout.checkout_id, context.time)
            if earlier is not None:
                return require_checked(work.checkouts.get(CheckoutId(earlier.resource_id)))
            if not self.is_served:
                raise CheckoutNotServed
            work.checkouts.add(checkout)
        return checkout

    def _replay(self, command: CreateCheckoutCommand, caller: Caller, invalid: InvalidRequest) -> Checkout:
        """Answers the replay of a request that was valid at first: its time ran out, or its customer was deleted."""
        with self.store.read() as work:
            record = self.guard.earlier(work, _request(command, caller))
            checkout = work.checkouts.get(CheckoutId(record.resource_id)) if record else None
        if checkout is None:
            raise invalid
        return checkout

    def _check(self, command: CreateCheckoutCommand, caller: Caller) -> Checkout:
        validator, now = Validator(), self.clock.now()
        is_link = command.max_uses > 1
        validator.request_id(command.request_id)
        self._check_reference(validator, command, is_link=is_link)
        amount = validator.money("amount", command.amount, self.accounts.by_currency)
        currency_code = command.amount.currency_code if command.amount else ""
        account = choose_account(validator, self.accounts, command.merchant_account_id, currency_code, caller)
        customer = self._customer(validator, command, caller)
        lines = check_lines(validator, command.lines, amount)
        if command.capture_mode is None:
            validator.add("capture_mode", Rule.KNOWN_VALUE)
        if not 0 <= command.max_uses <= MAX_USES:
            validator.add("max_uses", Rule.AT_MOST if command.max_uses > 0 else Rule.NOT_NEGATIVE, MAX_USES)
        validator.language("language_code", command.language_code)
        methods = check_methods(validator, command.methods, has_customer=bool(command.customer_id))
        success_url = check_return_address(validator, "success_url", command.success_url, required=True)
        cancel_url = check_return_address(validator, "cancel_url", command.cancel_url)
        metadata = validator.metadata("metadata", command.metadata)
        expire_time = _expire_time(validator, command, now)
        validator.done()
        terms = CheckoutTerms(
            reference=command.reference,
            amount=require_checked(amount),
            methods=methods,
            success_url=success_url,
            lines=lines,
            cancel_url=cancel_url,
            language_code=command.language_code or (customer.language_code if customer else ""),
            max_uses=command.max_uses or 1,
            offers_storing=command.offer_storing,
            capture_mode=require_checked(command.capture_mode),
            metadata=metadata,
            merchant_account_id=account,
        )
        return Checkout(
            checkout_id=CheckoutId(self.ids.new(ids.CHECKOUT)),
            caller_id=caller.caller_id,
            terms=terms,
            token=self.new_token(),
            customer_id=customer.customer_id if customer else None,
            expire_time=expire_time,
            create_time=now,
            update_time=now,
        )

    def _check_reference(self, validator: Validator, command: CreateCheckoutCommand, *, is_link: bool) -> None:
        validator.identifier("reference", command.reference, required=True)
        longest = MAX_TEXT - _SUFFIX_CHARACTERS
        if is_link and longest < len(command.reference) <= MAX_TEXT:
            validator.add("reference", Rule.MAX_CHARACTERS, longest)

    def _customer(self, validator: Validator, command: CreateCheckoutCommand, caller: Caller) -> Customer | None:
        if command.offer_storing and not command.customer_id:
            validator.add("customer_id", Rule.NEEDS_CUSTOMER)
        checked = validator.resource_id("customer_id", command.customer_id, ids.CUSTOMER, required=False)
        if checked is None:
            return None
        if command.max_uses > 1:
            validator.add("customer_id", Rule.CONTRADICTS, "max_uses: a payment link has no customer")
        with self.store.read_once() as work:
            customer = work.customers.get(CustomerId(checked))
        if not is_usable(customer, caller):
            validator.add("customer_id", Rule.EXISTS)
            return None
        return customer


def _expire_time(validator: Validator, command: CreateCheckoutCommand, now: datetime) -> datetime:
    if command.expire_time is None:
        return now + (DEFAULT_LINK_TIME if command.max_uses > 1 else DEFAULT_TIME)
    if not now + SHORTEST <= command.expire_time <= now + LONGEST:
        validator.add("expire_time", Rule.TIME_AHEAD, "5 minutes to 366 days")
    return command.expire_time


def _request(command: CreateCheckoutCommand, caller: Caller) -> IdempotentRequest:
    """The fields that replays must match. Their names are permanent."""
    fields: dict[str, object] = {
        "reference": command.reference,
        "amount.minor_units": command.amount.minor_units if command.amount else None,
        "amount.currency_code": command.amount.currency_code if command.amount else None,
        "customer_id": command.customer_id,
        "methods": " ".join(one.value for one in command.methods if one),
        "lines": "\n".join(one.as_text() for one in command.lines),
        "success_url": command.success_url,
        "cancel_url": command.cancel_url,
        "language_code": command.language_code,
        "expire_time": command.expire_time.isoformat() if command.expire_time else "",
        "max_uses": command.max_uses,
        "offer_storing": command.offer_storing,
        "capture_mode": command.capture_mode.value if command.capture_mode else None,
        "metadata": dict(command.metadata),
        "merchant_account_id": command.merchant_account_id,
    }
    validator = Validator()
    request_id = validator.request_id(command.request_id)
    validator.done()
    return IdempotentRequest(caller, require_checked(request_id), "CreateCheckout", fields)
