"""Alembic's environment: runs migrations on the connection of migrate.py. Alembic's own command line is unsupported."""

from alembic import context

from adapters.persistence.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite can roll back a schema change, too, because this service issues BEGIN itself.
    transactional_ddl=True,
    transaction_per_migration=True,
    # SQLite alters tables by copying them.
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
