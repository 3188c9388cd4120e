"""Snapshots cross processes whole, and are exposed in both formats of Prometheus."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parsed

from adapters.http.worker_pool_status import WorkerPoolStatus
from bootstrap.observability import catalogue
from bootstrap.observability.exposition import OPENMETRICS, packed
from bootstrap.observability.instruments import Instruments
from bootstrap.observability.scrape import Scrape

# The library leaves it without types.
parsed_openmetrics: Any = openmetrics_parser.text_string_to_metric_families
CALL = ("unary", "bayar.payments.v1.PaymentService", "CreatePayment", "OK")
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
ODD = 'odd "} \\ kind\n'


def used(count: int) -> Instruments:
    instruments = Instruments()
    for _ in range(count):
        instruments.histogram(catalogue.GRPC_SECONDS).labels(*CALL).observe(0.03, {"trace_id": TRACE_ID})
        instruments.counter(catalogue.INBOX_PROCESSED).labels(ODD, "done").inc()
    return instruments


def scrape(own: Instruments, **workers: Instruments) -> Scrape:
    pool = WorkerPoolStatus()
    if workers:
        pool.update(wanted=len(workers), ready=1, replaced=5)
    for name, worker in workers.items():
        pool.update_metrics(int(name.removeprefix("worker_")), packed(worker))
    return Scrape(own, list, pool)


def test_without_workers_nothing_is_added() -> None:
    text, content_type = scrape(used(1))("")
    assert content_type.startswith("text/plain; version=0.0.4")
    assert "worker" not in text.decode()


def test_the_series_of_each_worker_carry_its_number_and_families_stand_together() -> None:
    text, _ = scrape(used(1), worker_1=used(2), worker_2=used(3))("text/plain")
    families = {family.name: family for family in parsed(text.decode())}
    counted = {
        sample.labels.get("worker"): sample.value
        for sample in families["bayar_webhook_notifications"].samples
        if sample.labels["kind"] == ODD
    }
    assert counted == {None: 1, "1": 2, "2": 3}
    assert families["bayar_workers_replaced"].samples[0].value == 5
    names = [line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names))
    lines = text.decode().splitlines()
    for line, following in pairwise(lines):
        if line.startswith("# TYPE ") and not following.startswith("#"):
            assert following.startswith(line.split()[2])


def test_openmetrics_has_the_exemplars_of_all_processes() -> None:
    accept = f"{OPENMETRICS};version=1.0.0;q=0.5,text/plain;q=0.2"
    text, content_type = scrape(used(1), worker_1=used(1))(accept)
    assert content_type.startswith(OPENMETRICS)
    (family,) = [one for one in parsed_openmetrics(text.decode()) if one.name == "grpc_server_handling_seconds"]
    found = [sample for sample in family.samples if sample.exemplar is not None]
    assert {sample.labels.get("worker") for sample in found} == {None, "1"}
    assert {sample.exemplar.labels["trace_id"] for sample in found if sample.exemplar} == {TRACE_ID}


def test_the_metrics_of_an_ended_worker_are_gone() -> None:
    pool = WorkerPoolStatus()
    pool.update(wanted=1, ready=0, replaced=1)
    pool.update_metrics(1, packed(used(1)))
    pool.update_metrics(1, "")
    text, _ = Scrape(used(0), list, pool)("")
    assert 'worker="1"' not in text.decode()


def test_a_snapshot_of_a_busy_worker_fits_into_one_message() -> None:
    instruments = Instruments()
    for method in range(60):
        for code in ("OK", "UNAVAILABLE", "INVALID_ARGUMENT"):
            labels = ("unary", "bayar.payments.v1.PaymentService", f"Method{method}", code)
            instruments.histogram(catalogue.GRPC_SECONDS).labels(*labels).observe(method / 7, {"trace_id": TRACE_ID})
    # The smallest default of a socket's send buffer on Linux is about 200 kB.
    assert len(packed(instruments)) < 64 * 1024
