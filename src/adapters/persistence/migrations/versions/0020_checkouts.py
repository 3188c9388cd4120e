"""Hosted checkouts and payment links, with their uses."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_TEXT = sa.Text()
_INTEGER = sa.Integer()
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "checkouts",
        sa.Column("checkout_id", _TEXT, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("token", _TEXT, nullable=False),
        sa.Column("token_digest", _TEXT, nullable=False),
        sa.Column("reference", _TEXT, nullable=False),
        sa.Column("customer_id", _TEXT),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("is_link", sa.Boolean(), nullable=False),
        sa.Column("session_count", _INTEGER, nullable=False),
        sa.Column("taken_uses", _INTEGER, nullable=False),
        sa.Column("completed_uses", _INTEGER, nullable=False),
        sa.Column("payment_id", _TEXT),
        sa.Column("expire_time", _TIME, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME),
        sa.PrimaryKeyConstraint("checkout_id", name=op.f("pk_checkouts")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_checkouts_token_digest")),
    )
    op.create_index("ix_checkouts_time", "checkouts", ["create_time", "checkout_id"])
    op.create_index("ix_checkouts_caller", "checkouts", ["caller_id", "create_time", "checkout_id"])
    op.create_index("ix_checkouts_reference", "checkouts", ["caller_id", "reference", "create_time", "checkout_id"])
    _partial(
        "ix_checkouts_customer", "checkouts", ["customer_id", "create_time", "checkout_id"], "customer_id IS NOT NULL"
    )
    _partial("ix_checkouts_expiry", "checkouts", ["expire_time"], "state = 'open'")
    op.create_table(
        "checkout_uses",
        sa.Column("checkout_id", _TEXT, nullable=False),
        sa.Column("session", _TEXT, nullable=False),
        sa.Column("ordinal", _INTEGER, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("attempt", _INTEGER, nullable=False),
        sa.Column("payment_id", _TEXT),
        sa.Column("start_time", _TIME),
        sa.Column("next_check_time", _TIME),
        sa.PrimaryKeyConstraint("checkout_id", "session", name=op.f("pk_checkout_uses")),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.checkout_id"], name=op.f("fk_checkout_uses_checkout_id")),
        sa.UniqueConstraint("checkout_id", "ordinal", name=op.f("uq_checkout_uses_checkout_id_ordinal")),
    )
    _partial("ix_checkout_uses_check", "checkout_uses", ["next_check_time"], "state = 'paying'")


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
