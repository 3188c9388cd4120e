"""Runs the storm: `make crash`, or `python -m tests.crash --seconds 600 --seed 7 --database postgresql`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.api_keys import in_environment
from tests.crash.scoreboard import Scoreboard
from tests.crash.storm import prepared_storm


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the storm lasts on each database")
    parser.add_argument("--seed", type=int, default=None, help="what decides every draw (default: a new one)")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--generators", type=int, default=16, help="the number of load generators at once")
    parser.add_argument("--keep", type=Path, help="where to keep databases and logs (default: nowhere)")
    asked = parser.parse_args()
    seed = random.randrange(1_000_000) if asked.seed is None else asked.seed  # noqa: S311
    databases = ("sqlite", "postgresql") if asked.database == "both" else (asked.database,)
    clean = [_run(database, seed, asked) for database in databases]
    return 0 if all(clean) else 1


def _run(database: str, seed: int, asked: argparse.Namespace) -> bool:
    print(f"SEED={seed}, {asked.seconds:.0f} s on {database} ...", flush=True)
    with ExitStack() as stack:
        stack.enter_context(in_environment())
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="bayar-storm-"))
        directory = Path(temporary)
        if asked.keep is not None:
            directory = asked.keep / f"{database}-{seed}"
            directory.mkdir(parents=True)
        url = ""
        if database == "postgresql":
            from tests.databases import running_postgres

            url = stack.enter_context(running_postgres()).new_database()
        storm = stack.enter_context(prepared_storm(database, seed, directory, url))
        board = storm.run(asked.seconds, asked.generators)
    _tell(board, asked)
    return board.is_clean


def _tell(board: Scoreboard, asked: argparse.Namespace) -> None:
    print(board, flush=True)
    for line in (*board.findings.lines(), *board.internal_errors):
        print(line, file=sys.stderr)
    if not board.is_clean:
        print(
            f"To see it again: make crash DATABASE={board.database} SECONDS={asked.seconds:g} SEED={board.seed} "
            "(the draws are the same; threads and processes race as they like)",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
