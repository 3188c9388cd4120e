"""bayar operators: manages the people who act on behalf of callers, in the service's own database."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from application.access.issue_key import IssueKey
from application.access.manage_operators import (
    AddOperator,
    ChangeOperator,
    CreateOperatorKey,
    ListOperators,
    RevokeOperator,
)
from application.common.operator import Operator, OperatorRight
from application.ports.store import Store
from bootstrap.cli.local_database import with_local_database
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.cli.terminal.output import console, json_line, say, write_json
from bootstrap.cli.terminal.tables import small_table
from bootstrap.exit_status import USAGE
from bootstrap.wiring.clock_and_ids import SystemClock, UlidSource

_RIGHTS: Final = ", ".join(right.value for right in OperatorRight)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a person with rights, and print a key for them once on stdout")
    add.add_argument("name", metavar="NAME", help='the name for the history and the audit log: "Siti Rahayu"')
    _add_rights(add, required=True)
    add.add_argument("--login", default="", metavar="LOGIN", help="the name in the person's tokens, such as an email")
    add.add_argument("--no-key", action="store_true", help="create no key: the person signs in with tokens only")
    _add_expiry(add)
    add.set_defaults(run=lambda parsed: with_local_database(parsed, _add))
    change = actions.add_parser("change", help="replace the rights, name or login of an operator; it works in seconds")
    change.add_argument("operator_id", metavar="OPERATOR_ID", help="opr_..., as the list shows it")
    _add_rights(change, required=False)
    change.add_argument("--name", metavar="NAME", help="the new name")
    change.add_argument("--login", metavar="LOGIN", help='the new login; "" for none')
    change.set_defaults(run=lambda parsed: with_local_database(parsed, _change))
    key = actions.add_parser("key", help="issue another key for an operator, and print it once on stdout")
    key.add_argument("operator_id", metavar="OPERATOR_ID", help="opr_..., as the list shows it")
    _add_expiry(key)
    key.add_argument("--note", default="", help="a note of yours, at most 255 characters")
    key.set_defaults(run=lambda parsed: with_local_database(parsed, _key))
    listing = actions.add_parser("list", help="list every operator, newest first")
    add_json(listing, "one JSON document a line")
    listing.set_defaults(run=lambda parsed: with_local_database(parsed, _list))
    revoke = actions.add_parser(
        "revoke", help="revoke an operator with every key; every replica refuses them in seconds"
    )
    revoke.add_argument("operator_id", metavar="OPERATOR_ID", help="opr_..., as the list shows it")
    for action in (add, change, key, revoke):
        add_json(action)
    revoke.set_defaults(run=lambda parsed: with_local_database(parsed, _revoke))


def _add_rights(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--rights",
        type=_rights,
        required=required,
        metavar="LIST",
        help=f"separated by commas, each by itself: {_RIGHTS}",
    )


def _add_expiry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--expires-days",
        type=_days,
        metavar="DAYS",
        help="the lifetime of the key in days (default: it does not expire)",
    )


def _rights(text: str) -> frozenset[OperatorRight]:
    known = {right.value: right for right in OperatorRight}
    names = text.replace(",", " ").split()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no right. There are: {_RIGHTS}")
    return frozenset(known[name] for name in names)


def _days(text: str) -> timedelta:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days < 36_525:
        raise argparse.ArgumentTypeError("must be more than 0, and at most a hundred years")
    return timedelta(days=days)


def _add(parsed: argparse.Namespace, store: Store) -> int:
    operator = AddOperator(store, SystemClock(), UlidSource())(parsed.name, parsed.rights, login=parsed.login)
    say(f"{operator.operator_id} is {operator.name}, with the rights: {_named(operator)}.")
    issued = {} if parsed.no_key else _issue_key(operator.operator_id, store, expires=parsed.expires_days)
    _tell(parsed, {**_document(operator), **issued}, issued)
    return 0


def _change(parsed: argparse.Namespace, store: Store) -> int:
    if parsed.rights is None and parsed.name is None and parsed.login is None:
        say("bayar: there is nothing to change: give --rights, --name or --login.")
        return USAGE
    change = ChangeOperator(store, SystemClock(), UlidSource())
    operator = change(parsed.operator_id, name=parsed.name, rights=parsed.rights, login=parsed.login)
    _tell(parsed, _document(operator))
    say(f"{operator.operator_id} is {operator.name}, with the rights: {_named(operator)}.")
    return 0


def _key(parsed: argparse.Namespace, store: Store) -> int:
    issued = _issue_key(parsed.operator_id, store, expires=parsed.expires_days, note=parsed.note)
    _tell(parsed, {"operator_id": parsed.operator_id, **issued}, issued)
    return 0


def _tell(parsed: argparse.Namespace, document: dict[str, object], issued: dict[str, object] | None = None) -> None:
    """The document with --json; else the key that was issued, if one was."""
    if parsed.json:
        write_json(document)
    elif issued:
        sys.stdout.write(f"{issued['api_key']}\n")


def _issue_key(operator_id: str, store: Store, *, expires: timedelta | None, note: str = "") -> dict[str, object]:
    """The key's id and the key itself, as the document shows them."""
    until = None if expires is None else datetime.now(UTC) + expires
    create = CreateOperatorKey(IssueKey(store, SystemClock(), UlidSource(), os.urandom))
    key, shown = create(operator_id, note=note, expire_time=until)
    say(f"{key.key_id} is a key of {operator_id}. Keep it now: it is not shown again.")
    return {"key_id": key.key_id, "api_key": shown}


def _list(parsed: argparse.Namespace, store: Store) -> int:
    operators = ListOperators(store)()
    if parsed.json:
        console().file.writelines(json_line(_document(operator)) for operator in operators)
        return 0
    table = small_table("operator", "name", "login", "rights", "added", "state", wrapped=("rights", "name"))
    for one in operators:
        state = f"revoked {one.revoke_time:%Y-%m-%d}" if one.revoke_time is not None else "active"
        table.add_row(one.operator_id, one.name, one.login, _named(one), f"{one.create_time:%Y-%m-%d}", state)
    if operators:
        console().print(table)
    else:
        say("There is no operator yet. `bayar operators add NAME --rights LIST` adds one.")
    return 0


def _revoke(parsed: argparse.Namespace, store: Store) -> int:
    operator = RevokeOperator(store, SystemClock(), UlidSource())(parsed.operator_id)
    _tell(parsed, _document(operator))
    say(f"{operator.operator_id} ({operator.name}) is revoked. Every replica refuses their keys and tokens in seconds.")
    return 0


def _named(operator: Operator) -> str:
    return " ".join(right.value for right in OperatorRight if operator.has(right)) or "none"


def _document(one: Operator) -> dict[str, object]:
    return {
        "operator_id": one.operator_id,
        "name": one.name,
        "login": one.login,
        "rights": [right.value for right in OperatorRight if one.has(right)],
        "create_time": one.create_time.isoformat(),
        "revoke_time": one.revoke_time.isoformat() if one.revoke_time is not None else None,
    }
