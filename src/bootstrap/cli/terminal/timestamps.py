"""Formats and parses times: UTC by default, local time on request."""

import argparse
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def parse_timestamp(text: str) -> datetime:
    """An argparse type: YYYY-MM-DD (midnight) or full ISO 8601; without an offset the zone is still unset."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date or time; write 2026-05-01, 2026-05-01T09:30 or 2026-05-01T09:30:00+07:00"
        ) from None


def in_zone(moment: datetime, *, local: bool) -> datetime:
    """The time with its own offset, if it has one; else in local time or UTC."""
    if moment.tzinfo is not None:
        return moment
    return moment.astimezone() if local else moment.replace(tzinfo=UTC)


class Clock:
    """Formats the times of answers."""

    def __init__(self, *, local: bool) -> None:
        self._zone = None if local else UTC
        self.zone_name = "local" if local else "UTC"

    def minute(self, stamp: Timestamp) -> str:
        return self._read(stamp).strftime("%Y-%m-%d %H:%M")

    def second(self, stamp: Timestamp) -> str:
        return self._read(stamp).strftime("%Y-%m-%d %H:%M:%S")

    def _read(self, stamp: Timestamp) -> datetime:
        return stamp.ToDatetime(UTC).astimezone(self._zone)


def iso(stamp: Timestamp) -> str:
    """For machines: ISO 8601 in UTC, empty for an absent time."""
    return stamp.ToJsonString() if stamp.ByteSize() else ""
