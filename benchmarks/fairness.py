"""Fairness: latency of a quiet caller beside a noisy one, for reads, payments and the first event of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from bayar.messages import BayarClient, card, money
from benchmarks import processes
from benchmarks.environment import SQLITE, Environment
from benchmarks.processes import Load, Measured
from benchmarks.report import Line
from tests.end_to_end.service import run_bayar

_PAYMENTS: Final = 500
_CALLS_A_SECOND: Final = 20.0
_GOAL_MS: Final = 250.0
_SHARES: Final = (0.5, 0.99)


@dataclass(frozen=True, slots=True)
class Noise:
    """The load of the noisy caller."""

    name: str
    kind: str
    callers: int = 16
    rate: float = 0.0


NOISES: Final = (
    Noise("30 lists of 500 a second", "lists", rate=30.0),
    Noise("500 streams from the beginning, never read", "unread_streams", callers=500),
    Noise("64 callers who read without a pause", "reads", callers=64),
)
# The quiet caller's kinds of calls, with their rates per second.
QUIET: Final = (("reads", _CALLS_A_SECOND), ("payments", _CALLS_A_SECOND / 4), ("first_events", _CALLS_A_SECOND / 4))


def fairness(environment: Environment) -> list[Line]:
    """Measure the quiet caller alone, and beside each noise."""
    lines: list[Line] = []
    with processes.bayar(environment.twin, environment.new_database(SQLITE)) as noisy:
        quiet, payment_id = create_callers(noisy, _PAYMENTS)
        for kind, rate in QUIET:
            alone = load(quiet, kind, rate, environment.seconds, payment_id)
            lines += _lines(f"quiet caller's {kind}, alone", [alone], at_most=None)
            for noise in NOISES:
                loads = []
                for _ in range(environment.rounds):
                    with noise_running(noisy, noise, environment.seconds + 4, payment_id):
                        loads.append(load(quiet, kind, rate, environment.seconds, payment_id))
                lines += _lines(f"quiet caller's {kind} beside {noise.name}", loads, at_most=_GOAL_MS)
    return lines


def create_callers(noisy: Measured, payments: int) -> tuple[Measured, str]:
    """Create payments of the noisy caller. Returns the quiet caller, and a payment that both can read."""
    made = run_bayar("keys", "create", "quiet", environment=noisy.environment)
    if made.returncode:
        raise RuntimeError(made.stderr)
    quiet = replace(noisy, environment={**noisy.environment, "BAYAR_API_KEY": made.stdout.strip()})
    count = 0
    while count < payments:
        count += noisy.load("payments", seconds=1 if payments < _PAYMENTS else 3).count
    with BayarClient(quiet.address, credential=quiet.environment["BAYAR_API_KEY"]) as client:
        payment = client.create_payment(
            reference="quiet",
            amount=money("25.00", "USD"),
            card=card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123"),
        )
    return quiet, payment.payment_id


def load(quiet: Measured, kind: str, rate: float, seconds: float, payment_id: str) -> Load:
    """Run an open loop. Every call must be answered."""
    done = quiet.load(kind, seconds=seconds, rate=rate, callers=1, payment_id=payment_id, timeout_seconds=10)
    if set(done.outcomes) != {"OK"}:
        raise RuntimeError(f"the quiet caller's {kind} were refused or came too late: {done.outcomes}")
    return done


@contextmanager
def noise_running(noisy: Measured, noise: Noise, seconds: float, payment_id: str) -> Iterator[None]:
    """Run the noisy caller in the background; its answers are ignored."""
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(
            noisy.load, noise.kind, seconds=seconds, rate=noise.rate, callers=noise.callers, payment_id=payment_id
        )
        yield
        making.result()


def _lines(what: str, loads: Sequence[Load], *, at_most: float | None) -> list[Line]:
    return [
        Line(
            measure="9",
            what=f"{what}, p{100 * share:g}",
            values=[one.percentile(share) for one in loads],
            unit="ms",
            at_most=at_most if share == _SHARES[-1] else None,
        )
        for share in _SHARES
    ]
