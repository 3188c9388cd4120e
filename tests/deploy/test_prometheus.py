"""The alerts and the dashboard: Prometheus understands them, each alert has a runbook, and every metric is exported."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from bootstrap.observability.catalogue import CATALOGUE
from deploy.grafana.dashboard import OUTPUT, text
from tests.deploy.tools import DEPLOY, ROOT, Document, promtool, tool
from tests.languages.toolchain import attempt, run
from tests.pages.snippets import snippets_of

_FOLDER: Final = DEPLOY / "prometheus"
_RULES: Final = _FOLDER / "alerts.yaml"
_UNIT_TESTS: Final = _FOLDER / "alerts_test.yaml"
_DASHBOARDS: Final = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
_RUNBOOKS: Final = ROOT / "docs" / "operate" / "runbooks"
METRIC: Final = re.compile(r"\b(?:bayar|grpc_server)_[a-z0-9_]+\b(?!:)")
# NAME{MATCHERS}, and each matcher of a fixed or alternative value.
SELECTOR: Final = re.compile(r"\b((?:bayar|grpc_server)_[a-z0-9_]+)\{([^}]*)\}")
MATCHER: Final = re.compile(r'(\w+)(=~|!=|!~|=)"([^"]*)"')
# Labels that Prometheus or Grafana add.
OF_SCRAPES: Final = {"job", "instance"}


def rules() -> list[Document]:
    groups = yaml.safe_load(_RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[Document]:
    return [rule for rule in rules() if "alert" in rule]


def queries(dashboard: Path) -> list[str]:
    """As Prometheus gets them from Grafana."""
    panels = json.loads(dashboard.read_text("utf-8"))["panels"]
    found = [str(target["expr"]) for panel in panels for target in panel.get("targets", [])]
    return [one.replace("$__rate_interval", "1m").replace("$instance", ".*") for one in found]


def expressions() -> list[str]:
    shown = [one for path in _DASHBOARDS for one in queries(path)]
    return [*(str(rule["expr"]) for rule in rules()), *shown, *queries_of_runbooks()]


def queries_of_runbooks() -> list[str]:
    pages = [str(path.relative_to(ROOT)) for path in _RUNBOOKS.glob("*.md")]
    return [one.text.strip() for page in pages for one in snippets_of(page) if one.language == "promql"]


def test_prometheus_understands_its_configuration() -> None:
    run([promtool(), "check", "config", _FOLDER / "prometheus.yaml"])


def test_each_alert_fires_when_it_should() -> None:
    run([promtool(), "test", "rules", _UNIT_TESTS])


def _complaints(expression: str, folder: Path, days: slice = slice(None)) -> str:
    """Of these unit tests, when every alert has this expression."""
    broken = yaml.safe_load(_RULES.read_text("utf-8"))
    for group in broken["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["expr"] = expression
                rule.pop("for", None)
    (folder / _RULES.name).write_text(yaml.safe_dump(broken), "utf-8")
    unit_tests = yaml.safe_load(_UNIT_TESTS.read_text("utf-8"))
    unit_tests["tests"] = unit_tests["tests"][days]
    (folder / _UNIT_TESTS.name).write_text(yaml.safe_dump(unit_tests), "utf-8")
    told = attempt([promtool(), "test", "rules", folder / _UNIT_TESTS.name])
    assert told.returncode != 0
    return told.stdout + told.stderr


def test_the_unit_tests_notice_each_alert_that_never_fires(tmp_path: Path) -> None:
    told = _complaints("vector(0) > 1", tmp_path)
    assert [rule["alert"] for rule in alerts() if not re.search(rf"\b{rule['alert']}\b", told)] == []


def test_the_unit_tests_notice_each_alert_that_always_fires(tmp_path: Path) -> None:
    """On the healthy day, which counts them by name."""
    told = _complaints("vector(1)", tmp_path, days=slice(1))
    found = set(re.findall(r'\{alertname="(\w+)"\}', told))
    assert {rule["alert"] for rule in alerts()} <= found


@pytest.mark.parametrize("dashboard", _DASHBOARDS, ids=lambda path: str(path.stem))
def test_prometheus_understands_the_queries_of_the_dashboard(dashboard: Path, tmp_path: Path) -> None:
    assert len(queries(dashboard)) > 10
    check_queries(queries(dashboard), tmp_path)


def test_prometheus_understands_the_queries_of_the_runbooks(tmp_path: Path) -> None:
    assert queries_of_runbooks()
    check_queries(queries_of_runbooks(), tmp_path)


def check_queries(expressions: list[str], folder: Path) -> None:
    recorded = [{"record": f"query:{number}", "expr": one} for number, one in enumerate(expressions)]
    file = folder / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}), "utf-8")
    run([promtool(), "check", "rules", file])


@pytest.mark.parametrize("dashboard", _DASHBOARDS, ids=lambda path: str(path.stem))
def test_the_panels_of_the_dashboard_have_a_place_and_a_data_source(dashboard: Path) -> None:
    panels = json.loads(dashboard.read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels if panel["type"] != "row")


def test_the_dashboard_is_that_of_its_panels() -> None:
    assert OUTPUT.read_text("utf-8") == text(), "run: make dashboard"


def test_the_dashboard_and_the_page_of_metrics_name_alerts_that_exist() -> None:
    names = {rule["alert"] for rule in alerts()}
    for path in (*_DASHBOARDS, _RUNBOOKS.parent / "metrics.md", *_RUNBOOKS.glob("*.md")):
        assert set(re.findall(r"\bBayar[A-Z]\w+", path.read_text("utf-8"))) <= names, path


def test_each_metric_of_rules_and_dashboards_is_in_the_catalogue() -> None:
    assert uncatalogued(expressions()) == set()


def test_a_metric_that_is_not_in_the_catalogue_is_found() -> None:
    assert uncatalogued(["sum(rate(bayar_gateway_cals_total[5m])) / grpc_server_handled_sum"]) == {
        "bayar_gateway_cals_total",
        "grpc_server_handled_sum",
    }


def uncatalogued(expressions: list[str]) -> set[str]:
    families = {metric.name for metric in CATALOGUE}
    named = {name for one in expressions for name in METRIC.findall(without_records(one))}
    return {name for name in named if family_of(name, families) not in families}


def test_each_label_of_rules_and_dashboards_is_one_of_the_metric() -> None:
    labels = {metric.name: {*metric.labels, *OF_SCRAPES, "worker", "le"} for metric in CATALOGUE}
    selected = [found for one in expressions() for found in SELECTOR.findall(one)]
    assert len(selected) > 60
    for name, matchers in selected:
        if (family := family_of(name, set(labels))) in labels:
            assert {label for label, _, _ in MATCHER.findall(matchers)} <= labels[family], (name, matchers)


def test_each_metric_that_asks_for_an_action_is_on_the_dashboard() -> None:
    shown = {
        family_of(name, {metric.name for metric in CATALOGUE})
        for path in _DASHBOARDS
        for one in queries(path)
        for name in METRIC.findall(one)
    }
    assert {metric.name for metric in CATALOGUE} - shown == {"bayar_background_job_last_success_timestamp_seconds"}


def test_the_rules_are_those_that_compose_mounts() -> None:
    text = run([tool("docker-compose"), "-f", DEPLOY / "compose" / "compose.yaml", "config"]).stdout
    assert str(_RULES) in text


def without_records(expression: str) -> str:
    """Without the names of recording rules, which hold a colon."""
    return re.sub(r"\b\w+:\w+(?::\w+)?\b", "", expression)


def family_of(name: str, families: set[str]) -> str:
    """The family of a histogram's series, or the name itself."""
    stem = re.sub(r"_(bucket|count|sum)$", "", name)
    return stem if stem in families else name
