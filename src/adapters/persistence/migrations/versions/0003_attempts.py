"""Velocity limits: counts of declines and verifications, and the blocks that follow."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TEXT = sa.Text()
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "attempt_counts",
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("bucket", _TIME, nullable=False),
        sa.Column("card", _TEXT, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "bucket", "card", name=op.f("pk_attempt_counts")),
    )
    op.create_index("ix_attempt_counts_bucket", "attempt_counts", ["bucket"])
    op.create_table(
        "attempt_blocks",
        sa.Column("block_id", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("scope", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("counts_cards", sa.Boolean(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("block_id", name=op.f("pk_attempt_blocks")),
        sa.UniqueConstraint(
            "key", "counts_cards", "end_time", name=op.f("uq_attempt_blocks_key_counts_cards_end_time")
        ),
    )
    op.create_index("ix_attempt_blocks_time", "attempt_blocks", ["create_time", "block_id"])
