"""The path to the gateway: the SDK over Bayar's transport and parser, against the stock SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from benchmarks import processes
from benchmarks.environment import Environment
from benchmarks.report import Line
from tests.end_to_end.service import environment_of

# As many as sell at once where connections are counted.
_THREADS: Final = 16
_SHARES: Final = (0.5, 0.99)


def gateway_path(environment: Environment) -> list[Line]:
    """Measure the CPU of a sale, new connections, and the latency added to the gateway's own."""
    ratios, ours_ms, stock_ms, full, resumed = [], [], [], [], []
    added_latencies: dict[float, list[float]] = {share: [] for share in _SHARES}
    for _ in range(environment.rounds):
        stock = processes.stock_loop(environment.twin, seconds=environment.seconds)
        ours = _loop(environment, "--threads", "1")
        cost = ours["cpu_seconds"] / ours["payments"]
        ratios.append(1 / cost / stock.per_cpu_second)
        ours_ms.append(1000 * cost)
        stock_ms.append(1000 / stock.per_cpu_second)
        many = _loop(environment, "--threads", str(_THREADS))
        full.append(1000 * many["full_handshakes"] / many["payments"])
        resumed.append(1000 * many["resumed_handshakes"] / many["payments"])
        seconds = _loop(environment, "--added")
        for share, taken in added_latencies.items():
            taken.append(1000 * seconds[min(len(seconds) - 1, int(share * len(seconds)))])
    return [
        Line(
            measure="8",
            what="sales a CPU second, SDK over Bayar's transport and parser / stock SDK",
            values=ratios,
            at_least=4.0,
            note="one thread, nothing but transaction.sale",
        ),
        Line(measure="8", what="CPU of one sale, SDK over Bayar's transport and parser", values=ours_ms, unit="ms"),
        Line(measure="8", what="CPU of one sale, stock SDK", values=stock_ms, unit="ms"),
        Line(
            measure="8",
            what=f"full TLS handshakes a thousand sales, {_THREADS} threads from a cold start",
            values=full,
            unit="",
            note="as many connections as threads, and none after that",
        ),
        Line(
            measure="8",
            what=f"resumed TLS handshakes a thousand sales, {_THREADS} threads from a cold start",
            values=resumed,
            unit="",
        ),
        *(
            Line(
                measure="8",
                what=f"one sale beyond the gateway's own latency, p{100 * share:g}",
                values=taken,
                unit="ms",
                note="all but the time from the last byte out to the first byte in",
            )
            for share, taken in added_latencies.items()
        ),
    ]


def _loop(environment: Environment, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.gateway_loop", "--seconds", str(environment.seconds), *arguments],
        env=environment_of(environment.twin, "sqlite:///unused"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)
