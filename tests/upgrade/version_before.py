"""The version before: its real code, kept as an archive, so that a clone without history can run it.

`python -m tests.upgrade.version_before COMMIT` replaces the archive with the code of a commit or tag: once after each
release. Its dependencies are those of the present environment.
"""

from __future__ import annotations

import io
import json
import lzma
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ARCHIVE: Final = Path(__file__).with_name("version_before.tar.xz")
FACTS: Final = Path(__file__).with_name("version_before.json")
# The code that a process of the service runs: no tests, no twin, no stubs for type checkers.
_PATHS: Final = ("src", "clients/python/src")
_VERSIONS: Final = "src/adapters/persistence/migrations/versions"


@dataclass(frozen=True, slots=True)
class VersionBefore:
    commit: str
    # The last migration that it knows.
    last_migration: str
    # The folders for PYTHONPATH.
    folders: tuple[Path, ...]

    @property
    def python_path(self) -> str:
        return ":".join(map(str, self.folders))


def unpack(directory: Path) -> VersionBefore:
    """Unpacks the archive into the directory."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(directory, filter="data")
    facts = json.loads(FACTS.read_text("utf-8"))
    folders = tuple(directory / path for path in _PATHS)
    return VersionBefore(facts["commit"], last_migration_in(directory), folders)


def last_migration_in(directory: Path) -> str:
    """The last migration of a checkout."""
    return max(path.name.partition("_")[0] for path in (directory / _VERSIONS).glob("[0-9]*.py"))


def files_of(commit: str) -> dict[str, bytes] | None:
    """The code of a commit by path, None where this clone does not have the commit."""
    command = ["git", "archive", "--format=tar", commit, *_PATHS]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if made.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        return _files_in(archive)


def archived_files() -> dict[str, bytes]:
    with tarfile.open(ARCHIVE) as archive:
        return _files_in(archive)


def _files_in(archive: tarfile.TarFile) -> dict[str, bytes]:
    found = {}
    for one in archive.getmembers():
        file = archive.extractfile(one) if one.isfile() else None
        if file is not None and not one.name.endswith(".pyi"):
            found[one.name] = file.read()
    return found


def _write(files: dict[str, bytes]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    ARCHIVE.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def main(commit: str) -> int:
    files = files_of(commit)
    if files is None:
        sys.stderr.write(f"This clone has no commit or tag {commit}: fetch it first.\n")
        return 1
    named = subprocess.run(["git", "rev-parse", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True, check=True)
    _write(files)
    FACTS.write_text(json.dumps({"commit": named.stdout.decode().strip()}, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
