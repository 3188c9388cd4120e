"""The exposition of metrics: snapshots that cross processes, and the two text formats of Prometheus."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample

# The library leaves it without types.
_openmetrics: Final[Any] = openmetrics.generate_latest
OPENMETRICS: Final = "application/openmetrics-text"


class Source(Protocol):
    def collect(self) -> Iterable[Metric]: ...


def packed(source: Source) -> str:
    """A snapshot of all samples, compressed: one message between processes holds it."""
    families = [
        [
            metric.name,
            metric.type,
            metric.documentation,
            [
                [sample.name, dict(sample.labels), sample.value, _exemplar_fields(sample.exemplar)]
                for sample in metric.samples
            ],
        ]
        for metric in source.collect()
    ]
    return base64.b64encode(zlib.compress(json.dumps(families).encode(), 1)).decode()


def unpacked(snapshot: str, more: Mapping[str, str]) -> Iterator[Metric]:
    """The families of a snapshot, with labels added to each sample."""
    for name, kind, documentation, samples in json.loads(zlib.decompress(base64.b64decode(snapshot))):
        metric = Metric(name, documentation, kind)
        metric.samples = [
            Sample(own, {**more, **labels}, value, None, None if exemplar is None else Exemplar(*exemplar))
            for own, labels, value, exemplar in samples
        ]
        yield metric


def _exemplar_fields(exemplar: Exemplar | None) -> list[Any] | None:
    return None if exemplar is None else [exemplar.labels, exemplar.value, exemplar.timestamp]


def exposed(families: Iterable[Metric], accept: str = "") -> tuple[bytes, str]:
    """The text and its content type: OpenMetrics, which has exemplars, if the header asks for it.

    The samples of each family stand together, whatever process they are from.
    """
    merged: dict[str, Metric] = {}
    for metric in families:
        known = merged.get(metric.name)
        if known is None:
            merged[metric.name] = known = Metric(metric.name, metric.documentation, metric.type)
        known.samples += metric.samples
    found = _Families(list(merged.values()))
    if OPENMETRICS in accept:
        text: bytes = _openmetrics(found)
        return text, openmetrics.CONTENT_TYPE_LATEST
    return exposition.generate_latest(found), exposition.CONTENT_TYPE_PLAIN_0_0_4


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families
