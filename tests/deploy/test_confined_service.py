"""A service with two workers under the filters of the unit for systemd: it works, and exports every metric that rules
and dashboards name.
"""

from __future__ import annotations

import re
import signal
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from bayar.payments.v1.payment_pb2 import PaymentState
from braintree_twin.testing import start_twin
from tests.api_keys import in_environment
from tests.databases import Postgres
from tests.deploy.test_prometheus import MATCHER, METRIC, OF_SCRAPES, SELECTOR, expressions, family_of, without_records
from tests.deploy.test_systemd import options
from tests.deploy.tools import ROOT, promtool, systemd_analyze
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Service, environment_of, run_bayar, until
from tests.languages.toolchain import run

_SAMPLE: Final = re.compile(r"^(bayar_\w+?)\{(.*)\} ", re.MULTILINE)


@contextmanager
def confined(filters: list[str], database_url: str, folder: Path) -> Iterator[Service]:
    """The service with two workers, under the filters."""
    more = {"BAYAR_WORKERS": "2", "BAYAR_DATABASE_CONNECTIONS": "4"}
    systemd_analyze()
    with start_twin(folder) as twin:
        service = Service(environment_of(twin, database_url, more), folder / "bayar.log", start_seconds=120)
        service.program = ("-m", "tests.deploy.confined", " ".join(filters), sys.executable, *service.program)
        assert run_bayar("migrate", environment=service.environment).returncode == 0
        try:
            service.start()
            yield service
        finally:
            service.close()


def _filters() -> list[str]:
    return [word for line in options()["SystemCallFilter"] for word in _words(line)]


def _words(line: str) -> list[str]:
    """A tilde at the beginning of a line holds for each group in it."""
    sign = "~" if line.startswith("~") else ""
    return [sign + word for word in line.removeprefix("~").split()]


@pytest.fixture(scope="module")
def service(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    url = postgres.new_database()
    with confined(_filters(), url, tmp_path_factory.mktemp("confined")) as service:
        yield service
    postgres.drop(url)


@pytest.fixture(scope="module")
def exported(service: Service) -> str:
    """The metrics, once each worker has reported."""
    return until(lambda: _with_both_workers(service.http_url), seconds=30, what="the metrics of both workers")


def _with_both_workers(url: str) -> str:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as page:  # noqa: S310 (our own address)
        text = str(page.read().decode())
    return text if 'worker="1"' in text and 'worker="2"' in text else ""


def test_every_metric_of_rules_and_dashboards_is_exported(exported: str) -> None:
    families = set(re.findall(r"^# TYPE (\S+) ", exported, re.MULTILINE))
    named = {name for one in expressions() for name in METRIC.findall(without_records(one))}
    assert len(named) > 30
    assert {family_of(name, families) for name in named} - families == set()


def test_a_metric_that_is_not_exported_is_found(exported: str) -> None:
    families = set(re.findall(r"^# TYPE (\S+) ", exported, re.MULTILINE))
    assert METRIC.findall("rate(bayar_gateway_cals_total[5m])")[0] not in families


def test_every_label_value_of_rules_and_dashboards_is_exported(exported: str) -> None:
    """As far as the service exports the values from its start."""
    known: dict[tuple[str, str], set[str]] = {}
    for name, labels in _SAMPLE.findall(exported):
        for label, _, value in MATCHER.findall(labels):
            known.setdefault((name, label), set()).add(value)
    compared = 0
    for expression in expressions():
        for name, matchers in SELECTOR.findall(expression):
            for label, _, values in MATCHER.findall(matchers):
                if label in OF_SCRAPES or not any(metric == name for metric, _ in known):
                    continue
                compared += 1
                assert set(values.split("|")) <= known.get((name, label), set()), expression
    assert compared > 10


def test_the_exported_text_is_well_formed(exported: str) -> None:
    """Style is promtool's business elsewhere: it ends with 3 for names that it dislikes, and with 1 for bad text."""
    file = ROOT / "build" / "deploy" / "metrics.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(exported, "utf-8")
    told = run(["sh", "-c", f'"{promtool()}" check metrics < "{file}"; [ $? -ne 1 ]'])
    assert "error" not in told.stderr.lower()


def test_the_service_works_under_the_filters_of_the_unit(service: Service) -> None:
    assert options()["MemoryDenyWriteExecute"] == ["yes"]
    status = Path(f"/proc/{service.process.pid}/status").read_text("utf-8")
    assert "\nSeccomp:\t2\n" in status
    with in_environment():
        assert pay(service.client()).state == PaymentState.PAYMENT_STATE_CAPTURED


def test_the_service_stops_under_the_filters_of_the_unit(service: Service) -> None:
    assert service.stop(signal.SIGTERM) == 0


def test_a_filter_that_is_too_narrow_is_noticed(postgres_url: str, tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="did not start"),
        confined(["@system-service", "~@network-io"], postgres_url, tmp_path),
    ):
        pass
