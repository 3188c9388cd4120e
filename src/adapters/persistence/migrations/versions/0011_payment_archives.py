"""Archived payment histories."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "payment_archives",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payment_id"], name=op.f("fk_payment_archives_payment_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payment_archives")),
    )
