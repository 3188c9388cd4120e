"""Measures Bayar beside its peers, in turns within the same minutes, and writes the table.

python -m benchmarks                     # a few minutes
python -m benchmarks --rounds 7 --seconds 15
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import measures
from benchmarks.report import Report
from benchmarks.stage import Stage
from braintree_twin.testing import start_twin


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured in turn")
    parser.add_argument("--seconds", type=float, default=6, help="how long each load lasts")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks"), help="where table, JSON and plots go")
    parser.add_argument("--only", nargs="*", default=[], help="some measures: " + ", ".join(measures.ALL))
    given = parser.parse_args()
    report = Report(rounds=given.rounds, seconds=given.seconds)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bayar-bench-")))
        (directory / "twin").mkdir()
        twin = stack.enter_context(start_twin(directory / "twin"))
        stage = Stage(twin, directory, given.rounds, given.seconds, stack)
        for name, measure in measures.ALL.items():
            if not given.only or name in given.only:
                print(f"measuring: {name} ...", flush=True)
                report.add(*measure(stage))
    report.write(given.output)
    print(report.table())


if __name__ == "__main__":
    main()
