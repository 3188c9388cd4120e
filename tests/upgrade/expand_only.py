"""The rule that a migration only expands the schema, checked against the code of the version before.

Three checks: the statements of each new migration; the schema afterwards, against the tables of the version before; and
the values that the present code may store, against those that the version before can read.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Engine, inspect

from adapters.persistence.migration_plan import statements_of

_FORBIDDEN: Final[Mapping[str, str]] = {
    r"DROP TABLE": "removes a table",
    r"ALTER TABLE \w+ DROP COLUMN": "removes a column",
    r"ALTER TABLE \w+ RENAME": "renames what the version before uses",
    r"ALTER TABLE \w+ ALTER COLUMN \w+ (SET DATA )?TYPE": "changes a column's type",
    r"ALTER TABLE \w+ ALTER COLUMN \w+ SET NOT NULL": "demands a value that the version before may omit",
    r"ALTER TABLE \w+ ALTER COLUMN \w+ DROP DEFAULT": "demands a value that the version before may omit",
    r"ALTER TABLE \w+ ADD CONSTRAINT": "refuses rows that the version before may write",
    r"ALTER TABLE \w+ ADD COLUMN (IF NOT EXISTS )?(?!.*\bDEFAULT\b).*NOT NULL": "demands a value without a default",
    r"TRUNCATE|DELETE FROM": "deletes rows that the version before may read",
}
# Of PostgreSQL, where a plain statement holds a lock for as long as it runs.
_LOCKING: Final[Mapping[str, str]] = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "locks the table while it builds the index",
    r"DROP INDEX (?!CONCURRENTLY)": "locks the table",
}
# Its code tells which columns and values the version before knows: run with its folders in PYTHONPATH.
_DESCRIBE: Final = """
import enum, importlib, json, pkgutil, sys
import application, domain
from adapters.persistence.mapping import EVENT_NAMES
from adapters.persistence.tables import metadata
tables = {
    table.name: {column.name: [str(column.type), column.nullable] for column in table.columns}
    for table in metadata.tables.values()
}
values = {"events": sorted(EVENT_NAMES.values())}
for package in (domain, application):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, enum.Enum) and kind.__name__ in sys.argv[1:]:
                values[kind.__name__] = sorted(str(one.value) for one in kind)
print(json.dumps({"tables": tables, "values": values}))
"""
# Every enum whose values the database stores in columns, and those inside of stored JSON by which a record is read.
STORED_ENUMS: Final = (
    "ActionState",
    "CaptureMode",
    "CheckoutMethod",
    "CheckoutState",
    "DeclineReason",
    "DisputeKind",
    "DisputeState",
    "FailureReason",
    "FeedKind",
    "Funds",
    "GatewayWebhookOutcome",
    "GatewayWebhookState",
    "HoldLevel",
    "InstrumentKind",
    "OperationKind",
    "OperationOrigin",
    "OperationState",
    "PaymentMethodState",
    "PaymentState",
    "TransactionStatus",
    "UseState",
)


def description(python_path: str = "") -> dict[str, Any]:
    """The tables and stored values that a version's code knows; of this one without a path."""
    environment = {**os.environ, "PYTHONPATH": python_path}
    command = [sys.executable, "-P", "-c", _DESCRIBE, *STORED_ENUMS]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    described: dict[str, Any] = json.loads(told.stdout)
    return described


def faults_of_statements(revision: str) -> Iterator[str]:
    """Sentences about the statements of a migration that break the version before, or block it."""
    for dialect in ("sqlite", "postgresql"):
        statements = statements_of(revision, dialect)
        new = {made[1] for one in statements if (made := re.match(r"CREATE TABLE (\w+)", one))}
        rules = {**_FORBIDDEN, **_LOCKING} if dialect == "postgresql" else _FORBIDDEN
        for statement in statements:
            table = re.search(r"(?:TABLE|UPDATE|FROM| ON) (?:IF NOT EXISTS )?(\w+)", statement)
            if table and table[1] in new:
                continue
            yield from (
                f"{revision} {reason}: {statement}" for pattern, reason in rules.items() if re.match(pattern, statement)
            )
            yield from _faults_of_unique_index(revision, statement)
            if re.match(r"CREATE (CONSTRAINT )?TRIGGER", statement):
                yield f"{revision} changes what writes of the version before do: {statement}"


def _faults_of_unique_index(revision: str, statement: str) -> Iterator[str]:
    """A unique index on an existing table must leave out the rows of the version before, by a new column."""
    made = re.match(r"CREATE UNIQUE INDEX (?:CONCURRENTLY )?\w+ ON (\w+) \((.*?)\)(?: WHERE (.*))?", statement)
    if made and "IS NOT NULL" not in (made[3] or ""):
        yield f"{revision} refuses rows that the version before may write: {statement}"


def faults_of_schema(engine: Engine, before: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about whatever the version before uses and no longer finds, or no longer fills."""
    found = inspect(engine)
    tables = found.get_table_names()
    for table, columns in before["tables"].items():
        if table not in tables:
            yield f"the table {table} is gone"
            continue
        now = {column["name"]: column for column in found.get_columns(table)}
        yield from (f"the column {table}.{name} is gone" for name in columns if name not in now)
        for name, column in now.items():
            if name not in columns and not column["nullable"] and column["default"] is None:
                yield f"the version before writes no {table}.{name}, which needs a value"
            if name in columns and columns[name][1] and not column["nullable"]:
                yield f"the version before may omit {table}.{name}, which needs a value now"


def new_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The stored values that the version before cannot read, as `Enum value`."""
    return [
        f"{name} {value}"
        for name, values in now["values"].items()
        for value in values
        if value not in before["values"].get(name, values)
    ]
