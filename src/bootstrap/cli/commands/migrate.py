"""bayar migrate: migrates the database's schema, or prints its plan."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.cli.bad_settings import reporting_bad_settings
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.exit_status import DONE, FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from adapters.persistence.migration_plan import Plan, PlannedMigration

_WIDTH = 110
_TWO_MINUTES = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit with 0 if this version runs on the schema, 3 if migrations are missing, 1 if it "
        "cannot run on a newer schema or on another application's, or the database does not answer",
    )
    only.add_argument(
        "--plan",
        action="store_true",
        help="change nothing; show the statements that are missing, who waits for them, and about how long they take",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from bootstrap.process import database_commands

    if parsed.check or parsed.plan:
        work = _check if parsed.check else _show_plan
        return reporting_bad_settings(lambda: _on_database(work, as_json=parsed.json))
    return reporting_bad_settings(lambda: database_commands.migrate(as_json=parsed.json))


def _on_database(work: Callable[..., int], *, as_json: bool) -> int:
    """Needs no setting but the database's."""
    from adapters.persistence.sql.engine import create_engine
    from application.common.errors import StoreUnavailable
    from bootstrap.cli.terminal.output import say
    from bootstrap.config.settings import BadSettings, load_database_url

    try:
        engine = _changing_nothing(create_engine(load_database_url()))
    except ValueError as error:
        raise BadSettings(f"BAYAR_DATABASE_URL is wrong: {error}") from None
    try:
        return work(engine, as_json=as_json)
    except StoreUnavailable as error:
        say(f"bayar: the database does not answer (BAYAR_DATABASE_URL): {error}")
        return FAILED
    finally:
        engine.dispose()


def _changing_nothing(engine: Engine) -> Engine:
    """An engine that leaves a SQLite file, its mode and its journal as they are, and is empty where there is none."""
    import sqlalchemy

    if engine.dialect.name != "sqlite":
        return engine
    file = Path(engine.url.database or "")
    is_missing = not file.exists() and file.parent.is_dir() and not file.name.startswith("file:")
    return sqlalchemy.create_engine("sqlite://" if is_missing else engine.url)


def _check(engine: Engine, *, as_json: bool) -> int:
    from adapters.persistence.migrate import schema_of
    from bootstrap.process.database_commands import schema_report, write

    report = schema_report(schema_of(engine))
    write(report, as_json=as_json)
    return report.status


def _show_plan(engine: Engine, *, as_json: bool) -> int:
    from adapters.persistence.migration_plan import plan
    from bootstrap.process.database_commands import Report, schema_report, write

    found = plan(engine)
    schema = schema_report(found.schema)
    text = "\n".join(_lines(found)) if found.migrations else schema.text
    document = {**schema.document, "seconds": found.seconds, "migrations": _documents(found)}
    write(Report(text, document), as_json=as_json)
    return DONE if found.migrations else schema.status


def _documents(plan: Plan) -> list[dict[str, object]]:
    return [
        {
            "revision": one.revision,
            "summary": one.summary,
            "seconds": one.seconds,
            "compatible_from": one.compatible_from,
            "statements": [
                {"sql": statement.sql, "waits": statement.lock, "seconds": statement.seconds}
                for statement in one.statements
            ],
        }
        for one in plan.migrations
    ]


def _lines(plan: Plan) -> Iterator[str]:
    at = f"at migration {plan.schema.revision}" if plan.schema.revision else "empty"
    yield f"The schema is {at}. {_count(plan)} would run, {_duration(plan.seconds)} in all:"
    for migration in plan.migrations:
        yield from _lines_of(migration)
    yield ""
    yield _way_back(plan)
    if plan.dialect == "sqlite":
        yield "Everything runs in one transaction, and writers wait for its end. `bayar serve` does it at its start."
    else:
        yield "An interrupted migration continues where it stopped: run `bayar migrate` again."


def _lines_of(migration: PlannedMigration) -> Iterator[str]:
    yield ""
    yield f"{migration.revision}  {migration.summary} ({_duration(migration.seconds)})"
    for statement in migration.statements:
        yield from textwrap.wrap(statement.sql, _WIDTH, initial_indent="  ", subsequent_indent="      ")
        yield f"      waits: {statement.lock}; {_duration(statement.seconds)}"


def _way_back(plan: Plan) -> str:
    oldest = max((one.compatible_from for one in plan.migrations if one.compatible_from), default=None)
    before = plan.schema.revision
    if before is None:
        return "The database is empty: no other version uses it."
    if oldest is None or oldest <= before:
        return "Processes of the version before go on, restart, and can take over again afterwards."
    return (
        f"It removes something: afterwards only versions run that know migration {oldest}. Update every process to "
        "such a version first."
    )


def _count(plan: Plan) -> str:
    return "1 migration" if len(plan.migrations) == 1 else f"{len(plan.migrations)} migrations"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    return f"about {seconds:.0f} s" if seconds < _TWO_MINUTES else f"about {seconds / 60:.0f} min"
