"""A storm: the real service and a real gateway's twin, faults and kill -9 by a seed, and the count afterwards."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from adapters.persistence.migrate import upgrade
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from bayar.messages import BayarError
from bootstrap.wiring.clock_and_ids import UlidSource
from braintree_twin.control import LedgerEntry
from braintree_twin.testing import Twin, start_twin
from domain.dispute import Dispute
from tests.crash.aims import FEW_PLACES, GIVEN_UP_SECONDS, Aim, Truce
from tests.crash.comparison import Comparison
from tests.crash.executioner import Executioner, in_turn
from tests.crash.feed import FeedReader
from tests.crash.outsider import Outsider
from tests.crash.records import read_disputes, read_records
from tests.crash.replica import Replica, wait_until
from tests.crash.restored import copy_database, sent_again
from tests.crash.scoreboard import Scoreboard
from tests.crash.shoppers import Shopper
from tests.crash.town import Town
from tests.crash.victim_settings import service_environment
from tests.crash.weather import Weather
from tests.crash.worker import Worker, all_well
from tests.keys import let_in
from tests.sealing import sealer_of

_LONGEST_SILENCE_SECONDS: Final = 60.0
# How long the service may take to hear of a dispute from a gateway that answers.
_LONGEST_LAG_SECONDS: Final = 30.0
# A dispute whose answer had no outcome in a long storm is looked at again after five minutes at the latest.
_LONGEST_PAUSE_SECONDS: Final = 330.0
# The service's word for each of the gateway's that it does not use itself.
_DISPUTE_STATES: Final = {"auto_accepted": "accepted", "disputed": "under_review"}
_READERS: Final = 3
_CALM_BEFORE_AN_AIM_SECONDS: Final = 4.0
# Of what changes transactions. A search that has no answer is asked again, and only takes time.
_LOST_ANSWERS: Final = {"fault": "reset_after", "method": "POST", "path": "/transactions", "probability": 0.06}


class Storm:
    """Everything that runs, on one database."""

    def __init__(
        self,
        database: str,
        url: str,
        twin: Twin,
        directory: Path,
        seed: int,
        settings: Mapping[str, str] | None = None,
        replicas: Sequence[Replica] | None = None,
    ) -> None:
        self.board = Scoreboard(database, seed)
        self._seed = seed
        self._twin = twin
        self._engine = create_engine(url)
        upgrade(self._engine)
        let_in(self._engine)
        environment = service_environment(twin, url) | dict(settings or {})
        self._store = SqlStore(self._engine, UlidSource(), sealer_of(environment))
        names = ("one", "two") if database == "postgresql" else ("one",)
        self.replicas = replicas or [Replica(f"{database}-{name}", environment, directory) for name in names]
        self.town = Town([replica.address for replica in self.replicas])
        self.readers: list[FeedReader] = []
        self._longest_lag_seconds = _LONGEST_LAG_SECONDS
        twin.control.set_webhook_address(f"http://{self.replicas[0].http_address}/webhooks/braintree")

    def close(self) -> None:
        self.town.close()
        for replica in self.replicas:
            replica.close()
        self.dispose()

    def dispose(self) -> None:
        """Leaves the database, and the replicas to those who brought them."""
        self._engine.dispose()

    def ledger(self) -> list[LedgerEntry]:
        """Everything that the gateway has done."""
        return self._twin.control.ledger()

    def settle(self) -> None:
        """The gateway's night passes."""
        self._twin.control.settle()

    def slow_down(self, seconds: float) -> None:
        """The gateway thinks before each answer."""
        self._twin.control.add_fault("delay", seconds=seconds)

    def hold_up_sales(self, seconds: float) -> None:
        """The gateway thinks before each sale."""
        self._twin.control.add_fault("delay", method="POST", path="/transactions", seconds=seconds)

    def held_up(self) -> int:
        """How many sales have come since."""
        return sum(rule.struck for rule in self._twin.control.faults())

    def calm_down(self) -> None:
        self._twin.control.clear_faults()

    def run(self, seconds: float, shoppers: int = 16) -> Scoreboard:
        self._longest_lag_seconds = _LONGEST_PAUSE_SECONDS
        self._open_shop()
        self._rage(seconds, shoppers)
        self.finish()
        return self.board

    def exercise(self, faults: Sequence[Mapping[str, Any]] = (), shoppers: int = 4, rounds: int = 1) -> Scoreboard:
        """Nothing dies, and only some answers are lost: every habit of every shopper, and the same comparison."""
        self._open_shop()
        for replica in self.replicas:
            replica.start()
        self.town.connect_again(0)
        self._begin_to_read()
        for number, fault in enumerate((_LOST_ANSWERS, *faults)):
            self._twin.control.add_fault(**fault, seed=self._seed + number)
        self._be_busy(shoppers, rounds)
        all_well(self.readers)
        self.calm_down()
        return self.finish()

    def _be_busy(self, shoppers: int, rounds: int, *, nights: bool = True) -> None:
        outsider = Outsider(self._twin, self.town, self._seed)
        busy = [Worker(target=self._shopper(number).do_everything, args=(rounds,)) for number in range(shoppers)]
        for each in busy:
            each.start()
        while any(each.is_alive() for each in busy):
            busy[0].join(0.5)
            time.sleep(0.1)
            if nights:
                self.settle()
                outsider.refund_something()
        all_well(busy)

    def survive_a_restore(self, database: Path, shoppers: int = 4) -> Scoreboard:
        """A SQLite database comes back from an earlier moment, with refunds in it that were carried out since.

        What is forgotten, is forgotten, and Reconcile finds it. Nothing that is known is sent a second time.
        """
        [replica] = self.replicas
        backup = database.with_suffix(".backup")
        self._open_shop()
        replica.start()
        self.town.connect_again(0)
        self._be_busy(shoppers, 1, nights=False)
        self._stand_still(replica, database, backup)
        replica.start()
        self.town.connect_again(0)
        self._be_busy(shoppers, 1)
        self._calm()
        self._stand_still(replica, backup, database)
        replica.start()
        self.town.connect_again(0)
        self._calm()
        records = read_records(self._store)
        self.board.operations = Counter(o.kind.value for record in records for o in record.payment.operations)
        log = self._twin.control.request_log()
        self.board.verdict.double_sends += sent_again(log)
        self.board.verdict.unresolved += [f"{self._open()} operations"] if self._open() else []
        return self.board

    def _stand_still(self, replica: Replica, source: Path, target: Path) -> None:
        """Copies a database while nobody uses it."""
        replica.kill()
        self._engine.dispose()
        copy_database(source, target)

    def take_aim(self, number: int = 0) -> Scoreboard:
        """One replica freezes while calls wait in it, the other gives them up; and the same comparison."""
        for replica in self.replicas:
            replica.environment = FEW_PLACES
            replica.start()
        draw = random.Random(f"{self._seed} aim {number}")  # noqa: S311
        Aim(self.town, self.replicas, self._twin.control, draw).freeze_while_calls_wait()
        return self.finish()

    def _shopper(self, number: int) -> Shopper:
        return Shopper(self.town, self._seed, number)

    def finish(self, *, clocks_agree: bool = True) -> Scoreboard:
        """Waits until the service has found out everything, and compares the ledgers. Replicas must run.

        Where the replicas' clocks were wrong, the times in the histories prove nothing.
        """
        self._calm()
        control = self._twin.control
        comparison = Comparison(self.board, self._store, control, self.town, self.replicas, self.readers)
        comparison.before_anything_is_mended()
        self._verify()
        self._wait_for_disputes()
        comparison.at_the_end(clocks_agree=clocks_agree)
        return self.board

    def _open_shop(self) -> None:
        """A few customers and methods, before anything breaks."""
        for replica in self.replicas:
            replica.start()
        draw = random.Random(f"{self._seed} shop")  # noqa: S311
        client = self.town.patient[0]
        for number in range(3):
            customer = client.create_customer(given_name=f"Customer {number}")
            self.town.customers.append(customer.customer_id)
            asked = self.town.new(
                "add_payment_method", draw, customer_id=customer.customer_id, payment_method_nonce="fake-valid-nonce"
            )
            self.town.ask(client, asked)
        for replica in self.replicas:
            replica.kill()

    def _rage(self, seconds: float, count: int) -> None:
        weather = Weather(self._twin, self._seed)
        steps = in_turn(random.Random(f"{self._seed} steps"))  # noqa: S311
        truce = Truce()
        executioners = [
            Executioner(
                self.town,
                number,
                replica,
                random.Random(f"{self._seed} end of {number}"),  # noqa: S311
                self.board.kills,
                steps,
                truce,
            )
            for number, replica in enumerate(self.replicas)
        ]
        shoppers = [self._shopper(number) for number in range(count)]
        self._begin_to_read()
        outsider = Outsider(self._twin, self.town, self._seed)
        begin = time.monotonic()
        weather.start()
        for thread in (*executioners, *shoppers, outsider):
            thread.start()
        try:
            self._settle_now_and_then(begin + seconds, truce, weather, (weather, outsider, *executioners, *shoppers))
            self.board.storm_seconds = time.monotonic() - begin
        finally:
            for worker in (*shoppers, outsider, *executioners, weather):
                worker.stop()
        self.board.internal_errors += [each.problem for each in executioners if each.problem]
        self.board.faults = weather.struck
        for number, replica in enumerate(self.replicas):
            replica.kill()
            replica.start()
            self.town.connect_again(number)
        for shopper in shoppers:
            shopper.join(_LONGEST_SILENCE_SECONDS)
            if shopper.is_alive():
                self.board.internal_errors.append(f"{shopper.name} waits for ever")
        all_well((weather, *executioners, *shoppers, *self.readers))

    def _begin_to_read(self) -> None:
        addresses = [replica.address for replica in self.replicas]
        self.readers = [FeedReader(addresses, self._seed, number) for number in range(_READERS)]
        for reader in self.readers:
            reader.start()

    def _settle_now_and_then(self, end: float, truce: Truce, weather: Weather, workers: Sequence[Worker]) -> None:
        draw = random.Random(f"{self._seed} nights")  # noqa: S311
        next_aim = time.monotonic() + _CALM_BEFORE_AN_AIM_SECONDS
        while (left := end - time.monotonic()) > 0:
            if len(self.replicas) > 1 and time.monotonic() > next_aim and left > GIVEN_UP_SECONDS + 5:
                self._take_an_aim(truce, weather, draw)
                next_aim = time.monotonic() + _CALM_BEFORE_AN_AIM_SECONDS
            time.sleep(min(left, draw.uniform(1.5, 4)))
            all_well(workers)
            self._twin.control.settle()
            self._cut_database(draw)

    def _take_an_aim(self, truce: Truce, weather: Weather, draw: random.Random) -> None:
        weather.lull.set()
        try:
            with truce.declared(len(self.replicas)):
                self._twin.control.clear_faults()
                aim = Aim(self.town, self.replicas, self._twin.control, draw)
                draw.choice((aim.freeze_while_calls_wait, aim.freeze_while_calls_wait, aim.freeze_at_a_step))()
                self.board.kills["aimed freezes"] += 1
        finally:
            weather.lull.clear()

    def _cut_database(self, draw: random.Random) -> None:
        """Ends some of the connections to PostgreSQL, as a fail-over does."""
        if self._engine.dialect.name != "postgresql" or draw.random() < 0.5:
            return
        with self._engine.begin() as connection:
            cut = connection.exec_driver_sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            self.board.database_cuts += cut.scalar_one()

    def _calm(self) -> None:
        """No faults any more. The nights pass until nothing is open, or nothing has ended for a minute."""
        fewest, fewer_at = self._open(), time.monotonic()
        while fewest and time.monotonic() < fewer_at + _LONGEST_SILENCE_SECONDS:
            self._twin.control.settle()
            time.sleep(0.3)  # The resolver needs the processor more than this look does.
            if (now_open := self._open()) < fewest:
                fewest, fewer_at = now_open, time.monotonic()
        self._wait_for_disputes()

    def _wait_for_disputes(self) -> None:
        if not wait_until(lambda: not self._disputes_behind(), self._longest_lag_seconds):
            behind = sorted(self._disputes_behind())
            self.board.verdict.unresolved.append(f"after {self._longest_lag_seconds} s nobody has heard of {behind}")

    def _open(self) -> int:
        with self._engine.connect() as connection:
            operations = connection.exec_driver_sql(
                "SELECT count(*) FROM operations WHERE state IN ('scheduled', 'started')"
            ).scalar_one()
            methods = connection.exec_driver_sql(
                "SELECT count(*) FROM payment_methods WHERE state = 'pending'"
            ).scalar_one()
        return int(operations) + int(methods)

    def _disputes_behind(self) -> set[str]:
        """The disputes to which an answer is under way, or that the gateway has moved on since they were read."""
        disputes = {each.report.gateway_dispute_id: each for each in read_disputes(self._store)}
        entries = self._twin.control.disputes()
        return {f"{entry.id}: {entry.status}" for entry in entries if _is_behind(disputes.get(entry.id), entry.status)}

    def _verify(self) -> None:
        """Every payment brought up to date through the service, and then found in order."""
        self._twin.control.settle()
        ids = [record.payment.terms.payment_id for record in read_records(self._store)]

        def verify(payment_id: str) -> None:
            client = self.town.patient[int(payment_id[-1], 36) % len(self.town.patient)]
            for attempt in range(1, 4):
                try:
                    client.verify_payment(payment_id=payment_id)
                    return
                except BayarError as error:
                    if attempt == 3:
                        self.board.internal_errors.append(f"verify_payment {payment_id}: {error.message}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(verify, ids))


def _is_behind(dispute: Dispute | None, status: str) -> bool:
    if dispute is None or dispute.under_way is not None:
        return True
    return dispute.state.value != _DISPUTE_STATES.get(status, status)


@contextmanager
def brewing(database: str, seed: int, directory: Path, postgres_url: str = "") -> Iterator[Storm]:
    """A storm on a database of its own, in a directory of its own."""
    url = postgres_url or f"sqlite:///{directory / 'bayar.db'}"
    with start_twin(directory, separate_control=True) as twin:
        storm = Storm(database, url, twin, directory, seed)
        try:
            yield storm
        finally:
            storm.close()
