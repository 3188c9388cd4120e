"""The service under load: latency added to the gateway's, overload, and more workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks import processes
from benchmarks.environment import POSTGRESQL, SQLITE, Environment
from benchmarks.processes import Load
from benchmarks.report import Line

# The percentiles, and their goals in times of the CPU of one sale of the bare SDK loop.
_SHARES: Final = ((0.5, 1.0), (0.99, 4.0), (0.999, None))
_WORKERS: Final = (1, 2, 4)
# With few, the core would refuse what is beyond the calls of a connection, before Bayar sees it.
_CONNECTIONS_OF_A_CROWD: Final = 16
# Five processes share the hundred connections of PostgreSQL.
_FEW_CONNECTIONS: Final = {"BAYAR_DATABASE_CONNECTIONS": "16"}


def latency(environment: Environment) -> list[Line]:
    """Measure the latency added to the gateway's own, at half of the capacity."""
    lines: list[Line] = []
    with processes.bayar(environment.twin, environment.new_database(SQLITE)) as bayar:
        for delay_ms in (0, 100, 500):
            with environment.slow_gateway(delay_ms / 1000):
                callers = 16 + delay_ms // 2
                capacity = bayar.load("payments", seconds=environment.seconds, callers=callers).per_second
                sale_ms = 1000 / processes.stock_loop(environment.twin, seconds=environment.seconds).per_cpu_second
                gateway_ms = processes.bare_gateway(environment.twin, seconds=environment.seconds)
                load = bayar.load("payments", seconds=2 * environment.seconds, rate=capacity / 2)
            note = (
                f"{load.count} payments at {capacity / 2:.0f} a second; gateway alone {gateway_ms:.1f} ms; a sale of "
                f"the bare SDK loop {sale_ms:.1f} ms of CPU; callers took {load.busy_callers:.2f} of a core"
            )
            lines += _added_latency(load, delay_ms, gateway_ms, sale_ms, note)
    return lines


def _added_latency(load: Load, delay_ms: int, gateway_ms: float, sale_ms: float, note: str) -> Iterator[Line]:
    for share, goal in _SHARES:
        name = f"p{100 * share:g}"
        added = load.percentile(share) - gateway_ms
        where = f"added latency {name}, gateway at {delay_ms} ms"
        yield Line(measure="3", what=where, values=[added], unit="ms", note=note, series=name, place=delay_ms)
        if goal is not None:
            yield Line(measure="3", what=f"{where} / CPU of one sale, bare SDK", values=[added / sale_ms], at_most=goal)


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
                    "payments",
                    seconds=2 * environment.seconds,
                    rate=3 * capacity,
                    timeout_seconds=float(patience),
                    connections=_CONNECTIONS_OF_A_CROWD,
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
                    at_least=0.85,
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
        database = environment.new_database(POSTGRESQL)
        with processes.bayar(environment.twin, database, _FEW_CONNECTIONS, workers=count) as bayar:
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
