"""A storm: the real service and a real gateway's twin, faults and kill -9 by a seed, and the count afterwards."""

from __future__ import annotations

import random
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.persistence.engine import create_engine
from adapters.persistence.migrate import upgrade
from adapters.persistence.store import SqlStore
from bayar import BayarError, PaymentMethod
from bootstrap.runtime import SortableIds
from braintree_twin.control import LedgerEntry
from braintree_twin.testing import Twin, start_twin
from tests.crash.ledgers import OPEN, Verdict, compare, read_records, seconds_to_resolve
from tests.crash.replica import Replica, wait_until
from tests.crash.shoppers import Answer, Shopper, Town
from tests.crash.steps import STEPS
from tests.crash.weather import READ_TIMEOUT_SECONDS, Weather
from tests.crash.worker import Worker, all_well
from tests.keys import let_in
from tests.sealing import sealer_of

CONNECT_TIMEOUT_SECONDS: Final = 2.0
# Longer than the gateway works on a request that nobody waits for, with room for a busy machine.
ABSENCE_HORIZON_SECONDS: Final = 6.0
# Longer than one call with all its timeouts.
LEASE_SECONDS: Final = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS + 3
_FIRST_CHECK_SECONDS: Final = 0.3
_LONGEST_LIFE_SECONDS: Final = 2.5
_LONGEST_SILENCE_SECONDS: Final = 60.0
_DRAIN_SECONDS: Final = 15.0
# Longer than a lease, an absence horizon and all together: whoever sleeps that long has been given up.
_LONG_SLEEP_SECONDS: Final = 20.0


@dataclass(slots=True)
class Scoreboard:
    """What a storm was, and what it did."""

    database: str
    seed: int
    storm_seconds: float = 0.0
    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    payments: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    database_cuts: int = 0
    found_after: list[float] = field(default_factory=list)
    proven_absent_after: list[float] = field(default_factory=list)
    internal_errors: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and not self.internal_errors

    def __str__(self) -> str:
        at_steps = {name: count for name, count in self.kills.items() if name in STEPS}
        other = {name: count for name, count in self.kills.items() if name not in STEPS}
        rows = [
            ("database", f"{self.database}, storm of {self.storm_seconds:.0f} s, SEED={self.seed}"),
            ("requests", str(self.requests)),
            ("answers", f"{self.answers.total()}: {_told(self.answers)}"),
            ("payments", str(self.payments)),
            ("operations", f"{self.operations.total()}: {_told(self.operations)}"),
            ("kills", f"{sum(at_steps.values())} at {len(at_steps)} of {len(STEPS)} named steps; {_told(other)}"),
            ("database cuts", str(self.database_cuts)),
            ("faults", f"{self.faults.total()}: {_told(self.faults)}"),
            ("found later", _spread(self.found_after)),
            ("proven absent", _spread(self.proven_absent_after)),
            ("double charges", str(len(self.verdict.double_charges))),
            ("lost payments", str(len(self.verdict.lost_payments))),
            ("wrong states", str(len(self.verdict.wrong_states))),
            ("unresolved", str(len(self.verdict.unresolved))),
            ("faults in us", str(len(self.internal_errors))),
        ]
        return "\n".join(f"{name:<16}{value}" for name, value in rows)


def _told(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda each: -each[1])) or "none"


def _kind(answer: Answer) -> str:
    if isinstance(answer, BayarError):
        return answer.reason or answer.code.name
    if isinstance(answer, PaymentMethod):
        return "OK"
    return "OK, not known yet" if any(o.state in OPEN for o in answer.operations) else "OK"


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    return f"{len(seconds)}, after {statistics.median(seconds):.1f} s (p50), {max(seconds):.1f} s (max)"


class Executioner(Worker):
    """Lets a replica live for a moment, and ends it: at a named step, at a random moment, or politely."""

    def __init__(
        self, town: Town, number: int, replica: Replica, draw: random.Random, kills: Counter[str], steps: Iterator[str]
    ) -> None:
        super().__init__(name="executioner", daemon=True)
        self._town = town
        self._number = number
        self._replica = replica
        self._draw = draw
        self._kills = kills
        self._steps = steps
        self._stopping = threading.Event()
        self.problem = ""

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def work(self) -> None:
        while not self._stopping.is_set():
            self._one_life()

    def _one_life(self) -> None:
        how = self._draw.choices(("step", "moment", "politely", "nap", "long sleep"), (60, 25, 8, 6, 1))[0]
        step = next(self._steps) if how == "step" else ""
        busy = step.startswith(("caller start", "caller call", "caller outcome"))
        self._replica.start(step, self._draw.choice((1, 1, 2, 5)) if busy else 1)
        self._town.connect_again(self._number)
        if self._replica.wait_for_death(self._draw.uniform(0.1, _LONGEST_LIFE_SECONDS)) is not None:
            # Without a step: its database was cut while it started.
            self._kills[step or "failed starts"] += 1
            return
        if how == "nap":
            self._sleep(self._draw.uniform(0.5, 3))
        elif how == "long sleep":
            self._sleep(_LONG_SLEEP_SECONDS)
        if how == "politely":
            self._replica.signal(signal.SIGTERM)
            if self._replica.wait_for_death(_DRAIN_SECONDS) != 0:
                self.problem = f"a polite stop ended with {self._replica.kill()}"
            self._kills["polite stops"] += 1
            return
        self._replica.kill()
        self._kills["at random moments"] += 1

    def _sleep(self, seconds: float) -> None:
        """As a machine that hangs: nothing runs, and then everything goes on."""
        self._replica.signal(signal.SIGSTOP)
        self._stopping.wait(seconds)
        self._replica.signal(signal.SIGCONT)
        self._kills["freezes"] += 1
        self._replica.wait_for_death(1)


class Storm:
    """Everything that runs, on one database."""

    def __init__(
        self, database: str, url: str, twin: Twin, directory: Path, seed: int, settings: Mapping[str, str] | None = None
    ) -> None:
        self.board = Scoreboard(database, seed)
        self._seed = seed
        self._twin = twin
        self._engine = create_engine(url)
        upgrade(self._engine)
        let_in(self._engine)
        environment = service_environment(twin, url) | dict(settings or {})
        self._store = SqlStore(self._engine, SortableIds(), sealer_of(environment))
        names = ("one", "two") if database == "postgresql" else ("one",)
        self.replicas = [Replica(f"{database}-{name}", environment, directory) for name in names]
        self.town = Town([replica.address for replica in self.replicas])

    def close(self) -> None:
        self.town.close()
        for replica in self.replicas:
            replica.close()
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

    def calm_down(self) -> None:
        self._twin.control.clear_faults()

    def run(self, seconds: float, shoppers: int = 16) -> Scoreboard:
        self._open_shop()
        self._rage(seconds, shoppers)
        self.finish()
        return self.board

    def finish(self) -> Scoreboard:
        """Waits until the service has found out everything, and compares the ledgers. Replicas must run."""
        self._calm()
        self._verify()
        self._count()
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
        steps = _in_turn(random.Random(f"{self._seed} steps"))  # noqa: S311
        executioners = [
            Executioner(
                self.town,
                number,
                replica,
                random.Random(f"{self._seed} end of {number}"),  # noqa: S311
                self.board.kills,
                steps,
            )
            for number, replica in enumerate(self.replicas)
        ]
        shoppers = [Shopper(self.town, self._seed, number) for number in range(count)]
        begin = time.monotonic()
        weather.start()
        for thread in (*executioners, *shoppers):
            thread.start()
        try:
            self._settle_now_and_then(begin + seconds, (weather, *executioners, *shoppers))
            self.board.storm_seconds = time.monotonic() - begin
        finally:
            for worker in (*shoppers, *executioners, weather):
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
        all_well((weather, *executioners, *shoppers))

    def _settle_now_and_then(self, end: float, workers: Sequence[Worker]) -> None:
        draw = random.Random(f"{self._seed} nights")  # noqa: S311
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, draw.uniform(1.5, 4)))
            all_well(workers)
            self._twin.control.settle()
            self._cut_database(draw)

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
        """No faults any more. The nights pass until nothing is open."""

        def is_quiet() -> bool:
            self._twin.control.settle()
            records = self._open()
            return not records

        wait_until(is_quiet, _LONGEST_SILENCE_SECONDS, every_seconds=0.5)

    def _open(self) -> int:
        with self._engine.connect() as connection:
            operations = connection.exec_driver_sql(
                "SELECT count(*) FROM operations WHERE state IN ('scheduled', 'started')"
            ).scalar_one()
            methods = connection.exec_driver_sql(
                "SELECT count(*) FROM payment_methods WHERE state = 'pending'"
            ).scalar_one()
        return int(operations) + int(methods)

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

    def _count(self) -> None:
        board = self.board
        records = read_records(self._store)
        board.requests = len(self.town.asked)
        board.answers = Counter(_kind(answer) for asked in self.town.asked for answer in asked.answers)
        board.payments = len(records)
        board.operations = Counter(o.kind.value for record in records for o in record.payment.operations)
        board.found_after, board.proven_absent_after = seconds_to_resolve(records)
        board.internal_errors += self.town.faults
        board.verdict = compare(records, self._twin.control.ledger(), self.town.asked, self._store)


def _in_turn(draw: random.Random) -> Iterator[str]:
    """Every step before any comes again."""
    lock = threading.Lock()
    waiting: list[str] = []

    class Turns:
        def __iter__(self) -> Iterator[str]:
            return self

        def __next__(self) -> str:
            with lock:
                if not waiting:
                    waiting.extend(draw.sample(STEPS, len(STEPS)))
                return waiting.pop()

    return Turns()


def service_environment(twin: Twin, url: str) -> dict[str, str]:
    """The settings of a service that meets a storm."""
    return {
        "BAYAR_DATABASE_URL": url,
        "BAYAR_BRAINTREE_ENVIRONMENT": "twin",
        "BAYAR_BRAINTREE_URL": twin.url,
        "BAYAR_BRAINTREE_CA_FILE": str(twin.ca_file),
        "BAYAR_BRAINTREE_MERCHANT_ID": twin.merchant_id,
        "BAYAR_BRAINTREE_PUBLIC_KEY": twin.public_key,
        "BAYAR_BRAINTREE_PRIVATE_KEY": twin.private_key,
        "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": "USD=twin_usd",
        "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": str(CONNECT_TIMEOUT_SECONDS),
        "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": str(READ_TIMEOUT_SECONDS),
        "BAYAR_ABSENCE_HORIZON_SECONDS": str(ABSENCE_HORIZON_SECONDS),
        "BAYAR_FIRST_CHECK_SECONDS": str(_FIRST_CHECK_SECONDS),
        "BAYAR_RESOLVER_INTERVAL_SECONDS": "0.1",
        "BAYAR_STOP_GRACE_SECONDS": "10",
        "BAYAR_HTTP_ADDRESS": "127.0.0.1:0",
        # All its shoppers pay with one card.
        "BAYAR_DECLINES_PER_CARD": "0",
        "BAYAR_LOG_LEVEL": "warning",
        "VICTIM_LEASE_SECONDS": str(LEASE_SECONDS),
    }


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
