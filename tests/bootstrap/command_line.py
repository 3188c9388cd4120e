"""Runs `bayar` as people and programs do: as a process, with pipes or at a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from typing import Final

from tests.api_keys import TEST_KEY

_SECONDS: Final = 60
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """The bytes that a terminal was sent."""

    raw: str
    status: int

    @property
    def text(self) -> str:
        """Without colours."""
        return _CONTROL.sub("", self.raw)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands against the service at the address."""

    address: str
    key: str = field(default=TEST_KEY, repr=False)

    def environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("BAYAR_", "COLUMNS", "NO_COLOR"))
        }
        return inherited | {
            "BAYAR_API_KEY": self.key,
            "BAYAR_GRPC_ADDRESS": self.address,
            "TERM": "xterm-256color",
            "TZ": "Asia/Jakarta",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bootstrap.cli.main", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def out(self, *arguments: str) -> str:
        """Its stdout. It must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def at_terminal(self, *arguments: str, columns: int = 120, typed: str = "") -> PresentedCredentials:
        """As at a terminal of that width, where somebody types ahead."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen(
            self.command(*arguments), env=self.environment(), stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:  # Linux says so that the other end is closed
            pass
        os.close(ours)
        return PresentedCredentials(seen.decode().replace("\r\n", "\n"), process.wait(_SECONDS))
