"""Field-level encryption: digests for lookups in place of plain values, and the registered keys."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations import online

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for column in ("external_id_digest", "email_digest"):
        online.add_column("customers", sa.Column(column, sa.Text(), nullable=False, server_default=sa.text("''")))
    online.drop_index("ix_customers_email", "customers")
    online.drop_index("uq_customers_external_id", "customers")
    online.create_index(
        "ix_customers_email",
        "customers",
        ["caller_id", "email_digest", "create_time", "customer_id"],
        where="email_digest <> ''",
    )
    online.create_index(
        "uq_customers_external_id",
        "customers",
        ["caller_id", "external_id_digest"],
        where="external_id_digest <> '' AND delete_time IS NULL",
        unique=True,
    )
    op.drop_column("customers", "email_folded")
    op.create_table(
        "encryption_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_encryption_keys")),
    )
