"""The poll schedule of settlements: the next poll comes soon after a change, then at ever longer intervals."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class SettlementPollPolicy:
    """How long to wait between two looks, at least and at most.

    Money that the gateway moves on by itself is looked at until it rests. Money that has settled is looked at for
    `watch`, because somebody else may refund it at the gateway, which tells nobody: 6 hours after it settled, then ever
    more rarely, and weekly in the end. No watch: not at all.
    """

    shortest: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(hours=6)
    watch: timedelta = timedelta(days=180)
    longest_while_watched: timedelta = timedelta(days=7)

    def plan(self, payment: Payment, now: datetime) -> None:
        """Sets the payment's follow_time: none once nobody will move anything on."""
        age = now - payment.update_time
        payment.follow_time = None
        if payment.awaited_transactions:
            payment.follow_time = now + min(max(age / 2, self.shortest), self.longest)
        elif payment.refundable_transactions and age < self.watch:
            payment.follow_time = now + min(max(age / 2, self.longest), self.longest_while_watched)
