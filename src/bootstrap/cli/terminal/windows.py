"""The time windows of exports and comparisons, in a time zone."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.timestamp_pb2 import Timestamp

from bootstrap.cli.terminal.connection import WrongUsage
from bootstrap.cli.terminal.timestamps import iso, parse_timestamp


class Zone:
    """The time zone in which an export reads and writes times."""

    def __init__(self, name: str, *, local: bool) -> None:
        """Raises WrongUsage for an unknown name."""
        self._zone: tzinfo | None = None if local else UTC
        if name and local:
            raise WrongUsage("--time-zone and --local contradict each other")
        if name:
            try:
                self._zone = ZoneInfo(name)
            except (ValueError, OSError, ZoneInfoNotFoundError):
                raise WrongUsage(
                    f"--time-zone: {name!r} is no time zone here; write one of the IANA database, such as Asia/Jakarta"
                ) from None

    def read(self, moment: datetime) -> datetime:
        """The time with its own offset, if it has one; else in this zone."""
        if moment.tzinfo is not None:
            return moment
        return moment.astimezone() if self._zone is None else moment.replace(tzinfo=self._zone)

    def date(self, stamp: Timestamp) -> str:
        return f"{self._read(stamp):%Y-%m-%d}"

    def iso(self, stamp: Timestamp) -> str:
        """ISO 8601 with the zone's offset, Z for UTC; empty for an absent time."""
        if not stamp.ByteSize():
            return ""
        return iso(stamp) if self._zone is UTC else self._read(stamp).isoformat()

    def _read(self, stamp: Timestamp) -> datetime:
        return stamp.ToDatetime(UTC).astimezone(self._zone)


@dataclass(frozen=True, slots=True)
class Window:
    """A time window from start until before end, with the zone of its days."""

    start: datetime
    end: datetime
    zone: Zone

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Self:
        """The window of the arguments that add_window adds. Raises WrongUsage."""
        zone = Zone(parsed.time_zone, local=parsed.local)
        if parsed.month and (parsed.from_time or parsed.until_time):
            raise WrongUsage("--month is a window already: leave out --from and --until")
        if parsed.month:
            start, end = parsed.month, _next_month(parsed.month)
        elif parsed.from_time:
            start, end = parsed.from_time, parsed.until_time or datetime.now(UTC)
        else:
            raise WrongUsage("say which time: --month 2026-11, or --from 2026-11-01 --until 2026-12-01")
        window = cls(zone.read(start), zone.read(end), zone)
        if window.end <= window.start:
            raise WrongUsage("--until must be after --from")
        return window

    def share_until(self, stamp: Timestamp) -> float:
        """How much of the window is over at a time, 0 to 1."""
        return (stamp.ToDatetime(UTC) - self.start) / (self.end - self.start)


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=31)).replace(day=1)


def parse_month(text: str) -> datetime:
    """An argparse type: YYYY-MM, as the midnight that begins it, without a zone."""
    try:
        return datetime.strptime(text, "%Y-%m")  # noqa: DTZ007 (the zone is another argument)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no month; write 2026-11") from None


def add_window(parser: argparse._ActionsContainer, what: str) -> None:
    """Adds a window of time. what: the things in it, such as "movements"."""
    parser.add_argument(
        "--from",
        dest="from_time",
        type=parse_timestamp,
        metavar="TIME",
        help=f"{what} at or after this time: 2026-11-01 or 2026-11-01T09:30, with an offset or in the time zone",
    )
    parser.add_argument(
        "--until",
        "--to",
        dest="until_time",
        type=parse_timestamp,
        metavar="TIME",
        help=f"{what} before this time (default: now)",
    )
    parser.add_argument("--month", type=parse_month, metavar="YYYY-MM", help="a whole month, instead of --from")
    parser.add_argument(
        "--time-zone",
        default="",
        metavar="ZONE",
        help="the time zone of days and months, such as Asia/Jakarta (default: UTC)",
    )
