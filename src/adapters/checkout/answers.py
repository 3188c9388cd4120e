"""The shopper's situation as the page's script reads it, with a text in their language."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.checkout.texts import Texts
from application.checkouts.pay_checkout import PayProblem
from application.checkouts.result_keys import ResultKeys
from application.checkouts.view_checkout import CheckoutView
from domain.checkout import Standing
from domain.decline import Decline, DeclineReason

_CHECK_AFTER_SECONDS: Final = 2
_PROBLEMS: Final = {
    PayProblem.AUTHENTICATE: "authenticate",
    PayProblem.NOT_SENT: "not_sent",
    PayProblem.REFUSED: "refused",
    PayProblem.ALREADY_PAID: "already_paid",
    PayProblem.TOO_MANY_DECLINES: "too_many_declines",
    PayProblem.INVALID: "invalid",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """`decline_text` takes a language and a decline, and gives the text for the cardholder."""

    decline_text: Callable[[str, Decline], str]
    result_keys: ResultKeys
    now: Callable[[], datetime]

    def state(self, view: CheckoutView, texts: Texts, problem: PayProblem | None = None) -> dict[str, Any]:
        """The JSON that the script reads."""
        answer: dict[str, Any] = {
            "state": self.name(view, problem),
            "attempt": view.attempt,
            "message": self.message(view, texts, problem),
        }
        if problem is PayProblem.AUTHENTICATE or (view.standing.can_pay and _wants_authentication(view)):
            answer["authenticate"] = True
        if view.standing is Standing.PENDING:
            answer["check_after_seconds"] = _CHECK_AFTER_SECONDS
        if return_url := self.return_url(view):
            answer["return_url"] = return_url
        return answer

    def name(self, view: CheckoutView, problem: PayProblem | None = None) -> str:
        """The state in the page's attributes."""
        if problem is PayProblem.ALREADY_PAID and view.standing.can_pay:
            return "already_paid"
        return view.standing.value

    def message(self, view: CheckoutView, texts: Texts, problem: PayProblem | None = None) -> str:
        if problem is not None and view.standing.can_pay:
            return texts[_PROBLEMS[problem]]
        match view.standing:
            case Standing.OPEN:
                return ""
            case Standing.DECLINED:
                return self._reason(view, texts)
            case standing:
                return texts[standing.value]

    def return_url(self, view: CheckoutView) -> str:
        """The shop's address: with the signed result after a payment, else the address to go back to."""
        if view.standing is Standing.PAID and view.payment is not None:
            return self.result_keys.return_url(view.checkout, view.payment.terms.payment_id, self.now())
        return "" if view.standing is Standing.PENDING else view.checkout.terms.cancel_url

    def seconds_left(self, view: CheckoutView) -> int:
        """Until the checkout expires, rounded up."""
        return max(0, math.ceil((view.checkout.expire_time - self.now()).total_seconds()))

    def _reason(self, view: CheckoutView, texts: Texts) -> str:
        decline = view.payment.final_decline if view.payment is not None else None
        return self.decline_text(texts.locale, decline) if decline is not None else texts["failed"]


def _wants_authentication(view: CheckoutView) -> bool:
    decline = view.payment.final_decline if view.payment is not None else None
    return decline is not None and decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
