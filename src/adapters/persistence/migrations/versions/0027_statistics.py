"""The statistics: hourly rollups, the facts of payments that are in them, and their progress."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations import online

revision = "0027"
down_revision = "0026"

_TEXT = sa.Text()


def upgrade() -> None:
    op.create_table(
        "statistics_rollups",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("currency_code", _TEXT, nullable=False),
        sa.Column("measure", _TEXT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("minor_units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "generation", "caller_id", "hour", "currency_code", "measure", name=op.f("pk_statistics_rollups")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "statistics_facts",
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("facts", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_statistics_facts")),
    )
    op.create_table(
        "statistics_progress",
        sa.Column("row_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("backfill_time", sa.DateTime(timezone=True)),
        sa.Column("backfill_id", _TEXT),
        sa.PrimaryKeyConstraint("row_id", name=op.f("pk_statistics_progress")),
    )
    online.create_index("ix_movements_payment", "movements", ["payment_id"])
