"""The poll schedule of settlements: the next poll comes soon after a change, then at ever longer intervals."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class SettlementPollPolicy:
    """The shortest and the longest pause between two polls.

    Money that the gateway still moves is polled until it rests. Settled money is polled for the time `watch`: its
    payout is still to come, and somebody else may refund it at the gateway, which sends no notice. First 6 hours after
    settlement, then at growing pauses up to a week. A `watch` of zero disables this.
    """

    shortest: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(hours=6)
    watch: timedelta = timedelta(days=180)
    longest_while_watched: timedelta = timedelta(days=7)

    def plan(self, payment: Payment, now: datetime) -> None:
        """Sets the payment's next_poll_time, the time of the next poll: None once no change is expected."""
        age = now - payment.update_time
        payment.next_poll_time = None
        if payment.awaited_transactions:
            payment.next_poll_time = now + min(max(age / 2, self.shortest), self.longest)
        elif (payment.refundable_transactions or payment.awaits_payout) and age < self.watch:
            payment.next_poll_time = now + min(max(age / 2, self.longest), self.longest_while_watched)
