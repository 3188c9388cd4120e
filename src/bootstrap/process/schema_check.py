"""Says whether this version may run on the database's schema, and the remedy if it may not."""

from sqlalchemy import Engine

from adapters.persistence.migrate import Schema, SchemaState, last_migration, schema_of
from bootstrap.config.settings import BadSettings


def require_usable(engine: Engine) -> None:
    """Raises BadSettings if this version may not run on the schema, and StoreUnavailable."""
    schema = schema_of(engine)
    if not schema.is_usable:
        raise BadSettings(describe(schema))


def describe(schema: Schema) -> str:
    """A sentence about the schema, with the remedy if this version may not run on it."""
    own = last_migration()
    match schema.state:
        case SchemaState.CURRENT:
            return f"The schema is up to date: migration {own}."
        case SchemaState.NEWER:
            return (
                f"The schema is at migration {schema.revision}, of a newer version. This version ({own}) runs on it: "
                "there is nothing to migrate."
            )
        case SchemaState.BEHIND:
            at = f"at migration {schema.revision}" if schema.revision else "empty"
            return (
                f"the database's schema is {at}, and this version needs {own}: run `bayar migrate` first, with the "
                "same settings"
            )
        case SchemaState.TOO_NEW:
            oldest = schema.oldest_revision or schema.revision
            return (
                f"the database's schema is at migration {schema.revision}, on which this version ({own}) cannot run: "
                f"start a version that knows migration {oldest}"
            )
        case SchemaState.FOREIGN:
            return (
                f"{_foreign(schema)}. Name a database of its own for Bayar in BAYAR_DATABASE_URL. Nothing was changed."
            )


def _foreign(schema: Schema) -> str:
    if schema.revision is not None:
        return f"the database belongs to another application, whose migrations are at {schema.revision}"
    names = schema.foreign_tables
    tables = "a table" if len(names) == 1 else "tables"
    return f"the database has {tables} that Bayar did not make, with names that Bayar needs ({', '.join(names)})"
