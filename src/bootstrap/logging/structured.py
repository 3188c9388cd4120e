"""Loggers whose lines have fields, by structlog on top of the standard library's loggers."""

from __future__ import annotations

import logging

from bootstrap.logging.lean_structlog import structlog


def structured_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The handlers, the level and the filter are those of the standard library's logger of the same name."""
    made: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()
    return made
