"""A GOPATH with the client for Go and Debian's packages, and the command that works in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.languages import toolchain
from tests.languages.go_stubs import CLIENT, need_go

CACHE: Final = toolchain.BUILD / "gocache"


def go_path() -> Path:
    """A GOPATH with the client, whose other packages are Debian's: nothing is fetched."""
    need_go()
    there = toolchain.BUILD / "gopath"
    place = there / "src" / "bayar.internal"
    place.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (place / "bayar").symlink_to(CLIENT)
    return there


def go(gopath: Path, *arguments: str | Path, cwd: Path, **variables: str) -> str:
    """Runs `go` to its end. Returns its output."""
    finished = toolchain.attempt(
        ["go", *arguments],
        cwd=cwd,
        seconds=toolchain.LONG_SECONDS,
        GO111MODULE="off",
        GOPATH=f"{gopath}:/usr/share/gocode",
        GOCACHE=str(CACHE),
        # Where the program is started in, a symlink's name counts.
        PWD=str(cwd),
        **variables,
    )
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-4000:]
    return finished.stdout
