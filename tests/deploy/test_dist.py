"""`make dist`: a release is whole, reproducible, and names one version everywhere."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import dist, version


@pytest.fixture(scope="module")
def output() -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        # Below the repository, as `make dist` has it.
        patch.setattr(dist, "OUTPUT", version.ROOT / "build" / "dist-test")
        assert dist.main() == 0
        yield dist.OUTPUT


def test_a_release_has_wheels_sources_materials_and_checksums(output: Path) -> None:
    release, _ = version.released()
    assert sorted(path.name for path in output.iterdir()) == sorted(
        [
            f"bayar_client-{release}-py3-none-any.whl",
            f"braintree_twin-{release}-py3-none-any.whl",
            f"bayar-{release}.tar.gz",
            f"bayar-{release}.cdx.json",
            "SHA256SUMS",
        ]
    )
    for line in (output / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split("  ")
        assert hashlib.sha256((output / name).read_bytes()).hexdigest() == checksum


def test_the_same_commit_gives_the_same_bytes(output: Path) -> None:
    first = (output / "SHA256SUMS").read_text()
    assert dist.main() == 0
    assert (output / "SHA256SUMS").read_text() == first


def test_the_wheels_hold_their_packages_and_types(output: Path) -> None:
    (client,) = output.glob("bayar_client-*.whl")
    (twin,) = output.glob("braintree_twin-*.whl")
    assert {"bayar/__init__.py", "bayar/py.typed", "bayar/payments/v1/payment_service_pb2.py"} <= set(names(client))
    assert "braintree_twin/__main__.py" in names(twin) or any("cli" in name for name in names(twin))
    assert not [name for name in names(client) + names(twin) if name.startswith(("tests/", "domain/"))]


def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


def test_the_sources_hold_what_the_image_and_the_machines_need(output: Path) -> None:
    (archive,) = output.glob("bayar-*.tar.gz")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    dockerfile = (version.ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
    copy_lines = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    copied = [word for line in copy_lines for word in line.split()[:-1]]
    assert len(copied) > 5
    for path in [*copied, ".dockerignore", "deploy/systemd/bayar.service", "deploy/kubernetes/base/deployment.yaml"]:
        assert any(name == path or name.startswith(f"{path}/") for name in held), path
    assert not [name for name in held if re.search(r"__pycache__|egg-info|\.db$|\.pem$|(^|/)secrets/", name)]


def test_the_materials_are_those_of_the_requirements(output: Path) -> None:
    (file,) = output.glob("*.cdx.json")
    listed = json.loads(file.read_text("utf-8"))
    requirements = (version.ROOT / "requirements/runtime.txt").read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9-]+)(?:\[\w+\])?==", requirements, re.MULTILINE)
    assert listed["bomFormat"] == "CycloneDX"
    assert sorted(one["name"] for one in listed["components"]) == sorted(pinned)
    assert all(one.get("version") for one in listed["components"])


def test_a_file_that_git_does_not_know_is_in_no_release() -> None:
    folder = version.ROOT / "deploy" / "compose" / "planted"
    folder.mkdir()
    try:
        (folder / "encryption-keys").write_text("first:secret")
        assert folder / "encryption-keys" not in dist.source_files()
        assert folder.parent / "compose.yaml" in dist.source_files()
    finally:
        (folder / "encryption-keys").unlink()
        folder.rmdir()


def test_a_place_that_names_another_version_stops_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dist, "released", lambda: ("9.9.9", "2026-01-31"))
        assert dist.main() == 1
    printed = capsys.readouterr().err
    for place, *_ in version.PLACES:
        assert re.search(rf"^{re.escape(place)} names version \d.*, and CHANGELOG.md 9.9.9\.", printed, re.MULTILINE)


def test_a_tag_of_another_version_stops_the_release(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dist, "_git", lambda *_: ["v9.9.9", "vendor"])
    assert dist.main() == 1
    assert capsys.readouterr().err.startswith("This commit has the tag v9.9.9, and CHANGELOG.md names ")


def test_the_changelog_is_the_one_source_of_the_version(tmp_path: Path) -> None:
    for path in {"CHANGELOG.md", *(place for place, *_ in version.PLACES)}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((version.ROOT / path).read_text("utf-8"), "utf-8")
    changelog = tmp_path / "CHANGELOG.md"
    text = changelog.read_text("utf-8")
    changelog.write_text(text.replace("## [Unreleased]", "## [Unreleased]\n\n## [9.9.9-rc.1] - 2026-12-31", 1), "utf-8")
    now, _ = version.released(tmp_path)
    assert now == "9.9.9-rc.1"
    assert len(list(version.disagreements(now, tmp_path))) == len(version.PLACES)
    version.write(now, tmp_path)
    assert list(version.disagreements(now, tmp_path)) == []
    # Nothing but the version changes.
    old, _ = version.released()
    for path in {place for place, *_ in version.PLACES}:
        written = (tmp_path / path).read_text("utf-8")
        assert written.replace(now, old) == (version.ROOT / path).read_text("utf-8")


def test_the_changelog_has_each_heading_once_in_a_release() -> None:
    text = (version.ROOT / "CHANGELOG.md").read_text("utf-8")
    releases = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert releases[0].startswith("[Unreleased]\n")
    for release in releases:
        headings = re.findall(r"^### (\w+)$", release, re.MULTILINE)
        assert len(headings) == len(set(headings)), release.splitlines()[0]
        entries = re.findall(r"^- .+$", release, re.MULTILINE)
        assert len(entries) == len(set(entries)), release.splitlines()[0]
