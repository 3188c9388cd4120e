"""The feed of all changes (transactional outbox)."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations import online

revision = "0008"
down_revision = "0007"

_IS_UNPLACED = "position IS NULL"


def upgrade() -> None:
    online.create_index("ix_payment_events_unplaced", "payment_events", ["time", "event_id"], where=_IS_UNPLACED)
    op.create_table(
        "feed_events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("caller_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_feed_events")),
    )
    op.create_index("uq_feed_events_position", "feed_events", ["position"], unique=True)
    op.create_index("ix_feed_events_caller", "feed_events", ["caller_id", "position"])
    op.create_index(
        "ix_feed_events_customer", "feed_events", ["customer_id", "position"], **_where("customer_id <> ''")
    )
    op.create_index("ix_feed_events_unplaced", "feed_events", ["event_id"], **_where(_IS_UNPLACED))


def _where(condition: str) -> dict[str, Any]:
    """Makes an index partial."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
