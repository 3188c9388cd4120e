"""Processes that end, hang, or cannot start."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Final

import psutil  # type: ignore[import-untyped]

from bayar import BayarError
from tests.deploy.drills.drill import Drill, Plan
from tests.end_to_end.service import Service, until


def replicas_that_are_killed(drill: Drill) -> None:
    first, second = drill.stack.replicas
    second.kill()
    drill.fault("kill -9 to the second replica")
    drill.fires("BayarDown")
    drill.shell("curl -i http://bayar-2:8080/healthz")
    drill.shell("curl -i http://bayar-1:8080/readyz")
    first.kill()
    drill.say("kill -9 to the first one, too")
    drill.fires("BayarAbsent")
    drill.shell("curl -i http://bayar-1:8080/readyz")
    first.restart()
    second.restart()
    drill.say("both are started")
    drill.shell("curl -i http://bayar-1:8080/readyz")
    drill.is_over("BayarAbsent", "BayarDown")
    drill.resolved()


def workers_that_are_killed(drill: Drill) -> None:
    drill.fault("kill -9 to both workers, three times")
    for _ in range(3):
        killed = list(drill.stack.workers().values())
        for child in killed:
            child.kill()
        until(partial(_are_replaced, drill, killed), seconds=120, what="two new workers")
    drill.fires("BayarWorkersDying")
    drill.shell("curl -s http://bayar-1:8080/readyz")
    drill.log("was ended by|ended by itself|Another one starts")
    drill.is_over("BayarWorkersDying")
    drill.resolved()


def _are_replaced(drill: Drill, killed: list[psutil.Process]) -> bool:
    successors = drill.stack.workers().values()
    return len(successors) == 2 and not set(successors) & set(killed) and "2 of 2" in drill.ready()


def workers_that_cannot_start(drill: Drill) -> None:
    drill.fault("both workers are killed, and each successor hangs as it starts")
    done = threading.Event()
    for child in drill.stack.workers().values():
        child.kill()
    threading.Thread(target=_stop_all, args=(drill, done), daemon=True).start()
    drill.fires("BayarWorkersTooFew", "BayarWorkersMissing")
    drill.shell("curl -i http://bayar-1:8080/readyz")
    drill.log("was ended by|cannot start|Another one starts|unresponsive")
    done.set()
    for child in drill.stack.workers().values():
        with suppress(psutil.NoSuchProcess):
            child.resume()
    drill.say("they may go on")
    drill.is_over("BayarWorkersTooFew", "BayarWorkersMissing")
    drill.shell("curl -i http://bayar-1:8080/readyz")
    drill.resolved()


def _stop_all(drill: Drill, done: threading.Event) -> None:
    while not done.wait(0.05):
        for child in drill.stack.workers().values():
            with suppress(psutil.NoSuchProcess):
                child.suspend()


def a_log_that_nobody_reads(drill: Drill) -> None:
    drill.stack.logs[0].pause()
    drill.fault("the reader of the log hangs, and many calls are logged")
    done = threading.Event()
    for _ in range(8):
        threading.Thread(target=_look_up_nothing, args=(drill.stack.service, done), daemon=True).start()
    drill.fires("BayarLogLinesDropped")
    drill.query("sum by (instance) (bayar_log_lines_dropped_total)")
    drill.shell("bayar audit list --limit 2")
    done.set()
    drill.stack.logs[0].go_on()
    drill.say("it reads again")
    drill.is_over("BayarLogLinesDropped")


def _look_up_nothing(service: Service, done: threading.Event) -> None:
    """Each call is a line of the log, and each process keeps 4 MB of lines that nobody reads yet."""
    client = service.client()
    while not done.is_set():
        with suppress(BayarError):
            client.get_payment(payment_id="pay_01kb0000000000000000000000")


PROCESS_DRILLS: Final = (
    Plan(("BayarAbsent", "BayarDown"), replicas_that_are_killed, replicas=2),
    Plan(("BayarWorkersDying",), workers_that_are_killed),
    Plan(("BayarWorkersTooFew", "BayarWorkersMissing"), workers_that_cannot_start),
    Plan(("BayarLogLinesDropped",), a_log_that_nobody_reads),
)
