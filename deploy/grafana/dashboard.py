"""python -m deploy.grafana.dashboard: writes dashboards/bayar.json, the dashboard as Grafana reads it.

The panels stand in payment_rows.py and system_rows.py: `make dashboard` after a change. Descriptions name the alerts
that watch the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from deploy.grafana.panels import SOURCE, WIDTH
from deploy.grafana.payment_rows import CALLS, GATEWAY, NOW, PAYMENTS
from deploy.grafana.system_rows import DATABASE, EVENTS, PROCESSES, WEBHOOKS

OUTPUT: Final = Path(__file__).parent / "dashboards" / "bayar.json"
_ROWS: Final = (NOW, CALLS, PAYMENTS, GATEWAY, DATABASE, EVENTS, WEBHOOKS, PROCESSES)


def _placed() -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for row in _ROWS:
        number += 1
        place = {"h": 1, "w": WIDTH, "x": 0, "y": y}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        x, y = 0, y + 1
        for panel in row.panels:
            number += 1
            yield panel.document(number, x, y)
            x += panel.width
            if x >= WIDTH:
                x, y = 0, y + panel.height


def dashboard() -> dict[str, Any]:
    return {
        "uid": "bayar",
        "title": "Bayar",
        "description": "The payment service. docs/operate/runbooks says what to do.",
        "tags": ["bayar"],
        "schemaVersion": 39,
        "version": 2,
        "editable": False,
        "timezone": "utc",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_DATASOURCE, _INSTANCE]},
        "annotations": {"list": [_PAGES]},
        "links": [],
        "panels": list(_placed()),
    }


_DATASOURCE: Final = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "current": {"text": "Prometheus", "value": "prometheus"},
}
_INSTANCE: Final = {
    "name": "instance",
    "label": "Replica",
    "type": "query",
    "datasource": SOURCE,
    "query": {"query": 'label_values(up{job="bayar"}, instance)', "refId": "instance"},
    "refresh": 2,
    "includeAll": True,
    "multi": True,
    "allValue": ".*",
    "current": {"text": "All", "value": "$__all"},
}
# A line in each panel while an alert fires that wakes somebody.
_PAGES: Final = {
    "name": "Pages",
    "enable": True,
    "iconColor": "red",
    "datasource": SOURCE,
    "expr": 'ALERTS{alertname=~"Bayar.*", alertstate="firing", severity="page"}',
    "titleFormat": "{{alertname}}",
    "step": "60s",
}


def text() -> str:
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(text(), "utf-8")
