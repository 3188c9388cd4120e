"""A rolling upgrade under load from the version before, and back again on the new schema, without an error that a
client's retry does not hide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.persistence.migrate import current, last_migration
from adapters.persistence.sql.engine import create_engine
from bayar.messages import BayarClient, Operation, PaymentState
from braintree_twin.testing import Twin, start_twin
from tests.databases import Postgres
from tests.end_to_end.service import environment_of
from tests.order_ids import operation_of
from tests.upgrade import version_before
from tests.upgrade.fleet import SHOPPERS, Fleet, Shoppers, Version

_AFTER = Version("after", "")
# A killed process' operations are looked up once their lease is over: the timeouts and fifteen seconds.
HASTE = {
    "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "3",
    "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "0.5",
    "BAYAR_ABSENCE_HORIZON_SECONDS": "2",
    "BAYAR_STOP_DELAY_SECONDS": "0.5",
    "BAYAR_GRPC_THREADS": "8",
    "BAYAR_DATABASE_CONNECTIONS": "12",
}
_LEASE_SECONDS = 18.5
# Six starts and stops of each replica; seconds on a quiet machine, minutes on a busy one.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> version_before.VersionBefore:
    return version_before.unpack(tmp_path_factory.mktemp("version_before"))


@pytest.fixture(scope="module")
def before(old: version_before.VersionBefore) -> Version:
    return Version("before", old.python_path)


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    with start_twin(tmp_path) as twin:
        yield twin


@pytest.fixture
def environment(request: pytest.FixtureRequest, tmp_path: Path, twin: Twin) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield environment_of(twin, f"sqlite:///{tmp_path}/bayar.db", HASTE | {"BAYAR_WORKERS": "1"})
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.new_database()
    yield environment_of(twin, url, HASTE | {"BAYAR_WORKERS": "2"})
    postgres.drop(url)


@pytest.fixture
def fleet(environment: dict[str, str], tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(environment, tmp_path)
    try:
        yield fleet
    finally:
        fleet.close()


def test_the_version_before_knows_fewer_migrations(old: version_before.VersionBefore) -> None:
    assert version_before.last_migration_in(old.folders[0].parent) < last_migration()


@pytest.mark.parametrize("environment", ["sqlite", "postgresql"], indirect=True)
def test_an_upgrade_and_its_way_back_show_no_error_to_callers(
    fleet: Fleet, before: Version, old: version_before.VersionBefore, twin: Twin
) -> None:
    assert before.run("migrate", environment=fleet.environment).returncode == 0
    fleet.start(before)
    shoppers = Shoppers(fleet.address)
    with shoppers.at_work():
        shoppers.some_more()
        migrated = _AFTER.run("migrate", environment=fleet.environment)
        assert migrated.returncode == 0, migrated.stderr
        shoppers.some_more()
        fleet.kill_a_process(before)
        shoppers.some_more()
        fleet.roll(_AFTER)
        shoppers.some_more()
        _go_back(fleet, before)
        shoppers.some_more()
        fleet.kill_a_process(before)
        fleet.roll(_AFTER)
        shoppers.some_more()
    assert shoppers.errors == []
    assert "Traceback" not in fleet.log, fleet.log[-4000:]
    _came_before_a_kill(shoppers.never_sent, fleet.kills)
    assert f"This version ({old.last_migration}) runs on it" in fleet.log
    _compare(shoppers, fleet, twin)


def _go_back(fleet: Fleet, before: Version) -> None:
    """A release is taken back without its data: the schema stays, and so do its rows."""
    check = before.run("migrate", "--check", environment=fleet.environment)
    assert (check.returncode, "of a newer version" in check.stdout) == (0, True), check.stdout + check.stderr
    again = before.run("migrate", environment=fleet.environment)
    assert (again.returncode, "there is nothing to migrate" in again.stdout) == (0, True), again.stderr
    engine = create_engine(fleet.environment["BAYAR_DATABASE_URL"])
    assert current(engine) == last_migration()
    engine.dispose()
    fleet.roll(before)


def _came_before_a_kill(never_sent: list[Operation], kills: list[datetime]) -> None:
    """Only a kill -9 between the record and the first byte leaves an operation that the gateway never gets."""
    for operation in never_sent:
        ages = [(kill - operation.create_time.ToDatetime(UTC)).total_seconds() for kill in kills]
        assert any(0 <= age < _LEASE_SECONDS for age in ages), operation
    assert len(never_sent) <= len(kills) * SHOPPERS


def _compare(shoppers: Shoppers, fleet: Fleet, twin: Twin) -> None:
    """Each payment is charged once, and reads as it did when it was made, whichever version made it."""
    sales = Counter(operation_of(one.order_id) for one in twin.control.ledger() if one.type == "sale")
    assert len(shoppers.paid) > 30
    with BayarClient(fleet.address) as bayar:
        for then in shoppers.paid:
            now = bayar.get_payment(payment_id=then.payment_id)
            assert (now.amount, now.reference, now.state) == (then.amount, then.reference, then.state)
            assert now.state != PaymentState.PAYMENT_STATE_PENDING
            assert not any(sales[one.operation_id] for one in now.operations if one.failure_reason)
            authorizations = [sales[one.operation_id] for one in now.operations if one.operation_id in sales]
            assert authorizations in ([1], [1, 1]), (now, authorizations)
    assert Decimal(0) <= sum(Decimal(one.amount) for one in twin.control.ledger())


# On SQLite the new version migrates at its start.
@pytest.mark.parametrize("environment", ["postgresql"], indirect=True)
def test_the_new_version_refuses_to_start_before_the_migration_and_leaves_the_old_one_alone(
    fleet: Fleet, before: Version
) -> None:
    assert before.run("migrate", environment=fleet.environment).returncode == 0
    fleet.start(before)
    refused = _AFTER.run("serve", environment=fleet.environment)
    assert refused.returncode == 1
    assert "run `bayar migrate` first" in refused.stderr
    assert "Traceback" not in refused.stderr
    with BayarClient(fleet.address) as bayar:
        assert list(bayar.list_payments()) == []
    assert _AFTER.run("migrate", "--check", environment=fleet.environment).returncode == 3
