"""Marks of payments and disputes whose movements are booked, and indexes of those whose are not."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    online.add_column("payments", sa.Column("booked_event_count", sa.Integer()))
    online.create_index(
        "ix_payments_unbooked",
        "payments",
        ["event_count", "payment_id"],
        where="booked_event_count IS NULL OR booked_event_count <> event_count",
    )
    online.add_column("disputes", sa.Column("booked_time", sa.DateTime(timezone=True)))
    online.create_index(
        "ix_disputes_unbooked",
        "disputes",
        ["update_time", "dispute_id"],
        where="booked_time IS NULL OR booked_time <> update_time",
    )
