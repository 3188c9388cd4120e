"""The commands of the client's page install it from a checkout, and as a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.pages.snippets import snippets_of
from tests.python_client.environments import ROOT


def test_the_commands_of_the_page_install_the_client(tmp_path: Path) -> None:
    (snippet,) = (each for each in snippets_of("clients/python/README.md") if each.language == "sh")
    lines = [line.partition(" #")[0].strip() for line in snippet.text.splitlines()]
    assert [line.count("pip install ") for line in lines] == [1, 1]
    checkout = tmp_path / "checkout"
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    shutil.copytree(ROOT / "clients" / "python", checkout / "clients" / "python", ignore=unwanted)
    for file in ("Makefile", "pyproject.toml", "requirements", "proto", "twin", ".venv"):
        (checkout / file).symlink_to(ROOT / file)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([venv / "bin" / "pip", "uninstall", "--quiet", "--yes", "setuptools"], check=True)
    # What it depends on, and what builds it, are those of this environment, its newer setuptools, too.
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    # pip reads "no" here as: no isolation.
    settings = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "no"}
    variables = {**os.environ, **settings, "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def run(command: str, folder: Path) -> str:
        done = subprocess.run(
            ["sh", "-ec", command], cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for line in lines:
        run(line.replace("make ", "make --old-file=.venv/.dev "), checkout)
        place = run("python -c 'import bayar; print(bayar.__file__)'", tmp_path)
        assert place.startswith(str(venv)), place
        run("pip uninstall --yes bayar-client", tmp_path)
