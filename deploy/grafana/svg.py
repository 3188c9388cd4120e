"""Panels of a dashboard as SVG: stats, lines over time, and bands of states."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, Final

from deploy.grafana.prometheus_data import Line, Window

_COLOURS: Final = ("#2f7ed8", "#d9822b", "#3d9140", "#c23b3b", "#7d55b5", "#8a6d3b", "#d45a9b", "#6b7785", "#a3a01c")
_STATS: Final = {"green": "#3d9140", "red": "#c23b3b"}
_TEXT: Final = "#2b3138"
_PALE: Final = "#7b8490"
_GRID: Final = "#e6e9ed"


@dataclass(frozen=True, slots=True)
class Box:
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment with a number, which the text below the picture explains."""

    time: float
    name: str


def drawn(panel: Mapping[str, Any], lines: Sequence[Line], box: Box, window: Window, marks: Sequence[Mark]) -> str:
    """A panel with its frame and its title."""
    inner = Box(box.x + 8, box.y + 24, box.width - 16, box.height - 30)
    frame = (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="3" fill="#fff" stroke="#d5dae0"/>'
    )
    title = text(box.x + 8, box.y + 16, panel["title"], size=12, weight="bold")
    if panel["type"] == "stat":
        return _stat(panel, lines, box)
    if panel["type"] == "state-timeline":
        return frame + title + _states(lines, inner, window, marks)
    return frame + title + _lines(panel, lines, inner, window, marks)


def text(
    x: float, y: float, words: str, *, size: int = 10, colour: str = _TEXT, more: str = "", weight: str = ""
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}"{bold}{more}>{escape(words)}</text>'


def _stat(panel: Mapping[str, Any], lines: Sequence[Line], box: Box) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    value = lines[0].points[-1][1] if lines else None
    colour = "#6b7785"
    for step in defaults["thresholds"]["steps"] if value is not None else ():
        if step["value"] is None or (value is not None and value >= step["value"]):
            colour = _STATS[step["color"]]
    shown = "-" if value is None else formatted(value, defaults["unit"])
    middle = ' text-anchor="middle"'
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="3" fill="{colour}"/>'
        + text(box.x + 8, box.y + 16, panel["title"], size=12, weight="bold", colour="#fff")
        + text(box.x + box.width / 2, box.y + box.height - 22, shown, size=30, colour="#fff", more=middle)
    )


def _states(lines: Sequence[Line], box: Box, window: Window, marks: Sequence[Mark]) -> str:
    """A band for each line, drawn while it has a value."""
    name_width = 190
    chart = Box(box.x + name_width, box.y, box.width - name_width, box.height - 14)
    ordered = sorted(lines, key=lambda line: line.points[0][0])
    height = chart.height / max(len(ordered), 1)
    parts = [_marks(chart, window, marks), _times(chart, window)]
    for row, line in enumerate(ordered):
        y = chart.y + row * height
        parts.append(text(box.x, y + height / 2 + 4, line.name, size=min(11, int(height))))
        for first, last in _stretches(line, window.step):
            x, end = (_x(chart, window, time) for time in (first, last + window.step))
            size = f'width="{max(end - x, 2):.0f}" height="{height - 2:.0f}"'
            parts.append(f'<rect x="{x:.0f}" y="{y + 1:.0f}" {size} fill="#c23b3b"/>')
    return "".join(parts)


def _stretches(line: Line, step: float) -> Iterable[tuple[float, float]]:
    first = previous = line.points[0][0]
    for time, _ in line.points[1:]:
        if time - previous > 1.5 * step:
            yield first, previous
            first = time
        previous = time
    yield first, previous


def _lines(panel: Mapping[str, Any], lines: Sequence[Line], box: Box, window: Window, marks: Sequence[Mark]) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    is_stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    chart = Box(box.x + 44, box.y + 2, box.width - 50, box.height - 40)
    shown = _stacked(lines) if is_stacked else list(lines)
    top = _ceiling(max((value for line in shown for _, value in line.points), default=0.0))
    parts = [_axis(chart, top, defaults["unit"]), _times(chart, window), _marks(chart, window, marks)]
    if not lines:
        middle = ' text-anchor="middle"'
        parts.append(text(chart.x + chart.width / 2, chart.y + chart.height / 2, "No data", colour=_PALE, more=middle))
    coloured = [(line, _COLOURS[index % len(_COLOURS)]) for index, line in enumerate(shown)]
    for line, colour in reversed(coloured) if is_stacked else coloured:
        parts.append(_path(line, colour, chart, window, top, is_filled=is_stacked))
    names = [line.name for line in lines]
    return "".join(parts) + _legend(names, Box(box.x, box.y + box.height - 20, box.width, 20))


def _stacked(lines: Sequence[Line]) -> list[Line]:
    """Each line upon those before it."""
    heights: dict[float, float] = {}
    found = []
    for line in lines:
        points = []
        for time, value in line.points:
            heights[time] = heights.get(time, 0.0) + value
            points.append((time, heights[time]))
        found.append(Line(line.name, tuple(points)))
    return found


def _path(line: Line, colour: str, chart: Box, window: Window, top: float, *, is_filled: bool) -> str:
    places = [
        (round(_x(chart, window, time)), round(chart.y + chart.height * (1 - min(value / top, 1))))
        for time, value in line.points
    ]
    pieces: list[str] = []
    fills: list[str] = []
    start = 0
    times = [time for time, _ in line.points]
    breaks = [index for index, (a, b) in enumerate(pairwise(times), start=1) if b - a > 1.5 * window.step]
    for end in (*breaks, len(places)):
        piece = _polyline(places[start:end])
        pieces.append(piece)
        floor = chart.y + chart.height
        fills.append(f"{piece}V{floor}H{places[start][0]}z")
        start = end
    if is_filled:
        return f'<path d="{"".join(fills)}" fill="{colour}" fill-opacity="1" stroke="none"/>'
    return f'<path d="{"".join(pieces)}" fill="none" stroke="{colour}" stroke-width="1.4"/>'


def _polyline(places: Sequence[tuple[int, int]]) -> str:
    """With as few letters as possible: level stretches are one."""
    words = [f"M{places[0][0]} {places[0][1]}"]
    level_end = 0
    for (x, y), (next_x, next_y) in pairwise(places):
        if next_y == y:
            level_end = next_x
            continue
        if level_end == x and level_end:
            words.append(f"H{x}")
        words.append(f"l{next_x - x} {next_y - y}")
        level_end = 0
    if level_end:
        words.append(f"H{level_end}")
    if len(places) == 1:
        words.append("h1")
    return "".join(words)


def _axis(chart: Box, top: float, unit: str) -> str:
    parts = []
    for part in range(3):
        y = chart.y + chart.height * part // 2
        parts.append(f'<path d="M{chart.x} {y}h{chart.width}" stroke="{_GRID}"/>')
        label = formatted(top * (2 - part) / 2, unit)
        parts.append(text(chart.x - 4, y + 4, label, colour=_PALE, more=' text-anchor="end"'))
    return "".join(parts)


def _times(chart: Box, window: Window) -> str:
    """Minutes and seconds since the start."""
    parts = []
    y = chart.y + chart.height + 12
    whole = window.end - window.start
    count = 4 if chart.width < 500 else 8
    for part in range(count + 1):
        seconds = int(whole * part / count)
        x = _x(chart, window, window.start + seconds)
        parts.append(
            text(x, y, f"{seconds // 60}:{seconds % 60:02}", size=9, colour=_PALE, more=' text-anchor="middle"')
        )
    return "".join(parts)


def _marks(chart: Box, window: Window, marks: Sequence[Mark]) -> str:
    path = "".join(f"M{_x(chart, window, mark.time):.0f} {chart.y}v{chart.height}" for mark in marks)
    names = "".join(
        text(_x(chart, window, mark.time) + 2, chart.y + 8, mark.name, size=8, colour="#b07a00") for mark in marks
    )
    return f'<path d="{path}" stroke="#e0b04c" stroke-dasharray="2 3"/>{names}' if marks else ""


def _legend(names: Sequence[str], box: Box) -> str:
    parts = []
    x = float(box.x)
    for index, name in enumerate(names):
        shown = name if len(name) <= 26 else name[:25] + "…"
        width = 18 + 6.2 * len(shown)
        if x + width > box.x + box.width:
            parts.append(text(x, box.y + 16, f"+{len(names) - index}", size=9, colour=_PALE))
            break
        parts.append(f'<path d="M{x:.0f} {box.y + 13}h9" stroke="{_COLOURS[index % len(_COLOURS)]}" stroke-width="3"/>')
        parts.append(text(round(x + 12), box.y + 16, shown, size=10))
        x += width
    return "".join(parts)


def _x(chart: Box, window: Window, time: float) -> float:
    return chart.x + chart.width * (time - window.start) / (window.end - window.start)


def _ceiling(value: float) -> float:
    """A round number above the value."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 2, 5, 10) if value <= unit * step * 1.0001)


def formatted(value: float, unit: str) -> str:
    """As Grafana writes it, about."""
    if unit == "percentunit":
        return f"{value * 100:.3g}%"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 or not value else f"{value * 1000:.3g} ms"
    number = f"{value:.3g}" if value < 1000 else f"{value / 1000:.3g}k"
    return f"{number}/s" if unit == "reqps" else number
