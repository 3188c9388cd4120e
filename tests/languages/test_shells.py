"""The completion scripts in the real bash, zsh and fish."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.languages.toolchain import debian

# Each line with the words that a shell offers for it.
LINES: Final = {
    "bayar payments ref": ["refund"],
    "bayar re": ["reconcile", "resolve"],
    "bayar disputes list --state wo": ["won"],
}


@pytest.fixture(scope="module")
def shells() -> None:
    debian("zsh", "fish", programs=("zsh", "fish"))


def environment(folder: Path) -> dict[str, str]:
    """A person's shell that has `bayar` in its path, and no configuration."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "ZDOTDIR": str(folder), "TERM": "dumb", "LANG": "C.UTF-8"}


def out(folder: Path, *command: str) -> list[str]:
    done = subprocess.run(
        command,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", LINES)
def test_bash_completes(line: str, tmp_path: Path) -> None:
    script = (
        "source <(bayar completion bash); COMP_TYPE=9; COMP_LINE=$1; COMP_POINT=${#1}\n"
        '_python_argcomplete bayar; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert sorted(word.strip() for word in out(tmp_path, "bash", "-c", script, "bash", line)) == LINES[line]


@pytest.mark.usefixtures("shells")
def test_fish_completes_with_explanations(tmp_path: Path) -> None:
    asked = "; ".join(f"complete -C '{line}'" for line in LINES)
    offered = dict(line.split("\t") for line in out(tmp_path, "fish", "-c", f"bayar completion fish | source; {asked}"))
    assert sorted(offered) == sorted(word for words in LINES.values() for word in words)
    assert offered["refund"] == "give captured money back, in full or in part"


@pytest.mark.usefixtures("shells")
@pytest.mark.parametrize("configured", [False, True])
def test_zsh_completes_at_its_prompt(configured: bool, tmp_path: Path) -> None:
    """Without a configuration, the script starts the completion system by itself."""
    (tmp_path / ".zshrc").write_text("autoload -Uz compinit && compinit\n" if configured else "")
    with at_prompt(tmp_path) as shell:
        shell.type("source <(bayar completion zsh) && echo re''ady\n", "ready")
        shell.type("bayar payments ref\t", "bayar payments refund ")
        shell.type("\x15bayar re\t", "reconcile  -- compare the record")
        shell.type("\x15bayar disputes list --state wo\t", "--state won ")
    assert "not found" not in shell.seen


class Prompt:
    """An interactive shell. seen: everything that it has shown."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.seen = ""

    def type(self, text: str, awaited: str) -> None:
        """Types, and waits until the shell shows the awaited text."""
        begin, end = len(self.seen), time.monotonic() + 20
        os.write(self._terminal, text.encode())
        while awaited not in self.seen[begin:]:
            assert time.monotonic() < end, f"{awaited!r} is not in {self.seen!r}"
            if select.select([self._terminal], [], [], 0.2)[0]:
                shown = os.read(self._terminal, 65536).decode(errors="replace")
                self.seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


@contextmanager
def at_prompt(folder: Path) -> Iterator[Prompt]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["zsh", "-d", "-i"], env=environment(folder), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Prompt(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
