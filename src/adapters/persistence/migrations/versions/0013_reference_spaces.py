"""References of customers who pay with a credential of their own, unique apart from those of their back end."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    online.add_column("payments", sa.Column("reference_space", sa.Text()))
    online.create_index(
        "uq_payments_live_reference_in_space",
        "payments",
        ["caller_id", "reference_space", "reference"],
        where="reference_space IS NOT NULL AND funds <> 'returned'"
        " AND state IN ('pending', 'authorized', 'captured', 'settled')",
        unique=True,
    )
