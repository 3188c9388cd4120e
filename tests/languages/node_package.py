"""The client for Node: generated, built and packed under build/."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from functools import cache
from pathlib import Path
from typing import Final

from tests.languages import toolchain

CLIENT: Final = toolchain.ROOT / "clients" / "node"
GENERATED: Final = Path("src") / "generated"
_TOOLS: Final = ("src", "test", "tools", "tsconfig.json", "README.md")


def generate(there: Path) -> None:
    """Writes what the client's generator makes of the contract and of the page on errors to a folder."""
    folder = toolchain.npm_packages(CLIENT, "clients/node")
    toolchain.run(
        [toolchain.NODE, CLIENT / "tools" / "generate.mjs"],
        BAYAR_ROOT=str(toolchain.ROOT),
        BAYAR_OUT=str(there),
        BAYAR_MODULES=str(folder),
    )


@cache
def built_client() -> Path:
    """A copy of the client with its dependencies, compiled: once for each state of its sources."""
    folder = toolchain.npm_packages(CLIENT, "clients/node")
    state = folder / "built"
    with (folder / "building").open("w") as building:
        fcntl.flock(building, fcntl.LOCK_EX)
        wanted = _state()
        if not state.is_file() or state.read_text("utf-8") != wanted:
            state.unlink(missing_ok=True)
            _build(folder)
            state.write_text(wanted, "utf-8")
    return folder


def _build(folder: Path) -> None:
    for name in (*_TOOLS, "dist"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in _TOOLS:
        if (CLIENT / name).is_dir():
            shutil.copytree(CLIENT / name, folder / name)
        else:
            shutil.copy(CLIENT / name, folder / name)
    toolchain.npm("run", "build", cwd=folder)
    packed = toolchain.npm("pack", "--ignore-scripts", "--pack-destination", str(folder), cwd=folder).stdout
    (folder / packed.split()[-1]).rename(folder / "packed.tgz")


def _state() -> str:
    """A digest of everything that the build reads."""
    names = (*_TOOLS, "package.json", "package-lock.json")
    files = (file for name in names for file in (CLIENT / name, *(CLIENT / name).rglob("*")) if file.is_file())
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(CLIENT)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def packed_client() -> Path:
    """The file that `npm pack` makes."""
    return built_client() / "packed.tgz"


def install_client(folder: Path) -> None:
    """Makes a folder one of npm with nothing but the packed client in it."""
    toolchain.npm("init", "--yes", cwd=folder)
    arguments = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", str(packed_client()))
    toolchain.npm("install", *arguments, cwd=folder)


def compile_strictly(shop: Path, built: Path, *files: str) -> None:
    """Checks files of TypeScript as strictly as its compiler can."""
    tsc = built / "node_modules" / "typescript" / "bin" / "tsc"
    types = ("--typeRoots", built / "node_modules" / "@types", "--types", "node")
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext")
    toolchain.run([toolchain.NODE, tsc, *options, *types, *files], cwd=shop)


def main() -> None:
    """`python -m tests.languages.node_package` writes the generated part of clients/node."""
    shutil.rmtree(CLIENT / GENERATED, ignore_errors=True)
    generate(CLIENT / GENERATED)


if __name__ == "__main__":
    main()
