"""Operators: people with names and rights, who act on behalf of callers."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_TEXT = sa.Text()
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "operators",
        sa.Column("operator_id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("login", _TEXT, nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("revoke_time", _TIME),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operators")),
    )
    where = sa.text("login <> '' AND revoke_time IS NULL")
    op.create_index(
        "uq_operators_login", "operators", ["login"], unique=True, sqlite_where=where, postgresql_where=where
    )
