"""The faults of a run: how likely each is, and which scenario the run concentrates on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final

from tests.fakes.faulty_gateway import Fault
from tests.simulation.scheduler import YieldPoint


class Scenario(Enum):
    """The faults that a run concentrates on. With all faults at once, rare interleavings hardly occur."""

    ALL_FAULTS = "everything"
    FREEZES = "freezes"
    RESTORES = "restores"


@dataclass(frozen=True)
class Focus:
    """The scenario and the freezes of a run. None: the seed decides."""

    scenario: Scenario | None = None
    freezes_at: YieldPoint | None = None


ANY_FOCUS: Final = Focus()


@dataclass
class FaultRates:
    """The probability of each fault at each port call. Each run draws its own, so some runs have few faults."""

    gateway: dict[Fault, float]
    store_unavailable: float = 0
    commit_lost: float = 0
    crash: float = 0
    freeze: float = 0
    # The only yield point at which processes freeze. None: any.
    freezes_at: YieldPoint | None = None

    @classmethod
    def draw(cls, random: Random, scenario: Scenario, freezes_at: YieldPoint | None = None) -> FaultRates:
        def chance(*choices: float) -> float:
            return random.choice(choices)

        if scenario is Scenario.FREEZES:
            place = freezes_at or random.choice((None, YieldPoint.BULKHEAD, YieldPoint.CONNECTING, YieldPoint.SENDING))
            return cls({Fault.LATE: chance(0, 0, 0.1)}, freeze=0.5 if place else chance(0.02, 0.05), freezes_at=place)
        if scenario is Scenario.RESTORES:
            return cls({Fault.LOST_AFTER: chance(0, 0, 0.1)})
        return cls(
            gateway={
                Fault.UNREACHABLE: chance(0, 0.03, 0.2),
                Fault.REFUSED_CREDENTIALS: chance(0, 0, 0.05),
                Fault.LOST_BEFORE: chance(0, 0.05, 0.2),
                Fault.LOST_AFTER: chance(0, 0.05, 0.3),
                Fault.LATE: chance(0, 0.05, 0.2),
            },
            store_unavailable=chance(0, 0.02, 0.1),
            commit_lost=chance(0, 0.02, 0.1),
            crash=chance(0, 0.01, 0.05),
            freeze=chance(0, 0.01, 0.05),
        )
