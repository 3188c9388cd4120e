"""Writes the log to stderr, with whatever could be card data taken out as a second line of defence.

The first line is that nothing logs any: this one is for the day on which somebody makes a mistake.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Final

from domain.card_detector import without_card_numbers

REMOVED: Final = "[removed]"

_LIKE_A_CVV: Final = re.compile(r"(?i)((?:cvv2?|cvc2?|security[ _-]?code)[^0-9A-Za-z]{1,6})[0-9]{3,4}(?![0-9])")


class CardDataFormatter(logging.Formatter):
    """Formats a record wholly, with its traceback, before it looks: nothing joins the line afterwards."""

    def format(self, record: logging.LogRecord) -> str:
        return without_card_data(super().format(record))


def without_card_data(text: str) -> str:
    """The text less what looks like a card number and passes its check digit, or like a security code."""
    return _LIKE_A_CVV.sub(rf"\g<1>{REMOVED}", without_card_numbers(text, REMOVED))


def write_logs(level: str, process: str = "") -> None:
    """From here on, for every logger of the process. `level` is debug, info, warning or error.

    process: which one it is, where several write to the same place.
    """
    handler = logging.StreamHandler(sys.stderr)
    where = f" [{process}]" if process else ""
    handler.setFormatter(CardDataFormatter(f"%(asctime)s %(levelname)s{where} %(name)s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
