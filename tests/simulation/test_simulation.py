"""Runs the simulation by seed: under every fault, no payment is lost and none is charged twice."""

from __future__ import annotations

import pytest

from tests.simulation.invariants import InvariantViolated
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.simulation import Simulation

RUNS = 200
PARTS = 8
SEEDS_FOR_A_MUTANT = 400


@pytest.mark.parametrize("part", range(PARTS))
def test_no_fault_breaks_an_invariant(part: int) -> None:
    for seed in range(part, RUNS, PARTS):
        run(seed)


def test_a_seed_gives_the_same_run_each_time() -> None:
    effects = 0
    for seed in range(10):
        first, second = Simulation(seed), Simulation(seed)
        first.run()
        second.run()
        assert first.gateway.effects == second.gateway.effects
        assert first.scheduler.steps == second.scheduler.steps
        assert first.payments() == second.payments()
        effects += len(first.gateway.effects)
    assert effects


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_found(mutant: Mutant) -> None:
    for seed in range(SEEDS_FOR_A_MUTANT):
        try:
            with mutant.applied():
                Simulation(seed, mutant.focus).run()
        except InvariantViolated as found:
            if found.invariant == mutant.invariant:
                return
    pytest.fail(f"{mutant.name}: not found in {SEEDS_FOR_A_MUTANT} runs")


def test_every_invariant_has_a_mutant() -> None:
    assert {mutant.invariant for mutant in MUTANTS} == {1, 2, 3, 4, 5, 6}


def run(seed: int) -> None:
    try:
        Simulation(seed).run()
    except Exception as failure:
        failure.add_note(f"repeat with: python -m tests.simulation --runs 1 --seed {seed}")
        raise
