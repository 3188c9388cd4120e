"""Every snippet of the documents has a test that runs it, or stands in a short list with the reason.

tests/pages/runners.toml names the tests; each of them takes every snippet of its page and language.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.pages.runners import EXEMPT, RUNNERS, TABLE
from tests.pages.snippets import ROOT, Snippet, pages, snippets_in, snippets_of


def problems(page: str, snippets: Iterable[Snippet]) -> list[str]:
    """A sentence for each snippet without a runner or a reason, and for each line of the table without a snippet."""
    found, used, counted = [], set(), Counter[str]()
    for snippet in snippets:
        reason = next((start for start in EXEMPT.get(page, {}) if snippet.first_line.startswith(start.strip())), None)
        if not snippet.language:
            found.append(f"{snippet}: name its language behind the fence; an output or a drawing is `text`")
        elif reason is None:
            counted[snippet.language] += 1
        else:
            used.add(reason)
    for language, number in (dict.fromkeys(RUNNERS.get(page, {}), 0) | counted).items():
        run = RUNNERS.get(page, {}).get(language, [0])[0]
        if number != run:
            found.append(f"{page} has {number} snippets in {language}, and tests run {run}: see {TABLE.name}")
    found += [
        f"{page} has no snippet that begins with {start!r}" for start in EXEMPT.get(page, {}) if start not in used
    ]
    return found


@pytest.mark.parametrize("page", pages())
def test_every_snippet_of_a_page_is_run_or_has_a_reason(page: str) -> None:
    assert problems(page, snippets_of(page)) == []


def test_the_table_names_pages_that_exist() -> None:
    assert {*RUNNERS, *EXEMPT} - set(pages()) == set()


@cache
def _functions(file: Path) -> set[str]:
    return {each.name for each in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(each, ast.FunctionDef)}


def test_the_table_names_tests_that_exist() -> None:
    named = {test for languages in RUNNERS.values() for _, *tests in languages.values() for test in tests}
    split = [test.partition("::") for test in named]
    assert [f"{file}::{name}" for file, _, name in split if name not in _functions(ROOT / file)] == []


PLANTED: Final = (
    "```python\nprint(1)\n```",
    "~~~ts\nconst one = 1;\n~~~",
    "````php\n<?php echo 1;\n````",
    "- a list\n\n  ```ruby\n  puts 1\n  ```",
    "1. a list\n\n   ```go\n   package main\n   ```",
    "> ```java\n> class One {}\n> ```",
    "```sh with a name\nls\n```",
    "```text\nan output that nobody saw\n```",
    "```\nls\n```",
)


@pytest.mark.parametrize("snippet", PLANTED)
@pytest.mark.parametrize("page", ["README.md", "docs/integrate/payments.md", "clients/node/README.md", "docs/new.md"])
def test_a_snippet_that_no_test_runs_is_found(page: str, snippet: str) -> None:
    text = (ROOT / page).read_text("utf-8") if (ROOT / page).exists() else ""
    assert problems(page, snippets_in(page, text)) == []
    (found,) = problems(page, snippets_in(page, f"{text}\n\n{snippet}\n"))
    assert page in found


def test_a_snippet_that_went_is_found() -> None:
    assert problems("docs/integrate/events.md", []) != []
    assert problems("docs/integrate/disputes.md", []) == [
        "docs/integrate/disputes.md has no snippet that begins with 'AcceptDispute'"
    ]


def test_a_fence_that_nothing_closes_is_found() -> None:
    with pytest.raises(ValueError, match=r"a\.md:3: nothing closes this fence"):
        list(snippets_in("a.md", "one\n\n```sh\nls\n"))
