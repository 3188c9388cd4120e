"""The files under deploy/, and the tools that check them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bootstrap.config.settings import SECRETS, Settings
from tests.languages.toolchain import debian, one_at_a_time, run

ROOT: Final = Path(__file__).resolve().parents[2]
DEPLOY: Final = ROOT / "deploy"
BUILD: Final = ROOT / "build" / "deploy"
_TOOLS: Final = Path(sys.executable).parent
_VARIABLE: Final = re.compile(r"\bBAYAR_[A-Z0-9_]*[A-Z0-9]\b")

Document = dict[str, Any]


def tool(name: str) -> Path:
    """A program of requirements/deploy.txt."""
    path = _TOOLS / name
    if not path.exists():
        pytest.fail("`make deploy-check` installs the tools first; this was started without it.")
    return path


def promtool() -> Path:
    return _debian_program("prometheus", "promtool")


def amtool() -> Path:
    return _debian_program("prometheus-alertmanager", "amtool")


@cache
def _debian_program(package: str, name: str) -> Path:
    """The installed one, or that of Debian's package, unpacked under build/, which needs no root."""
    installed = shutil.which(name)
    if installed:
        return Path(installed)
    unpacked = BUILD / package
    with one_at_a_time():
        if not unpacked.exists():
            _unpack(package, unpacked)
    return unpacked / "usr" / "bin" / name


def _unpack(package: str, folder: Path) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip(
            f"This test needs Debian's package {package}, and this machine has no apt-get: install it yourself."
        )
    if os.environ.get("CI") and os.geteuid() == 0:
        run(["apt-get", "update"], seconds=300)
    downloads = folder.with_name(f"{folder.name}-download")
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir(parents=True)
    run(["apt-get", "download", package], cwd=downloads, seconds=300)
    (archive,) = downloads.glob("*.deb")
    run(["dpkg-deb", "-x", archive, downloads / "root"])
    (downloads / "root").rename(folder)
    shutil.rmtree(downloads)


@cache
def systemd_analyze() -> str:
    debian("systemd", programs=("systemd-analyze",))
    return "systemd-analyze"


@cache
def known_variables() -> frozenset[str]:
    """Each variable that the service knows."""
    names = {f"BAYAR_{name.upper()}" for name in Settings.model_fields}
    return frozenset(names | {f"BAYAR_{name.upper()}_FILE" for name in SECRETS})


def variables_in(text: str) -> set[str]:
    return set(_VARIABLE.findall(text))


def default_of(variable: str) -> object:
    return Settings.model_fields[variable.removeprefix("BAYAR_").lower()].default


def documents(path: Path) -> list[Document]:
    return [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one is not None]


def yaml_files() -> Iterator[Path]:
    yield from sorted(DEPLOY.rglob("*.yaml"))
