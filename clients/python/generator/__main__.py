"""Writes the models and the clients: `python -m generator` in clients/python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from generator import clients, models

TARGETS = {
    "models.py": models.source,
    "client.py": clients.client_source,
    "async_client.py": clients.async_client_source,
    "message_client.py": clients.message_client_source,
}


def formatted(text: str) -> str:
    """As ruff formats it, with its imports in order."""
    ruff = str(Path(sys.executable).parent / "ruff")
    for arguments in (["check", "--quiet", "--select", "I,F401", "--fix"], ["format", "--quiet"]):
        command = [ruff, *arguments, "--stdin-filename", str(clients.PACKAGE / "models.py"), "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)  # noqa: S603
        text = done.stdout
    return text


def main() -> None:
    for name, source in TARGETS.items():
        (clients.PACKAGE / name).write_text(formatted(source()), "utf-8")


if __name__ == "__main__":
    main()
