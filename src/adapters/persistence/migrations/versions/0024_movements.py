"""The ledger: movements of money, each at its own time."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_TEXT = sa.Text()
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "movements",
        sa.Column("movement_id", _TEXT, nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.Column("record_time", _TIME, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.Column("operation_id", _TEXT, nullable=False),
        sa.Column("dispute_id", _TEXT, nullable=False),
        sa.Column("transaction_id", _TEXT, nullable=False),
        sa.Column("minor_units", sa.BigInteger(), nullable=False),
        sa.Column("currency_code", _TEXT, nullable=False),
        sa.Column("payout_minor_units", sa.BigInteger()),
        sa.Column("payout_currency_code", _TEXT),
        sa.Column("settlement_batch_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("movement_id", name=op.f("pk_movements")),
    )
    op.create_index("ix_movements_time", "movements", ["time", "movement_id"])
    is_disputes = sa.text("dispute_id <> ''")
    op.create_index(
        "ix_movements_dispute", "movements", ["dispute_id"], sqlite_where=is_disputes, postgresql_where=is_disputes
    )
