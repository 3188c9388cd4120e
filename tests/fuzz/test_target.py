"""The seed inputs of the fuzzer reach the use cases."""

from __future__ import annotations

from tests.fuzz.target import UNARY, Target


def test_every_seed_is_answered_or_refused() -> None:
    target = Target()
    seeds = list(target.seeds())
    assert len(seeds) == len(UNARY)
    for seed in seeds:
        target(seed)
        target(seed[:-1])
    target(b"")
