"""The first tables: payments with their operations and events, requests, customers, payment methods."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TEXT = sa.Text()
_JSON = sa.JSON()
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("creator", _TEXT, nullable=False),
        sa.Column("reference", _TEXT, nullable=False),
        sa.Column("reference_folded", _TEXT, nullable=False),
        sa.Column("customer_id", _TEXT, nullable=True),
        sa.Column("minor_units", sa.BigInteger(), nullable=False),
        sa.Column("currency_code", _TEXT, nullable=False),
        sa.Column("capture_mode", _TEXT, nullable=False),
        sa.Column("terms", _JSON, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("funds", _TEXT, nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("brand", _TEXT, nullable=False),
        sa.Column("last_four", _TEXT, nullable=False),
        sa.Column("instrument", _JSON, nullable=True),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("follow_time", _TIME, nullable=True),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
    )
    op.create_index("ix_payments_caller", "payments", ["caller_id", "create_time", "payment_id"])
    op.create_index(
        "ix_payments_customer",
        "payments",
        ["customer_id", "create_time", "payment_id"],
        **_where("customer_id IS NOT NULL"),
    )
    op.create_index("ix_payments_follow", "payments", ["follow_time"], **_where("follow_time IS NOT NULL"))
    op.create_index("ix_payments_reference", "payments", ["caller_id", "reference", "create_time", "payment_id"])
    op.create_index("ix_payments_state", "payments", ["caller_id", "state", "create_time", "payment_id"])
    op.create_index("ix_payments_time", "payments", ["create_time", "payment_id"])
    op.create_index(
        "uq_payments_live_reference", "payments", ["caller_id", "reference"], unique=True, **_where("is_live")
    )
    op.create_table(
        "operations",
        sa.Column("operation_id", _TEXT, nullable=False),
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("minor_units", sa.BigInteger(), nullable=False),
        sa.Column("currency_code", _TEXT, nullable=False),
        sa.Column("request_id", _TEXT, nullable=False),
        sa.Column("target_transaction_id", _TEXT, nullable=False),
        sa.Column("transaction_id", _TEXT, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("next_check_time", _TIME, nullable=True),
        sa.Column("check_count", sa.Integer(), nullable=False),
        sa.Column("rest", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payment_id"], name=op.f("fk_operations_payment_id")),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_operations")),
        sa.UniqueConstraint("payment_id", "sequence", name=op.f("uq_operations_payment_id_sequence")),
    )
    op.create_index(
        "ix_operations_open", "operations", ["next_check_time"], **_where("state IN ('scheduled', 'started')")
    )
    op.create_index("ix_operations_time", "operations", ["create_time", "operation_id"])
    op.create_index("ix_operations_transaction", "operations", ["transaction_id"], **_where("transaction_id <> ''"))
    op.create_table(
        "payment_events",
        sa.Column("event_id", _TEXT, nullable=False),
        sa.Column("payment_id", _TEXT, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("type", _TEXT, nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.Column("actor", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("payload", _JSON, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payment_id"], name=op.f("fk_payment_events_payment_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_payment_events")),
        sa.UniqueConstraint("payment_id", "sequence", name=op.f("uq_payment_events_payment_id_sequence")),
    )
    op.create_table(
        "requests",
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("request_id", _TEXT, nullable=False),
        sa.Column("method", _TEXT, nullable=False),
        sa.Column("resource_id", _TEXT, nullable=False),
        sa.Column("fingerprint", _JSON, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("caller_id", "request_id", name=op.f("pk_requests")),
    )
    op.create_table(
        "customers",
        sa.Column("customer_id", _TEXT, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("external_id", _TEXT, nullable=False),
        sa.Column("given_name", _TEXT, nullable=False),
        sa.Column("family_name", _TEXT, nullable=False),
        sa.Column("email", _TEXT, nullable=False),
        sa.Column("email_folded", _TEXT, nullable=False),
        sa.Column("phone", _TEXT, nullable=False),
        sa.Column("language_code", _TEXT, nullable=False),
        sa.Column("is_at_gateway", sa.Boolean(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("delete_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customers")),
    )
    op.create_index("ix_customers_caller", "customers", ["caller_id", "create_time", "customer_id"])
    op.create_index(
        "ix_customers_email",
        "customers",
        ["caller_id", "email_folded", "create_time", "customer_id"],
        **_where("email_folded <> ''"),
    )
    op.create_index(
        "uq_customers_external_id",
        "customers",
        ["caller_id", "external_id"],
        unique=True,
        **_where("external_id <> '' AND delete_time IS NULL"),
    )
    op.create_table(
        "payment_methods",
        sa.Column("payment_method_id", _TEXT, nullable=False),
        sa.Column("caller_id", _TEXT, nullable=False),
        sa.Column("customer_id", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("gateway_token", _TEXT, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("next_check_time", _TIME, nullable=True),
        sa.Column("rest", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("payment_method_id", name=op.f("pk_payment_methods")),
    )
    op.create_index(
        "ix_payment_methods_customer", "payment_methods", ["customer_id", "create_time", "payment_method_id"]
    )
    op.create_index("ix_payment_methods_pending", "payment_methods", ["next_check_time"], **_where("state = 'pending'"))
    op.create_index(
        "uq_payment_methods_default", "payment_methods", ["customer_id"], unique=True, **_where("is_default")
    )


def _where(condition: str) -> dict[str, Any]:
    """Makes an index partial."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
