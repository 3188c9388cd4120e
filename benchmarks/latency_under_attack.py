"""Latency of a normal caller during attacks by unauthenticated peers. Every call must be answered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Final

from benchmarks import processes
from benchmarks.attackers import GRPC, HTTP
from benchmarks.environment import SQLITE, Environment
from benchmarks.fairness import create_callers, load
from benchmarks.processes import Load
from benchmarks.report import Line

_CALLS_A_SECOND: Final = 20.0
_GOAL_MS: Final = 250.0
_SHARES: Final = (0.5, 0.99)
_CONNECTIONS_A_SECOND: Final = 20.0


def latency_under_attack(environment: Environment) -> list[Line]:
    """Measure the caller alone, and during each attack on the gRPC port and on the HTTP port."""
    http_address = f"127.0.0.1:{processes.free_port()}"
    with processes.bayar(
        environment.twin, environment.new_database(SQLITE), {"BAYAR_HTTP_ADDRESS": http_address}
    ) as bayar:
        caller, payment_id = create_callers(bayar, payments=1)

        def waits() -> Load:
            return load(caller, "reads", _CALLS_A_SECOND, environment.seconds, payment_id)

        lines = _lines("caller's reads without strangers", [waits() for _ in range(environment.rounds)], at_most=None)
        sources = count(2)
        for name in (*GRPC, *HTTP):
            loads = []
            for _ in range(environment.rounds):
                # Each from an address that was never turned away. macOS has no more than one of its own machine.
                source = f"127.0.0.{next(sources)}" if sys.platform == "linux" else "127.0.0.1"
                address = http_address if name in HTTP else bayar.address
                with under_attack(name, address, environment.seconds + 3, source=source):
                    loads.append(waits())
            lines += _lines(f"caller's reads beside {name}", loads, at_most=_GOAL_MS)
    return lines


@contextmanager
def under_attack(
    name: str, address: str, seconds: float, per_second: float = _CONNECTIONS_A_SECOND, source: str = "127.0.0.1"
) -> Iterator[None]:
    """Run an attack in a separate process of low priority."""
    command = [sys.executable, "-m", "benchmarks.attackers", name, address]
    command += ["--seconds", str(seconds), "--per-second", str(per_second), "--source", source]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attackers:
        assert attackers.stdout is not None
        if attackers.stdout.readline().strip() != "begins":
            raise RuntimeError("the attackers did not begin")
        yield
        if int(attackers.stdout.readline()) < 1:
            raise RuntimeError("nobody was attacked")


def _lines(what: str, loads: Sequence[Load], *, at_most: float | None) -> list[Line]:
    return [
        Line(
            measure="10",
            what=f"{what}, p{100 * share:g}",
            values=[one.percentile(share) for one in loads],
            unit="ms",
            at_most=at_most if share == _SHARES[-1] else None,
        )
        for share in _SHARES
    ]
