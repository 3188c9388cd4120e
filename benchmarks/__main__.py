"""Measures Bayar beside its peers, in turns within the same minutes, and writes the table.

python -m benchmarks                     # some minutes
python -m benchmarks --full              # an hour or two: more rounds, 10 million payments
python -m benchmarks --only reads
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from benchmarks import measures
from benchmarks.report import Report
from benchmarks.stage import Stage
from braintree_twin.testing import start_twin

Number = TypeVar("Number", int, float)


def _positive(kind: Callable[[str], Number]) -> Callable[[str], Number]:
    def read(text: str) -> Number:
        number = kind(text)
        if number <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return number

    return read


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="more and longer rounds, and the largest sizes")
    parser.add_argument("--rounds", type=_positive(int), help="how often each pair is measured in turn")
    parser.add_argument("--seconds", type=_positive(float), help="how long each load lasts")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks"), help="where table, JSON and plots go")
    parser.add_argument(
        "--only", nargs="*", default=[], choices=measures.ALL, metavar="MEASURE", help=", ".join(measures.ALL)
    )
    given = parser.parse_args()
    rounds = given.rounds or (7 if given.full else 3)
    seconds = given.seconds or (12 if given.full else 5)
    report = Report(rounds, seconds)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bayar-bench-")))
        (directory / "twin").mkdir()
        twin = stack.enter_context(start_twin(directory / "twin"))
        stage = Stage(twin, directory, rounds, seconds, given.full, stack)
        for name, measure in measures.ALL.items():
            if not given.only or name in given.only:
                print(f"measuring: {name} ...", flush=True)
                try:
                    report.add(*measure(stage))
                except Exception as error:
                    # The others are still worth having, and the table says what is missing.
                    traceback.print_exc()
                    report.fail(name, error)
    report.write(given.output)
    print(report.table())
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
