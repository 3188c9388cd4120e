"""Whose payment a dispute hits: a person may see the disputes of their own payments."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("disputes", sa.Column("customer_id", sa.Text(), nullable=True))
    op.execute(
        "UPDATE disputes SET customer_id = "
        "(SELECT payments.customer_id FROM payments WHERE payments.payment_id = disputes.payment_id)"
    )
