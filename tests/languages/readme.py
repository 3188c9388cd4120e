"""Runs the README of a client as a new user does: its commands and programs in an empty home, its outputs compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bayar.testing import running_bayar
from tests.languages import toolchain
from tests.pages.snippets import Snippet, snippets_of

_ADDRESS: Final = "127.0.0.1:50051"
_CHECKOUT: Final = "/path/to/bayar"
_RUNS: Final = re.compile(r"<!-- runs: (\S+) -->\n```")
_VARYING: Final = re.compile(r"\bpay_\w{26}|[0-9a-f]{8}-[0-9a-f-]{27}")


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the page: the file that it is saved as, and the output that the page shows."""

    file: str
    text: str
    output: str


class Readme:
    """A page, a home of somebody who follows it, and a running service."""

    def __init__(self, page: str, home: Path, address: str, api_key: str) -> None:
        self.home = home
        self.address = address
        self.api_key = api_key
        self.snippets = snippets_of(page)
        self._lines = (toolchain.ROOT / page).read_text("utf-8").split("\n")

    @property
    def checkout(self) -> Path:
        """Where the page says /path/to/bayar."""
        return self.home / "bayar"

    def commands(self) -> list[str]:
        """The page's commands, with this checkout and this service."""
        return [self.here(snippet.text) for snippet in self.snippets if snippet.language == "sh"]

    def here(self, text: str) -> str:
        return text.replace(_CHECKOUT, str(self.checkout)).replace(_ADDRESS, self.address)

    def programs(self) -> Iterator[Program]:
        """The programs that the page names, each with the output below it."""
        for snippet, following in zip(self.snippets, self.snippets[1:], strict=False):
            name = self._name(snippet)
            if name:
                assert following.language == "text", f"{snippet} shows no output"
                yield Program(name, self.here(snippet.text), following.text)

    def others(self, language: str) -> list[str]:
        """The snippets of a language that are no whole programs."""
        return [self.here(one.text) for one in self.snippets if one.language == language and not self._name(one)]

    def shell(self, commands: str, folder: Path, **variables: str) -> str:
        """Runs commands in a shell that ends at the first failure. Returns their output."""
        here = {"HOME": str(self.home), "PWD": str(folder), **variables}
        return toolchain.run(["sh", "-e", "-c", commands], cwd=folder, seconds=300, **here).stdout

    def _name(self, snippet: Snippet) -> str:
        found = _RUNS.search("\n".join(self._lines[snippet.line - 2 : snippet.line]))
        return found[1] if found else ""


@contextmanager
def readme(page: str, home: Path) -> Iterator[Readme]:
    with running_bayar() as server:
        one = Readme(page, home, server.address, server.api_key)
        (one.checkout / ".bayar").mkdir(parents=True)
        (one.checkout / ".bayar" / "api_key").write_text(server.api_key)
        yield one


def same(printed: str, shown: str) -> bool:
    """Whether both are one output, apart from ids."""
    return _VARYING.sub("ID", printed) == _VARYING.sub("ID", shown)
