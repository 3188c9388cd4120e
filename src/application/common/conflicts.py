"""Retries a transaction after a serialization failure or deadlock (StoreConflict)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from application.common.errors import StoreConflict

_log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS: Final = 4


def retry_on_conflict(record: Callable[P, R]) -> Callable[P, R]:
    """Retries a function that is exactly one transaction, without any external call.

    It retries at once: a database names a victim only after it has waited, and lets the other transaction pass first.
    Raises StoreConflict after the last try.
    """

    @wraps(record)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        for count in range(1, ATTEMPTS):
            try:
                return record(*args, **kwargs)
            except StoreConflict as conflict:
                _log.info("%s is retried: the database gave up attempt %s: %s", record.__name__, count, conflict)
        return record(*args, **kwargs)

    return attempt
