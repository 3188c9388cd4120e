"""A hash chain over the audit log. It does not cover entries of earlier versions."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations import online

revision = "0016"
down_revision = "0015"

_TEXT = sa.Text()
_REFUSAL = "the audit log is append only"


def upgrade() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", _TEXT, nullable=False),
        sa.Column("hash", _TEXT, nullable=False),
        sa.Column("proof", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_chain_entry_id")),
        sqlite_with_rowid=False,
    )
    _refuse_on_postgresql() if online.is_postgresql() else _refuse_on_sqlite()


def _refuse_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_chain_no_{change.lower()} BEFORE {change} ON audit_chain "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
    # INSERT OR REPLACE deletes without asking a trigger for deletes, by any key: the hidden one, too.
    op.execute(
        "CREATE TRIGGER audit_chain_no_replace BEFORE INSERT ON audit_chain "
        "WHEN EXISTS (SELECT 1 FROM audit_chain WHERE position = NEW.position OR entry_id = NEW.entry_id) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_no_rowid BEFORE INSERT ON audit_entries "
        "WHEN EXISTS (SELECT 1 FROM audit_entries WHERE rowid = NEW.rowid) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END"
    )


def _refuse_on_postgresql() -> None:
    op.execute(
        "CREATE TRIGGER audit_chain_no_change BEFORE UPDATE OR DELETE ON audit_chain "
        "FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse()"
    )
