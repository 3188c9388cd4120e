"""Outgoing webhooks: the delivery cursor of each endpoint, and dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "event_lines",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("failing_since", _TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("next_attempt_time", _TIME, nullable=False),
        sa.Column("success_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_lines")),
    )
    op.create_table(
        "event_deliveries",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "event_id", name=op.f("pk_event_deliveries")),
    )
    op.create_index("ix_event_deliveries_position", "event_deliveries", ["endpoint", "position"])
