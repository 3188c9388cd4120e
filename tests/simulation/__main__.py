"""Runs the simulation: `python -m tests.simulation --runs 100000 --seed 1`."""

import argparse
import sys
import time
import traceback

from tests.simulation.simulation import Simulation


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="number of runs")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run; each next run adds one")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    asked = parser.parse_args()
    begin = time.monotonic()
    failures = payments = effects = steps = 0
    for seed in range(asked.seed, asked.seed + asked.runs):
        simulation = Simulation(seed)
        try:
            simulation.run()
        except Exception:
            failures += 1
            traceback.print_exc()
            print(f"seed {seed} fails: python -m tests.simulation --runs 1 --seed {seed}", file=sys.stderr)
            if not asked.keep_going:
                break
        payments += len(simulation.payments())
        effects += len(simulation.gateway.effects)
        steps += simulation.scheduler.steps
    seconds = time.monotonic() - begin
    print(f"{seed - asked.seed + 1} runs, {payments} payments, {effects} effects, {steps} steps, "
          f"{failures} failures, {seconds:.0f} s")  # fmt: skip
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
