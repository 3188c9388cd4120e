"""Formats answers for people: words and colours."""

from datetime import timedelta
from typing import Any, Final, Protocol

from rich.text import Text

from bayar.messages import Money, Payment, PaymentEvent, PaymentFunds, PaymentState, format_money
from bayar.payments.v1.card_pb2 import Instrument, InstrumentKind
from bayar.payments.v1.payment_initiator_pb2 import PaymentInitiator, SeriesPosition
from bayar.payments.v1.payment_pb2 import RiskCheck
from bayar.payments.v1.three_d_secure_pb2 import (
    ScaExemption,
    ThreeDSecurePolicy,
    ThreeDSecureResult,
    ThreeDSecureStatus,
)

_STATE_STYLES: Final = {
    "PENDING": "yellow",
    "AUTHORIZED": "cyan",
    "CAPTURED": "green",
    "SETTLED": "bold green",
    "DECLINED": "red",
    "FAILED": "red",
    "VOIDED": "bright_black",
    "EXPIRED": "bright_black",
    "SETTLEMENT_DECLINED": "bold red",
    # Of operations.
    "SCHEDULED": "yellow",
    "STARTED": "yellow",
    "SUCCEEDED": "green",
    # Of stored methods.
    "ACTIVE": "green",
    "DELETED": "bright_black",
}


class _Enum(Protocol):
    def Name(self, number: Any) -> str: ...  # noqa: N802 (protobuf's own)


def word(kind: _Enum, value: int) -> str:
    """The value's name in the contract, without its prefix; the number of a value that is newer than this version."""
    try:
        return kind.Name(value).removeprefix(kind.Name(0).removesuffix("UNSPECIFIED"))
    except ValueError:
        return str(value)


def phrase(kind: _Enum, value: int) -> str:
    """The name as lower-case words."""
    return word(kind, value).replace("_", " ").lower()


def plain(text: str, style: str = "") -> Text:
    """External text without markup, cursor movements, colours and direction changes."""
    return Text("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text), style)


def state_word(name: str) -> Text:
    return Text(name.replace("_", " "), _STATE_STYLES.get(name, ""))


def payment_state(payment: Payment | PaymentEvent) -> Text:
    return state_word(word(PaymentState, payment.state))


def funds(payment: Payment) -> Text:
    name = word(PaymentFunds, payment.funds)
    style = {"UNKNOWN": "yellow", "DISPUTED": "bold red", "NONE": "bright_black", "RETURNED": "bright_black"}
    return Text(name, style.get(name, ""))


def amount(money: Money) -> str:
    """`USD 25.00`; empty for an absent amount."""
    return format_money(money) if money.currency_code else ""


def instrument(shown: Instrument) -> str:
    """`Visa 1111`, `PAYPAL sari@example.com`; empty while nothing is known."""
    kind = word(InstrumentKind, shown.kind)
    wallet = "" if kind in ("UNSPECIFIED", "CARD") else kind.replace("_", " ").title().replace("Paypal", "PayPal")
    return " ".join(part for part in (wallet, shown.brand, shown.last_four, shown.account) if part)


def three_d_secure(payment: Payment) -> str:
    """The result, the bearer of the liability, the policy and the exemption."""
    parts = [three_d_secure_result(payment.three_d_secure)] if payment.HasField("three_d_secure") else []
    if payment.three_d_secure_policy:
        parts.append(f"policy {phrase(ThreeDSecurePolicy, payment.three_d_secure_policy)}")
    if payment.sca_exemption:
        parts.append(f"exemption {phrase(ScaExemption, payment.sca_exemption)} asked for")
    return ", ".join(parts)


def three_d_secure_result(result: ThreeDSecureResult) -> str:
    """The result, the bearer of the liability, the indicator and the version."""
    parts = [phrase(ThreeDSecureStatus, result.status) if result.status else result.gateway_status]
    parts.append("liability shifted to the bank" if result.liability_shifted else "liability stays with the shop")
    parts += [f"ECI {result.eci}"] if result.eci else []
    parts += [f"version {result.version}"] if result.version else []
    return ", ".join(parts)


def duration(span: timedelta) -> str:
    """The whole seconds of a span of time in words, for example "3 days" or "1 hour 30 minutes"."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = {"day": span.days, "hour": hours, "minute": minutes, "second": seconds}
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for unit, n in parts.items() if n) or "0 seconds"


def risk_check(check: RiskCheck) -> str:
    """The gateway's decision, score and reasons. Empty without a check."""
    score = f"score {check.score}" if check.HasField("score") else ""
    return ", ".join(filter(None, (check.decision, score, *check.decision_reasons)))


def initiator(payment: Payment) -> str:
    """The party that started it, and the place in its series. Empty where the customer paid in the shop."""
    if payment.initiator in (
        PaymentInitiator.PAYMENT_INITIATOR_UNSPECIFIED,
        PaymentInitiator.PAYMENT_INITIATOR_CUSTOMER,
    ):
        return ""
    position = f", {phrase(SeriesPosition, payment.series_position)} of its series" if payment.series_position else ""
    return phrase(PaymentInitiator, payment.initiator) + position
