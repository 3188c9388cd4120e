"""python -m deploy.grafana.picture --prometheus URL --output FOLDER: draws the dashboard from a Prometheus' data.

For a machine without Grafana, and for documents. It reads dashboards/bayar.json as Grafana does: queries, units, places
of panels, thresholds. Each row is a picture.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from deploy.grafana.dashboard import OUTPUT
from deploy.grafana.prometheus_data import Window, lines_of
from deploy.grafana.svg import Box, Mark, drawn, text

_COLUMN: Final = 50
_UNIT: Final = 27
_GAP: Final = 4
_POINTS: Final = 150

Panel = dict[str, Any]


def for_prometheus(rate_window: str) -> Callable[[str], str]:
    """Replaces the variables of the dashboard: all replicas, and the window of rates."""
    return lambda expression: expression.replace("$__rate_interval", rate_window).replace("$instance", ".*")


def picture(
    panels: Sequence[Panel], url: str, window: Window, expression_of: Callable[[str], str], marks: Sequence[Mark] = ()
) -> str:
    """The SVG of panels that stand together."""
    top = min(panel["gridPos"]["y"] for panel in panels)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) - top
    parts = []
    for panel in panels:
        place = panel["gridPos"]
        box = Box(
            place["x"] * _COLUMN + _GAP,
            (place["y"] - top) * _UNIT + _GAP,
            place["w"] * _COLUMN - _GAP,
            place["h"] * _UNIT - _GAP,
        )
        if panel["type"] == "row":
            parts.append(text(box.x + 2, box.y + 17, panel["title"], size=15, weight="bold"))
        else:
            parts.append(drawn(panel, lines_of(panel, url, window, expression_of), box, window, marks))
    size = f'width="{24 * _COLUMN + _GAP}" height="{height * _UNIT + _GAP}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Helvetica,Arial,sans-serif">'
    return f'{head}<rect width="100%" height="100%" fill="#f4f5f7"/>{"".join(parts)}</svg>\n'


def rows_of(dashboard: dict[str, Any]) -> Iterator[tuple[str, list[Panel]]]:
    """The rows, each with the panels below it."""
    found: list[tuple[str, list[Panel]]] = []
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            found.append((panel["title"], []))
        found[-1][1].append(panel)
    yield from found


def file_name(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-") + ".svg"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prometheus", required=True, metavar="URL")
    parser.add_argument("--minutes", type=float, default=180, help="how far back (default: 180)")
    parser.add_argument("--rate-window", default="1m", help="the window of rates (default: 1m)")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parsed = parser.parse_args()
    now = time.time()
    window = Window(now - parsed.minutes * 60, now, parsed.minutes * 60 / _POINTS)
    parsed.output.mkdir(parents=True, exist_ok=True)
    for title, panels in rows_of(json.loads(OUTPUT.read_text("utf-8"))):
        file = parsed.output / file_name(title)
        file.write_text(picture(panels, parsed.prometheus, window, for_prometheus(parsed.rate_window)), "utf-8")
        sys.stdout.write(f"{file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
