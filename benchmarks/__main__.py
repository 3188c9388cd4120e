"""Benchmarks: measures Bayar and its peers in turns within the same minutes, and writes the report.

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
from benchmarks.environment import Environment
from benchmarks.report import Report
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
    parser.add_argument("--rounds", type=_positive(int), help="number of rounds of each pair")
    parser.add_argument("--seconds", type=_positive(float), help="duration of each load in seconds")
    parser.add_argument(
        "--output", type=Path, default=Path("docs/benchmarks"), help="directory of the table, the JSON and the plots"
    )
    parser.add_argument(
        "--only", nargs="*", default=[], choices=measures.ALL, metavar="MEASURE", help=", ".join(measures.ALL)
    )
    arguments = parser.parse_args()
    rounds = arguments.rounds or (7 if arguments.full else 3)
    seconds = arguments.seconds or (12 if arguments.full else 5)
    report = Report(rounds, seconds)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bayar-bench-")))
        (directory / "twin").mkdir()
        twin = stack.enter_context(start_twin(directory / "twin"))
        environment = Environment(twin, directory, rounds, seconds, arguments.full, stack)
        for name, measure in measures.ALL.items():
            if not arguments.only or name in arguments.only:
                print(f"measuring: {name} ...", flush=True)
                try:
                    report.add(*measure(environment))
                except Exception as error:
                    # The others are still worth having, and the table says what is missing.
                    traceback.print_exc()
                    report.fail(name, error)
                # A run that is interrupted keeps what it has.
                report.write(arguments.output)
    print(report.table())
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
