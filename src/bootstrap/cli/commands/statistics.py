"""bayar statistics: the progress of the statistics, and their rebuild, whether or not the service runs."""

import argparse

from adapters.persistence.store import SqlStore
from application.statistics.payment_facts import FACTS_VERSION
from bootstrap.cli.local_database import with_local_database
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.cli.terminal.output import say, write_json
from bootstrap.wiring.clock_and_ids import SystemClock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    status = actions.add_parser("status", help="show how far the statistics are")
    add_json(status)
    status.set_defaults(run=lambda parsed: with_local_database(parsed, _status))
    rebuild = actions.add_parser(
        "rebuild", help="count every payment again, in the background of the running service, the newest first"
    )
    add_json(rebuild)
    rebuild.set_defaults(run=lambda parsed: with_local_database(parsed, _rebuild))


def _rebuild(parsed: argparse.Namespace, store: SqlStore) -> int:
    with store.begin() as work:
        work.statistics.restart()
    if parsed.json:
        return _status(parsed, store)
    say("The service counts every payment again, newest first. `bayar statistics status` shows how far it is.")
    return 0


def _status(parsed: argparse.Namespace, store: SqlStore) -> int:
    with store.read() as work:
        progress = work.statistics.progress()
        end = work.feed.end()
    backfill = progress.backfill if progress is not None else None
    behind = end - progress.position if progress is not None else end
    # Before the first batch, the backfill stands in the far future.
    complete_from = min(backfill.time, SystemClock().now()) if backfill else None
    if parsed.json:
        write_json(
            {
                "events_behind": behind,
                "complete_from_time": complete_from.isoformat() if complete_from else None,
                "is_complete": progress is not None and backfill is None,
                "facts_version": FACTS_VERSION,
            }
        )
    elif progress is None:
        say("Nothing is counted yet: the running service begins by itself.")
    else:
        say(f"Changes of payments are counted, except the last {behind} events." if behind else "Changes are counted.")
        say(
            f"Payments from before {complete_from:%Y-%m-%d %H:%M:%S} UTC are still to be counted, newest first."
            if complete_from
            else "All payments are counted."
        )
    return 0
