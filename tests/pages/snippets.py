"""Every snippet of the documents: each block between fences, with its page, its line and its language."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = tuple(
    sorted(
        str(page.relative_to(ROOT))
        for page in (
            ROOT / "README.md",
            *(ROOT / "docs").rglob("*.md"),
            *(ROOT / "clients").glob("*/README.md"),
            *(ROOT / "twin").glob("*.md"),
            *(ROOT / "twin" / "docs").rglob("*.md"),
            *(ROOT / "twin" / "examples").glob("*/README.md"),
        )
    )
)
_BLOCK: Final = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Snippet:
    """One block. `language` is the word behind the fence, and empty where there is none."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets_of(page: str) -> list[Snippet]:
    return snippets_in(page, (ROOT / page).read_text("utf-8"))


def snippets_in(page: str, text: str) -> list[Snippet]:
    return [
        Snippet(page, text.count("\n", 0, found.start()) + 1, found[2].strip(), textwrap.dedent(found[3]))
        for found in _BLOCK.finditer(text)
    ]
