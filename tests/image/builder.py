"""Builds the images with buildah, on a base made from Debian's packages: no Docker and no registry of images."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy.tools import BUILD, ROOT
from tests.languages.toolchain import debian, run

_BASE: Final = "localhost/debian:bookworm-slim"
_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
# Another path than that of the package ca-certificates, which is installed meanwhile.
_MOUNTED: Final = "/etc/pip-certificates.crt"
# Left out of Debian's slim image.
_LEFT_OUT: Final = ("doc", "info", "locale", "man")
_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Image:
    """A built image, mounted at a folder."""

    root: Path
    config: dict[str, Any]


def needs_root() -> None:
    """Skips the test for others than root, outside CI."""
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("CI is not root, and only root builds images.")
        pytest.skip("Only root makes a base of Debian's packages and mounts images: sudo make image-check")


@contextmanager
def built(target: str) -> Iterator[Image]:
    """The image of a stage. It is unmounted with the end of the `with`; what was built stays under build/."""
    needs_root()
    debian("buildah", "mmdebstrap", "iproute2", programs=("buildah", "mmdebstrap", "ip"))
    _make_base()
    name = f"localhost/bayar-{target}"
    _buildah("bud", *_bud_options(), "--target", target, "--tag", name, ".")
    container = _buildah("from", name)
    try:
        root = Path(_buildah("mount", container))
        config = json.loads(_buildah("inspect", "--type", "image", name))["Docker"]["config"]
        yield Image(root, config)
    finally:
        _buildah("rm", container)


@cache
def _make_base() -> None:
    if _BASE in _buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
        return
    archive = BUILD / "base.tar"
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    # Under another name until it is whole.
    unfinished = archive.with_name("unfinished.tar")
    run(["mmdebstrap", "--quiet", "--variant=minbase", *left_out, "bookworm", unfinished], seconds=_SECONDS)
    unfinished.rename(archive)
    container = _buildah("from", "scratch")
    _buildah("add", "--quiet", container, str(archive), "/")
    _buildah("commit", "--quiet", "--rm", container, _BASE)
    archive.unlink()


def _bud_options() -> list[str]:
    """The host's network and certificates are used to build, and are not in the image."""
    pip_configuration = BUILD / "pip.conf"
    pip_configuration.write_text(f"[global]\ncert = {_MOUNTED}\n", "utf-8")
    mounts = [f"{_CERTIFICATES}:{_MOUNTED}:ro", f"{pip_configuration}:/etc/pip.conf:ro"]
    options = ["--quiet", "--layers", "--isolation", "chroot", "--network", "host", "--format", "docker"]
    options += ["--file", "deploy/docker/Dockerfile", "--build-arg", f"BASE={_BASE}"]
    return options + [part for mount in mounts if _CERTIFICATES.exists() for part in ("--volume", mount)]


def _buildah(*arguments: str) -> str:
    store = BUILD / "images"
    store.mkdir(parents=True, exist_ok=True)
    # Outside the store: paths of sockets and mounts below it would be too long.
    places = ["--root", str(store), "--runroot", str(store / "run")]
    return run(["buildah", *places, *arguments], cwd=ROOT, seconds=_SECONDS).stdout.strip()


def bytes_of(folder: Path) -> int:
    """The sum of the files' sizes, as `du` counts them."""
    du = shutil.which("du") or "du"
    return int(subprocess.run([du, "-sxb", folder], capture_output=True, text=True, check=True).stdout.split()[0])
