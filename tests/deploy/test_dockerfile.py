"""The Dockerfile, without building it: `make image-check` builds it."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.tools import DEPLOY, ROOT, tool
from tests.end_to_end.service import running_pair
from tests.languages.toolchain import attempt, run

_DOCKERFILE: Final = DEPLOY / "docker" / "Dockerfile"
_COPY: Final = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)


def final_stage() -> str:
    return _DOCKERFILE.read_text("utf-8").rpartition("\nFROM ")[2]


def test_hadolint_has_no_complaint() -> None:
    run([tool("hadolint"), "--failure-threshold", "style", _DOCKERFILE])


def test_hadolint_complains_of_an_unpinned_package(tmp_path: Path) -> None:
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(_DOCKERFILE.read_text("utf-8").replace("# hadolint ignore=DL3008\n", ""), "utf-8")
    assert attempt([tool("hadolint"), "--failure-threshold", "style", wrong]).returncode != 0


def test_everything_that_is_copied_exists_and_reaches_the_builder() -> None:
    copied = [path for line in _COPY.findall(_DOCKERFILE.read_text("utf-8")) for path in line.split()]
    assert len(copied) > 8
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert sorted(set(copied)) == sorted(let_in)


def test_the_final_stage_is_the_service_and_has_no_rights() -> None:
    stage = final_stage()
    assert stage.startswith("python AS service\n")
    assert "\nUSER 10001:10001\n" in stage
    assert "HEALTHCHECK" in stage
    assert "RUN" not in stage


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"ARG VERSION={project['version']}\n" in final_stage()
    assert f'licenses="{project["license"]}"' in final_stage()
    assert f'description="{project["description"]}"' in final_stage()


def test_the_healthcheck_tells_a_ready_service_from_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    healthcheck = runpy.run_path(str(DEPLOY / "docker" / "healthcheck.py"))["main"]
    with running_pair(tmp_path) as pair:
        monkeypatch.setenv("BAYAR_HTTP_ADDRESS", pair.service.http_url.removeprefix("http://"))
        assert healthcheck() == 0
        assert capsys.readouterr().out == "ok\n"
    assert healthcheck() == 1
    assert "no answer" in capsys.readouterr().out
