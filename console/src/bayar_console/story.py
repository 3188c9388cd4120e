"""The story of a payment for people: the place of its money, its headline, and the acts that it allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from bayar import Money, OperationState, Payment, PaymentState
from bayar_console.signin.person import Person

_OPEN: Final = {OperationState.STARTED, OperationState.SCHEDULED}


@dataclass(frozen=True, slots=True)
class Act:
    """An act that a payment allows now.

    amount: the amount that the form proposes, which is the most but for "adjust"; None where it takes none. option: the
    text of a box to tick, empty for none.
    """

    name: str
    text: str
    explanation: str
    amount: Money | None = None
    option: str = ""


def acts(payment: Payment, person: Person) -> list[Act]:
    """The acts that the payment's state allows and the person may do."""
    return [act for act in _allowed(payment) if person.may("read" if act.name == "verify" else act.name)]


def _allowed(payment: Payment) -> list[Act]:
    found = []
    if payment.refundable_amount.minor_units > 0:
        found.append(
            Act(
                "refund",
                _("Refund"),
                _("Gives money back to the customer: at most %(amount)s.") % {"amount": payment.refundable_amount},
                payment.refundable_amount,
            )
        )
    if payment.capturable_amount.minor_units > 0 and payment.state is not PaymentState.PENDING:
        found.append(
            Act(
                "capture",
                _("Capture"),
                _("Takes the money that is held: at most %(amount)s.") % {"amount": payment.capturable_amount},
                payment.capturable_amount,
                _("Release the rest: nothing more will be captured"),
            )
        )
    if payment.state is PaymentState.AUTHORIZED and not payment.captured_amount.minor_units:
        found.append(
            Act(
                "adjust",
                _("Change the hold"),
                _("Holds another amount in place of %(amount)s: give the whole amount, more or less than now.")
                % {"amount": payment.authorized_amount},
                payment.authorized_amount,
            )
        )
    if payment.state is PaymentState.AUTHORIZED:
        found.append(Act("void", _("Void"), _("Releases the money that is held. Nothing is charged, and it is final.")))
    found.append(Act("verify", _("Compare with the gateway"), _("Asks the gateway now, and corrects a difference.")))
    return found


def no_acts_because(payment: Payment) -> str:
    """Why no money can be moved now; empty where it can."""
    if any(act.name != "verify" for act in _allowed(payment)):
        return ""
    match payment.state:
        case PaymentState.PENDING:
            return _("The outcome is not known yet. Do not charge again: Bayar asks the gateway until it knows.")
        case PaymentState.DECLINED | PaymentState.FAILED:
            return _("Nothing was charged, so there is nothing to give back.")
        case PaymentState.VOIDED | PaymentState.EXPIRED:
            return _("The money was released. Nothing was charged.")
    if payment.disputed_amount.minor_units:
        return _("The customer's bank has claimed the money back. Answer the dispute instead of refunding.")
    if any(operation.state in _OPEN for operation in payment.operations):
        return _("Something is under way. Wait for its end.")
    return _("All of it was given back already.")


@dataclass(frozen=True, slots=True)
class Headline:
    """The payment in one sentence. tone: good, bad, waiting or quiet."""

    text: str
    tone: str


def headline(payment: Payment) -> Headline:
    """Where the payment stands."""
    amount = str(payment.amount)
    refunded = payment.refunded_amount
    if payment.disputed_amount.minor_units:
        return Headline(
            _("The customer's bank has claimed %(amount)s back.") % {"amount": payment.disputed_amount}, "bad"
        )
    match payment.state:
        case PaymentState.PENDING:
            return Headline(_("It is not known yet whether %(amount)s was charged.") % {"amount": amount}, "waiting")
        case PaymentState.AUTHORIZED:
            return Headline(
                _("%(amount)s is held, and not charged yet.") % {"amount": payment.authorized_amount}, "waiting"
            )
        case PaymentState.CAPTURED | PaymentState.SETTLED if refunded == payment.captured_amount:
            return Headline(_("%(amount)s was paid, and all of it given back.") % {"amount": amount}, "quiet")
        case PaymentState.CAPTURED | PaymentState.SETTLED if refunded.minor_units:
            return Headline(
                _("%(amount)s was paid, and %(refunded)s given back.")
                % {"amount": payment.captured_amount, "refunded": refunded},
                "good",
            )
        case PaymentState.CAPTURED | PaymentState.SETTLED:
            return Headline(_("%(amount)s was paid.") % {"amount": payment.captured_amount}, "good")
        case PaymentState.DECLINED:
            return Headline(
                _("The payment of %(amount)s was declined. Nothing was charged.") % {"amount": amount}, "bad"
            )
        case PaymentState.FAILED:
            return Headline(
                _("The payment of %(amount)s did not happen. Nothing was charged.") % {"amount": amount}, "bad"
            )
        case PaymentState.VOIDED:
            return Headline(
                _("The payment of %(amount)s was voided. Nothing was charged.") % {"amount": amount}, "quiet"
            )
        case PaymentState.EXPIRED:
            return Headline(
                _("The authorization of %(amount)s ran out. Nothing was charged.") % {"amount": amount}, "quiet"
            )
        case PaymentState.SETTLEMENT_DECLINED:
            return Headline(_("The bank refused to transfer %(amount)s at settlement.") % {"amount": amount}, "bad")
    return Headline(amount, "quiet")
