"""python -m tests.deploy.drills [--write] [NAME or ALERT...]: makes each alert fire by a real fault.

Each drill starts PostgreSQL, the twin, the service with two workers, and a real Prometheus, and pays all the while. It
makes its fault, waits for its alerts, runs the commands of their pages, and waits until they are over. A minute of the
rules lasts two seconds, and anything longer than half an hour one minute; nothing else of them is changed. --write puts
the transcripts into docs/operate/runbooks.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from tests.deploy.drills.database_drills import DATABASE_DRILLS
from tests.deploy.drills.drill import Drill, Plan, needs_curl
from tests.deploy.drills.event_drills import EVENT_DRILLS
from tests.deploy.drills.gateway_drills import GATEWAY_DRILLS
from tests.deploy.drills.payment_drills import PAYMENT_DRILLS
from tests.deploy.drills.process_drills import PROCESS_DRILLS
from tests.deploy.drills.stack import running_stack
from tests.deploy.tools import ROOT

PLANS: Final = (*GATEWAY_DRILLS, *DATABASE_DRILLS, *PAYMENT_DRILLS, *PROCESS_DRILLS, *EVENT_DRILLS)
_PAGES: Final = ROOT / "docs" / "operate" / "runbooks"
_HEADING: Final = "\n## Drill\n"


def run(plan: Plan) -> list[str]:
    with running_stack(plan.settings, plan.replicas) as stack:
        drill = Drill(stack)
        plan.run(drill)
        return drill.lines


def write(plan: Plan, lines: list[str]) -> None:
    """Puts the transcript at the end of each page."""
    text = "\n".join(lines)
    head = f"`make alert-drill ARGS={plan.name}` printed this. A minute of the rule lasted two seconds."
    drill = f"{_HEADING}\n{head}\n\n```text\n{text}\n```\n"
    for alert in plan.alerts:
        page = _PAGES / f"{alert}.md"
        page.write_text(page.read_text("utf-8").partition(_HEADING)[0] + drill, "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the transcripts into the pages")
    parser.add_argument("names", nargs="*", help="drills or alerts; without them all")
    parsed = parser.parse_args()
    needs_curl()
    failed = []
    for plan in PLANS:
        if parsed.names and not {plan.name, *plan.alerts} & set(parsed.names):
            continue
        sys.stdout.write(f"\n{plan.name.replace('_', ' ').capitalize()}: {', '.join(plan.alerts)}\n")
        try:
            lines = run(plan)
        except AssertionError as problem:
            sys.stdout.write(f"FAILED: {problem}\n")
            failed.append(plan.name)
            continue
        if parsed.write:
            write(plan, lines)
    if failed:
        sys.stdout.write(f"\nFailed: {', '.join(failed)}\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
