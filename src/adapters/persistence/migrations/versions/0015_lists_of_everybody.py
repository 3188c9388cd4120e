"""Indexes for lists of the customers and disputes of every caller."""

from adapters.persistence.migrations import online

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    online.create_index("ix_customers_time", "customers", ["create_time", "customer_id"], where="delete_time IS NULL")
    online.create_index("ix_disputes_time", "disputes", ["create_time", "dispute_id"])
