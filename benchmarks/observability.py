"""The cost of being observed: payments a CPU second without metrics, with them, with logs of each call, with traces."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from benchmarks import processes
from benchmarks.environment import SQLITE, Environment
from benchmarks.processes import Load, Measured
from benchmarks.report import Line

_LINES: Final = {"BAYAR_LOG_LEVEL": "info", "BAYAR_LOG_FORMAT": "json"}
_SAMPLE: Final = 0.05

_WITHOUT: Final = "nothing is observed"
_METRICS: Final = "metrics"
_LOGS: Final = "metrics and a log line for each call"
_SOME_TRACES: Final = f"metrics, log lines, traces of {_SAMPLE:.0%} of the calls"
_TRACES: Final = "metrics, log lines, traces of each call"


def observability(environment: Environment) -> list[Line]:
    """Measure payments per CPU second with each kind of observation, beside a service that observes nothing."""
    with ExitStack() as stack:
        services = _services(environment, stack)
        for service in services.values():
            service.load("payments", seconds=1)
        loads: dict[str, list[Load]] = {name: [] for name in services}
        names = list(services)
        for number in range(environment.rounds):
            # Each begins a round in turn: the gateway's twin slows down as it fills.
            for name in names[number % len(names) :] + names[: number % len(names)]:
                loads[name].append(services[name].load("payments", seconds=environment.seconds))
    bare = loads.pop(_WITHOUT)
    lines = [
        Line(
            measure="11",
            what=f"payments a CPU second, {name} / {_WITHOUT}",
            values=[mine.per_cpu_second / other.per_cpu_second for mine, other in zip(ours, bare, strict=True)],
            note="" if index else "the collector of traces and the file of the log are outside of the measured process",
        )
        for index, (name, ours) in enumerate(loads.items())
    ]
    costs = {_WITHOUT: bare, **loads}
    return lines + [
        Line(
            measure="11",
            what=f"CPU of one payment, {name}",
            values=[1000 / load.per_cpu_second for load in costs[name]],
            unit="ms",
        )
        for name in costs
    ]


def _services(environment: Environment, stack: ExitStack) -> dict[str, Measured]:
    """All of them run at once, and each rests while another is measured."""
    collector = stack.enter_context(processes.collector())
    traces = {**_LINES, "BAYAR_OTLP_ENDPOINT": f"http://{collector.address}"}
    settings = {
        _METRICS: {},
        _LOGS: _LINES,
        _SOME_TRACES: {**traces, "BAYAR_TRACE_RATIO": str(_SAMPLE)},
        _TRACES: traces,
    }
    log = stack.enter_context((environment.directory / "observability.log").open("wb"))

    def start(more: dict[str, str], program: str) -> Measured:
        database = environment.new_database(SQLITE)
        return stack.enter_context(processes.bayar(environment.twin, database, more, program=program, log=log))

    services = {_WITHOUT: start({}, "benchmarks.peers.unobserved")}
    return services | {name: start(more, processes.BAYAR) for name, more in settings.items()}
