"""The customer of a disputed payment: a customer may see the disputes of their own payments."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    online.add_column("disputes", sa.Column("customer_id", sa.Text(), nullable=True))
    whose = "(SELECT payments.customer_id FROM payments WHERE payments.payment_id = disputes.payment_id)"
    online.update("disputes", "dispute_id", {"customer_id": whose}, f"customer_id IS NULL AND {whose} IS NOT NULL")
