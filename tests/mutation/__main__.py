"""Shows which share of the mutants of the core is caught by the tests that run in seconds."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from math import comb
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.worktree import Workplace, stages_for

TREE = Path(__file__).resolve().parents[2]
FOLDERS = ["src/domain", "src/application"]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
GOAL = 0.95
SURPRISE = 0.01
"""A sample fails once so few caught mutants would come with a smaller probability than this, were the goal met."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("folders", nargs="*", default=FOLDERS, help="folders or files to mutate")
    parser.add_argument("--sample", type=int, default=0, help="how many mutants, drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="draws the same sample again")
    parser.add_argument("--workers", type=int, default=2, help="how many mutants at once")
    asked = parser.parse_args()

    mutants = mutants_of(TREE, asked.folders)
    drawn = mutants
    if asked.sample:
        drawn = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))  # noqa: S311  # no secret
    equivalent = known_as_equivalent()
    candidates = [mutant for mutant in drawn if mutant.name(TREE) not in equivalent]
    print(f"{len(mutants)} mutants; {len(drawn)} drawn, {len(drawn) - len(candidates)} of them known as equivalent")
    survivors, total = [], Counter[str]()
    for mutant, is_caught in _try_all(candidates, asked.workers):
        total[mutant.path] += 1
        if not is_caught:
            survivors.append(mutant)
            print(f"survived: {mutant.name(TREE)}  (line {mutant.line}, {mutant.operator})", flush=True)
    return _report(survivors, total)


def _report(survivors: list[Mutant], total: Counter[str]) -> int:
    survived = Counter(mutant.path for mutant in survivors)
    for path in sorted(total):
        print(f"{path:<52}{total[path] - survived[path]:>5} of {total[path]:<5}")
    caught, tried = total.total() - len(survivors), total.total()
    print(f"{caught} of {tried} mutants caught: {caught / max(tried, 1):.1%} (goal {GOAL:.0%})")
    return 1 if chance_of_at_most(caught, tried) < SURPRISE else 0


def chance_of_at_most(caught: int, tried: int) -> float:
    """The probability that at most so many of a sample are caught where the goal is just met."""
    return sum(comb(tried, k) * GOAL**k * (1 - GOAL) ** (tried - k) for k in range(caught + 1))


def known_as_equivalent() -> frozenset[str]:
    """Names of mutants that no test can catch, each with its reason."""
    with EQUIVALENT.open("rb") as file:
        return frozenset(entry["mutant"] for entry in tomllib.load(file).get("equivalent", []) if entry["reason"])


_workplace: Workplace


def _begin(folder: str) -> None:
    global _workplace
    sys.dont_write_bytecode = True
    _workplace = Workplace.copy_of(TREE, Path(tempfile.mkdtemp(dir=folder)))


def _catches(mutant: Mutant, stages: list[list[str]]) -> bool:
    return _workplace.catches(mutant, stages)


def _try_all(mutants: list[Mutant], workers: int) -> Iterator[tuple[Mutant, bool]]:
    with tempfile.TemporaryDirectory() as folder:
        coverage = Workplace.copy_of(TREE, Path(tempfile.mkdtemp(dir=folder))).coverage()
        with ProcessPoolExecutor(workers, initializer=_begin, initargs=(folder,)) as pool:
            stages = [stages_for(mutant, coverage) for mutant in mutants]
            yield from zip(mutants, pool.map(_catches, mutants, stages), strict=True)


if __name__ == "__main__":
    sys.exit(main())
