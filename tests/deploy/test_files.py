"""Every file under deploy/: its form, the settings it names, and the paths it mentions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.tools import DEPLOY, ROOT, known_variables, tool, variables_in, yaml_files
from tests.languages.toolchain import run

_TEXTS: Final = sorted(
    path
    for path in (*DEPLOY.rglob("*"), ROOT / "docs/operate/deploy.md", *(ROOT / "docs/operate/runbooks").glob("*.md"))
    if path.is_file()
)
# Comments and labels about this repository.
_PATH: Final = re.compile(r"(?<![\w./-])(?:docs|deploy|components|overlays)/[\w./-]*\w(?!\w*://)")
# Names that Kubernetes would give to variables of its own; a comment warns of them.
_NO_SETTINGS: Final = {"BAYAR_GRPC_PORT"}


def test_yaml_is_well_formed() -> None:
    run([tool("yamllint"), "--strict", "--config-file", DEPLOY / "yamllint.yaml", *yaml_files()])


@pytest.mark.parametrize("path", _TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_is_a_setting(path: Path) -> None:
    assert variables_in(path.read_text("utf-8")) - known_variables() - _NO_SETTINGS == set()


def test_a_misspelled_variable_is_found() -> None:
    assert variables_in("- {name: BAYAR_WORKER, value: 2}") - known_variables() == {"BAYAR_WORKER"}


@pytest.mark.parametrize("path", _TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_that_a_file_mentions_exists(path: Path) -> None:
    bases = (ROOT, DEPLOY / "kubernetes")
    named = {one.partition("#")[0] for one in _PATH.findall(path.read_text("utf-8"))}
    assert [one for one in named if not any((base / one).exists() for base in bases)] == []


def test_shell_scripts_are_well_formed() -> None:
    for script in DEPLOY.rglob("*.sh"):
        run(["sh", "-n", script])
