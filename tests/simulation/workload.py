"""The callers' requests: random payments, captures, adjustments, voids and refunds."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from application.common.three_d_secure_input import RawThreeDSecure
from application.common.validator import RawCard, RawMoney
from application.payments.adjust_authorization import AdjustAuthorizationCommand
from application.payments.capture_payment import CapturePaymentCommand
from application.payments.create_payment_command import CreatePaymentCommand
from application.payments.refund_payment import RefundPaymentCommand
from application.payments.void_payment import VoidPaymentCommand
from application.ports.gateway import Nonce
from domain.events import CaptureMode
from domain.ids import CustomerId
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.three_d_secure import ThreeDSecurePolicy
from tests.fakes.gateway.authentication import AUTHENTICATED_NONCE, FAILED_NONCE
from tests.fakes.gateway.vault import VALID_NONCE
from tests.simulation.replica import MERCHANT_ACCOUNTS, Command

CARD: Final = RawCard("4111111111111111", 12, 2035, "123")


@dataclass
class SentRequest:
    """A request of a caller, with the payment of each answer. It may be sent several times."""

    command: Command
    answers: list[Payment] = field(default_factory=list)


class Workload:
    """Creates requests and keeps them with their answers."""

    def __init__(self, random: Random, customer_id: CustomerId) -> None:
        self._random = random
        self._customer_id = customer_id
        self.sent: list[SentRequest] = []

    def new_payment(self) -> SentRequest:
        if self._random.random() < 0.15:
            return self._add_request(self._authenticated_payment())
        is_stored = self._random.random() < 0.4
        return self._add_request(
            CreatePaymentCommand(
                request_id=self._new_request_id(),
                reference=f"order {self._random.randint(1, 4)}",
                # Sometimes an amount that the gateway declines.
                amount=RawMoney(self._random.choices((10_00, 2001_00, 4001_00), (20, 2, 1))[0], "USD"),
                source=Nonce(VALID_NONCE) if is_stored else CARD,
                customer_id=self._customer_id if is_stored else "",
                store_payment_method=is_stored,
                capture_mode=self._random.choice(tuple(CaptureMode)),
                merchant_account_id=self._random.choice(("", *MERCHANT_ACCOUNTS)),
            )
        )

    def _authenticated_payment(self) -> CreatePaymentCommand:
        """Paid with a nonce that carries an authentication, which may have failed."""
        return CreatePaymentCommand(
            request_id=self._new_request_id(),
            reference=f"order {self._random.randint(1, 4)}",
            amount=RawMoney(10_00, "USD"),
            source=Nonce(self._random.choice((AUTHENTICATED_NONCE, FAILED_NONCE, FAILED_NONCE))),
            capture_mode=self._random.choice(tuple(CaptureMode)),
            three_d_secure=RawThreeDSecure(policy=self._random.choice((None, *ThreeDSecurePolicy))),
        )

    def new_change(self, payment: Payment) -> SentRequest:
        payment_id, request_id = payment.terms.payment_id, self._new_request_id()
        minor_units = self._random.choice((None, 2_00, 3_00, 4_00, 7_00, payment.terms.amount.minor_units))
        amount = None if minor_units is None else RawMoney(minor_units, "USD")
        # Mostly a valid change; an invalid one must be refused.
        likely = (6, 1, 1, 4) if payment.state is PaymentState.AUTHORIZED else (3, 1, 8, 0.2)
        kind = self._random.choices(("capture", "void", "refund", "adjust"), likely)[0]
        if kind == "adjust":
            # The gateway declines the last one of a payment of 10.00.
            whole = RawMoney(self._random.choice((4_00, 6_00, 10_00, 12_00, 14_00, 2011_00)), "USD")
            return self._add_request(
                AdjustAuthorizationCommand(request_id=request_id, payment_id=payment_id, amount=whole)
            )
        if kind == "capture":
            final = self._random.random() < 0.3
            return self._add_request(
                CapturePaymentCommand(request_id=request_id, payment_id=payment_id, amount=amount, final=final)
            )
        if kind == "void":
            return self._add_request(VoidPaymentCommand(request_id=request_id, payment_id=payment_id))
        return self._add_request(RefundPaymentCommand(request_id=request_id, payment_id=payment_id, amount=amount))

    def _add_request(self, command: Command) -> SentRequest:
        sent = SentRequest(command)
        self.sent.append(sent)
        return sent

    def _new_request_id(self) -> str:
        return f"00000000-0000-4000-8000-{len(self.sent):012d}"
