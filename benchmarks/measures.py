"""What is measured. Each measure runs its loads in turn, so that both sides of a ratio meet the same machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bayar.payments.v1 import payment_service_pb2
from benchmarks import processes
from benchmarks.processes import Measured
from benchmarks.report import Line
from benchmarks.stage import POSTGRESQL, SQLITE, Stage

Measure = Callable[[Stage], Sequence[Line]]

_FAULT_PATH: Final = "/transactions"


def payments(stage: Stage) -> list[Line]:
    """Payments for each second of CPU: against the bare loop, and against the web stack."""
    lines: list[Line] = []
    for kind in (SQLITE, POSTGRESQL):
        against_loop: list[float] = []
        against_shop: list[float] = []
        cost: list[float] = []
        with (
            processes.bayar(stage.twin, stage.new_database(kind)) as bayar,
            processes.web_shop(stage.twin, stage.new_database(kind)) as shop,
        ):
            for _ in range(stage.rounds):
                loop = processes.stock_loop(stage.twin, seconds=stage.seconds)
                ours = bayar.load("payments", seconds=stage.seconds)
                theirs = shop.load("orders", seconds=stage.seconds)
                against_loop.append(ours.per_cpu_second / loop.per_cpu_second)
                against_shop.append(ours.per_cpu_second / theirs.per_cpu_second)
                cost.append(1000 / ours.per_cpu_second)
        lines += [
            Line(
                measure="1",
                what=f"payments a CPU second, Bayar / bare SDK loop, {kind}",
                values=against_loop,
                at_least=2.0,
            ),
            Line(measure="2", what=f"payments a CPU second, Bayar / FastAPI and SDK, {kind}", values=against_shop),
            Line(measure="1", what=f"CPU of one payment, {kind}", values=cost, unit="ms"),
        ]
    return lines


def latency(stage: Stage) -> list[Line]:
    """What Bayar adds to the gateway's own latency, at half the load that it can take."""
    lines: list[Line] = []
    with processes.bayar(stage.twin, stage.new_database(SQLITE)) as bayar:
        rate = bayar.load("payments", seconds=stage.seconds).per_second / 2
        for delay in (0, 100, 500):
            if delay:
                stage.twin.control.add_fault("delay", method="POST", path=_FAULT_PATH, seconds=delay / 1000)
            alone = processes.stock_loop(stage.twin, seconds=stage.seconds, threads=1)
            gateway_ms = 1000 * alone.wall_seconds / alone.count
            load = bayar.load("payments", seconds=stage.seconds, rate=rate)
            stage.twin.control.clear_faults()
            for share, goal in ((0.5, 3.0), (0.99, 12.0), (0.999, None)):
                lines.append(
                    Line(
                        measure="3",
                        what=f"added latency p{100 * share:g}, gateway at {delay} ms, {rate:.0f} payments/s",
                        values=[load.percentile(share) - gateway_ms],
                        unit="ms",
                        at_most=goal,
                    )
                )
    return lines


def in_flight(stage: Stage) -> list[Line]:
    """A thousand payments under way with a gateway that takes half a second."""
    with processes.bayar(stage.twin, stage.new_database(SQLITE), {"BAYAR_GRPC_THREADS": "1000"}) as bayar:
        capacity = bayar.load("payments", seconds=stage.seconds).per_second
        stage.twin.control.add_fault("delay", method="POST", path=_FAULT_PATH, seconds=0.5)
        load = bayar.load("payments", seconds=max(stage.seconds, 10), callers=1000)
        stage.twin.control.clear_faults()
    return [
        Line(
            measure="4",
            what="1,000 under way: throughput / that with an instant gateway",
            values=[load.per_second / min(capacity, 2000)],
            at_least=0.9,
        ),
        Line(measure="4", what="1,000 under way: memory", values=[load.peak_megabytes], unit="MB", at_most=200),
    ]


def reads(stage: Stage) -> list[Line]:
    """GetPayment beside a bare gRPC server that answers the same message."""
    ratios: list[float] = []
    with processes.bayar(stage.twin, stage.new_database(SQLITE)) as bayar:
        payment_id, answer = _one_payment(bayar)
        with processes.echo(answer) as bare:
            for _ in range(stage.rounds):
                ours = bayar.load("reads", seconds=stage.seconds, payment_id=payment_id)
                theirs = bare.load("reads", seconds=stage.seconds, payment_id=payment_id)
                ratios.append(ours.per_cpu_second / theirs.per_cpu_second)
    return [Line(measure="5", what="reads a CPU second, GetPayment / bare gRPC echo", values=ratios, at_least=0.4)]


def _one_payment(bayar: Measured) -> tuple[str, bytes]:
    from bayar import card, money
    from benchmarks.clients import client_of

    with client_of(bayar) as client:
        payment = client.create_payment(
            reference="read-me",
            amount=money("25.00", "USD"),
            card=card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123"),
        )
        return payment.payment_id, payment_service_pb2.GetPaymentResponse(payment=payment).SerializeToString()


ALL: Final[dict[str, Measure]] = {"payments": payments, "latency": latency, "in_flight": in_flight, "reads": reads}
