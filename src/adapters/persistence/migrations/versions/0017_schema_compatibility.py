"""The oldest version that may run on the schema: older code asks for it when it meets a migration it does not know."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
# Earlier migrations removed columns and indexes.
compatible_from = "0016"


def upgrade() -> None:
    op.create_table(
        "schema_compatibility",
        sa.Column("row_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("oldest_revision", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("row_id", name=op.f("pk_schema_compatibility")),
    )
