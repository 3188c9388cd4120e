"""The table of ratios, as text, JSON and a plot."""

from __future__ import annotations

import json
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_LIBRARIES: Final = ("grpcio", "protobuf", "braintree", "sqlalchemy", "psycopg", "urllib3", "fastapi", "uvicorn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure. A ratio has the figure of each round, each of two loads in turn within the same minute."""

    measure: str
    what: str
    values: Sequence[float]
    unit: str = "x"
    # From which on it is as good as it should be; None where there is no goal.
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

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

    def add(self, *lines: Line) -> None:
        self.lines.extend(lines)

    def table(self) -> str:
        rows = [("", "what", "median", "from - to", "goal", "")]
        for line in self.lines:
            met = {True: "met", False: "missed", None: ""}[line.is_met]
            span = f"{min(line.values):.2f} - {max(line.values):.2f}"
            rows.append((line.measure, line.what, f"{line.median:.2f} {line.unit}", span, line.goal, met))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "results.json").write_text(json.dumps(self._as_json(), indent=1) + "\n")
        (directory / "results.txt").write_text(self.table() + "\n")
        self._plot(directory / "ratios.png")

    def _as_json(self) -> dict[str, Any]:
        return {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": "python -m benchmarks " + " ".join(sys.argv[1:]),
            "machine": _machine(),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
            "rounds": self.rounds,
            "seconds": self.seconds,
            "lines": [{**asdict(line), "median": line.median, "is_met": line.is_met} for line in self.lines],
        }

    def _plot(self, path: Path) -> None:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        ratios = [line for line in self.lines if line.unit == "x"]
        if not ratios:
            return
        figure, axes = pyplot.subplots(figsize=(9, 0.6 * len(ratios) + 1.4), layout="constrained")
        for place, line in enumerate(reversed(ratios)):
            color = {True: "#2a7f4f", False: "#b5562c", None: "#5b6b7a"}[line.is_met]
            axes.barh(place, line.median, color=color, height=0.6)
            axes.plot([min(line.values), max(line.values)], [place, place], color="black", linewidth=1)
            if line.at_least is not None:
                axes.plot([line.at_least] * 2, [place - 0.4, place + 0.4], color="black", linestyle=":")
            axes.text(line.median, place + 0.33, f" {line.median:.2f}", va="center", fontsize=8)
        axes.set_yticks(range(len(ratios)), [line.what for line in reversed(ratios)], fontsize=8)
        axes.axvline(1, color="#999999", linewidth=0.8)
        axes.set_xlabel("times as much, median of rounds; line: smallest to largest; dots: the goal")
        figure.savefig(path, dpi=120)
        pyplot.close(figure)


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
