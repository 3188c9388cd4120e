"""The paths, names, examples and error reasons in the documents are true."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from adapters.certificates.mapping import read_mapping
from bootstrap.config.event_webhooks import read_endpoints

ROOT: Final = Path(__file__).resolve().parents[1]
LISTS: Final = ("docs/glossary.md", "docs/develop/where.md")
DOCUMENTS: Final = ("README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")))
# A document may leave out `src/`.
_BASES: Final = (ROOT, ROOT / "src")
_FOLDERS: Final = "adapters|application|benchmarks|bootstrap|clients|docs|domain|proto|requirements|src|tests|twin"
# In code quotes: a name with a known ending, or a path that begins with a folder of this repository.
_QUOTED: Final = re.compile(rf"`((?:[\w.-]+/)*[\w-]+\.(?:json|md|proto|py|toml)|(?:{_FOLDERS})/[\w./-]*)`")
_IDENTIFIER: Final = re.compile(r"`([A-Za-z_]+)`")
_LINK: Final = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def _missing(name: str, text: str) -> Iterator[str]:
    """The paths in code quotes and the targets of links that do not exist."""
    for path in _QUOTED.findall(text):
        if not any((base / path).exists() for base in (*_BASES, (ROOT / name).parent)) and not _is_known_name(path):
            yield path
    for target in _LINK.findall(text):
        if not (ROOT / name).parent.joinpath(target).exists():
            yield target


def _is_known_name(path: str) -> bool:
    """Whether it is the bare name of a source, test or proto file, whose folder the document names nearby."""
    return "/" not in path and any(next((ROOT / folder).rglob(path), None) for folder in ("src", "tests", "proto"))


_ANCHOR: Final = re.compile(r"\]\(([^)#\s:]*)#([^)\s]+)\)")


def _anchors(text: str) -> set[str]:
    """The anchors of its headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_heading_that_a_link_names_exists(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    for path, anchor in _ANCHOR.findall(text):
        page = (ROOT / name).parent / path if path else ROOT / name
        assert anchor in _anchors(page.read_text("utf-8")), f"{path}#{anchor}"


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md"])
def test_no_document_holds_both_sides_of_a_conflict(name: str) -> None:
    assert not re.findall(r"^(?:<{7}|={7}|>{7})", (ROOT / name).read_text("utf-8"), re.MULTILINE)


_NO_BORDER: Final = re.compile(r"`[^`\n]*`|\\\|")
_FENCED: Final = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_TABLE: Final = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def _uneven_rows(text: str) -> Iterator[str]:
    """The rows of its tables that have more or fewer cells than their table's header."""
    for table in _TABLE.findall(_FENCED.sub("", text) + "\n"):
        header, *rows = table.splitlines()
        yield from (row for row in rows if _borders(row) != _borders(header))


def _borders(row: str) -> int:
    return _NO_BORDER.sub("", row).count("|")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_row_of_a_table_has_as_many_cells_as_its_header(name: str) -> None:
    assert list(_uneven_rows((ROOT / name).read_text("utf-8"))) == []


def test_a_row_with_other_cells_than_its_header_is_found() -> None:
    good = "| A | B |\n|---|---|\n| `a|b` | c \\| d |\n"
    assert list(_uneven_rows(f"{good}| a |\n| a | b | c |\n\n| A |\n|---|\n| a |\n")) == ["| a |", "| a | b | c |"]


@pytest.mark.parametrize("folder", ["integrate", "operate", "develop"])
def test_the_first_page_of_a_folder_links_each_other_page(folder: str) -> None:
    index = (ROOT / "docs" / folder / "README.md").read_text("utf-8")
    pages = {page.name for page in (ROOT / "docs" / folder).glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name}" not in index} == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name: str) -> None:
    assert list(_missing(name, (ROOT / name).read_text("utf-8"))) == []


def test_a_path_that_does_not_exist_is_found() -> None:
    text = "`src/domain/gone.py`, `adapters/gone/`, `gone.py`, [gone](gone.md#part), `src/domain/money.py`, `money.py`"
    assert list(_missing("docs/glossary.md", text)) == ["src/domain/gone.py", "adapters/gone/", "gone.py", "gone.md"]


def test_each_line_of_the_glossary_and_of_the_list_of_tasks_names_a_file() -> None:
    for name in LISTS:
        text = (ROOT / name).read_text("utf-8")
        rows = [row for row in text.splitlines() if row.startswith("| ") and row.split()[1] not in ("Task", "Term")]
        assert len(rows) > 40
        assert [row for row in rows if not _QUOTED.search(row)] == []


def test_each_name_that_a_line_quotes_occurs_in_a_file_of_that_line() -> None:
    for name in LISTS:
        for row in (ROOT / name).read_text("utf-8").splitlines():
            files = [ROOT / path for path in _QUOTED.findall(row)]
            text = "".join(file.read_text("utf-8") for file in files if file.is_file())
            assert [one for one in _IDENTIFIER.findall(row) if one not in text] == [], row


def test_the_glossary_is_in_alphabetical_order() -> None:
    terms = re.findall(r"^\| \*\*(.+?)\*\*", (ROOT / LISTS[0]).read_text("utf-8"), re.MULTILINE)
    assert terms == sorted(terms, key=str.casefold)


def _example(page: str, language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    return str(text)


def test_the_page_of_errors_names_each_reason_once() -> None:
    texts = tomllib.loads((ROOT / "src/adapters/grpc/messages/errors/en.toml").read_text("utf-8"))["error"]
    rows = [row for row in (ROOT / "docs/integrate/errors.md").read_text("utf-8").splitlines() if row.startswith("| ")]
    named = [name for row in rows[1:] for name in row.split(" | ")[1].split(", ")]
    assert sorted(named) == sorted(name.upper() for name in texts)


def test_the_example_of_endpoints_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_WEBHOOK_SECRET", "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY")
    file = tmp_path / "webhooks.toml"
    file.write_text(_example("docs/integrate/events.md", "toml"), "utf-8")
    (endpoint,) = read_endpoints(file, allow_private=False)
    assert (endpoint.name, endpoint.caller_id, endpoint.from_beginning) == ("shop", "shop", False)


def test_the_example_of_client_certificates_is_read(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(_example("docs/operate/access.md", "toml"), "utf-8")
    assert [caller.caller_id for caller in read_mapping(file).callers.values()] == ["shop"]
