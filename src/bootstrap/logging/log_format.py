"""Logging: one line for each record on stderr, as text or JSON, free of external input.

Libraries log all kinds of input: metadata with credentials, addresses with queries, values in exceptions. So a
library's record is written only with its constant text, and a foreign exception only with its type and where it was
raised. A filter then removes anything that looks like card data, for the day on which a line of our own has some.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
import traceback
from functools import partial
from types import TracebackType
from typing import Any, Final

from bootstrap.logging.lean_structlog import structlog
from bootstrap.logging.nonblocking_output import STDERR, LineHandler
from bootstrap.logging.renderers import EventDict, Renderer, json_line, text_line
from bootstrap.logging.trace_ids import current_trace_id
from domain.card_detector import without_card_numbers

REMOVED: Final = "[removed]"

_LIKE_A_CVV: Final = re.compile(r"(?i)((?:cvv2?|cvc2?|security[ _-]?code)[^0-9A-Za-z]{1,6})[0-9]{3,4}(?![0-9])")

# Texts that were searched and hold nothing: names of fields, methods and callers come with every line.
_CLEAN: Final[set[str]] = set()
_MOST_CLEAN: Final = 4096
_LONGEST_CLEAN: Final = 80

_OWN_PACKAGES: Final = frozenset({"domain", "application", "adapters", "bootstrap", "bayar", "__main__"})
# The attributes by which structlog knows its own records.
_OF_STRUCTLOG: Final = frozenset({"_logger", "_name"})
_REPEATS: Final = "repeats"
_REPEAT_SECONDS: Final = 60.0
# The maximum of distinct log call sites in libraries. Beyond that, counting begins anew.
_MOST_PLACES: Final = 1000


class SafeFormatter(structlog.stdlib.ProcessorFormatter):
    """Formats records of every logger: structlog's events with their fields, and the standard library's messages.

    A record is complete, with its traceback, before it is searched for card data: nothing joins it later.
    """

    def __init__(self, render: Renderer = text_line, process: str = "") -> None:
        """process: the process's name, where several write to the same stream."""
        self._process = process
        super().__init__(processors=[self._complete, _without_cards, render])

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record if _is_own(record.name) else _without_values(record))

    def _complete(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """Adds the parts that every line has."""
        record: logging.LogRecord = event.pop("_record")
        event.pop("_from_structlog", None)
        event.pop("stack_info", None)
        failure = _exception_of(event.pop("exc_info", None) or record.exc_info)
        event["created"], event["level"] = record.created, record.levelname
        event["process"], event["logger"] = self._process, record.name
        if trace_id := current_trace_id():
            event.setdefault("trace_id", trace_id)
        if failure is not None:
            event["exception"] = "".join(_exception_lines(failure)).rstrip()
        return event


def _exception_of(exc_info: object) -> BaseException | None:
    """As the standard library and structlog hand it over: a triple, an exception, or True for the current one."""
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as failure, _):
            return failure
        case True:
            return sys.exc_info()[1]
        case _:
            return None


def _without_cards(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The event without card data in any name or value, however deep."""
    return {without_card_data(name): _value_without_cards(value) for name, value in event.items()}


def _value_without_cards(value: Any) -> Any:
    match value:
        case float() | bool() | None:
            return value
        case int():
            removed = without_card_data(str(value))
            return value if removed == str(value) else removed
        case dict():
            return {without_card_data(str(name)): _value_without_cards(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_value_without_cards(inner) for inner in value]
        case _:
            return without_card_data(str(value))


class LibraryFilter(logging.Filter):
    """Drops libraries' records below a warning, and limits each call site to one record a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if _is_own(record.name):
            return True
        # Alembic logs each migration that it runs, at info; those pass, too.
        repeats = self._repeats(record) if record.levelno >= logging.WARNING else None
        setattr(record, _REPEATS, repeats)
        return repeats is not None

    def _repeats(self, record: logging.LogRecord) -> int | None:
        """The number of records of the same call site dropped since its last line. None: this one is dropped, too."""
        place, now = (record.pathname, record.lineno), time.monotonic()
        with self._lock:
            last, left_out = self._seen.get(place, (-_REPEAT_SECONDS, 0))
            if now - last < _REPEAT_SECONDS:
                self._seen[place] = last, left_out + 1
                return None
            if len(self._seen) >= _MOST_PLACES:
                self._seen.clear()
            self._seen[place] = now, 0
            return left_out


def without_card_data(text: str) -> str:
    """The text without anything that looks like a card number with a valid check digit, or like a security code."""
    if text in _CLEAN:
        return text
    removed = _LIKE_A_CVV.sub(rf"\g<1>{REMOVED}", without_card_numbers(text, REMOVED))
    if removed == text and len(text) <= _LONGEST_CLEAN:
        if len(_CLEAN) >= _MOST_CLEAN:
            _CLEAN.clear()
        _CLEAN.add(text)
    return removed


def write_logs(level: str, process: str = "", *, as_json: bool = False) -> None:
    """Configures every logger of the process from here on. `level` is debug, info, warning or error.

    process: the process's name, where several write to the same stream.
    """
    handler = LineHandler(STDERR)
    handler.setFormatter(SafeFormatter(json_line if as_json else text_line, process))
    handler.addFilter(LibraryFilter())
    STDERR.describe_dropped = partial(_dropped_line, handler.formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.captureWarnings(capture=True)
    _log_uncaught_exceptions()


def _dropped_line(formatter: logging.Formatter | None, count: int) -> str:
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, "%s lines were dropped", (count,), None)
    return (formatter or logging.Formatter()).format(record)


def _without_values(record: logging.LogRecord) -> logging.LogRecord:
    """With arguments, the text is a constant; without any, it may have been composed of anything."""
    text = record.msg if record.args and isinstance(record.msg, str) else "a message whose text is left out"
    repeats = getattr(record, _REPEATS, 0)
    more = f" ({repeats} more of them since the last line)" if repeats else ""
    located = f"{record.filename}:{record.lineno}: {text}{more}"
    changed = {"msg": located, "args": (), "stack_info": None, "exc_text": None, "message": ""}
    failure = record.exc_info[1] if record.exc_info else None
    if failure is not None and not _passed_through_ours(failure):
        # Most likely invalid input of a stranger: its location in the library helps nobody.
        changed |= {"msg": f"{located} ({_described(failure)})", "exc_info": None}
    kept = {name: value for name, value in record.__dict__.items() if name not in _OF_STRUCTLOG}
    return logging.makeLogRecord(kept | changed)


def _log_uncaught_exceptions() -> None:
    """The interpreter would print uncaught exceptions with their values; a hook logs them instead."""
    log = logging.getLogger(__name__)

    def uncaught(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
        log.critical("an exception ends the process", exc_info=(kind, failure, trace))

    def uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
        failure = arguments.exc_value or arguments.exc_type()
        name = arguments.thread.name if arguments.thread else "?"
        log.error(
            "an exception ends the thread %s", name, exc_info=(arguments.exc_type, failure, arguments.exc_traceback)
        )

    def unraisable(arguments: Any) -> None:
        failure = arguments.exc_value or arguments.exc_type()
        log.error("an exception could not be raised", exc_info=(arguments.exc_type, failure, arguments.exc_traceback))

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, uncaught_in_thread, unraisable


def _exception_lines(failure: BaseException | None) -> list[str]:
    """As Python prints an exception, without the texts of foreign exceptions: they repeat values."""
    lines: list[str] = []
    seen: set[int] = set()
    while failure is not None and id(failure) not in seen:
        seen.add(id(failure))
        frames = traceback.format_tb(failure.__traceback__)
        lines = ["Traceback (most recent call last):\n", *frames, f"{_described(failure)}\n", *lines]
        following = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)
        if following is not None:
            lines.insert(0, "\nwhich led to:\n\n")
        failure = following
    return lines


def _passed_through_ours(failure: BaseException) -> bool:
    return any(
        _is_own(str(frame.f_globals.get("__name__", ""))) for frame, _ in traceback.walk_tb(failure.__traceback__)
    )


def _described(failure: BaseException) -> str:
    kind = type(failure)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if _is_own(kind.__module__):
        return f"{name}: {failure}"
    return f"{name}: {failure.strerror}" if isinstance(failure, OSError) and failure.strerror else name


def _is_own(dotted_name: str) -> bool:
    return dotted_name.partition(".")[0] in _OWN_PACKAGES
