"""Keys that are issued, used and revoked while the service runs, and the audit log that tells of it."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import time
import uuid
from typing import Any

import grpc
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from application.audit.audit_log import Audit
from application.ports.audit_log import AuditKind
from bayar.messages import BayarClient, BayarError, RetryPolicy
from bayar.payments.v1.admin_service_pb2 import ListUnresolvedOperationsRequest, ResolveOperationRequest
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from bayar.payments.v1.event_service_pb2 import StreamEventsRequest
from bayar.payments.v1.event_service_pb2_grpc import EventServiceStub
from tests.api_keys import ACTOR
from tests.end_to_end.service import Pair, run_bayar, until
from tests.fakes.ids import CountingIds
from tests.fakes.runtime import ManualClock


def outcome(pair: Pair, key: str) -> str:
    with BayarClient(pair.service.address, credential=key, retry=RetryPolicy(attempts=1)) as bayar:
        try:
            list(bayar.list_payments())
        except BayarError as error:
            return error.reason
    return "OK"


def entries(pair: Pair) -> list[dict[str, Any]]:
    listed = run_bayar("audit", "list", "--json", "--limit", "0", environment=pair.service.environment)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def test_a_key_is_shown_once_works_at_once_and_ends_within_seconds(pair: Pair) -> None:
    environment = pair.service.environment
    created = run_bayar("keys", "create", "shop", "--scopes", "payments:read", environment=environment)
    assert created.returncode == 0, created.stderr
    key = created.stdout.strip()
    assert key not in created.stderr
    assert outcome(pair, key) == "OK"
    assert outcome(pair, key[:-1] + ("A" if key[-1] != "A" else "B")) == "CREDENTIAL_INVALID"
    key_id = key.removeprefix("bayar_")[:30]
    for listed in (("keys", "list"), ("keys", "list", "--json")):
        shown = run_bayar(*listed, environment=environment).stdout
        assert key_id in shown
        assert key[len("bayar_") + 31 :] not in shown
    assert key[len("bayar_") + 31 :].encode() not in pair.database.read_bytes()
    until(lambda: "last_use_time" in _of(pair, key_id) and _of(pair, key_id)["last_use_time"], what="the last use")
    assert run_bayar("keys", "revoke", key_id, environment=environment).returncode == 0
    until(lambda: outcome(pair, key) == "CREDENTIAL_REVOKED", what="the end of the key")
    told = {entry["kind"]: entry for entry in entries(pair) if entry["subject"] == key_id}
    assert set(told) == {"key_created", "key_revoked"}
    until(lambda: [e for e in entries(pair) if key_id in e["outcome"] and e["kind"] == "access_refused"])
    assert key not in pair.service.log


def test_the_streams_of_a_key_end_once_another_process_revoked_it(pair: Pair) -> None:
    environment = pair.service.environment
    created = run_bayar("keys", "create", "listener", "--scopes", "events:read", environment=environment)
    key = created.stdout.strip()
    with BayarClient(pair.service.address, credential=key, retry=RetryPolicy(attempts=1)) as bayar:
        stream = EventServiceStub(bayar.channel).StreamEvents(StreamEventsRequest(), timeout=60)
        next(stream)
        revoked = run_bayar("keys", "revoke", key.removeprefix("bayar_")[:30], environment=environment)
        began = time.monotonic()
        assert revoked.returncode == 0, revoked.stderr
        with pytest.raises(grpc.RpcError) as ended:
            list(stream)
    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert time.monotonic() - began < 10, "two looks of 2.5 s, and some"


def _of(pair: Pair, key_id: str) -> dict[str, Any]:
    lines = run_bayar("keys", "list", "--json", environment=pair.service.environment).stdout.splitlines()
    return next(one for one in map(json.loads, lines) if one["key_id"] == key_id)


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "sh/op"),
        ("create", "shop", "--scopes", "everything"),
        ("create", "shop", "--scopes", ""),
        ("create", "shop", "--customer", "nobody"),
        ("create", "shop", "--scopes", "admin", "--customer", "cus_" + "0" * 26),
        ("create", "shop", "--expires-days", "-1"),
        ("revoke", "key_unknown"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_with_the_reason(arguments: tuple[str, ...], pair: Pair) -> None:
    run = run_bayar("keys", *arguments, environment=pair.service.environment)
    assert run.returncode in (1, 2)
    assert run.stderr.startswith("bayar: ")
    assert run.stdout == ""


def test_an_administrators_calls_are_written_down_with_what_came_of_them(pair: Pair, bayar: BayarClient) -> None:
    stub = AdminServiceStub(bayar.channel)
    stub.ListUnresolvedOperations(ListUnresolvedOperationsRequest())
    operation_id = "op_" + "0" * 26
    with pytest.raises(grpc.RpcError):
        stub.ResolveOperation(
            ResolveOperationRequest(request_id=str(uuid.uuid4()), operation_id=operation_id, reason="a secret thing")
        )
    told = [e for e in entries(pair) if e["details"].get("operation_id") == operation_id]
    assert [(e["kind"], e["actor"], e["outcome"]) for e in told] == [
        ("admin_call_ended", ACTOR, "OPERATION_NOT_FOUND"),
        ("admin_call_begun", ACTOR, ""),
    ]
    assert "a secret thing" not in json.dumps(told)
    assert any(e["subject"].endswith("/ListUnresolvedOperations") and e["outcome"] == "OK" for e in entries(pair))


@pytest.mark.parametrize("change", ["UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries"])
def test_the_database_itself_keeps_the_audit_log(change: str, engine: Engine) -> None:
    from adapters.persistence.store import SqlStore
    from tests.encryption_keys import SEALER

    Audit(SqlStore(engine, CountingIds(), SEALER), ManualClock(), CountingIds()).write(
        AuditKind.ADMIN_CALL_BEGUN, "shop", "x"
    )
    replacing = "REPLACE INTO audit_entries SELECT * FROM audit_entries"
    for statement in (change, "TRUNCATE audit_entries" if engine.dialect.name == "postgresql" else replacing):
        with pytest.raises(DBAPIError, match="append only"), engine.begin() as connection:
            connection.execute(text(statement))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT actor FROM audit_entries")).scalars().all() == ["shop"]


def test_the_audit_log_is_verified_from_its_first_entry_to_its_last(pair: Pair) -> None:
    AdminServiceStub(pair.service.client().channel).ListUnresolvedOperations(ListUnresolvedOperationsRequest())
    whole = run_bayar("audit", "verify", environment=pair.service.environment)
    assert whole.returncode == 0, whole.stderr
    head = re.findall(r"--head the next time: (\d+:[0-9a-f]{64})$", whole.stdout, re.MULTILINE)[0]
    until(lambda: f"audit log head {head}" in pair.service.log)
    again = run_bayar("audit", "verify", "--head", head, environment=pair.service.environment)
    assert again.returncode == 0, again.stdout
    with contextlib.closing(sqlite3.connect(pair.database)) as database, database:
        database.execute("DROP TRIGGER audit_entries_no_update")
        database.execute("UPDATE audit_entries SET actor = 'nobody' WHERE kind = 'admin_call_begun'")
    broken = run_bayar("audit", "verify", environment=pair.service.environment)
    assert broken.returncode == 1
    assert re.match(r"The audit log is broken at \d+ \(aud_\w+\): the entry is not what was written", broken.stdout)
    nonsense = run_bayar("audit", "verify", "--head", "1:x", environment=pair.service.environment)
    assert nonsense.returncode == 2
