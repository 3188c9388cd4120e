"""The trace of the call that started an operation or stored a method, which the resolver continues."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    online.add_column("operations", sa.Column("trace_context", sa.Text()))
    online.add_column("payment_methods", sa.Column("trace_context", sa.Text()))
