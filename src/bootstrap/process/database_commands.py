"""Runs the commands that need the service's settings and its database: each answers with a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Engine

from adapters.persistence.encryption import key_rotation
from adapters.persistence.migrate import Schema, SchemaState, UnknownSchema, schema_of, upgrade
from adapters.persistence.repositories import audit_chain
from adapters.persistence.repositories.audit_chain import Head, Verification
from application.common.errors import StoreUnavailable
from bootstrap.config.settings import BadSettings, load_settings
from bootstrap.exit_status import DONE, FAILED, PENDING
from bootstrap.logging.nonblocking_output import complain
from bootstrap.process import encryption_keys
from bootstrap.process.preflight import engine_of
from bootstrap.process.schema_check import describe, require_usable
from bootstrap.wiring.container import Container


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of a command. text: for people. document: the same for programs, of what JSON has."""

    text: str
    document: Mapping[str, object]
    status: int = DONE


Job = Callable[[Container, Engine], Report]


def migrate(*, as_json: bool = False) -> int:
    """Migrates the schema to this version's."""
    return _answer(_migrate, as_json=as_json)


def encryption_status(*, as_json: bool = False) -> int:
    """Reports the number of values that each key has encrypted."""
    return _answer(_encryption_status, as_json=as_json)


def rotate_encryption(*, as_json: bool = False) -> int:
    """Encrypts everything in the database with the current key."""
    return _answer(_rotate_encryption, as_json=as_json)


def archive_events(before: datetime, *, as_json: bool = False) -> int:
    """Archives the histories of payments that are final and have not changed since before the time."""
    return _answer(partial(_archive_events, before), as_json=as_json)


def verify_audit(known: Head | None, *, as_json: bool = False) -> int:
    """Reports whether the audit log is as it was written. Returns 1 if it is not."""
    return _answer(partial(_verify_audit, known), as_json=as_json)


def schema_report(schema: Schema) -> Report:
    """The schema's relation to this version, with the exit status of `bayar migrate --check`."""
    sentence = describe(schema)
    return Report(
        f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.",
        {
            "state": schema.state.name,
            "revision": schema.revision,
            "missing_revisions": list(schema.missing),
            "oldest_revision": schema.oldest_revision,
            "foreign_tables": list(schema.foreign_tables),
        },
        PENDING if schema.state is SchemaState.BEHIND else DONE if schema.is_usable else FAILED,
    )


def write(report: Report, *, as_json: bool) -> None:
    """Writes the report on standard output."""
    print(json.dumps(dict(report.document)) if as_json else report.text)  # noqa: T201 (the answer of a command)


def _answer(job: Job, *, as_json: bool) -> int:
    """Runs the job with the environment's settings, and writes its report. Returns the exit status."""
    container = Container()
    container.settings.override(load_settings())
    engine = engine_of(container)
    try:
        report = job(container, engine)
    except StoreUnavailable as error:
        complain(f"the database does not answer: {error}")
        return FAILED
    finally:
        engine.dispose()
    write(report, as_json=as_json)
    return report.status


def _migrate(container: Container, engine: Engine) -> Report:
    try:
        upgrade(engine)
    except UnknownSchema:
        raise BadSettings(describe(schema_of(engine))) from None
    encryption_keys.check_keys(container, engine)
    return schema_report(schema_of(engine))


def _encryption_status(container: Container, engine: Engine) -> Report:
    current = container.sealer().current_key_id
    counts = key_rotation.count_by_key(engine)
    lines = [f"{current}: {counts.get(current, 0)} values, current"]
    lines += [f"{name or 'not encrypted'}: {count} values" for name, count in sorted(counts.items()) if name != current]
    by_key = {name: count for name, count in counts.items() if name}
    document = {
        "current_key_id": current,
        "values_by_key": {current: 0, **by_key},
        "unencrypted_values": counts.get("", 0),
    }
    return Report("\n".join(lines), document)


def _rotate_encryption(container: Container, engine: Engine) -> Report:
    written = encryption_keys.rotate(container, engine)
    current = container.sealer().current_key_id
    return Report(
        f"{written} rows were re-encrypted. Everything is encrypted with {current!r}; older keys can be removed.",
        {"current_key_id": current, "rows_written": written},
    )


def _archive_events(before: datetime, container: Container, engine: Engine) -> Report:
    require_usable(engine)
    encryption_keys.check_keys(container, engine)
    payments = events = 0
    for step in container.archive_events()(before):
        payments += step.payment_count
        events += step.event_count
    return Report(
        f"{events} events of {payments} payments were archived.", {"event_count": events, "payment_count": payments}
    )


def _verify_audit(known: Head | None, container: Container, engine: Engine) -> Report:
    require_usable(engine)
    encryption_keys.check_keys(container, engine)
    found = audit_chain.verify(engine, container.sealer(), known)
    document = {
        "is_intact": not found.broken,
        "broken": found.broken,
        "head": "" if found.broken else f"{found.head.position}:{found.head.hash}",
        "uncovered_entries": found.uncovered,
        "unchained_entries": found.unchained,
    }
    return Report(_verification(found), document, FAILED if found.broken else DONE)


def _verification(found: Verification) -> str:
    lines = [f"The audit log is broken at {found.broken}."] if found.broken else ["The audit log is as it was written."]
    if not found.broken:
        lines.append(
            f"Keep this elsewhere, and give it to --head the next time: {found.head.position}:{found.head.hash}"
        )
    if found.uncovered and not found.broken:
        lines.append(
            f"The last {found.uncovered} entries are of the command line: the next one of the service signs them."
        )
    if found.unchained:
        lines.append(
            f"{found.unchained} entries are in no chain: they are older than it, or an earlier version or another "
            "program wrote them."
        )
    return "\n".join(lines)
