"""A storm: the real service against the twin, with faults and kills by a seed; then every ledger is compared."""

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
from tests.api_keys import let_in
from tests.crash.aimed_freezes import GIVEN_UP_SECONDS, AimedFreeze, KillPause
from tests.crash.comparison import Comparison
from tests.crash.database_records import read_disputes, read_records
from tests.crash.external_client import ExternalClient
from tests.crash.fault_injector import FaultInjector
from tests.crash.feed_audit import FeedReader
from tests.crash.load_generators import LoadGenerator
from tests.crash.process_killer import ProcessKiller, each_step_in_turn
from tests.crash.replica import Replica, wait_until
from tests.crash.request_log import RequestLog
from tests.crash.restored_backup import copy_database, sent_again
from tests.crash.scoreboard import Scoreboard
from tests.crash.service_settings import service_environment
from tests.crash.worker_threads import Worker, raise_first_failure
from tests.encryption_keys import sealer_of

_LONGEST_SILENCE_SECONDS: Final = 60.0
# The time in which the service must learn of a dispute from a gateway that answers.
_LONGEST_LAG_SECONDS: Final = 30.0
# A dispute whose answer had no outcome in a long storm is looked at again after five minutes at the latest.
_LONGEST_PAUSE_SECONDS: Final = 330.0
# The gateway's dispute status -> the service's, where they differ.
_DISPUTE_STATES: Final = {"auto_accepted": "accepted", "disputed": "under_review"}
_READERS: Final = 3
_CALM_BEFORE_AN_AIM_SECONDS: Final = 4.0
# Paths that change transactions. A search without an answer is repeated, and only takes time.
_LOST_ANSWERS: Final = {"fault": "reset_after", "method": "POST", "path": "/transactions", "probability": 0.06}


class Storm:
    """One storm on one database."""

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
        self.request_log = RequestLog([replica.address for replica in self.replicas])
        self.readers: list[FeedReader] = []
        self._longest_lag_seconds = _LONGEST_LAG_SECONDS
        twin.control.set_webhook_address(f"http://{self.replicas[0].http_address}/webhooks/braintree")

    def close(self) -> None:
        self.request_log.close()
        for replica in self.replicas:
            replica.close()
        self.dispose()

    def dispose(self) -> None:
        """Close the database, and the replicas that the storm started itself."""
        self._engine.dispose()

    def ledger(self) -> list[LedgerEntry]:
        """The gateway's ledger."""
        return self._twin.control.ledger()

    def settle(self) -> None:
        """Run the gateway's settlement batch."""
        self._twin.control.settle()

    def delay_answers(self, seconds: float) -> None:
        """Delay each answer of the gateway."""
        self._twin.control.add_fault("delay", seconds=seconds)

    def delay_sales(self, seconds: float) -> None:
        """Delay each sale at the gateway."""
        self._twin.control.add_fault("delay", method="POST", path="/transactions", seconds=seconds)

    def delayed_sales(self) -> int:
        """The number of sales since `delay_sales`."""
        return sum(rule.struck for rule in self._twin.control.faults())

    def stop_faults(self) -> None:
        self._twin.control.clear_faults()

    def run(self, seconds: float, generators: int = 16) -> Scoreboard:
        self._longest_lag_seconds = _LONGEST_PAUSE_SECONDS
        self._create_customers()
        self._run_faults(seconds, generators)
        self.finish()
        return self.board

    def run_every_action(
        self, faults: Sequence[Mapping[str, Any]] = (), generators: int = 4, rounds: int = 1
    ) -> Scoreboard:
        """Make every kind of call without kills, with the given faults only; then compare."""
        self._create_customers()
        for replica in self.replicas:
            replica.start()
        self.request_log.reconnect(0)
        self._start_feed_readers()
        for number, fault in enumerate((_LOST_ANSWERS, *faults)):
            self._twin.control.add_fault(**fault, seed=self._seed + number)
        self._generate_load(generators, rounds)
        raise_first_failure(self.readers)
        self.stop_faults()
        return self.finish()

    def _generate_load(self, generators: int, rounds: int, *, nights: bool = True) -> None:
        external_client = ExternalClient(self._twin, self.request_log, self._seed)
        busy = [
            Worker(target=self._load_generator(number).do_everything, args=(rounds,)) for number in range(generators)
        ]
        for each in busy:
            each.start()
        while any(each.is_alive() for each in busy):
            busy[0].join(0.5)
            time.sleep(0.1)
            if nights:
                self.settle()
                external_client.refund_a_payment()
                external_client.adjust_a_payment()
        raise_first_failure(busy)

    def run_with_restore(self, database: Path, generators: int = 4) -> Scoreboard:
        """Restore a SQLite database from a backup with refunds that were sent since; then compare.

        What is forgotten, is forgotten, and Reconcile finds it. Nothing that is known is sent a second time.
        """
        [replica] = self.replicas
        backup = database.with_suffix(".backup")
        self._create_customers()
        replica.start()
        self.request_log.reconnect(0)
        self._generate_load(generators, 1, nights=False)
        self._copy_while_stopped(replica, database, backup)
        replica.start()
        self.request_log.reconnect(0)
        self._generate_load(generators, 1)
        self._wait_until_resolved()
        self._copy_while_stopped(replica, backup, database)
        replica.start()
        self.request_log.reconnect(0)
        # The disputes of payments that are forgotten stay unknown.
        self._wait_for_operations()
        records = read_records(self._store)
        self.board.operations = Counter(o.kind.value for record in records for o in record.payment.operations)
        log = self._twin.control.request_log()
        self.board.findings.double_sends += sent_again(log)
        self.board.findings.unresolved += [f"{self._open()} operations"] if self._open() else []
        return self.board

    def _copy_while_stopped(self, replica: Replica, source: Path, target: Path) -> None:
        """Copy the database while the replica is stopped."""
        replica.kill()
        self._engine.dispose()
        copy_database(source, target)

    def run_with_aimed_freeze(self, number: int = 0) -> Scoreboard:
        """Freeze one replica directly before it sends; then compare."""
        for replica in self.replicas:
            replica.start()
        draw = random.Random(f"{self._seed} aim {number}")  # noqa: S311
        AimedFreeze(self.request_log, self.replicas, self._twin.control, draw).freeze_before_a_call()
        return self.finish()

    def _load_generator(self, number: int) -> LoadGenerator:
        return LoadGenerator(self.request_log, self._seed, number)

    def finish(self, *, clocks_agree: bool = True) -> Scoreboard:
        """Wait until every outcome is known, and compare the ledgers. The replicas must run.

        Where the replicas' clocks were wrong, the times in the histories prove nothing.
        """
        self._wait_until_resolved()
        control = self._twin.control
        comparison = Comparison(self.board, self._store, control, self.request_log, self.replicas, self.readers)
        comparison.check_before_verification()
        self._verify()
        self._wait_for_disputes()
        comparison.check_at_the_end(clocks_agree=clocks_agree)
        return self.board

    def _create_customers(self) -> None:
        """Create a few customers and methods, before the faults."""
        for replica in self.replicas:
            replica.start()
        draw = random.Random(f"{self._seed} shop")  # noqa: S311
        client = self.request_log.patient[0]
        for number in range(3):
            customer = client.create_customer(given_name=f"Customer {number}")
            self.request_log.customers.append(customer.customer_id)
            asked = self.request_log.new(
                "add_payment_method", draw, customer_id=customer.customer_id, payment_method_nonce="fake-valid-nonce"
            )
            self.request_log.ask(client, asked)
        for replica in self.replicas:
            replica.kill()

    def _run_faults(self, seconds: float, count: int) -> None:
        fault_injector = FaultInjector(self._twin, self._seed)
        steps = each_step_in_turn(random.Random(f"{self._seed} steps"))  # noqa: S311
        kill_pause = KillPause()
        killers = [
            ProcessKiller(
                self.request_log,
                number,
                replica,
                random.Random(f"{self._seed} end of {number}"),  # noqa: S311
                self.board.kills,
                steps,
                kill_pause,
            )
            for number, replica in enumerate(self.replicas)
        ]
        generators = [self._load_generator(number) for number in range(count)]
        self._start_feed_readers()
        external_client = ExternalClient(self._twin, self.request_log, self._seed)
        begin = time.monotonic()
        fault_injector.start()
        for thread in (*killers, *generators, external_client):
            thread.start()
        try:
            self._settle_repeatedly(
                begin + seconds, kill_pause, fault_injector, (fault_injector, external_client, *killers, *generators)
            )
            self.board.storm_seconds = time.monotonic() - begin
        finally:
            for worker in (*generators, external_client, *killers, fault_injector):
                worker.stop()
        self.board.internal_errors += [each.problem for each in killers if each.problem]
        self.board.faults = fault_injector.struck
        for number, replica in enumerate(self.replicas):
            replica.kill()
            replica.start()
            self.request_log.reconnect(number)
        for generator in generators:
            generator.join(_LONGEST_SILENCE_SECONDS)
            if generator.is_alive():
                self.board.internal_errors.append(f"{generator.name} waits for ever")
        raise_first_failure((fault_injector, *killers, *generators, *self.readers))

    def _start_feed_readers(self) -> None:
        addresses = [replica.address for replica in self.replicas]
        self.readers = [FeedReader(addresses, self._seed, number) for number in range(_READERS)]
        for reader in self.readers:
            reader.start()

    def _settle_repeatedly(
        self, end: float, kill_pause: KillPause, fault_injector: FaultInjector, workers: Sequence[Worker]
    ) -> None:
        draw = random.Random(f"{self._seed} nights")  # noqa: S311
        next_aim = time.monotonic() + _CALM_BEFORE_AN_AIM_SECONDS
        while (left := end - time.monotonic()) > 0:
            if len(self.replicas) > 1 and time.monotonic() > next_aim and left > GIVEN_UP_SECONDS + 5:
                self._aim_a_freeze(kill_pause, fault_injector, draw)
                next_aim = time.monotonic() + _CALM_BEFORE_AN_AIM_SECONDS
            time.sleep(min(left, draw.uniform(1.5, 4)))
            raise_first_failure(workers)
            self._twin.control.settle()
            self._cut_database(draw)

    def _aim_a_freeze(self, kill_pause: KillPause, fault_injector: FaultInjector, draw: random.Random) -> None:
        fault_injector.lull.set()
        try:
            with kill_pause.declared(len(self.replicas)):
                self._twin.control.clear_faults()
                aim = AimedFreeze(self.request_log, self.replicas, self._twin.control, draw)
                draw.choice((aim.freeze_while_calls_wait, aim.freeze_before_a_call, aim.freeze_at_a_step))()
                self.board.kills["aimed freezes"] += 1
        finally:
            fault_injector.lull.clear()

    def _cut_database(self, draw: random.Random) -> None:
        """Close some of the connections to PostgreSQL, as a fail-over does."""
        if self._engine.dialect.name != "postgresql" or draw.random() < 0.5:
            return
        with self._engine.begin() as connection:
            cut = connection.exec_driver_sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            self.board.database_cuts += cut.scalar_one()

    def _wait_until_resolved(self) -> None:
        """Stop the faults; wait for operations, then for disputes."""
        self._wait_for_operations()
        self._wait_for_disputes()

    def _wait_for_operations(self) -> None:
        """Settle until nothing is open, or no operation has ended for a minute."""
        fewest, fewer_at = self._open(), time.monotonic()
        while fewest and time.monotonic() < fewer_at + _LONGEST_SILENCE_SECONDS:
            self._twin.control.settle()
            time.sleep(0.3)  # The resolver needs the processor more than this look does.
            if (now_open := self._open()) < fewest:
                fewest, fewer_at = now_open, time.monotonic()

    def _wait_for_disputes(self) -> None:
        if not wait_until(lambda: not self._disputes_behind(), self._longest_lag_seconds):
            behind = sorted(self._disputes_behind())
            self.board.findings.unresolved.append(f"after {self._longest_lag_seconds} s nobody has heard of {behind}")

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
        """Disputes with an open answer, or with a newer state at the gateway."""
        disputes = {each.report.gateway_dispute_id: each for each in read_disputes(self._store)}
        entries = self._twin.control.disputes()
        return {f"{entry.id}: {entry.status}" for entry in entries if _is_behind(disputes.get(entry.id), entry.status)}

    def _verify(self) -> None:
        """Call VerifyPayment for every payment, and count those that it corrects."""
        self._twin.control.settle()
        ids = [record.payment.terms.payment_id for record in read_records(self._store)]

        def verify(payment_id: str) -> None:
            client = self.request_log.patient[int(payment_id[-1], 36) % len(self.request_log.patient)]
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
def prepared_storm(database: str, seed: int, directory: Path, postgres_url: str = "") -> Iterator[Storm]:
    """A storm with its own database and directory."""
    url = postgres_url or f"sqlite:///{directory / 'bayar.db'}"
    with start_twin(directory, separate_control=True) as twin:
        storm = Storm(database, url, twin, directory, seed)
        try:
            yield storm
        finally:
            storm.close()
