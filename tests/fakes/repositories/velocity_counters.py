"""Velocity counters and blocks, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from application.common.pagination import Position
from application.ports.velocity import VelocityBlock, VelocityCounter
from tests.fakes.store_state import StoreState, newest_first_page


class MemoryVelocityCounters:
    def __init__(self, state: StoreState) -> None:
        self._state = state

    def add(self, counters: Collection[VelocityCounter]) -> None:
        for counter in counters:
            counter_key = (counter.key, counter.bucket, counter.card)
            self._state.velocity_counters[counter_key] = (
                self._state.velocity_counters.get(counter_key, 0) + counter.count
            )

    def counted(self, keys: Collection[str], start: datetime, end: datetime) -> Sequence[VelocityCounter]:
        return [
            VelocityCounter(*counter_key, count)
            for counter_key, count in self._state.velocity_counters.items()
            if counter_key[0] in keys and start < counter_key[1] <= end
        ]

    def block(self, block: VelocityBlock) -> bool:
        for one in self._state.blocks:
            same = one.key == block.key and one.counts_cards == block.counts_cards
            if same and (one.create_time <= block.create_time < one.end_time or one.end_time == block.end_time):
                return False
        self._state.blocks.append(block)
        return True

    def blocks(self, *, after: Position | None, limit: int) -> Sequence[VelocityBlock]:
        return newest_first_page(
            ((Position(one.create_time, one.block_id), one) for one in self._state.blocks), after, limit
        )

    def lift(self, block_id: str, time: datetime) -> VelocityBlock | None:
        for place, block in enumerate(self._state.blocks):
            if block.block_id != block_id:
                continue
            if block.end_time > time:
                self._state.blocks[place] = block = replace(block, end_time=time)
                for counter_key in [
                    one for one in self._state.velocity_counters if one[0] in (block.key, block.other_key)
                ]:
                    del self._state.velocity_counters[counter_key]
            return block
        return None

    def purge(self, before: datetime, after: datetime, blocks_before: datetime, limit: int) -> int:
        counters = [
            counter_key for counter_key in self._state.velocity_counters if not before <= counter_key[1] <= after
        ][:limit]
        blocks = [one for one in self._state.blocks if one.end_time < blocks_before][:limit]
        for counter_key in counters:
            del self._state.velocity_counters[counter_key]
        for one in blocks:
            self._state.blocks.remove(one)
        return len(counters) + len(blocks)
