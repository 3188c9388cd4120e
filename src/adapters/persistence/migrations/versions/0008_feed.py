"""The feed of all changes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    is_unplaced = sa.text("position IS NULL")
    has_customer = sa.text("customer_id <> ''")
    op.create_index("uq_feed_events_position", "feed_events", ["position"], unique=True)
    op.create_index("ix_feed_events_caller", "feed_events", ["caller_id", "position"])
    op.create_index(
        "ix_feed_events_customer",
        "feed_events",
        ["customer_id", "position"],
        sqlite_where=has_customer,
        postgresql_where=has_customer,
    )
    for table in ("feed_events", "payment_events"):
        op.create_index(
            f"ix_{table}_unplaced",
            table,
            ["event_id"] if table == "feed_events" else ["time", "event_id"],
            sqlite_where=is_unplaced,
            postgresql_where=is_unplaced,
        )
