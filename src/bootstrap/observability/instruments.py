"""The instruments of one process: counters and histograms of the catalogue, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bootstrap.observability import catalogue
from bootstrap.observability.catalogue import Kind

Labels = tuple[str, ...]
# A family that is counted elsewhere, with its present values.
Reading = tuple[catalogue.Metric, Iterable[tuple[Labels, float]]]

# The time of each series' creation would be one more series for each.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations

_OBSERVED: Final = (
    catalogue.GRPC_HANDLED,
    catalogue.GRPC_SECONDS,
    catalogue.GRPC_REFUSED,
    catalogue.OPERATIONS,
    catalogue.WEBHOOK_ATTEMPTS,
    catalogue.WEBHOOK_SECONDS,
    catalogue.INBOX_REQUESTS,
    catalogue.INBOX_PROCESSED,
    catalogue.TRANSACTIONS,
    catalogue.TRANSACTION_SECONDS,
    catalogue.GATEWAY_SECONDS,
    catalogue.JOB_RUNS,
    catalogue.JOB_SUCCESS,
    catalogue.RECONCILED,
    catalogue.DIFFERENCES,
)


class Instruments:
    """Safe for many threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        for metric in _OBSERVED:
            self._made[metric.name] = self._instrument(metric)
        ProcessCollector(registry=self.registry)

    def counter(self, metric: catalogue.Metric) -> Counter:
        made = self._made[metric.name]
        if not isinstance(made, Counter):
            raise TypeError(f"{metric.name} is no counter")
        return made

    def histogram(self, metric: catalogue.Metric) -> Histogram:
        made = self._made[metric.name]
        if not isinstance(made, Histogram):
            raise TypeError(f"{metric.name} is no histogram")
        return made

    def gauge(self, metric: catalogue.Metric) -> Gauge:
        made = self._made[metric.name]
        if not isinstance(made, Gauge):
            raise TypeError(f"{metric.name} is no gauge")
        return made

    def read(self, *sources: Callable[[], Iterable[Reading]]) -> None:
        """Adds families that are read at each scrape."""
        self.registry.register(_Readings(sources))

    def collect(self) -> Iterable[Metric]:
        return self.registry.collect()

    def _instrument(self, metric: catalogue.Metric) -> Counter | Gauge | Histogram:
        match metric.kind:
            case Kind.COUNTER:
                return Counter(metric.name, metric.meaning, metric.labels, registry=self.registry)
            case Kind.GAUGE:
                return Gauge(metric.name, metric.meaning, metric.labels, registry=self.registry)
            case Kind.HISTOGRAM:
                return Histogram(
                    metric.name, metric.meaning, metric.labels, registry=self.registry, buckets=metric.buckets
                )


class _Readings:
    def __init__(self, sources: Iterable[Callable[[], Iterable[Reading]]]) -> None:
        self._sources = tuple(sources)

    def collect(self) -> Iterator[Metric]:
        for source in self._sources:
            for reading in source():
                yield family_of(*reading)

    def describe(self) -> list[Metric]:
        return []


def family_of(metric: catalogue.Metric, values: Iterable[tuple[Labels, float]]) -> Metric:
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family
