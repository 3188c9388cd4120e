"""Builds a release in build/dist: two wheels, the sources of the image, a bill of materials, checksums.

`make dist` runs it. The same commit gives the same bytes. Exit status 1, with a sentence for each, if the places that
name the version disagree.
"""

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
OUTPUT: Final = ROOT / "build" / "dist"
# Projects that others install: callers the client, testers the twin. The service itself ships as an image.
WHEELS: Final = ("clients/python", "twin")
# The files that the Dockerfile, the unit of systemd and the manifests need.
SOURCES: Final = (
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "clients/python",
    "deploy",
    "docs/operate",
    "proto",
    "pyproject.toml",
    "requirements",
    "src",
    "twin",
)
_LEFT_OUT: Final = re.compile(r"(^|/)(__pycache__|build|tests|[^/]+\.egg-info)(/|$)|\.pyc$")
_RELEASE: Final = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<date>\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def main() -> int:
    version, date = released()
    faults = list(disagreements(version))
    if faults:
        sys.stderr.write("".join(f"{fault}\n" for fault in faults))
        return 1
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    seconds = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())
    for project in WHEELS:
        _build_wheel(project, seconds)
    pack_sources(OUTPUT / f"bayar-{version}.tar.gz", version, seconds)
    _write_materials(OUTPUT / f"bayar-{version}.cdx.json")
    _write_checksums()
    sys.stdout.write("".join(f"{path.relative_to(ROOT)}\n" for path in sorted(OUTPUT.iterdir())))
    return 0


def released() -> tuple[str, str]:
    """The newest version in the changelog, and its date."""
    newest = _RELEASE.search((ROOT / "CHANGELOG.md").read_text("utf-8"))
    return (newest["version"], newest["date"]) if newest else ("", "1980-01-01")


def disagreements(version: str) -> Iterator[str]:
    """A sentence for each place that names another version than the changelog's newest release."""
    if not version:
        yield "CHANGELOG.md has no release: write `## [1.2.3] - 2026-01-31` above the entries of the release."
    named = {
        **{f"{name}/pyproject.toml": _version_of(ROOT / name / "pyproject.toml") for name in (".", *WHEELS)},
        "deploy/docker/Dockerfile": _found(r"^ARG VERSION=(.+)$", "deploy/docker/Dockerfile"),
        "clients/node/package.json": _found(r'^  "version": "(.+?)"', "clients/node/package.json"),
        "docs/operate/deploy.md": _found(r"--build-arg VERSION=(\S+)", "docs/operate/deploy.md"),
    }
    for place, other in named.items():
        if other != version:
            yield f"{place.removeprefix('./')} names version {other}, and CHANGELOG.md {version}."


def _version_of(path: Path) -> str:
    return str(tomllib.loads(path.read_text("utf-8"))["project"]["version"])


def _found(pattern: str, path: str) -> str:
    found = re.search(pattern, (ROOT / path).read_text("utf-8"), re.MULTILINE)
    return found[1] if found else "none"


def _build_wheel(project: str, seconds: int) -> None:
    # A copy, because the build writes into its folder.
    copy = ROOT / "build" / "wheel" / Path(project).name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / project, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
    subprocess.run([*command, str(OUTPUT), str(copy)], check=True, env=environment)  # noqa: S603 (this file's own arguments)


def pack_sources(target: Path, version: str, seconds: int) -> None:
    """An archive with the files of SOURCES below bayar-VERSION. Files that git ignores are left out."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in source_files():
            entry = archive.gettarinfo(str(path), f"bayar-{version}/{path.relative_to(ROOT)}")
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = seconds
            entry.mode = 0o755 if entry.mode & 0o100 else 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    with target.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=seconds) as compressed:
        compressed.write(packed.getvalue())


def source_files() -> list[Path]:
    found = []
    for name in SOURCES:
        top = ROOT / name
        found += [path for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file()]
    return sorted(path for path in found if not _LEFT_OUT.search(str(path.relative_to(ROOT))))


def _write_materials(target: Path) -> None:
    """The service's dependencies with their hashes, as CycloneDX. The image holds a list of its own."""
    tool = ROOT / ".venv" / "sbom" / "bin" / "cyclonedx-py"
    arguments = ["requirements", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
    outcome = ["--output-format", "JSON", "--output-file", str(target), str(ROOT / "requirements" / "runtime.txt")]
    subprocess.run([str(tool), *arguments, *outcome], check=True)  # noqa: S603 (this file's own arguments)


def _write_checksums() -> None:
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(OUTPUT.iterdir())]
    (OUTPUT / "SHA256SUMS").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
