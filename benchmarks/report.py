"""The report: the table of figures, as text and as JSON."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any, Final

from benchmarks import plots
from benchmarks.processes import PEERS

_DESCRIBE: Final = ("git", "describe", "--always", "--abbrev=40", "--dirty=+")
_PEER_LIBRARIES: Final = ("fastapi", "uvicorn")
_LIBRARIES: Final = ("grpcio", "protobuf", "braintree", "sqlalchemy", "psycopg", "urllib3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure. A ratio has one value for each round, from two loads in turn within the same minute."""

    measure: str
    what: str
    values: Sequence[float]
    unit: str = "x"
    # From which on it is as good as it should be; None where there is no goal.
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""
    # A curve that this is a point of, and where it stands on it: a delay, a number of rows or of workers.
    series: str = ""
    place: float = 0

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        if self.at_least is not None:
            return self.median >= self.at_least
        return None if self.at_most is None else self.median <= self.at_most

    @property
    def goal(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"


@dataclass(slots=True)
class Report:
    rounds: int
    seconds: float
    lines: list[Line] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def add(self, *lines: Line) -> None:
        self.lines.extend(lines)

    def fail(self, measure: str, error: Exception) -> None:
        # The report is published: of a command that failed, nobody need know where this machine has its Python.
        self.failed[measure] = f"{type(error).__name__}: {error}".replace(sys.executable, "python")

    def table(self) -> str:
        rows = [("", "what", "median", "from - to", "goal", "")]
        for line in sorted(self.lines, key=lambda line: int(line.measure)):
            met = {True: "met", False: "missed", None: ""}[line.is_met]
            span = f"{min(line.values):.2f} - {max(line.values):.2f}" if len(line.values) > 1 else ""
            rows.append((line.measure, line.what, f"{line.median:.2f} {line.unit}", span, line.goal, met))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        told = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        # One note of several lines is told with the first of them.
        about = {line.note: line.what for line in reversed(self.lines) if line.note}
        notes = [f"  {what}: {note}" for note, what in reversed(about.items())]
        failures = [f"  {name} could not be measured: {why}" for name, why in self.failed.items()]
        return "\n".join([*told, *(["", "Notes"] if notes or failures else []), *failures, *notes])

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "results.json").write_text(json.dumps(self._as_json(), indent=1) + "\n")
        (directory / "results.txt").write_text(f"{self._heading()}\n\n{self.table()}\n")
        plots.draw(self.lines, directory)

    def _heading(self) -> str:
        told = self._as_json()
        machine = told["machine"]
        return (
            f"{told['time']}, {told['command']}\ncommit {told['commit'][:12]}, Python {told['versions']['python']}, "
            f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gigabytes']} GB; "
            f"{self.rounds} rounds of {self.seconds:g} s"
        )

    def _as_json(self) -> dict[str, Any]:
        return {
            "time": self.time,
            "command": _command(sys.argv[1:]),
            "commit": _commit(),
            "machine": _machine(),
            "versions": {"python": platform.python_version(), **_versions()},
            "rounds": self.rounds,
            "seconds": self.seconds,
            "failed": self.failed,
            "lines": [{**asdict(line), "median": line.median, "is_met": line.is_met} for line in self.lines],
        }


def _command(arguments: Sequence[str]) -> str:
    """The command, without the machine's output directory."""
    told = list(arguments)
    if "--output" in told:
        place = told.index("--output")
        del told[place : place + 2]
    return " ".join(["python -m benchmarks", *told])


def _versions() -> dict[str, str]:
    apart = {one.name: one.version for one in distributions(path=[str(PEERS)]) if one.name in _PEER_LIBRARIES}
    return {**{name: version(name) for name in _LIBRARIES}, **apart}


def _commit() -> str:
    """The commit of the measured code; a plus marks uncommitted changes."""
    try:
        done = subprocess.run(_DESCRIBE, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _machine() -> dict[str, Any]:
    import psutil  # type: ignore[import-untyped]

    model = next(
        (
            row.partition(":")[2].strip()
            for row in Path("/proc/cpuinfo").read_text().splitlines()
            if row.startswith("model name")
        ),
        platform.machine(),
    )
    memory_gigabytes = round(psutil.virtual_memory().total / 2**30)
    return {"processor": model, "cores": psutil.cpu_count(), "memory_gigabytes": memory_gigabytes}
