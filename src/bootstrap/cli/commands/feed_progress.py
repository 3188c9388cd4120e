"""The commands of a follower of the feed: its progress, and its rebuild, whether or not the service runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapters.persistence.store import SqlStore
from application.common.pagination import Position
from application.ports.store import UnitOfWork
from bootstrap.cli.local_database import with_local_database
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.cli.terminal.output import say, write_json
from bootstrap.wiring.clock_and_ids import SystemClock


class Progress(Protocol):
    @property
    def position(self) -> int: ...

    @property
    def backfill(self) -> Position | None: ...


class Follower(Protocol):
    """The part of a repository that follows the feed."""

    def progress(self) -> Progress | None: ...

    def restart(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedProgress:
    """The commands `status` and `rebuild` of one follower, in its own words."""

    follower: Callable[[UnitOfWork], Follower]
    # The command, such as "search".
    name: str
    # The verb of the service, and its participle: "indexes", "indexed".
    verb: str
    done: str
    status_help: str
    rebuild_help: str
    # The field of the version of the stored terms or facts, and its number.
    version: tuple[str, int]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(required=True, metavar="ACTION")
        status = actions.add_parser("status", help=self.status_help)
        add_json(status)
        status.set_defaults(run=lambda parsed: with_local_database(parsed, self._status))
        rebuild = actions.add_parser("rebuild", help=self.rebuild_help)
        add_json(rebuild)
        rebuild.set_defaults(run=lambda parsed: with_local_database(parsed, self._rebuild))

    def _rebuild(self, parsed: argparse.Namespace, store: SqlStore) -> int:
        with store.begin() as work:
            self.follower(work).restart()
        if parsed.json:
            return self._status(parsed, store)
        how_far = f"`bayar {self.name} status` shows how far it is."
        say(f"The service {self.verb} every payment again, newest first. {how_far}")
        return 0

    def _status(self, parsed: argparse.Namespace, store: SqlStore) -> int:
        with store.read() as work:
            progress = self.follower(work).progress()
            end = work.feed.end()
        backfill = progress.backfill if progress is not None else None
        behind = end - progress.position if progress is not None else end
        # Before the first batch, the backfill stands in the far future.
        complete_from = min(backfill.time, SystemClock().now()) if backfill else None
        if parsed.json:
            name, number = self.version
            write_json(
                {
                    "events_behind": behind,
                    "complete_from_time": complete_from.isoformat() if complete_from else None,
                    "is_complete": progress is not None and backfill is None,
                    name: number,
                }
            )
        elif progress is None:
            say(f"Nothing is {self.done} yet: the running service begins by itself.")
        else:
            but = f"Changes of payments are {self.done}, except the last {behind} events."
            say(but if behind else f"Changes are {self.done}.")
            say(
                f"Payments from before {complete_from:%Y-%m-%d %H:%M:%S} UTC are still to be {self.done}, newest first."
                if complete_from
                else f"All payments are {self.done}."
            )
        return 0
