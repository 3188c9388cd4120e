"""The measures. Each runs its loads in turn, so both sides of a ratio meet the same machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bayar.messages import BayarClient, card, money
from bayar.payments.v1 import payment_service_pb2
from benchmarks import history, processes, under_load
from benchmarks.disk import disk
from benchmarks.environment import POSTGRESQL, SQLITE, Environment
from benchmarks.fairness import fairness
from benchmarks.gateway_path import gateway_path
from benchmarks.in_flight import in_flight
from benchmarks.latency_under_attack import latency_under_attack
from benchmarks.observability import observability
from benchmarks.processes import Load, Measured
from benchmarks.report import Line
from tests.api_keys import TEST_KEY

Measure = Callable[[Environment], Sequence[Line]]


def payments(environment: Environment) -> list[Line]:
    """Measure payments per CPU second, against the bare loop and against two shops as people build them."""
    lines: list[Line] = []
    for kind in (SQLITE, POSTGRESQL):
        loops, ours, shops, django_shops = [], [], [], []
        with (
            processes.bayar(environment.twin, environment.new_database(kind)) as bayar,
            processes.web_shop(environment.twin, environment.new_database(kind)) as shop,
            processes.django_shop(environment.twin, environment.new_database(kind)) as django_shop,
        ):
            for _ in range(environment.rounds):
                loops.append(processes.stock_loop(environment.twin, seconds=environment.seconds))
                ours.append(bayar.load("payments", seconds=environment.seconds))
                shops.append(shop.load("orders", seconds=environment.seconds))
                django_shops.append(django_shop.load("forms", seconds=environment.seconds))
        busy = max(load.busy_callers for load in ours)
        lines += [
            Line(
                measure="1",
                what=f"payments a CPU second, Bayar / bare SDK loop, {kind}",
                values=_ratios(ours, loops),
                at_least=1.5,
                note=f"the aim is 2.0; callers, in a process of their own, took at most {busy:.2f} of a core",
            ),
            Line(
                measure="2",
                what=f"payments a CPU second, Bayar / FastAPI and SDK, {kind}",
                values=_ratios(ours, shops),
                at_least=3.0,
            ),
            Line(
                measure="2",
                what=f"payments a CPU second, Bayar / django-payments, {kind}",
                values=_ratios(ours, django_shops),
                note="its Braintree form asks the gateway twice: for the sale, then to submit it for settlement",
            ),
            *(
                Line(measure=measure, what=f"CPU of one {what}, {kind}", values=_costs(loads), unit="ms")
                for measure, what, loads in (
                    ("1", "payment", ours),
                    ("1", "sale of the bare SDK loop", loops),
                    ("2", "payment of FastAPI and SDK", shops),
                    ("2", "payment of django-payments", django_shops),
                )
            ),
        ]
        if kind == POSTGRESQL:
            database = [1000 * load.database_cpu_seconds / load.count for load in ours]
            lines.append(Line(measure="1", what="CPU of one payment in PostgreSQL itself", values=database, unit="ms"))
    return lines


def reads(environment: Environment) -> list[Line]:
    """Measure GetPayment against bare gRPC servers with the same message."""
    ours, bare, bare_aio = [], [], []
    with processes.bayar(environment.twin, environment.new_database(SQLITE)) as bayar:
        payment_id, answer = _one_payment(bayar)
        with processes.echo(answer) as threads, processes.echo(answer, "--aio") as aio:
            for _ in range(environment.rounds):
                ours.append(bayar.load("reads", seconds=environment.seconds, payment_id=payment_id))
                bare.append(threads.load("reads", seconds=environment.seconds, payment_id=payment_id))
                bare_aio.append(aio.load("reads", seconds=environment.seconds, payment_id=payment_id))
    return [
        Line(
            measure="5",
            what="reads a CPU second, GetPayment / bare gRPC echo",
            values=_ratios(ours, bare),
            note="the echo is gRPC's server for threads; no look at a database, a credential or a limit",
        ),
        Line(
            measure="5",
            what="reads a CPU second, GetPayment / bare gRPC echo on an event loop",
            values=_ratios(ours, bare_aio),
            at_least=0.4,
            note="the server that Bayar stands on",
        ),
        Line(measure="5", what="CPU of one GetPayment", values=_costs(ours), unit="ms"),
    ]


def _ratios(ours: Sequence[Load], theirs: Sequence[Load]) -> list[float]:
    return [mine.per_cpu_second / other.per_cpu_second for mine, other in zip(ours, theirs, strict=True)]


def _costs(loads: Sequence[Load]) -> list[float]:
    """The CPU of one call, in milliseconds."""
    return [1000 / load.per_cpu_second for load in loads]


def _one_payment(bayar: Measured) -> tuple[str, bytes]:
    with BayarClient(bayar.address, credential=TEST_KEY) as client:
        payment = client.create_payment(
            reference="read-me",
            amount=money("25.00", "USD"),
            card=card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123"),
        )
    return payment.payment_id, payment_service_pb2.GetPaymentResponse(payment=payment).SerializeToString()


ALL: Final[dict[str, Measure]] = {
    "payments": payments,
    "latency": under_load.latency,
    "in_flight": in_flight,
    "reads": reads,
    "history": history.history,
    "workers": under_load.workers,
    "overload": under_load.overload,
    "fairness": fairness,
    "strangers": latency_under_attack,
    "gateway_path": gateway_path,
    "observability": observability,
    "disk": disk,
}
