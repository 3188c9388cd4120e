"""The deployment's mark, and the maintenance hold that an administrator sets."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "deployment",
        sa.Column("deployment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("hold_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("hold_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_deployment")),
    )
