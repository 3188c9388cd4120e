"""Both keys under which a blocked card is counted, so that a block can be lifted."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    online.add_column("attempt_blocks", sa.Column("other_key", sa.Text(), nullable=False, server_default=sa.text("''")))
