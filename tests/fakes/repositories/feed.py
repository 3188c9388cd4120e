"""The feed, in memory."""

from __future__ import annotations

from dataclasses import replace

from application.ports.feed import FeedEntry, FeedFilter, FeedKind, Resource
from application.ports.runtime import IdSource
from domain import ids as prefixes
from domain.checkout import Checkout
from domain.customer import Customer
from domain.dispute import Dispute
from domain.events import OnBehalf
from domain.ids import CustomerId, EventId, PaymentId
from domain.payment_method import PaymentMethod
from domain.personal_data import erased_from
from tests.fakes.store_state import StoreState


class MemoryFeed:
    def __init__(self, state: StoreState, ids: IdSource, actor: str, on_behalf: OnBehalf | None = None) -> None:
        self._state = state
        self._ids = ids
        self._actor = actor
        self._on_behalf = on_behalf

    def note(self, resource: Resource) -> None:
        payment_id = resource.payment_id if isinstance(resource, Dispute) else ""
        payment = self._state.payments.get(PaymentId(payment_id))
        customer_id = payment.terms.customer_id if payment else None
        if not isinstance(resource, Dispute):
            customer_id = resource.customer_id
        kinds = {
            Customer: FeedKind.CUSTOMER,
            PaymentMethod: FeedKind.PAYMENT_METHOD,
            Dispute: FeedKind.DISPUTE,
            Checkout: FeedKind.CHECKOUT,
        }
        self._state.unsequenced.append(
            FeedEntry(
                position=0,
                event_id=EventId(self._ids.new(prefixes.EVENT)),
                kind=kinds[type(resource)],
                time=resource.update_time,
                actor=self._actor,
                caller_id=resource.caller_id,
                customer_id=customer_id or "",
                payment_id=payment_id,
                resource=resource,
                on_behalf=self._on_behalf,
            )
        )

    def is_waiting(self) -> bool:
        return bool(self._state.unsequenced)

    def relay(self, limit: int) -> int:
        placed, self._state.unsequenced[:] = self._state.unsequenced[:limit], self._state.unsequenced[limit:]
        self._state.feed += [replace(one, position=n) for n, one in enumerate(placed, self.end() + 1)]
        return len(placed)

    def end(self) -> int:
        return len(self._state.feed)

    def after(self, position: int, which: FeedFilter, *, until: int, limit: int) -> tuple[list[FeedEntry], int]:
        found = [
            one
            for one in self._state.feed[position:until]
            if which.caller_id in (None, one.caller_id)
            and (not which.kinds or one.kind in which.kinds)
            and which.customer_id in (None, one.customer_id)
        ]
        return found[:limit], found[limit - 1].position if len(found) > limit else until

    def find(self, event_id: EventId) -> FeedEntry | None:
        return next((one for one in self._state.feed if one.event_id == event_id), None)

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        for entries in (self._state.feed, self._state.unsequenced):
            for index, one in enumerate(entries):
                if one.customer_id == customer_id:
                    entries[index] = replace(one, resource=erased_from(one.resource))
