"""The service under load: latency added to the gateway's, a thousand calls in flight, overload,
and more workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks import processes
from benchmarks.environment import POSTGRESQL, SQLITE, Environment
from benchmarks.report import Line

_SALES: Final = "/transactions"
_SHARES: Final = ((0.5, 3.0), (0.99, 12.0), (0.999, None))
_WORKERS: Final = (1, 2, 4)


def latency(environment: Environment) -> list[Line]:
    """Measure the latency added to the gateway's own, at half of the capacity."""
    lines: list[Line] = []
    with processes.bayar(environment.twin, environment.new_database(SQLITE)) as bayar:
        for delay_ms in (0, 100, 500):
            with _slow_gateway(environment, delay_ms / 1000):
                callers = 16 + delay_ms // 2
                capacity = bayar.load("payments", seconds=environment.seconds, callers=callers).per_second
                gateway_ms = processes.bare_gateway(environment.twin, seconds=environment.seconds)
                load = bayar.load("payments", seconds=2 * environment.seconds, rate=capacity / 2)
            lines += [
                Line(
                    measure="3",
                    what=f"added latency p{100 * share:g}, gateway at {delay_ms} ms",
                    values=[load.percentile(share) - gateway_ms],
                    unit="ms",
                    at_most=goal,
                    note=f"{load.count} payments at {capacity / 2:.0f} a second; gateway alone {gateway_ms:.1f} ms; "
                    f"callers took {load.busy_callers:.2f} of a core",
                    series=f"p{100 * share:g}",
                    place=delay_ms,
                )
                for share, goal in _SHARES
            ]
    return lines


def in_flight(environment: Environment) -> list[Line]:
    """Measure a thousand payments in flight with a gateway that takes half a second."""
    with processes.bayar(environment.twin, environment.new_database(SQLITE)) as bayar:
        bayar.load("payments", seconds=environment.seconds)
        ratios, megabytes = [], []
        for _ in range(environment.rounds):
            ideal = bayar.load("payments", seconds=environment.seconds).per_second
            with _slow_gateway(environment, 0.5):
                load = bayar.load("payments", seconds=2 * environment.seconds, callers=1000)
            if set(load.outcomes) != {"OK"}:
                raise RuntimeError(f"not all of them were paid: {load.outcomes}")
            ratios.append(load.per_second / ideal)
            megabytes.append(load.peak_megabytes)
    return [
        Line(
            measure="4",
            what="1,000 under way, gateway at 500 ms: payments a second / those with an instant gateway",
            values=ratios,
            at_least=0.9,
            note="an instant gateway leaves nothing but the CPU to wait for",
        ),
        Line(measure="4", what="1,000 under way: most memory", values=megabytes, unit="MB", at_most=200),
    ]


def overload(environment: Environment) -> list[Line]:
    """Measure three times the capacity, from callers with long and with short deadlines."""
    lines: list[Line] = []
    with processes.bayar(environment.twin, environment.new_database(SQLITE)) as bayar:
        bayar.load("payments", seconds=environment.seconds)
        for patience in (60, 2):
            goodputs, refusals, others = [], [], []
            for _ in range(environment.rounds):
                capacity = bayar.load("payments", seconds=environment.seconds).per_second
                load = bayar.load(
                    "payments", seconds=2 * environment.seconds, rate=3 * capacity, timeout_seconds=float(patience)
                )
                calls, refused = sum(load.outcomes.values()), load.outcomes.get("RESOURCE_EXHAUSTED", 0)
                goodputs.append(load.per_second / capacity)
                refusals.append(refused / calls)
                others.append((calls - load.count - refused) / calls)
            where = f"overload, deadlines of {patience} s"
            lines += [
                Line(
                    measure="7",
                    what=f"{where}: payments a second at three times capacity / capacity",
                    values=goodputs,
                    at_least=0.8,
                    note=f"callers, in a process of their own, took {load.busy_callers:.2f} of a core",
                ),
                Line(measure="7", what=f"{where}: share refused with RESOURCE_EXHAUSTED", values=refusals),
                Line(measure="7", what=f"{where}: share that ended in any other way", values=others, at_most=0.02),
            ]
    return lines


def workers(environment: Environment) -> list[Line]:
    """Measure one, two and four workers on one PostgreSQL."""
    lines: list[Line] = []
    alone: list[float] = []
    for count in _WORKERS:
        with processes.bayar(environment.twin, environment.new_database(POSTGRESQL), workers=count) as bayar:
            bayar.load("payments", seconds=environment.seconds, callers=16 * count, connections=16)
            loads = [
                bayar.load("payments", seconds=environment.seconds, callers=16 * count, connections=16)
                for _ in range(environment.rounds)
            ]
        alone = alone or [load.per_second for load in loads]
        cpu_ms = 1000 / sum(load.per_cpu_second for load in loads) * len(loads)
        lines.append(
            Line(
                measure="7",
                what=f"payments a second, workers: {count} / 1",
                values=[load.per_second / one for load, one in zip(loads, alone, strict=True)],
                note=f"{cpu_ms:.1f} ms of CPU a payment in all of its processes; the callers, the gateway's twin and "
                "PostgreSQL share the same cores",
                series="workers",
                place=count,
            )
        )
    return lines


@contextmanager
def _slow_gateway(environment: Environment, seconds: float) -> Iterator[None]:
    if seconds:
        environment.twin.control.add_fault("delay", method="POST", path=_SALES, seconds=seconds)
    try:
        yield
    finally:
        environment.twin.control.clear_faults()
