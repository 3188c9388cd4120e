"""The trace of the call that started a dispute's last action, which the resolver continues."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    online.add_column("disputes", sa.Column("trace_context", sa.Text()))
