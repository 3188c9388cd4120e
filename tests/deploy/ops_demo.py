"""python -m tests.deploy.ops_demo [--output FOLDER] [--write]: a day of an operator, compressed into eight minutes.

Starts PostgreSQL, the twin, two replicas of the service and a real Prometheus. Shops pay all the while, faults come and
go, alerts fire and end. Then the dashboard is drawn from Prometheus' data. --write puts pictures and story into
docs/operate/ops-demo.md. --seconds 40 is a short one, for tests.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from bayar import BayarError
from bayar.messages import BayarClient, money
from bayar.payments.v1.payment_pb2 import PaymentState
from deploy.grafana.dashboard import OUTPUT
from deploy.grafana.picture import file_name, picture, rows_of
from deploy.grafana.prometheus_data import Window
from deploy.grafana.svg import Mark
from tests.deploy.drills.stack import Stack, drill_seconds, running_stack
from tests.deploy.prometheus_server import faster
from tests.deploy.tools import ROOT
from tests.end_to_end.payment_steps import AMEX, MASTERCARD, VISA, a_card, pay
from tests.end_to_end.service import until

_DAY_SECONDS: Final = 480.0
_SHOPS: Final = 4
_POINTS: Final = 150
_PAGE: Final = ROOT / "docs" / "operate" / "ops-demo.md"
_CARDS: Final = (VISA, VISA, VISA, MASTERCARD, MASTERCARD, AMEX)
_CURRENCIES: Final = ("USD", "USD", "EUR", "IDR")


@dataclass(frozen=True, slots=True)
class Moment:
    """Of the story: when, as a share of the day; its sentence; and the act."""

    share: float
    sentence: str
    act: Callable[[Day], None]


@dataclass(slots=True)
class Day:
    stack: Stack
    seconds: float
    start: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    decline_share: float = 0.04
    end: threading.Event = field(default_factory=threading.Event)

    def now(self) -> str:
        seconds = int(time.time() - self.start)
        return f"{seconds // 60}:{seconds % 60:02}"

    def say(self, text: str) -> None:
        self.story.append(text)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _shop(day: Day, number: int) -> None:
    """Pays, captures, voids, refunds and looks, as shops do, with the client's retries."""
    draw = random.Random(number)  # noqa: S311 (traffic)
    client = day.stack.replicas[number % 2].client(retries=True, timeout_seconds=20)
    while not day.end.wait(draw.uniform(0.05, 0.5)):
        with suppress(BayarError):
            _one_order(day, client, draw)


def _one_order(day: Day, client: BayarClient, draw: random.Random) -> None:
    if draw.random() < day.decline_share:
        pay(client, f"{draw.choice((2000, 2001, 2005, 2010))}.00", card=a_card(draw.choice(_CARDS)))
        return
    currency = draw.choice(_CURRENCIES)
    amount = money(f"{draw.randint(1, 90)}{'000' if currency == 'IDR' else ''}.00", currency)
    payment = pay(client, amount, card=a_card(draw.choice(_CARDS)))
    client.get_payment(payment_id=payment.payment_id)
    if payment.state == PaymentState.PAYMENT_STATE_CAPTURED and draw.random() < 0.15:
        client.refund_payment(payment_id=payment.payment_id)
    if draw.random() < 0.2:
        client.list_payments(page_size=20)


def _kill_a_worker(day: Day) -> None:
    next(iter(day.stack.workers().values())).kill()


def _slow_gateway(day: Day) -> None:
    day.stack.twin.control.add_fault("delay", seconds=1.5)


def _silent_gateway(day: Day) -> None:
    day.stack.twin.control.clear_faults()
    day.stack.twin.control.add_fault("delay", seconds=30)


def _well_gateway(day: Day) -> None:
    day.stack.twin.control.clear_faults()


def _more_declines(day: Day) -> None:
    day.decline_share = 0.85


def _fewer_declines(day: Day) -> None:
    day.decline_share = 0.04


def _no_database(day: Day) -> None:
    day.stack.postgres.crash()


def _database(day: Day) -> None:
    day.stack.postgres.start()


def _failing_endpoint(day: Day) -> None:
    day.stack.endpoint.status = 500


def _well_endpoint(day: Day) -> None:
    day.stack.endpoint.status = 204


def _update(day: Day) -> None:
    for replica in reversed(day.stack.replicas):
        replica.ask_to_stop(signal.SIGTERM)
        replica.wait(120)
        replica.restart()


def _settle(day: Day) -> None:
    day.stack.twin.control.settle()


_STORY: Final = (
    Moment(0.08, "a worker is killed, as by a machine without memory; the supervisor replaces it", _kill_a_worker),
    Moment(0.14, "the gateway's answers take a second and a half", _slow_gateway),
    Moment(0.24, "the gateway takes payments and answers none", _silent_gateway),
    Moment(0.33, "the gateway answers; the resolver finds what was lost", _well_gateway),
    Moment(0.44, "somebody tests stolen cards", _more_declines),
    Moment(0.54, "the card tester gives up", _fewer_declines),
    Moment(0.60, "PostgreSQL is killed", _no_database),
    Moment(0.65, "PostgreSQL is back", _database),
    Moment(0.71, "the shop's endpoint for events answers 500", _failing_endpoint),
    Moment(0.77, "a rolling update restarts one replica after the other", _update),
    Moment(0.90, "the shop's endpoint answers again", _well_endpoint),
    Moment(0.94, "the gateway settles the day", _settle),
)


def _watch_alerts(day: Day) -> None:
    """Tells when alerts begin and end."""
    firing: set[str] = set()
    while not day.end.wait(1):
        with suppress(OSError):
            now = {str(alert["labels"]["alertname"]) for alert in day.stack.prometheus.alerts()}
            for name in sorted(now - firing):
                day.say(f"{day.now():>5}      {name} fires")
            for name in sorted(firing - now):
                day.say(f"{day.now():>5}      {name} is over")
            firing = now


def live_through(day: Day) -> None:
    day.start = time.time()
    threads = [threading.Thread(target=_shop, args=(day, number), daemon=True) for number in range(_SHOPS)]
    threads.append(threading.Thread(target=_watch_alerts, args=(day,), daemon=True))
    for thread in threads:
        thread.start()
    for number, moment in enumerate(_STORY, start=1):
        due = day.start + moment.share * day.seconds
        until(partial(_is_past, due), seconds=day.seconds + 60, what="the next moment")
        day.marks.append(Mark(time.time(), str(number)))
        day.say(f"{day.now():>5}  {number:>2}  {moment.sentence}")
        moment.act(day)
    finish = day.start + day.seconds
    until(partial(_is_past, finish), seconds=day.seconds + 60, what="the end of the day")
    day.end.set()


def _is_watched(day: Day) -> bool:
    return day.stack.prometheus.value("sum(up)") == 2 and not day.stack.prometheus.alerts()


def _is_past(moment: float) -> bool:
    return time.time() >= moment


def draw(day: Day, folder: Path) -> list[Path]:
    """Each row of the dashboard over the whole day; and the first row as it stood while the gateway was silent."""
    folder.mkdir(parents=True, exist_ok=True)
    end = max(day.start + day.seconds, time.time())
    window = Window(day.start, end, max(1.0, (end - day.start) / _POINTS))
    rows = list(rows_of(json.loads(OUTPUT.read_text("utf-8"))))
    url = day.stack.prometheus.url
    found = []
    for title, panels in rows:
        found.append(folder / file_name(title))
        found[-1].write_text(picture(panels, url, window, _expression, day.marks), "utf-8")
    silent_end = day.marks[3].time
    title, panels = rows[0]
    stats = [panel for panel in panels if panel["type"] in {"stat", "row"}]
    until_then = Window(day.start, silent_end, window.step)
    found.append(folder / "now-while-the-gateway-is-silent.svg")
    found[-1].write_text(picture(stats, url, until_then, _expression), "utf-8")
    return found


def _expression(text: str) -> str:
    """With durations on the clock of the rules, and rates over ten seconds."""
    return faster(text.replace("$__rate_interval", "5m").replace("$instance", ".*"), drill_seconds)


def _write_page(day: Day) -> None:
    page = _PAGE.read_text("utf-8")
    story = "\n".join(day.story)
    _PAGE.write_text(re.sub(r"(?s)```text\n.*?\n```", lambda _: f"```text\n{story}\n```", page, count=1), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=_DAY_SECONDS, help="the length of the day (default: 480)")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "ops-demo", metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="put pictures and story into docs/operate/ops-demo.md")
    parsed = parser.parse_args()
    settings = {"BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "3", "BAYAR_STOP_DELAY_SECONDS": "2"}
    with running_stack(settings, replicas=2, callers=0) as stack:
        day = Day(stack, parsed.seconds)
        sys.stdout.write(f"Prometheus: {stack.prometheus.url}\n\n")
        until(partial(_is_watched, day), seconds=60, what="both replicas in Prometheus")
        live_through(day)
        files = draw(day, parsed.output)
    sys.stdout.write("\n" + "".join(f"{file}\n" for file in files))
    if parsed.write:
        (_PAGE.parent / "pictures").mkdir(exist_ok=True)
        for file in files:
            shutil.copy(file, _PAGE.parent / "pictures")
        _write_page(day)
    return 0


if __name__ == "__main__":
    sys.exit(main())
