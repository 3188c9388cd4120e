"""The SQL store: SQLite for one machine, PostgreSQL for many."""
