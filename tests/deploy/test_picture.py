"""The picture of the dashboard shows what a Prometheus answers, and the drills change durations of the rules alone."""

from __future__ import annotations

import json
import re
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.grafana.dashboard import dashboard
from deploy.grafana.picture import for_prometheus, picture, rows_of
from deploy.grafana.prometheus_data import Window
from deploy.grafana.svg import Mark, formatted
from tests.deploy.drills.stack import drill_seconds
from tests.deploy.prometheus_server import faster, scaled_rules

_WINDOW: Final = Window(1000, 1100, 10)
Series = list[dict[str, Any]]


@contextmanager
def answering(series: Series) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these series to every query; its URL, and the queries so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(parse_qs(urlsplit(self.path).query)["query"][0])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": {"result": series}}).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def of(values: dict[int, str], **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[time, value] for time, value in values.items()]}


def panels_of(row: str, *titles: str) -> list[dict[str, Any]]:
    (panels,) = [panels for title, panels in rows_of(dashboard()) if title == row]
    return [panel for panel in panels if panel["title"] in titles]


def drawn(panels: list[dict[str, Any]], series: Series) -> str:
    with answering(series) as (url, _):
        return picture(panels, url, _WINDOW, for_prometheus("1m"), [Mark(1050, "7")])


def test_every_row_is_drawn_and_every_query_asked() -> None:
    series = [of({1000: "1", 1010: "2"}, code="<OK>")]
    with answering(series) as (url, asked):
        for _, panels in rows_of(dashboard()):
            ElementTree.fromstring(picture(panels, url, _WINDOW, for_prometheus("1m")))  # noqa: S314 (our own text)
    assert len(asked) == sum(len(panel.get("targets", [])) for panel in dashboard()["panels"])
    assert not [query for query in asked if "$" in query]


def test_a_line_ends_where_data_is_missing() -> None:
    panels = panels_of("Calls", "Open calls")
    whole = drawn(panels, [of({1000: "1", 1010: "2", 1020: "3"})])
    broken = drawn(panels, [of({1000: "1", 1010: "2", 1080: "3", 1090: "NaN"})])
    (whole_path,) = re.findall(r'<path d="([^"]+)" fill="none"', whole)
    (broken_path,) = re.findall(r'<path d="([^"]+)" fill="none"', broken)
    assert (whole_path.count("M"), broken_path.count("M")) == (1, 2)


def test_higher_values_stand_higher() -> None:
    shown = drawn(panels_of("Calls", "Open calls"), [of({1000: "1", 1010: "9"}), of({1000: "5", 1010: "5"})])
    rising, level = re.findall(r'<path d="M\d+ (\d+)[^"]*" fill="none"', shown)
    assert int(rising) > int(level)
    assert re.findall(r'<path d="M\d+ \d+l\d+ -\d+" fill="none"', shown)


def test_a_legend_is_named_by_labels_and_escaped() -> None:
    assert ">&lt;b&gt;<" in drawn(panels_of("Calls", "Open calls"), [of({1000: "1", 1010: "2"}, instance="<b>")])


def test_no_data_is_said() -> None:
    assert "No data" in drawn(panels_of("Calls", "Open calls"), [])


@pytest.mark.parametrize(("value", "colour"), [("0", "#c23b3b"), ("2", "#3d9140")])
def test_a_stat_has_the_colour_of_its_threshold(value: str, colour: str) -> None:
    shown = drawn(panels_of("Now", "Replicas that answer"), [of({1000: "1", 1010: value})])
    assert f'fill="{colour}"' in shown
    assert f">{value}</text>" in shown


def test_an_alert_is_a_band_for_each_time_that_it_fires() -> None:
    firing = [of({1000: "1", 1010: "1", 1060: "1"}, alertname="BayarDown")]
    shown = drawn(panels_of("Now", "Alerts"), firing)
    assert len(re.findall(r'fill="#c23b3b"', shown)) == 2
    assert ">BayarDown<" in shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0512, "percentunit", "5.12%"), (0.25, "s", "250 ms"), (75, "s", "75 s"), (2**30, "bytes", "1024 MiB")],
)
def test_values_are_written_with_their_unit(value: float, unit: str, text: str) -> None:
    assert formatted(value, unit) == text


def test_the_clock_of_the_drills_changes_durations_and_ages_alone() -> None:
    assert (
        faster("rate(x[5m]) > 0.05 or y offset 3h > 3600", drill_seconds)
        == "rate(x[10s]) > 0.05 or y offset 60s > 3600"
    )
    rules = {
        rule["alert"]: rule
        for group in scaled_rules(drill_seconds)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert rules["BayarOperationsUnresolved"]["expr"].endswith('{state="unresolved"}) > 60')
    assert rules["BayarOperationsUnresolved"]["for"] == "10s"
    assert "[10s]))) > 5" in rules["BayarGatewaySlow"]["expr"]
    assert rules["BayarWebhooksWaiting"]["expr"].endswith("> 100")
