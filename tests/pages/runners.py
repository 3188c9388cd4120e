"""The table of the tests that run the documents' snippets: runners.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

TABLE: Final = Path(__file__).with_name("runners.toml")
_TABLES: Final[dict[str, dict[str, Any]]] = tomllib.loads(TABLE.read_text("utf-8"))
# For each page and language: the number of snippets, and the tests.
RUNNERS: Final = _TABLES["runners"]
# For each page: the beginning of a snippet, and the reason why no test runs it.
EXEMPT: Final = _TABLES["exempt"]


def pages_of(test: str) -> list[str]:
    """The pages whose snippets a test runs."""
    return [page for page, languages in RUNNERS.items() if any(test in tests for _, *tests in languages.values())]
