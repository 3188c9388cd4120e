"""The counters of the velocity limits (declines and verifications), and the blocks that follow."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.persistence.mapping import picked
from adapters.persistence.newer_records import Members
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import insert_if_absent, newest_first_page
from adapters.persistence.tables import attempt_blocks, attempt_counts
from application.common.pagination import Position
from application.common.velocity_scope import VelocityScope
from application.ports.velocity import VelocityBlock, VelocityCounter

_VELOCITY_SCOPES: Final = Members(VelocityScope)


@dataclass(frozen=True, slots=True)
class SqlVelocityCounters:
    connection: Connection

    def add(self, counters: Collection[VelocityCounter]) -> None:
        insert = postgresql.insert if self.connection.dialect.name == "postgresql" else sqlite.insert
        # All writers count in one order, so that two writers of the same keys cannot deadlock.
        for counter in sorted(counters, key=lambda one: (one.key, one.bucket, one.card)):
            statement = insert(attempt_counts).values(
                key=counter.key, bucket=counter.bucket, card=counter.card, total=counter.count
            )
            more = attempt_counts.c.total + statement.excluded.total
            self.connection.execute(
                statement.on_conflict_do_update(index_elements=["key", "bucket", "card"], set_={"total": more})
            )

    def counted(self, keys: Collection[str], start: datetime, end: datetime) -> Sequence[VelocityCounter]:
        named = {f"key_{number}": key for number, key in enumerate(keys)}
        if not named:
            return []
        rows = _counted(len(named)).all(self.connection, {**named, "start": start, "end": end})
        return [VelocityCounter(*row) for row in rows]

    def block(self, block: VelocityBlock) -> bool:
        table = attempt_blocks.c
        standing = select(table.block_id).where(
            table.key == block.key,
            table.counts_cards == block.counts_cards,
            table.create_time <= block.create_time,
            table.end_time > block.create_time,
        )
        if self.connection.execute(standing).first() is not None:
            return False
        row = picked(block, VelocityBlock.__slots__) | {"scope": block.scope.value}
        return insert_if_absent(self.connection, attempt_blocks, row, "key", "counts_cards", "end_time")

    def blocks(self, *, after: Position | None, limit: int) -> Sequence[VelocityBlock]:
        table = attempt_blocks.c
        rows = self.connection.execute(
            newest_first_page(select(attempt_blocks), table.create_time, table.block_id, after, limit)
        )
        return [_block_from(row) for row in rows]

    def lift(self, block_id: str, time: datetime) -> VelocityBlock | None:
        own = attempt_blocks.c.block_id == block_id
        row = self.connection.execute(select(attempt_blocks).where(own).with_for_update()).first()
        if row is None:
            return None
        block = _block_from(row)
        if block.end_time <= time:
            return block
        self.connection.execute(update(attempt_blocks).where(own).values(end_time=time))
        keys = [key for key in (block.key, block.other_key) if key]
        self.connection.execute(delete(attempt_counts).where(attempt_counts.c.key.in_(keys)))
        return replace(block, end_time=time)

    def purge(self, before: datetime, after: datetime, blocks_before: datetime, limit: int) -> int:
        bucket = attempt_counts.c.bucket
        return self._delete(attempt_counts, or_(bucket < before, bucket > after), limit) + self._delete(
            attempt_blocks, attempt_blocks.c.end_time < blocks_before, limit
        )

    def _delete(self, table: Table, condition: Any, limit: int) -> int:
        key = tuple_(*table.primary_key.columns)
        some = select(*table.primary_key.columns).where(condition).limit(limit).with_for_update(skip_locked=True)
        return self.connection.execute(delete(table).where(key.in_(some))).rowcount


@cache
def _counted(number_of_keys: int) -> Prepared:
    table = attempt_counts.c
    # A payment asks for a handful.
    keys: list[Any] = [bindparam(f"key_{number}") for number in range(number_of_keys)]
    return Prepared(
        select(table.key, table.bucket, table.card, table.total).where(
            table.key.in_(keys), table.bucket > bindparam("start"), table.bucket <= bindparam("end")
        )
    )


def _block_from(row: Any) -> VelocityBlock:
    return VelocityBlock(**picked(row, VelocityBlock.__slots__) | {"scope": _VELOCITY_SCOPES[row.scope]})
