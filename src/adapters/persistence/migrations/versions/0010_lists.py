"""Indexes for keyset pagination of a card's payments and of the customers who are not deleted."""

from adapters.persistence.migrations import online

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    online.create_index(
        "ix_payments_last_four",
        "payments",
        ["caller_id", "last_four", "create_time", "payment_id"],
        where="last_four <> ''",
    )
    online.create_index(
        "ix_customers_listed", "customers", ["caller_id", "create_time", "customer_id"], where="delete_time IS NULL"
    )
    online.drop_index("ix_customers_caller", "customers")
