"""Durable commits: how many payments share one, and payments a second on a disk that takes 10 ms for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import processes
from benchmarks.environment import POSTGRESQL, SQLITE, Environment
from benchmarks.peers.slow_disk import CONTROL
from benchmarks.processes import BAYAR, Load, Measured
from benchmarks.report import Line

_SINGLE_COMMITS: Final = "benchmarks.peers.single_commits"
_FLUSH_SECONDS: Final = 0.01
# Enough that a disk with one commit at a time is what limits.
_CALLERS: Final = 64


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk under a command and its children, which can be slowed at any time."""

    control_file: Path

    @classmethod
    def new(cls, directory: Path) -> Disk:
        disk = cls(directory / "disk")
        disk.control_file.write_bytes(CONTROL.pack(0.0, 0))
        return disk

    @property
    def prefix(self) -> tuple[str, ...]:
        """The command that runs another one on this disk."""
        return (sys.executable, "-m", "benchmarks.peers.slow_disk", str(self.control_file))

    @property
    def flushes(self) -> int:
        """The number of calls of fsync and fdatasync until now."""
        return int(CONTROL.unpack(self.control_file.read_bytes())[1])

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Each flush takes so many seconds more."""
        self._delay(seconds)
        try:
            yield
        finally:
            self._delay(0.0)

    def _delay(self, seconds: float) -> None:
        with self.control_file.open("r+b") as file:
            file.write(CONTROL.pack(seconds, 0)[:8])


@dataclass(frozen=True, slots=True)
class _Service:
    measured: Measured
    disk: Disk

    def load(self, environment: Environment) -> tuple[Load, int]:
        """A load, and the flushes in the meantime."""
        before = self.disk.flushes
        load = self.measured.load("payments", seconds=environment.seconds, callers=_CALLERS, warm_up_seconds=0)
        if set(load.outcomes) != {"OK"}:
            raise RuntimeError(f"not all of them were paid: {load.outcomes}")
        return load, self.disk.flushes - before


def disk(environment: Environment) -> list[Line]:
    """Measure payments a flush, and payments a second on a slow disk, against a service that shares no transaction."""
    return [line for kind in (SQLITE, POSTGRESQL) for line in _lines_of(environment, kind)]


def _lines_of(environment: Environment, kind: str) -> list[Line]:
    quick, slow, slow_alone = [], [], []
    with _service(environment, kind, BAYAR) as ours, _service(environment, kind, _SINGLE_COMMITS) as alone:
        for service in (ours, alone):
            service.measured.load("payments", seconds=1)
        for _ in range(environment.rounds):
            quick.append(ours.load(environment))
            with ours.disk.slow(_FLUSH_SECONDS):
                slow.append(ours.load(environment))
            with alone.disk.slow(_FLUSH_SECONDS):
                slow_alone.append(alone.load(environment))
    return [
        Line(
            measure="12",
            what=f"payments a second, a flush takes 10 ms more, Bayar / a transaction for each unit of work, {kind}",
            values=[mine.per_second / other.per_second for (mine, _), (other, _) in zip(slow, slow_alone, strict=True)],
            at_least=4.0,
            note=f"{_CALLERS} callers; `benchmarks/peers/slow_disk.py` holds each fsync and fdatasync up",
        ),
        Line(
            measure="12",
            what=f"payments a second, a flush takes 10 ms more, {kind}",
            values=[load.per_second for load, _ in slow],
            unit="/s",
        ),
        *_flushes("this disk as it is", quick, kind),
        *_flushes("a flush takes 10 ms more", slow, kind),
        *_flushes("a flush takes 10 ms more, a transaction for each unit of work", slow_alone, kind),
    ]


def _flushes(where: str, loads: Sequence[tuple[Load, int]], kind: str) -> list[Line]:
    return [
        Line(
            measure="12",
            what=f"flushes a second, {where}, {kind}",
            values=[flushes / load.wall_seconds for load, flushes in loads],
            unit="/s",
        ),
        Line(
            measure="12",
            what=f"payments a flush, {where}, {kind}",
            values=[load.count / max(1, flushes) for load, flushes in loads],
            unit="",
            note="a payment has two commits; a flush makes every commit durable that waits for it",
        ),
    ]


@contextmanager
def _service(environment: Environment, kind: str, program: str) -> Iterator[_Service]:
    """A service whose database has a disk of its own."""
    with ExitStack() as stack:
        directory = environment.new_directory()
        disk = Disk.new(directory)
        if kind == SQLITE:
            url, prefix = f"sqlite:///{directory / 'bayar.db'}", disk.prefix
        else:
            url, prefix = stack.enter_context(processes.database(directory / "postgresql", disk.prefix)), ()
        bayar = processes.bayar(environment.twin, url, program=program, prefix=prefix)
        yield _Service(stack.enter_context(bayar), disk)
