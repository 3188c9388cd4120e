"""Each metric is documented, follows the conventions of Prometheus, and names an action."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bootstrap.observability.catalogue import CATALOGUE, Kind, Metric
from bootstrap.observability.metrics_page import page

ROOT = Path(__file__).resolve().parents[3]
UNITS = ("_seconds", "_info", "_ratio", "_bytes")
# Prometheus and its operator for Kubernetes put these on each series, and rename a label of the same name.
LABELS_OF_SCRAPERS = {"job", "instance", "namespace", "pod", "container", "service", "endpoint", "node", "prometheus"}


def test_the_page_is_that_of_this_version() -> None:
    written = (ROOT / "docs" / "operate" / "metrics.md").read_text("utf-8")
    assert written == page().rstrip() + "\n", (
        "run: python -m bootstrap.observability.metrics_page > docs/operate/metrics.md"
    )


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: str(metric.name))
def test_names_follow_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"(bayar|grpc_server)_[a-z0-9]+(_[a-z0-9]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(metric.buckets)
    assert metric.meaning.endswith(".")
    assert metric.remedy.endswith(".")
    assert not {"payment_id", "customer_id", "caller", "caller_id", "request_id", "worker"} & set(metric.labels)
    assert not LABELS_OF_SCRAPERS & set(metric.labels)


def test_each_name_is_there_once() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE) > 30
