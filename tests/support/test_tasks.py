"""The twenty tasks have three faces: a section of docs/operate/support.md, the command line, and the console."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]


def names_in(path: str) -> list[str]:
    """The names of the tests of a file. It is not imported: the console's needs a browser."""
    module = ast.parse((ROOT / path).read_text("utf-8"))
    functions = [one.name for one in module.body if isinstance(one, ast.FunctionDef)]
    return [name.removeprefix("test_") for name in functions if name.startswith("test_")]


def test_there_are_twenty_tasks() -> None:
    assert len(TASKS) == len({task.title for task in TASKS.values()}) == 20


@pytest.mark.parametrize("path", ["tests/support/test_command_line.py", "tests/console/test_support_tasks.py"])
def test_each_task_has_a_test(path: str) -> None:
    assert names_in(path) == list(TASKS)


def test_the_document_explains_each_task_by_command_and_by_console() -> None:
    page = (ROOT / "docs/operate/support.md").read_text("utf-8")
    sections = dict(re.findall(r"^## \d+\. ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections) == [task.title for task in TASKS.values()]
    for title, section in sections.items():
        assert "```sh\nbayar " in section, title
        assert "Console: " in section, title


def test_the_document_names_the_right_that_each_task_needs() -> None:
    page = (ROOT / "docs/operate/support.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| \[\d+\. ([^\]]+)\]\([^)]*\) \| ([^|]+) \|", page, re.MULTILINE))
    needed = {task.title: ", ".join(f"`{right}`" for right in task.rights.split(",")) for task in TASKS.values()}
    assert {title: right.strip() for title, right in rows.items()} == needed
