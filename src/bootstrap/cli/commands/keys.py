"""bayar keys: manages callers' API keys in the service's own database."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from application.access.issue_key import IssueKey
from application.access.manage_api_keys import CreateApiKey, ListApiKeys, RevokeApiKey
from application.common.api_key import ApiKey
from application.common.caller import ONLY_IF_NAMED, Scope
from application.ports.store import Store
from bootstrap.cli.local_database import with_local_database
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.cli.terminal.output import console, say, write_json
from bootstrap.cli.terminal.tables import small_table
from bootstrap.exit_status import USAGE
from bootstrap.wiring.clock_and_ids import SystemClock, UlidSource

_USUAL: Final = ",".join(scope.value for scope in Scope if scope not in ONLY_IF_NAMED)
_NAMED: Final = " and ".join(sorted(scope.value for scope in ONLY_IF_NAMED))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="issue a key, and print it once on stdout")
    create.add_argument("caller", metavar="CALLER", help="the back end that uses the key, for example shop")
    create.add_argument(
        "--scopes",
        default=_USUAL,
        metavar="LIST",
        help=f"its scopes, separated by commas: {', '.join(scope.value for scope in Scope)} "
        f"(default: all but {_NAMED})",
    )
    create.add_argument("--customer", default="", metavar="ID", help="restrict the key to this customer's data")
    create.add_argument(
        "--expires-days", type=float, metavar="DAYS", help="the lifetime in days (default: it does not expire)"
    )
    create.add_argument("--note", default="", help="a note of yours, at most 255 characters")
    add_json(create)
    create.set_defaults(run=lambda parsed: with_local_database(parsed, _create))
    listing = actions.add_parser("list", help="list every key, newest first, without secrets")
    add_json(listing, "one JSON document a line")
    listing.set_defaults(run=lambda parsed: with_local_database(parsed, _list))
    revoke = actions.add_parser("revoke", help="revoke a key; every replica refuses it within seconds")
    revoke.add_argument("key_id", metavar="KEY_ID", help="key_..., as the list shows it")
    add_json(revoke)
    revoke.set_defaults(run=lambda parsed: with_local_database(parsed, _revoke))


def _create(parsed: argparse.Namespace, store: Store) -> int:
    names = [name for name in parsed.scopes.replace(",", " ").split() if name]
    known = {scope.value: scope for scope in Scope}
    for name in names:
        if name not in known:
            say(f"bayar: {name!r} is no scope. There are: {', '.join(known)}")
            return USAGE
    expires = None
    if parsed.expires_days is not None:
        if not 0 < parsed.expires_days < 36_525:
            say("bayar: --expires-days must be more than 0, and at most a hundred years")
            return USAGE
        expires = datetime.now(UTC) + timedelta(days=parsed.expires_days)
    key, shown = CreateApiKey(IssueKey(store, SystemClock(), UlidSource(), os.urandom))(
        parsed.caller,
        frozenset(known[name] for name in names),
        customer_id=parsed.customer,
        note=parsed.note,
        expire_time=expires,
    )
    say(f"{key.key_id} of {key.caller_id}: {_scopes(key)}. Keep it now: it is not shown again.")
    if parsed.json:
        write_json({**_document(key), "api_key": shown})
    else:
        sys.stdout.write(shown + "\n")
    return 0


def _list(parsed: argparse.Namespace, store: Store) -> int:
    keys = ListApiKeys(store)()
    if parsed.json:
        sys.stdout.writelines(json.dumps(_document(key)) + "\n" for key in keys)
        return 0
    table = small_table("key", "caller", "scopes", "created", "last used", "state", "note", wrapped=("scopes", "note"))
    for key in keys:
        table.add_row(
            key.key_id,
            key.caller_id + (f" for {key.customer_id}" if key.customer_id else ""),
            _scopes(key),
            _day(key.create_time),
            _moment(key.last_use_time),
            _state(key),
            key.note,
        )
    if keys:
        console().print(table)
    else:
        say("There is no key yet. `bayar keys create CALLER` issues one.")
    return 0


def _revoke(parsed: argparse.Namespace, store: Store) -> int:
    key = RevokeApiKey(store, SystemClock(), UlidSource())(parsed.key_id)
    if parsed.json:
        write_json(_document(key))
    say(f"{key.key_id} of {key.caller_id} is revoked. Every replica refuses it within seconds.")
    return 0


def _scopes(key: ApiKey) -> str:
    return " ".join(scope.value for scope in Scope if scope in key.scopes)


def _state(key: ApiKey) -> str:
    if key.revoke_time is not None:
        return f"revoked {_day(key.revoke_time)}"
    if key.expire_time is None:
        return "active"
    return f"{'expired' if key.expire_time <= datetime.now(UTC) else 'expires'} {_day(key.expire_time)}"


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"


def _moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "never"


def _document(key: ApiKey) -> dict[str, object]:
    def when(time: datetime | None) -> str | None:
        return time.isoformat() if time else None

    return {
        "key_id": key.key_id,
        "caller_id": key.caller_id,
        "customer_id": key.customer_id,
        "scopes": sorted(scope.value for scope in key.scopes),
        "note": key.note,
        "create_time": when(key.create_time),
        "expire_time": when(key.expire_time),
        "revoke_time": when(key.revoke_time),
        "last_use_time": when(key.last_use_time),
    }
