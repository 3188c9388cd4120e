"""Renders log events as one line of text for people, or as one JSON object for machines."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

EventDict = MutableMapping[str, Any]
Renderer = Callable[[logging.Logger, str, EventDict], str]

# Other values are quoted, so that no value looks like a field or a line of its own.
_BARE: Final = re.compile(r"[\w.:/@+-]+")
# The parts that every line has, in this order; all others are fields.
_PARTS: Final = ("created", "level", "process", "logger", "event", "exception")


def text_line(_logger: logging.Logger, _method: str, event: EventDict) -> str:
    """2026-11-29 12:00:00,123 INFO [worker 1] bayar.calls call method=... code=OK, and a traceback below."""
    created, level, process, logger, said, exception = (event.get(part, "") for part in _PARTS)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created))
    where = f" [{process}]" if process else ""
    fields = "".join(f" {name}={_written(value)}" for name, value in event.items() if name not in _PARTS)
    said = str(said).replace("\n", "\\n").replace("\r", "\\r")
    below = f"\n{exception}" if exception else ""
    return f"{at},{int(created % 1 * 1000):03} {level}{where} {logger} {said}{fields}{below}"


def json_line(_logger: logging.Logger, _method: str, event: EventDict) -> str:
    """One object: timestamp (UTC), level, logger, process, message, the fields, and exception."""
    created, level, process, logger, said, exception = (event.get(part, "") for part in _PARTS)
    at = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line: dict[str, Any] = {"timestamp": at, "level": level.lower(), "logger": logger}
    if process:
        line["process"] = process
    line["message"] = said
    line |= {name: value for name, value in event.items() if name not in _PARTS}
    if exception:
        line["exception"] = exception
    return json.dumps(line, ensure_ascii=False, default=str)


def _written(value: Any) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
