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
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.version import ROOT, disagreements, released

OUTPUT: Final = ROOT / "build" / "dist"
# Projects that others install: callers the client, testers the twin. The service itself ships as an image.
WHEELS: Final = ("clients/python", "twin")
# The files that the Dockerfile, the unit of systemd and the manifests need.
SOURCES: Final = (
    ".dockerignore",
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


def main() -> int:
    version, date = released()
    faults = [*disagreements(version), *_other_tags(version)]
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
    sys.stderr.write("".join(f"{doubt}\n" for doubt in _doubts(version)))
    return 0


def _other_tags(version: str) -> Iterator[str]:
    """A sentence for each tag of a version on this commit that is another one."""
    for tag in _git("tag", "--points-at", "HEAD"):
        if re.fullmatch(r"v\d+\.\d+\.\d+.*", tag) and tag != f"v{version}":
            yield f"This commit has the tag {tag}, and CHANGELOG.md names {version}."


def _doubts(version: str) -> Iterator[str]:
    """Reasons why this build is no release."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        yield "This is no release: some changes are not committed."
    elif (ROOT / ".git").exists() and f"v{version}" not in _git("tag", "--points-at", "HEAD"):
        yield f"This is no release: the commit has no tag v{version}."


def _git(*arguments: str) -> list[str]:
    """The lines or the NUL-separated names that git prints; none in sources without a history."""
    if not (ROOT / ".git").exists():
        return []
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 (this file's own arguments)
    return [one for one in re.split(r"[\0\n]", done.stdout) if one]


def _build_wheel(project: str, seconds: int) -> None:
    # A copy, because the build writes into its folder.
    copy = ROOT / "build" / "wheel" / Path(project).name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / project, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
    subprocess.run([*command, str(OUTPUT), str(copy)], check=True, env=environment)  # noqa: S603 (this file's own arguments)


def pack_sources(target: Path, version: str, seconds: int) -> None:
    """An archive with the files of SOURCES below bayar-VERSION. Files that git does not know are left out: they may be
    secrets.
    """
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
    """Of sources without a history, every file is one that a release packed."""
    known: Iterable[Path] = map(ROOT.joinpath, _git("ls-files", "-z", "--", *SOURCES))
    if not (ROOT / ".git").exists():
        known = (path for name in SOURCES for path in (ROOT / name, *(ROOT / name).rglob("*")))
    return sorted(path for path in known if path.is_file() and not _LEFT_OUT.search(str(path.relative_to(ROOT))))


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
