"""Plots of the figures: comparisons as bars, dependencies as curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from benchmarks.report import Line

_COLORS: Final = {True: "#2a7f4f", False: "#b5562c", None: "#5b6b7a"}
# Where the curves of a measure are drawn: file, title, and what stands along the axis.
_CURVES: Final = {
    "3": ("latency.png", "added latency at half load, ms", "the gateway's own latency, ms"),
    "6": ("history.png", "cost of a page / that at the smallest size", "payments in the database"),
    "7": ("workers.png", "payments a second / those of one worker", "workers"),
}


def draw(lines: Sequence[Line], directory: Path) -> None:
    """Write the plots for which there are figures."""
    import matplotlib

    matplotlib.use("Agg")
    _bars([line for line in lines if line.unit == "x" and not line.series], directory / "ratios.png")
    for measure, (name, title, axis) in _CURVES.items():
        _curves([line for line in lines if line.measure == measure and line.series], directory / name, title, axis)


def _bars(lines: Sequence[Line], path: Path) -> None:
    from matplotlib import pyplot

    if not lines:
        return
    figure, axes = pyplot.subplots(figsize=(10, 0.6 * len(lines) + 1.4), layout="constrained")
    for place, line in enumerate(reversed(lines)):
        axes.barh(place, line.median, color=_COLORS[line.is_met], height=0.6)
        axes.plot([min(line.values), max(line.values)], [place, place], color="black", linewidth=1)
        goal = line.at_least if line.at_least is not None else line.at_most
        if goal is not None:
            axes.plot([goal] * 2, [place - 0.4, place + 0.4], color="black", linestyle=":")
        axes.text(line.median, place + 0.33, f" {line.median:.2f}", va="center", fontsize=8)
    axes.set_yticks(range(len(lines)), [line.what for line in reversed(lines)], fontsize=8)
    axes.axvline(1, color="#999999", linewidth=0.8)
    axes.set_xlabel("times as much, median of rounds; line: smallest to largest; dots: the goal")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _curves(lines: Sequence[Line], path: Path, title: str, axis: str) -> None:
    from matplotlib import pyplot

    series: defaultdict[str, list[Any]] = defaultdict(list)
    for line in lines:
        series[line.series].append((line.place, line.median))
    if not series:
        return
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name, points in series.items():
        places, figures = zip(*sorted(points), strict=True)
        axes.plot(places, figures, marker="o", label=name)
    if max(line.place for line in lines) > 1000 * max(1, min(line.place for line in lines)):
        axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(axis)
    axes.set_ylabel(title)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
