"""The days of a time zone as spans of whole hours, which hourly rollups can add up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from zoneinfo import ZoneInfo

from application.statistics.payment_facts import hour_of

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Days of equal length that follow one another. Hours are counted from 1970, in UTC; the end is exclusive."""

    first_day: date
    start: int
    end: int
    hours_a_day: int


def zone_named(name: str) -> tzinfo | None:
    """UTC for an empty name. None: there is no such zone."""
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # ZoneInfoNotFoundError is a KeyError; a path out of the folder is a ValueError.
        return None


def has_whole_hours(zone: tzinfo, start: date, end: date) -> bool:
    """Whether each of the days begins at a whole hour of UTC. Those of India and Nepal do not."""
    midnights = (_midnight(zone, start + _DAY * number) for number in range((end - start).days + 1))
    return all(one == one.replace(minute=0, second=0, microsecond=0) for one in midnights)


def spans(zone: tzinfo, start: date, end: date) -> Iterator[Span]:
    """The days from start until before end. A day on which the clocks change has 23 or 25 hours."""
    days = [start + _DAY * number for number in range((end - start).days)]
    hours = {day: hour_of(_midnight(zone, day)) for day in [*days, end]}
    for length, same in groupby(days, key=lambda day: hours[day + _DAY] - hours[day]):
        alike = list(same)
        yield Span(alike[0], hours[alike[0]], hours[alike[-1] + _DAY], length)


def _midnight(zone: tzinfo, day: date) -> datetime:
    """In UTC. Where the clocks skip midnight, the instant at which they do."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
