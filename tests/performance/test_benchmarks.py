"""The benchmark's own parts: it is run by hand, and has to work then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bayar.payments.v1 import payment_pb2, payment_service_pb2
from benchmarks import fairness, processes
from benchmarks.report import Line, Report
from braintree_twin.testing import start_twin


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
