"""Translates checkouts between messages and the application's values."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.grpc.translate import enums
from adapters.grpc.translate.requests import times_of
from adapters.grpc.translate.resources import known_moment, moment, money
from application.checkouts.checkout_input import RawLine
from application.checkouts.create_checkout import CreateCheckoutCommand
from application.checkouts.list_checkouts import RawCheckoutFilter
from application.common.validator import RawMoney
from bayar.payments.v1 import checkout_pb2, checkout_service_pb2, money_pb2
from domain.checkout import Checkout, CheckoutLine, CheckoutState
from domain.ids import CheckoutId


@dataclass(frozen=True, slots=True)
class CheckoutMapper:
    """`page_url` is the public address of the page, without a slash at its end. Without it, no url is shown.

    `result_key` makes the key that signs the results of a checkout. Without it, none is shown.
    """

    page_url: str = ""
    result_key: Callable[[CheckoutId], str] | None = None

    def checkout(self, one: Checkout) -> checkout_pb2.Checkout:
        terms = one.terms
        has_url = bool(self.page_url and one.token) and one.state is CheckoutState.OPEN
        return checkout_pb2.Checkout(
            checkout_id=one.checkout_id,
            caller_id=one.caller_id,
            state=enums.CHECKOUT_STATE[one.state],
            url=f"{self.page_url}/c/{one.token}" if has_url else "",
            reference=terms.reference,
            amount=money(terms.amount),
            customer_id=one.customer_id or "",
            methods=[enums.CHECKOUT_METHOD[method] for method in terms.methods],
            lines=[_line(line) for line in terms.lines],
            success_url=terms.success_url,
            cancel_url=terms.cancel_url,
            language_code=terms.language_code,
            expire_time=known_moment(one.expire_time),
            max_uses=terms.max_uses,
            completed_uses=one.completed_uses,
            offers_storing=terms.offers_storing,
            capture_mode=enums.CAPTURE_MODE[terms.capture_mode],
            metadata=terms.metadata,
            payment_id=one.payment_id or "",
            merchant_account_id=terms.merchant_account_id,
            create_time=known_moment(one.create_time),
            update_time=known_moment(one.update_time),
            end_time=moment(one.end_time),
            result_key=self.result_key(one.checkout_id) if self.result_key is not None else "",
        )


def _line(line: CheckoutLine) -> checkout_pb2.CheckoutLine:
    return checkout_pb2.CheckoutLine(description=line.description, quantity=line.quantity, amount=money(line.amount))


def create_checkout_command(request: checkout_service_pb2.CreateCheckoutRequest) -> CreateCheckoutCommand:
    [expire_time] = times_of("", request, expire_time=request.expire_time)
    return CreateCheckoutCommand(
        request_id=request.request_id,
        reference=request.reference,
        amount=_money(request.amount) if request.HasField("amount") else None,
        success_url=request.success_url,
        customer_id=request.customer_id,
        methods=tuple(enums.checkout_method_from(number) for number in request.methods),
        lines=tuple(_raw_line(line) for line in request.lines),
        cancel_url=request.cancel_url,
        language_code=request.language_code,
        expire_time=expire_time,
        max_uses=request.max_uses,
        offer_storing=request.offer_storing,
        capture_mode=enums.capture_mode_from(request.capture_mode),
        metadata=dict(request.metadata),
        merchant_account_id=request.merchant_account_id,
    )


def checkout_filter(request: checkout_service_pb2.ListCheckoutsRequest) -> RawCheckoutFilter:
    return RawCheckoutFilter(
        reference=request.reference,
        customer_id=request.customer_id,
        states=tuple(enums.checkout_state_from(number) for number in request.states),
    )


def _raw_line(sent: checkout_pb2.CheckoutLine) -> RawLine:
    amount = _money(sent.amount) if sent.HasField("amount") else None
    return RawLine(sent.description, sent.quantity, amount)


def _money(sent: money_pb2.Money) -> RawMoney:
    return RawMoney(sent.minor_units, sent.currency_code)
