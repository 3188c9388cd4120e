"""Indexes of the filters of payments by funds and by disputes."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    online.create_index("ix_payments_funds", "payments", ["caller_id", "funds", "create_time", "payment_id"])
    online.add_column("disputes", sa.Column("payment_time", sa.DateTime(timezone=True)))
    online.create_index("ix_disputes_without_payment_time", "disputes", ["dispute_id"], where="payment_time IS NULL")
    online.update(
        "disputes",
        "dispute_id",
        {"payment_time": "(SELECT create_time FROM payments WHERE payments.payment_id = disputes.payment_id)"},
        where="payment_time IS NULL",
    )
    online.create_index("ix_disputes_of_payments", "disputes", ["caller_id", "state", "payment_time", "payment_id"])
    online.create_index("ix_disputes_of_all_payments", "disputes", ["state", "payment_time", "payment_id"])
