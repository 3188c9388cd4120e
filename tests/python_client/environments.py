"""Virtual environments with the client's wheel, on the oldest releases that it supports and on the newest."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = ROOT / "clients" / "python"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with the wheel, its dependencies, and nothing else."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def run(self, *arguments: str, told: str = "", folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """One program, to its end."""
        return subprocess.run(
            [self.python, *arguments],
            input=told,
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
        )

    def versions(self) -> dict[str, str]:
        done = subprocess.run([*self.pip, "list", "--format=freeze"], capture_output=True, text=True, check=True)
        return dict(line.lower().split("==", 1) for line in done.stdout.split() if "==" in line)

    @property
    def pip(self) -> list[str]:
        """This program's own pip, for that environment: one of its own would take seconds to install."""
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.python]


def floors() -> dict[str, str]:
    """The oldest release of each dependency, as pyproject.toml has it."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    found = [re.fullmatch(r"([\w-]+)>=([\d.]+)", each) for each in project["dependencies"]]
    return {each[1]: each[2] for each in found if each}


def build_wheel(folder: Path) -> Path:
    """The client's wheel, built from a copy of its sources, as `make client-wheel` builds it."""
    sources = shutil.copytree(
        PROJECT, folder / "sources", ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(sources)], check=True)
    (wheel,) = folder.glob("bayar_client-*.whl")
    return wheel


def build_environment(folder: Path, wheel: Path, *more: str) -> Environment:
    """Raises CalledProcessError if the package index lacks a package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    environment = Environment(folder)
    # It is used for seconds: the interpreter compiles the modules that it imports.
    subprocess.run([*environment.pip, "install", "--quiet", "--no-compile", str(wheel), *more], check=True)
    return environment
