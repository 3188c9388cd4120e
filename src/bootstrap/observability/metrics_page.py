"""Writes docs/operate/metrics.md from the catalogue of metrics."""

from __future__ import annotations

from typing import Final

from bootstrap.observability.catalogue import CATALOGUE, Kind, Metric

_HEAD: Final = """# Metrics

`http://HOST:8080/metrics` answers in the text format of Prometheus, and in OpenMetrics, which has exemplars, to a
scraper that asks for it (Prometheus does). It answers while the database is away, too: then `bayar_database_up` is 0,
and only the numbers that come from the database are missing.

With `--workers N` one address answers for all processes: the series of a worker have the label `worker`, and those of
the background process have none. Sum over it: `sum by (grpc_method) (rate(grpc_server_handled_total[5m]))`. Numbers of
the database are the same at each replica: take `max`, not `sum`. `process_*` are the usual metrics of each process
(CPU, memory, file descriptors).

No label holds an id of a payment, a customer or a caller. [alerts.md](alerts.md) has the alerts, and
`deploy/grafana/dashboards` the dashboard. Labels of your scraper, such as `job` and `instance`, come on top. This page
is generated from the service itself.

"""


def page() -> str:
    return _HEAD + "".join(_section(metric) for metric in CATALOGUE)


def _section(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    buckets = ", ".join(f"{bound:g}" for bound in metric.buckets)
    upper = f" Buckets: {buckets}." if metric.kind is Kind.HISTOGRAM else ""
    return (
        f"## {metric.name}\n\n{metric.kind.value.capitalize()}; labels: {labels}. {metric.meaning}{upper}\n\n"
        f"**If unusual:** {metric.remedy}\n\n"
    )


if __name__ == "__main__":
    print(page().rstrip())  # noqa: T201
