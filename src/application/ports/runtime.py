"""Ports for the clock and for ids, which a use case must not create itself."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC."""


class IdSource(Protocol):
    def new(self, prefix: str) -> str:
        """A new id: the prefix, "_" and 26 characters that sort by time."""
