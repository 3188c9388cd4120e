"""A thousand and ten thousand payments under way: memory and throughput, while the gateway takes its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.request import urlopen

from benchmarks import processes
from benchmarks.environment import SQLITE, Environment
from benchmarks.processes import Load
from benchmarks.report import Line

_AT_GATEWAY: Final = "bayar_gateway_calls_under_way "
# The service waits no longer for any call.
_PATIENCE_SECONDS: Final = 150.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many callers, who arrive in an instant, each with one payment under way."""

    callers: int
    gateway_seconds: float
    at_most_megabytes: float
    connections: int = 4
    # The settings that an operator changes for them.
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.callers:,} under way, gateway at {1000 * self.gateway_seconds:.0f} ms"


CROWDS: Final = (
    # A connection carries 128 calls.
    Crowd(1_000, 0.5, 140, connections=10),
    # Three quarters of the calls may be at the gateway. The others wait in the queue.
    Crowd(10_000, 2.0, 400, connections=100, settings={"BAYAR_GRPC_THREADS": "14000", "BAYAR_GRPC_QUEUE": "10000"}),
)


def in_flight(environment: Environment) -> list[Line]:
    """Measure each crowd beside the same service with an instant gateway, which leaves only CPU to wait for."""
    return [line for crowd in CROWDS for line in measure(environment, crowd)]


def measure(environment: Environment, crowd: Crowd) -> list[Line]:
    http_address = f"127.0.0.1:{processes.free_port()}"
    settings = {**crowd.settings, "BAYAR_HTTP_ADDRESS": http_address}
    loads, ratios, at_gateway = [], [], []
    with processes.bayar(environment.twin, environment.new_database(SQLITE), settings) as bayar:
        bayar.load("payments", seconds=environment.seconds)
        for _ in range(environment.rounds):
            ideal = bayar.load("payments", seconds=environment.seconds).per_second
            with environment.slow_gateway(crowd.gateway_seconds), _most_of(http_address) as most:
                load = bayar.load(
                    "payments",
                    seconds=2 * environment.seconds,
                    callers=crowd.callers,
                    connections=crowd.connections,
                    timeout_seconds=_PATIENCE_SECONDS,
                )
            if set(load.outcomes) != {"OK"}:
                raise RuntimeError(f"not all of them were paid: {load.outcomes}")
            loads.append(load)
            ratios.append(load.per_second / ideal)
            at_gateway.append(max(most))
    return list(_lines(crowd, loads, ratios, at_gateway))


def _lines(crowd: Crowd, loads: list[Load], ratios: list[float], at_gateway: list[float]) -> Iterator[Line]:
    settings = " ".join(f"{name}={value}" for name, value in crowd.settings.items()) or "the defaults"
    yield Line(
        measure="4",
        what=f"{crowd.name}: payments a second / those with an instant gateway",
        values=ratios,
        at_least=0.9,
        note=f"settings: {settings}; callers took {max(load.busy_callers for load in loads):.2f} of a core",
    )
    yield Line(
        measure="4",
        what=f"{crowd.name}: most memory",
        values=[load.peak_megabytes for load in loads],
        unit="MB",
        at_most=crowd.at_most_megabytes,
    )
    yield Line(measure="4", what=f"{crowd.name}: most at the gateway at once", values=at_gateway, unit="")


@contextmanager
def _most_of(http_address: str) -> Iterator[list[float]]:
    """The numbers of calls at the gateway, read from the metrics each second."""
    seen = [0.0]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(1):
            with suppress(OSError), urlopen(f"http://{http_address}/metrics", timeout=5) as metrics:
                lines = metrics.read().decode().splitlines()
                seen.extend(float(line.removeprefix(_AT_GATEWAY)) for line in lines if line.startswith(_AT_GATEWAY))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()
