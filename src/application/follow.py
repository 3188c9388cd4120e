"""When to ask next how a payment's money moves on by itself: soon after a change, then ever more rarely."""

from datetime import datetime, timedelta
from typing import Final

from domain.payment import Payment

SHORTEST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(hours=6)


def plan_follow(payment: Payment, now: datetime) -> None:
    """Sets the payment's follow_time: none once the gateway will not move anything on by itself."""
    wait = min(max((now - payment.update_time) / 2, SHORTEST), LONGEST)
    payment.follow_time = now + wait if payment.awaited_transactions else None
