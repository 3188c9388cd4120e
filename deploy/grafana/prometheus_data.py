"""The data of a panel, by Prometheus' HTTP API, as Grafana asks for it."""

from __future__ import annotations

import json
import math
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A named line: times in seconds since 1970, and values. Where there was no value, there is no point."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Of time, in seconds since 1970."""

    start: float
    end: float
    step: float


def lines_of(
    panel: Mapping[str, Any], url: str, window: Window, expression_of: Callable[[str], str] = str
) -> list[Line]:
    """The lines of all targets. `expression_of` replaces the variables of the dashboard."""
    found = []
    for target in panel.get("targets", []):
        expression = expression_of(target["expr"])
        for series in _query_range(url, expression, window):
            points = tuple((float(time), float(value)) for time, value in series["values"])
            name = _named(target["legendFormat"], series["metric"])
            found.append(Line(name or "value", tuple(point for point in points if math.isfinite(point[1]))))
    return [line for line in found if line.points]


def _named(legend: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend).strip()


def _query_range(url: str, expression: str, window: Window) -> list[dict[str, Any]]:
    arguments = {"query": expression, "start": window.start, "end": window.end, "step": window.step}
    address = f"{url}/api/v1/query_range?{urllib.parse.urlencode(arguments)}"
    with urllib.request.urlopen(address, timeout=30) as page:  # noqa: S310 (the Prometheus that was named)
        found: list[dict[str, Any]] = json.loads(page.read())["data"]["result"]
    return found
