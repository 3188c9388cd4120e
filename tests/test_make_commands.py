"""The `make` commands in the documents have a target, its variables, and the tests that they name."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Final

import pytest

from tests.pages.runners import pages_of
from tests.pages.snippets import ROOT, snippets_of

PAGES: Final = pages_of("tests/test_make_commands.py::test_make_knows_the_commands_of_a_page")


def commands_of(page: str) -> list[str]:
    """The lines of the page's shell snippets that begin with `make`."""
    texts = [snippet.text for snippet in snippets_of(page) if snippet.language == "sh"]
    lines = [line.partition(" #")[0].strip() for text in texts for line in text.splitlines()]
    return [line for line in lines if line.split(" ")[0] == "make"]


def dry_run(command: str) -> subprocess.CompletedProcess[str]:
    """The commands of the targets, which make prints and does not run."""
    words = shlex.split(command)
    return subprocess.run([*words, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("page", PAGES)
def test_make_knows_the_commands_of_a_page(page: str) -> None:
    commands = commands_of(page)
    assert commands
    for command in commands:
        done = dry_run(command)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        for name, value in re.findall(r"(\w+)=(\S+)", command):
            assert value.strip("\"'").split()[0] in done.stdout, f"{command}: no command uses {name}"
        for path in re.findall(r"(?:twin/)?tests/[\w./-]+", command):
            assert (ROOT / path).exists(), path


def test_a_target_that_does_not_exist_is_found() -> None:
    assert dry_run("make crahs").returncode != 0
    assert "SEEDS" not in dry_run("make crash SEEDS=48151623").stdout
    assert "48151623" not in dry_run("make crash SEEDS=48151623").stdout
