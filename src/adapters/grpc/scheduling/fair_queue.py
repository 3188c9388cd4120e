"""Start-time fair queueing: the flow with the least service time goes next, however many calls it has waiting.

See Goyal, Vin and Cheng, "Start-time Fair Queueing". Within a caller, each customer with a credential of their own has
a share, as the back end has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, Generic, TypeVar

from application.common.caller import Caller

Item = TypeVar("Item")

_used_seconds: Final = attrgetter("used_seconds")

# Idle shares are kept for their cost estimates, up to this many at each level.
_MOST_IDLE: Final = 1_000
# The weight of a cheaper call in the cost estimate.
_WEIGHT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Flow:
    """The owner of a call: a caller, or a customer within a caller."""

    # Empty: not known yet.
    caller: str = ""
    # A customer who calls with a credential of their own. For an unknown caller: the address.
    customer: str = ""

    @classmethod
    def of(cls, caller: Caller) -> Flow:
        return cls(caller.quota_id, caller.customer_id or "")


@dataclass(slots=True, eq=False)
class Share(Generic[Item]):
    """The queue of a caller, or of a customer within a caller."""

    name: str
    parent: Share[Item] | None
    # The estimated cost of a call. It rises at once to the last call's cost, and falls slowly.
    cost_seconds: float
    # The service time used, in the parent's virtual time.
    used_seconds: float = 0.0
    # The virtual time of the children: the start of the latest one.
    clock: float = 0.0
    waiting: int = 0
    # Calls that started and did not end; of those, the ones that are not blocked.
    started: int = 0
    running: int = 0
    # Of the started ones, those of customers.
    started_by_customers: int = 0
    items: deque[Item] = field(default_factory=deque)
    within: dict[str, Share[Item]] = field(default_factory=dict)
    busy: dict[str, Share[Item]] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        return not self.waiting and not self.started


class FairQueue(Generic[Item]):
    """Not safe for threads: its owner has a lock, or is an event loop."""

    def __init__(self, first_cost_seconds: float) -> None:
        """first_cost_seconds: the estimated cost of a new flow's first call."""
        self._first_cost_seconds = first_cost_seconds
        self._root: Share[Item] = Share("", None, 0.0)

    def __len__(self) -> int:
        return self._root.waiting

    @property
    def busy_callers(self) -> int:
        """The number of callers with waiting items."""
        return len(self._root.busy)

    @property
    def known_callers(self) -> int:
        """The number of callers whose credential is known."""
        return len(self._root.within) - ("" in self._root.within)

    def share(self, flow: Flow) -> Share[Item]:
        """The flow's share, within its caller's."""
        return self._within(self._within(self._root, flow.caller), flow.customer)

    def push(self, share: Share[Item], item: Item) -> None:
        share.items.append(item)
        node: Share[Item] | None = share
        while node is not None:
            parent = node.parent
            if parent is not None:
                if node.is_idle:
                    node.used_seconds = max(node.used_seconds, parent.clock)
                parent.busy[node.name] = node
            node.waiting += 1
            node = parent

    def pop(self, may_begin: Callable[[Share[Item]], bool]) -> Item | None:
        """The next item whose share and caller may start. It counts as started."""
        share = self._next(self._root, may_begin)
        if share is None:
            return None
        item = share.items.popleft()
        self._count_waiting(share, -1)
        self._begin(share)
        return item

    def remove(self, share: Share[Item], item: Item) -> bool:
        """Whether the item was waiting."""
        try:
            share.items.remove(item)
        except ValueError:
            return False
        self._count_waiting(share, -1)
        return True

    def longest(self) -> Share[Item]:
        """The share with the most waiting items, of the caller with the most."""
        caller = max(self._root.busy.values(), key=lambda share: share.waiting)
        return max(caller.busy.values(), key=lambda share: share.waiting)

    def pop_newest(self, share: Share[Item]) -> Item:
        """Removes the newest item. It does not count as started."""
        item = share.items.pop()
        self._count_waiting(share, -1)
        return item

    def pause(self, share: Share[Item]) -> None:
        """A started item blocks."""
        self._count_running(share, -1)

    def resume(self, share: Share[Item]) -> None:
        self._count_running(share, 1)

    def end(self, share: Share[Item], seconds: float, expected_seconds: float) -> None:
        """Ends an item with its cost and with its estimate at the start. The item was running at the end."""
        self._count_running(share, -1)
        node: Share[Item] | None = share
        while node is not None and node.parent is not None:
            node.started -= 1
            node.used_seconds += seconds - expected_seconds
            node.cost_seconds = max(seconds, node.cost_seconds + (seconds - node.cost_seconds) * _WEIGHT)
            node = node.parent
        if share.name and share.parent is not None:
            share.parent.started_by_customers -= 1

    def _begin(self, share: Share[Item]) -> None:
        expected, node = share.cost_seconds, share
        while node.parent is not None:
            node.parent.clock = max(node.parent.clock, node.used_seconds)
            node.used_seconds += expected
            node.started += 1
            node.running += 1
            node = node.parent
        if share.name and share.parent is not None:
            share.parent.started_by_customers += 1

    def _next(self, parent: Share[Item], may_begin: Callable[[Share[Item]], bool]) -> Share[Item] | None:
        able = [share for share in parent.busy.values() if may_begin(share)]
        while able:
            first = min(able, key=_used_seconds) if len(able) > 1 else able[0]
            if first.items:
                return first
            found = self._next(first, may_begin)
            if found is not None:
                return found
            able.remove(first)
        return None

    def _count_waiting(self, share: Share[Item], more: int) -> None:
        node: Share[Item] | None = share
        while node is not None:
            node.waiting += more
            if not node.waiting and node.parent is not None:
                node.parent.busy.pop(node.name, None)
            node = node.parent

    def _count_running(self, share: Share[Item], more: int) -> None:
        node: Share[Item] | None = share
        while node is not None and node.parent is not None:
            node.running += more
            node = node.parent

    def _within(self, parent: Share[Item], name: str) -> Share[Item]:
        share = parent.within.get(name)
        if share is None:
            if len(parent.within) >= _MOST_IDLE:
                parent.within = {one.name: one for one in parent.within.values() if not one.is_idle}
            share = parent.within[name] = Share(name, parent, self._first_cost_seconds, used_seconds=parent.clock)
        return share
