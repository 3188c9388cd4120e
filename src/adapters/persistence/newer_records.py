"""Reads records that a newer version of the service wrote: during a rolling upgrade, or after one was taken back."""

import logging
from collections.abc import Callable, Container, Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import Row

from application.common.errors import RecordTooNew

_Member = TypeVar("_Member", bound=Enum)
_Read = TypeVar("_Read")

_log = logging.getLogger(__name__)


class Members(dict[Any, _Member]):
    """The members of a stored enum by their values. A value that only a newer version knows raises RecordTooNew."""

    def __init__(self, kind: type[_Member]) -> None:
        super().__init__((one.value, one) for one in kind)
        self._name = kind.__name__

    def __missing__(self, value: object) -> _Member:
        raise RecordTooNew(f"{self._name} {value!r} is unknown to this version")


def newer_entries(kept: Mapping[str, Any] | None, known: Container[str]) -> dict[str, Any]:
    """The entries of a stored JSON that only a newer version knows, as they are: an update must not lose them."""
    return {name: item for name, item in (kept or {}).items() if name not in known}


def readable(rows: Iterable[Row[Any]], read: Callable[[Row[Any]], _Read]) -> list[_Read]:
    """The rows that this version can read, as `read` gives them. Others must not stop the work on these."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except RecordTooNew as failure:
            _log.warning("%s waits for a process of a newer version: %s", row[0], failure)
    return found
