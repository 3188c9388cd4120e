"""bayar audit: lists and verifies the audit log in the service's own database."""

import argparse
import re
from collections.abc import Iterator

from application.common.pagination import Position
from application.ports.audit_log import AuditEntry
from application.ports.store import Store
from bootstrap.cli.bad_settings import reporting_bad_settings
from bootstrap.cli.local_database import with_local_database
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.cli.terminal.output import console, json_line, say
from bootstrap.cli.terminal.tables import Column, print_long_table

_PAGE = 500
_COLUMNS = (
    Column("time"),
    Column("kind"),
    Column("who", shrinks=20),
    Column("what", shrinks=20),
    Column("outcome", shrinks=12),
    Column("times", "right", rank=1),
    Column("from", rank=1),
    Column("details", rank=2),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list the entries, newest first")
    listing.add_argument(
        "--limit", type=int, default=50, metavar="N", help="the number of entries (default: 50; 0: all)"
    )
    add_json(listing, "one JSON document a line")
    listing.set_defaults(run=lambda parsed: with_local_database(parsed, _list))
    verify = actions.add_parser("verify", help="check the hash chain: exit status 1 if an entry was changed or removed")
    verify.add_argument(
        "--head", type=_head, metavar="POSITION:HASH", help="the head that an earlier verify or the log printed"
    )
    add_json(verify)
    verify.set_defaults(run=lambda parsed: reporting_bad_settings(lambda: _verify(parsed)))


def _head(text: str) -> tuple[int, str]:
    position, _, link = text.partition(":")
    if not position.isdecimal() or not re.fullmatch(r"[0-9a-f]{64}", link):
        raise argparse.ArgumentTypeError("must be POSITION:HASH, as `bayar audit verify` prints it")
    return int(position), link


def _verify(parsed: argparse.Namespace) -> int:
    from adapters.persistence.repositories.audit_chain import Head
    from bootstrap.process.database_commands import verify_audit

    return verify_audit(Head(*parsed.head) if parsed.head else None, as_json=parsed.json)


def _list(parsed: argparse.Namespace, store: Store) -> int:
    entries = _entries(store, parsed.limit)
    if parsed.json:
        out = console().file
        out.writelines(json_line(_document(entry)) for entry in entries)
    elif not print_long_table(console(), _COLUMNS, (_row(entry) for entry in entries)):
        say("There is no entry yet.")
    return 0


def _entries(store: Store, limit: int) -> Iterator[AuditEntry]:
    after, left = None, limit or None
    while left is None or left > 0:
        with store.read() as work:
            page = work.audit.page(after=after, limit=min(_PAGE, left or _PAGE))
        yield from page
        if len(page) < min(_PAGE, left or _PAGE):
            return
        after = Position(page[-1].time, page[-1].entry_id)
        left = None if left is None else left - len(page)


def _row(entry: AuditEntry) -> list[str]:
    details = " ".join(f"{name}={value}" for name, value in entry.details.items() if value)
    who = entry.actor or "unknown"
    time = f"{entry.time:%Y-%m-%d %H:%M:%S}"
    return [time, entry.kind.value, who, entry.subject, entry.outcome, str(entry.count), entry.peer, details]


def _document(entry: AuditEntry) -> dict[str, object]:
    return {
        "entry_id": entry.entry_id,
        "time": entry.time.isoformat(),
        "kind": entry.kind.value,
        "actor": entry.actor,
        "subject": entry.subject,
        "outcome": entry.outcome,
        "peer": entry.peer,
        "count": entry.count,
        "details": dict(entry.details),
    }
