"""The restore drill: traffic, a backup, more traffic, the backup again; held, reconciled, released. Nothing twice."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from bayar.messages import BayarClient, BayarError, CaptureMode, Payment, PaymentState
from bayar.payments.v1.admin_service_pb2 import (
    Finding,
    FindingKind,
    FindingRemedy,
    ManualResolution,
    OrphanPolicy,
    ReconcileProgress,
    ReconcileRequest,
    ResolveOperationRequest,
)
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from braintree_twin.testing import Twin, start_twin
from tests.databases import Postgres, running_postgres
from tests.end_to_end.payment_steps import an_order, pay, usd
from tests.end_to_end.service import Service, environment_of, run_bayar, until
from tests.order_ids import operation_of

HALF_AN_HOUR = timedelta(minutes=30)
UNDONE = frozenset({"voided", "processor_declined", "gateway_rejected", "failed"})


@dataclass(frozen=True)
class Database:
    """One that can be backed up while nobody is connected, and brought back as it was."""

    url: str
    back_up: Callable[[], Callable[[], None]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as postgres:
        yield postgres


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    with start_twin(tmp_path) as twin:
        yield twin


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        path, backup = tmp_path / "bayar.db", tmp_path / "backup.db"

        def restore_file() -> None:
            for left in tmp_path.glob("bayar.db*"):
                left.unlink()
            shutil.copy(backup, path)

        def copy_file() -> Callable[[], None]:
            shutil.copy(path, backup)
            return restore_file

        yield Database(f"sqlite:///{path}", copy_file)
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new_database()

    def copy_database() -> Callable[[], None]:
        copy = server.copy(url)
        return lambda: server.replace(url, copy)

    yield Database(url, copy_database)
    server.drop(url)


def reconcile(bayar: BayarClient, max_reversals: int = 0) -> tuple[list[Finding], ReconcileProgress]:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(datetime.now(UTC) - HALF_AN_HOUR)
    end.FromDatetime(datetime.now(UTC) + HALF_AN_HOUR)
    policy = OrphanPolicy.ORPHAN_POLICY_REVERSE if max_reversals else OrphanPolicy.ORPHAN_POLICY_REPORT
    request = ReconcileRequest(from_time=start, until_time=end, orphan_policy=policy, max_reversals=max_reversals)
    told = list(AdminServiceStub(bayar.channel).Reconcile(request, timeout=60))
    assert told[-1].progress.done
    return [one.finding for one in told if one.HasField("finding")], told[-1].progress


def mend(bayar: BayarClient, found: Finding) -> None:
    match found.remedy:
        case FindingRemedy.FINDING_REMEDY_VERIFY_PAYMENT:
            bayar.verify_payment(payment_id=found.payment_id)
        case FindingRemedy.FINDING_REMEDY_CHECK_NOW:
            check = ResolveOperationRequest(
                request_id=str(uuid.uuid4()),
                operation_id=found.operation_id,
                resolution=ManualResolution.MANUAL_RESOLUTION_CHECK_NOW,
            )
            AdminServiceStub(bayar.channel).ResolveOperation(check, timeout=30)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(BayarError) as refusal:
        call()
    return str(refusal.value.reason)


def test_a_restored_backup_is_reconciled_and_sends_nothing_twice(
    database: Database, twin: Twin, tmp_path: Path
) -> None:
    environment = environment_of(twin, database.url)
    assert run_bayar("migrate", environment=environment).returncode == 0
    service = Service(environment, tmp_path / "bayar.log")

    def now(payment: Payment) -> Payment:
        return bayar.get_payment(payment_id=payment.payment_id)

    def captured(payment: Payment) -> Payment | None:
        return now(payment) if now(payment).state == PaymentState.PAYMENT_STATE_CAPTURED else None

    try:
        service.start()
        bayar = service.client()
        returned, kept = pay(bayar, "100.00"), pay(bayar, "40.00")
        held = [pay(bayar, "50.00", capture_mode=CaptureMode.CAPTURE_MODE_MANUAL) for _ in range(3)]
        scheduled = bayar.refund_payment(payment_id=returned.payment_id, amount=usd("30.00"))
        assert scheduled.refunded_amount.minor_units == 0
        service.stop()
        restore = database.back_up()

        service.restart()
        bayar = service.client()
        bayar.capture_payment(payment_id=held[0].payment_id)
        bayar.capture_payment(payment_id=held[1].payment_id, amount=usd("20.00"))
        bayar.void_payment(payment_id=held[2].payment_id)
        twin.control.settle()
        until(lambda: [one for one in twin.control.ledger() if one.type == "credit"])
        bayar.verify_payment(payment_id=kept.payment_id)
        bayar.refund_payment(payment_id=kept.payment_id, amount=usd("10.00"))
        forgotten = {"request_id": str(uuid.uuid4()), "reference": an_order()}
        pay(bayar, "70.00", **forgotten)
        pay(bayar, "80.00", capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
        twin.control.settle()
        service.stop()

        restore()
        refusal = run_bayar("background", "hold", "--reason", "card 4012 8888 8888 1881", environment=environment)
        assert (refusal.returncode, "4012" in refusal.stderr) == (2, False)
        holding = run_bayar("background", "hold", "--reason", "restored", environment=environment)
        assert (holding.returncode, "SERVICE_HELD" in holding.stderr) == (0, True)
        ledger = twin.control.ledger()
        service.restart()
        bayar = service.client()
        assert "bayar background release" in service.log
        assert refused(lambda: pay(bayar, "70.00", **forgotten)) == "SERVICE_HELD"
        assert refused(lambda: bayar.refund_payment(payment_id=kept.payment_id)) == "SERVICE_HELD"
        assert now(returned).refunded_amount.minor_units == 0

        findings, progress = reconcile(bayar)
        assert twin.control.ledger() == ledger
        assert {one.kind for one in findings} == {FindingKind.FINDING_KIND_MISMATCH, FindingKind.FINDING_KIND_ORPHAN}
        assert progress.orphan_count == 2
        for one in findings:
            mend(bayar, one)
        reversed_now, progress = reconcile(bayar, max_reversals=progress.orphan_count)
        assert {one.kind for one in reversed_now} == {FindingKind.FINDING_KIND_ORPHAN_REVERSED}
        assert progress.reversed_count == 2
        assert reconcile(bayar)[0] == []

        released = run_bayar("background", "release", environment=environment)
        assert released.returncode == 0
        paid = until(lambda: _accepted(lambda: pay(bayar, "70.00", **forgotten)))
        assert captured(paid)
        until(lambda: now(returned).refunded_amount == usd("30.00"))
        assert now(kept).refunded_amount == usd("10.00")
        assert [now(one).captured_amount.minor_units for one in held] == [50_00, 20_00, 0]
        assert reconcile(bayar)[0] == []
        effects = Counter(one.order_id for one in twin.control.ledger() if one.status not in UNDONE)
        assert set(effects.values()) == {1}
        taken = sum(float(one.amount) for one in twin.control.ledger() if one.type == "credit")
        assert taken == 30 + 10 + 70
    finally:
        service.close()


def _accepted(call: Callable[[], Payment]) -> Payment | None:
    """The payment, once the service is no longer held."""
    try:
        return call()
    except BayarError as error:
        if error.reason != "SERVICE_HELD":
            raise
        return None


def test_two_databases_on_one_merchant_account_leave_each_other_alone(twin: Twin, tmp_path: Path) -> None:
    services = []
    try:
        for name in ("one", "two"):
            environment = environment_of(twin, f"sqlite:///{tmp_path / name}.db")
            services.append(Service(environment, tmp_path / f"{name}.log"))
            services[-1].start()
        ours, others = (service.client() for service in services)
        theirs = {pay(others).operations[0].operation_id for _ in range(3)}
        pay(ours)
        ledger = twin.control.ledger()
        findings, progress = reconcile(ours, max_reversals=10)
        assert [one.kind for one in findings] == [FindingKind.FINDING_KIND_FOREIGN] * 3
        assert (progress.orphan_count, progress.reversed_count) == (0, 0)
        assert twin.control.ledger() == ledger
        assert theirs <= {operation_of(one.order_id) for one in ledger}
    finally:
        for service in services:
            service.close()


def test_a_copy_with_a_mark_of_its_own_leaves_the_original_alone(twin: Twin, tmp_path: Path) -> None:
    original, copy = tmp_path / "original.db", tmp_path / "copy.db"
    service = Service(environment_of(twin, f"sqlite:///{original}"), tmp_path / "original.log")
    copied = Service(environment_of(twin, f"sqlite:///{copy}"), tmp_path / "copy.log")
    try:
        service.start()
        before = pay(service.client())
        service.stop()
        shutil.copy(original, copy)
        service.restart()
        pay(service.client())
        assert run_bayar("background", "new-mark", environment=copied.environment).returncode == 0
        copied.start()
        findings, progress = reconcile(copied.client(), max_reversals=10)
        assert [one.kind for one in findings] == [FindingKind.FINDING_KIND_FOREIGN]
        assert progress.reversed_count == 0
        assert copied.client().get_payment(payment_id=before.payment_id).state == PaymentState.PAYMENT_STATE_CAPTURED
    finally:
        service.close()
        copied.close()
