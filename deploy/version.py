"""The version: CHANGELOG.md's newest release. `make version` writes it wherever else it has to stand."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

_RELEASE: Final = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<date>\d{4}-\d{2}-\d{2})$", re.MULTILINE)
_FORM: Final = r"\d+\.\d+\.\d+[^\s\"/]*?"
# The text before and after the version in each file; all occurrences.
PLACES: Final = (
    ("pyproject.toml", r'^version = "', '"$'),
    ("clients/python/pyproject.toml", r'^version = "', '"$'),
    ("twin/pyproject.toml", r'^version = "', '"$'),
    ("clients/node/package.json", r'^  "version": "', '",$'),
    ("clients/node/package-lock.json", r'"name": "bayar-client",\n +"version": "', '",$'),
    ("clients/node/README.md", "bayar-client-", r"\.tgz"),
    ("clients/go/README.md", r"bayar\.internal/bayar@v", " "),
    ("deploy/docker/Dockerfile", "^ARG VERSION=", "$"),
    ("deploy/kubernetes/overlays/example/settings/kustomization.yaml", 'newTag: "', '"$'),
    ("docs/operate/deploy.md", "--build-arg VERSION=", " "),
    ("docs/operate/deploy.md", "/opt/bayar/", r"(?=[/ ]|$)"),
)


def released(root: Path = ROOT) -> tuple[str, str]:
    """The newest version in the changelog, and its date."""
    newest = _RELEASE.search((root / "CHANGELOG.md").read_text("utf-8"))
    return (newest["version"], newest["date"]) if newest else ("", "1980-01-01")


def disagreements(version: str, root: Path = ROOT) -> Iterator[str]:
    """A sentence for each place that names another version than the changelog's newest release."""
    if not version:
        yield "CHANGELOG.md has no release: write `## [1.2.3] - 2026-01-31` above the entries of the release."
    for path, before, after in PLACES:
        named = [found[2] for found in _pattern(before, after).finditer((root / path).read_text("utf-8"))]
        for other in dict.fromkeys(named or ["none"]):
            if other != version:
                yield f"{path} names version {other}, and CHANGELOG.md {version}. `make version` writes it."


def write(version: str, root: Path = ROOT) -> None:
    for path, before, after in PLACES:
        text = (root / path).read_text("utf-8")
        (root / path).write_text(_pattern(before, after).sub(rf"\g<1>{version}\g<3>", text), "utf-8")


def _pattern(before: str, after: str) -> re.Pattern[str]:
    return re.compile(f"({before})({_FORM})({after})", re.MULTILINE)


def main() -> int:
    version, _ = released()
    if version:
        write(version)
    faults = list(disagreements(version))
    sys.stderr.write("".join(f"{fault}\n" for fault in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
