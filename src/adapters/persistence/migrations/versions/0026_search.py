"""The index of the search, and its progress."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_TEXT = sa.Text()


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("digest", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("digest", "caller_id", "create_time", "payment_id", name=op.f("pk_search_entries")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_documents",
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_search_documents")),
    )
    stale = sa.text("is_stale")
    op.create_index(
        "ix_search_documents_stale", "search_documents", ["payment_id"], sqlite_where=stale, postgresql_where=stale
    )
    op.create_table(
        "search_progress",
        sa.Column("row_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", _TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("backfill_time", sa.DateTime(timezone=True)),
        sa.Column("backfill_id", _TEXT),
        sa.PrimaryKeyConstraint("row_id", name=op.f("pk_search_progress")),
    )
