"""Panels of a dashboard as Grafana reads them, and the queries that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 24
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_STEP: Final = "$__rate_interval"
# The replicas that are chosen at the head of the dashboard.
_OURS: Final = 'job="bayar", instance=~"$instance"'


@dataclass(frozen=True, slots=True)
class Target:
    """A query, and the name of its lines: {{label}} is replaced."""

    expression: str
    legend: str = ""
    has_exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Threshold:
    """The value from which a stat is bad. `is_floor`: it is bad below it."""

    value: float
    is_floor: bool = False

    def steps(self) -> list[dict[str, Any]]:
        low, high = ("red", "green") if self.is_floor else ("green", "red")
        return [{"color": low, "value": None}, {"color": high, "value": self.value}]


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    description: str
    targets: tuple[Target, ...]
    unit: str = "short"
    width: int = 8
    height: int = 8
    kind: str = "timeseries"
    threshold: Threshold | None = None
    is_stacked: bool = False

    def document(self, number: int, x: int, y: int) -> dict[str, Any]:
        options = {"stat": _STAT_OPTIONS, "state-timeline": _STATE_OPTIONS}.get(self.kind, _SERIES_OPTIONS)
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": options,
            "targets": [self._target(index, one) for index, one in enumerate(self.targets)],
        }

    def _defaults(self) -> dict[str, Any]:
        found: dict[str, Any] = {"unit": self.unit, "min": 0}
        if self.threshold is not None:
            found |= {
                "color": {"mode": "thresholds"},
                "thresholds": {"mode": "absolute", "steps": self.threshold.steps()},
                "noValue": "-",
            }
        if self.kind == "timeseries":
            stacking = {"mode": "normal" if self.is_stacked else "none", "group": "A"}
            fill = 25 if self.is_stacked else 5
            found["custom"] = {"lineWidth": 1, "fillOpacity": fill, "showPoints": "never", "stacking": stacking}
        if self.kind == "state-timeline":
            firing = {"type": "value", "options": {"1": {"text": "fires", "color": "red"}}}
            found |= {"mappings": [firing], "custom": {"fillOpacity": 80, "lineWidth": 0}}
        return found

    def _target(self, index: int, target: Target) -> dict[str, Any]:
        found: dict[str, Any] = {"refId": "ABCDEF"[index], "expr": target.expression, "legendFormat": target.legend}
        return found | ({"exemplar": True} if target.has_exemplars else {})


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


_STAT_OPTIONS: Final = {
    "colorMode": "background",
    "graphMode": "none",
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
}
_STATE_OPTIONS: Final = {"mergeValues": True, "showValue": "never", "rowHeight": 0.9, "legend": {"showLegend": False}}
_SERIES_OPTIONS: Final = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}


def ours(metric: str, matchers: str = "") -> str:
    return f"{metric}{{{_OURS}{matchers and ', '}{matchers}}}"


def rate(metric: str, by: str, matchers: str = "", window: str = _STEP) -> str:
    return f"sum by ({by}) (rate({ours(metric, matchers)}[{window}]))"


def increase(metric: str, by: str, matchers: str = "", window: str = "15m") -> str:
    return f"sum by ({by}) (increase({ours(metric, matchers)}[{window}]))"


def most(metric: str, by: str = "", matchers: str = "") -> str:
    """Of numbers that each replica reads from the database."""
    return f"max{by and f' by ({by}) '}({ours(metric, matchers)})"


def quantiles(metric: str, matchers: str = "", label: str = "") -> tuple[Target, ...]:
    """The median, and that of one in twenty and of one in a hundred."""
    buckets = f"sum by (le) (rate({ours(metric + '_bucket', matchers)}[{_STEP}]))"
    return tuple(
        Target(f"histogram_quantile({share}, {buckets})", f"{label}{name}", has_exemplars=True)
        for share, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
    )


def total(metric: str, matchers: str, window: str) -> str:
    """A second."""
    return f"sum(rate({ours(metric, matchers)}[{window}]))"


def positive(expression: str) -> str:
    """Without the lines that are 0."""
    return f"{expression} > 0"


def share(bad: str, of: str) -> str:
    return f"{bad} / {of}"


def stat(
    title: str, description: str, expression: str, unit: str = "short", threshold: Threshold | None = None
) -> Panel:
    return Panel(title, description, (Target(expression),), unit, 4, 4, "stat", threshold or Threshold(1))
