"""When to ask next how a payment's money moves on by itself: soon after a change, then ever more rarely."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class FollowPolicy:
    """How long to wait between two looks, at least and at most."""

    shortest: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(hours=6)

    def plan(self, payment: Payment, now: datetime) -> None:
        """Sets the payment's follow_time: none once the gateway will not move anything on by itself."""
        wait = min(max((now - payment.update_time) / 2, self.shortest), self.longest)
        payment.follow_time = now + wait if payment.awaited_transactions else None
