"""The benchmark's own parts: it is run by hand, and has to work then."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bayar.payments.v1 import payment_pb2, payment_service_pb2
from benchmarks import fairness, in_flight, measures, processes
from benchmarks.disk import Disk
from benchmarks.report import Line, Report
from bootstrap.config.settings import load_settings
from braintree_twin.testing import start_twin
from tests.encryption_keys import ENCRYPTION_KEYS
from tests.end_to_end.service import environment_of

ROOT = Path(__file__).parents[2]


def test_the_table_says_what_is_met_what_is_missed_and_what_could_not_be_measured() -> None:
    report = Report(3, 5)
    report.add(
        Line(measure="2", what="sooner", values=[3, 1, 2], at_least=2, note="told once"),
        Line(measure="1", what="later", values=[9.0], unit="ms", at_most=3, note="told once"),
        Line(measure="3", what="neither", values=[1.0]),
    )
    report.fail("reads", RuntimeError("no server"))
    rows = report.table().splitlines()
    assert [row.split()[0] for row in rows[1:4]] == ["1", "2", "3"]
    assert "9.00 ms" in rows[1]
    assert rows[1].endswith("missed")
    assert "2.00 x" in rows[2]
    assert "1.00 - 3.00" in rows[2]
    assert rows[2].endswith("met")
    assert not rows[3].endswith(("met", "missed"))
    assert "reads could not be measured: RuntimeError: no server" in report.table()
    assert report.table().count("told once") == 1


def test_the_report_names_no_path_of_the_machine() -> None:
    report = Report(1, 1)
    report.fail("gateway_path", subprocess.CalledProcessError(1, [sys.executable, "-m", "benchmarks"]))
    assert report.failed["gateway_path"].startswith("CalledProcessError: Command '['python', '-m', 'benchmarks']'")


def test_a_load_is_made_and_its_cost_is_read() -> None:
    answer = payment_service_pb2.GetPaymentResponse(payment=payment_pb2.Payment(payment_id="pay_1"))
    for options in ((), ("--aio",)):
        with processes.echo(answer.SerializeToString(), *options) as bare:
            load = bare.load("reads", seconds=0.5, payment_id="pay_1")
        assert load.outcomes == {"OK": load.count}
        assert load.count == len(load.seconds) > 10
        assert 0 < load.percentile(0.5) <= load.percentile(0.99)
        assert load.cpu_seconds > 0 < load.callers_cpu_seconds
        assert load.peak_megabytes > 5


def test_the_peers_at_the_gateway_make_sales(tmp_path: Path) -> None:
    with start_twin(tmp_path) as twin:
        assert processes.stock_loop(twin, seconds=0.2).count > 0
        assert processes.bare_gateway(twin, seconds=0.2) > 0
        assert len(twin.control.ledger()) > 2


def test_a_quiet_caller_is_measured_beside_a_noisy_one(tmp_path: Path) -> None:
    with start_twin(tmp_path) as twin, processes.bayar(twin, f"sqlite:///{tmp_path / 'bayar.db'}") as noisy:
        quiet, payment_id = fairness.create_callers(noisy, 10)
        for noise, (kind, rate) in zip(fairness.NOISES, fairness.QUIET, strict=True):
            few = replace(noise, callers=min(noise.callers, 20), rate=min(noise.rate, 5))
            with fairness.noise_running(noisy, few, 1, payment_id):
                load = fairness.load(quiet, kind, rate, 0.5, payment_id)
            assert load.outcomes == {"OK": load.count}
            assert load.count > 0


def test_the_page_names_every_measure() -> None:
    page = (ROOT / "docs" / "benchmarks" / "README.md").read_text()
    named = re.findall(r"`(\w+)`", page.partition("The measures: ")[2].partition("\n")[0])
    assert named == list(measures.ALL)


@pytest.mark.parametrize("crowd", in_flight.CROWDS, ids=lambda crowd: crowd.callers)
def test_the_service_takes_the_settings_of_a_crowd(crowd: in_flight.Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"ENVIRONMENT": "sandbox", "MERCHANT_ID": "m", "PUBLIC_KEY": "p", "PRIVATE_KEY": "very-private"}
    named = {f"BAYAR_BRAINTREE_{name}": value for name, value in account.items()}
    for name, value in {**named, "BAYAR_ENCRYPTION_KEYS": ENCRYPTION_KEYS, **crowd.settings}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.grpc_threads + settings.grpc_queue >= crowd.callers
    assert settings.calls_per_connection * crowd.connections >= crowd.callers


class _FormShop(BaseHTTPRequestHandler):
    """Answers as the Django shop does, whose packages only `make bench` installs."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        has_token = self.headers["X-CSRFToken"] in self.headers["Cookie"]
        has_card = {"number", "expiration_0", "expiration_1", "cvv2", "name"} <= form.keys()
        is_order = self.path == "/orders/" and {"amount", "reference"} <= form.keys()
        self.send_response(302 if has_token and (is_order or has_card) else 403)
        self.send_header("Location", "/orders/1/" if is_order else "http://shop.example/paid/1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def _form_shop() -> Iterator[processes.Measured]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _FormShop) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield processes.Measured(f"127.0.0.1:{server.server_port}", os.getpid(), dict(os.environ))
        finally:
            server.shutdown()


def test_a_load_of_forms_orders_and_pays() -> None:
    with _form_shop() as shop:
        load = shop.load("forms", seconds=0.2, callers=2, warm_up_seconds=0)
    assert load.outcomes == {"OK": load.count}
    assert load.count > 0


_FLUSHES = "import os, sys; file = open(sys.argv[1], 'w'); [(os.fsync(file), os.fdatasync(file)) for _ in range(2)]"


@pytest.mark.skipif(sys.platform != "linux", reason="the slow disk needs Linux's seccomp")
def test_a_slow_disk_delays_and_counts_each_flush(tmp_path: Path) -> None:
    disk = Disk.new(tmp_path)
    command = [*disk.prefix, sys.executable, "-c", _FLUSHES, str(tmp_path / "file")]
    with disk.slow(0.1):
        began = time.monotonic()
        subprocess.run(command, check=True)
        assert time.monotonic() - began > 0.4
    assert disk.flushes == 4


def test_the_way_to_the_gateway_sells() -> None:
    with start_twin() as twin:
        environment = environment_of(twin, "sqlite:///unused.db")
        command = [sys.executable, "-m", "benchmarks.peers.gateway_loop", "--seconds", "0.2"]
        told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert json.loads(told.stdout)["payments"] > 0
