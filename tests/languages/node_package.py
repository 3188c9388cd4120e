"""The client for Node, built and packed under build/."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Final

from tests.languages import toolchain

CLIENT: Final = toolchain.ROOT / "clients" / "node"


@cache
def built_client() -> Path:
    """A copy of the client with its dependencies, compiled."""
    folder = toolchain.npm_packages(CLIENT, "clients/node")
    for name in ("src", "test", "tools"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(CLIENT / name, folder / name, ignore=shutil.ignore_patterns("generated"))
    for name in ("tsconfig.json", "README.md"):
        shutil.copy(CLIENT / name, folder / name)
    shutil.rmtree(folder / "dist", ignore_errors=True)
    toolchain.npm("run", "build", cwd=folder, BAYAR_ROOT=str(toolchain.ROOT))
    return folder


@cache
def packed_client() -> Path:
    """The file that `npm pack` makes."""
    folder = built_client()
    packed = toolchain.npm("pack", "--ignore-scripts", "--pack-destination", str(folder), cwd=folder).stdout
    return folder / packed.split()[-1]


def install_client(folder: Path) -> None:
    """Makes a folder one of npm with nothing but the packed client in it."""
    toolchain.npm("init", "--yes", cwd=folder)
    toolchain.npm("install", "--no-audit", "--no-fund", "--ignore-scripts", str(packed_client()), cwd=folder)


def compile_strictly(shop: Path, built: Path, file: str) -> None:
    """Checks a file of TypeScript as strictly as its compiler can."""
    tsc = built / "node_modules" / "typescript" / "bin" / "tsc"
    types = ("--typeRoots", built / "node_modules" / "@types", "--types", "node")
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext")
    toolchain.run([toolchain.NODE, tsc, *options, *types, file], cwd=shop)
