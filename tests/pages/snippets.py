"""Every snippet of the documents: each block between fences, with its page, its line and its language."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_OTHERS: Final = {"build", "node_modules", "dist", "__pycache__"}
# ``` or ~~~, also in lists and quotations.
_FENCE: Final = re.compile(r"^(?P<before>(?:[ \t>]|[-*+] |\d+[.)] )*)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One block. `language` is the first word behind the fence, and empty where there is none."""

    page: str
    line: int
    language: str
    text: str

    @property
    def first_line(self) -> str:
        return self.text.strip().partition("\n")[0].strip()

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.language or 'no language'}: {self.first_line[:60]}"


def pages(root: Path = ROOT) -> list[str]:
    """Every Markdown file of the repository, apart from those that are built or installed."""
    found = (path.relative_to(root) for path in root.rglob("*.md"))
    return sorted(
        str(path) for path in found if not any(part in _OTHERS or part.startswith(".") for part in path.parts)
    )


def snippets_of(page: str) -> list[Snippet]:
    return list(snippets_in(page, (ROOT / page).read_text("utf-8")))


def snippets_in(page: str, text: str) -> Iterator[Snippet]:
    """The blocks of a text. Raises ValueError for a fence that nothing closes."""
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            continue
        inside = []
        for _, each in lines:
            if _closes(opening["fence"], each):
                break
            inside.append(each.removeprefix(opening["before"]))
        else:
            raise ValueError(f"{page}:{number}: nothing closes this fence")
        language = opening["info"].strip().partition(" ")[0]
        yield Snippet(page, number, language, textwrap.dedent("\n".join([*inside, ""])))


def _closes(fence: str, line: str) -> bool:
    bare = line.strip(" \t>")
    return len(bare) >= len(fence) and set(bare) == {fence[0]}
