"""Disputes, and the inbox of the gateway's webhooks."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TEXT = sa.Text()
_JSON = sa.JSON()
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "disputes",
        sa.Column("dispute_id", _TEXT, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.Column("gateway_dispute_id", _TEXT, nullable=False),
        sa.Column("transaction_id", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("reply_by_time", _TIME, nullable=True),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("next_check_time", _TIME, nullable=True),
        sa.Column("check_count", sa.Integer(), nullable=False),
        sa.Column("report", _JSON, nullable=False),
        sa.Column("actions", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payment_id"], name=op.f("fk_disputes_payment_id")),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("gateway_dispute_id", name=op.f("uq_disputes_gateway_dispute_id")),
    )
    op.create_index("ix_disputes_caller", "disputes", ["caller_id", "create_time", "dispute_id"])
    op.create_index("ix_disputes_check", "disputes", ["next_check_time"], **_where("next_check_time IS NOT NULL"))
    op.create_index("ix_disputes_payment", "disputes", ["payment_id"])
    op.create_index("ix_disputes_transaction", "disputes", ["transaction_id"])
    op.create_table(
        "webhook_notifications",
        sa.Column("notification_id", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("outcome", _TEXT, nullable=False),
        sa.Column("event_time", _TIME, nullable=True),
        sa.Column("receive_time", _TIME, nullable=False),
        sa.Column("finish_time", _TIME, nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_time", _TIME, nullable=True),
        sa.Column("last_error", _TEXT, nullable=False),
        sa.Column("subject", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_webhook_notifications")),
    )
    op.create_index("ix_webhook_notifications_time", "webhook_notifications", ["receive_time", "notification_id"])
    op.create_index(
        "ix_webhook_notifications_unfinished",
        "webhook_notifications",
        ["state", "next_attempt_time"],
        **_where("state IN ('pending', 'dead')"),
    )


def _where(condition: str) -> dict[str, Any]:
    """Makes an index partial."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
