"""API keys: made, shown once, listed, revoked; and what a key that is shown says of its caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from application.access.issue_key import IssueKey
from application.access.last_used_recorder import LastUsedRecorder
from application.access.manage_api_keys import CreateApiKey, ListApiKeys, RevokeApiKey
from application.common.api_key import ApiKey, format_key, is_caller_id, parse_key
from application.common.caller import EVERY_SCOPE, Scope
from application.common.errors import (
    AuthFailure,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    ResourceKind,
    Rule,
    StoreUnavailable,
)
from application.ports.audit_log import AuditEntry, AuditKind
from domain.events import SERVICE, OnBehalf
from domain.ids import CustomerId
from tests.fakes.ids import CountingIds
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import START, ManualClock

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
SCOPES = frozenset({Scope.PAYMENTS_WRITE, Scope.PAYMENTS_READ})
CUSTOMER = CustomerId("cus_00000000000000000000000001")


class FailingStore(MemoryStore):
    is_down = False

    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> Any:
        if self.is_down:
            raise StoreUnavailable("down")
        return super().begin(actor, on_behalf)


class Office:
    """Where keys are managed."""

    def __init__(self) -> None:
        self.clock, self.ids = ManualClock(), CountingIds()
        self.store = FailingStore(self.ids)
        self.asked_bytes: list[int] = []
        self.create = CreateApiKey(IssueKey(self.store, self.clock, self.ids, self._random_bytes))
        self.list = ListApiKeys(self.store)
        self.revoke = RevokeApiKey(self.store, self.clock, self.ids)
        self.uses = LastUsedRecorder(self.store)

    def _random_bytes(self, count: int) -> bytes:
        self.asked_bytes.append(count)
        return bytes([len(self.asked_bytes)] * count)

    def audit(self) -> list[AuditEntry]:
        """Newest first."""
        with self.store.read() as work:
            return work.audit.page(after=None, limit=100)

    def kept(self, key: ApiKey) -> ApiKey:
        with self.store.read() as work:
            found = work.api_keys.get(key.key_id)
        assert found is not None
        return found


@pytest.fixture
def office() -> Office:
    return Office()


# Making one


def test_a_new_key_is_shown_once_and_only_the_digest_of_its_secret_is_kept(office: Office) -> None:
    key, shown = office.create("shop", SCOPES)
    assert office.asked_bytes == [32]
    key_id, secret = parse_key(shown)
    assert key_id == key.key_id
    assert len(secret) == 43
    assert office.kept(key) == key
    assert secret not in repr(key) + key.secret_hash
    assert (key.caller_id, key.scopes, key.create_time) == ("shop", SCOPES, START)
    assert (key.customer_id, key.note, key.expire_time, key.revoke_time, key.last_use_time) == (
        None,
        "",
        None,
        None,
        None,
    )
    caller = key.caller(secret, START)
    assert (caller.caller_id, caller.scopes, caller.customer_id, caller.credential) == (
        "shop",
        SCOPES,
        None,
        key.key_id,
    )


def test_a_key_can_be_bound_to_a_customer_and_run_out(office: Office) -> None:
    key, shown = office.create("shop", SCOPES, customer_id=CUSTOMER, note="the app of Ann", expire_time=START + SECOND)
    assert (key.customer_id, key.note, key.expire_time) == (CUSTOMER, "the app of Ann", START + SECOND)
    assert key.caller(parse_key(shown)[1], START).customer_id == CUSTOMER


def test_making_a_key_is_written_to_the_audit_log(office: Office) -> None:
    office.clock.advance(MINUTE)
    bound, _ = office.create("shop", SCOPES, customer_id=CUSTOMER)
    office.clock.advance(MINUTE)
    free, _ = office.create("shop", frozenset({Scope.ADMIN}))
    newest, first = office.audit()
    assert (first.kind, first.actor, first.subject, first.outcome, first.time, first.count) == (
        AuditKind.KEY_CREATED,
        "command line",
        bound.key_id,
        "OK",
        START + MINUTE,
        1,
    )
    assert first.details == {"caller_id": "shop", "customer_id": CUSTOMER, "scopes": "payments:read payments:write"}
    assert (newest.subject, newest.details["customer_id"], newest.details["scopes"]) == (free.key_id, "", "admin")
    assert newest.entry_id != first.entry_id


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"caller_id": ""}, [("caller_id", Rule.CALLER_ID)]),
        ({"caller_id": "4111111111111111"}, [("caller_id", Rule.NO_CARD_DATA)]),
        ({"scopes": frozenset()}, [("scopes", Rule.REQUIRED)]),
        ({"customer_id": "no id"}, [("customer_id", Rule.ID)]),
        ({"customer_id": CUSTOMER, "scopes": EVERY_SCOPE}, [("scopes", Rule.NOT_FOR_CUSTOMERS)]),
        ({"note": "card 4111111111111111"}, [("note", Rule.NO_CARD_DATA)]),
        ({"expire_time": START}, [("expire_time", Rule.AFTER)]),
        ({"expire_time": START - SECOND}, [("expire_time", Rule.AFTER)]),
        (
            {"caller_id": "a/b", "scopes": frozenset(), "note": "\0"},
            [("caller_id", Rule.CALLER_ID), ("scopes", Rule.REQUIRED), ("note", Rule.NO_CONTROL_CHARACTERS)],
        ),
    ],
)
def test_a_key_that_would_be_wrong_is_refused_and_not_made(
    office: Office, changes: dict[str, Any], faults: list[tuple[str, Rule]]
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        office.create(**{"caller_id": "shop", "scopes": SCOPES, **changes})
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == faults
    assert (office.list(), office.audit(), office.asked_bytes) == ([], [], [])


def test_a_key_of_no_customer_may_do_everything(office: Office) -> None:
    assert office.create("shop", EVERY_SCOPE)[0].scopes == EVERY_SCOPE


# Listing and revoking


def test_every_key_is_listed_newest_first(office: Office) -> None:
    made = []
    for _ in range(3):
        made.append(office.create("shop", SCOPES)[0])
        office.clock.advance(SECOND)
    assert office.list() == made[::-1]


def test_a_revoked_key_is_of_no_use_from_that_moment_on_and_stays_revoked(office: Office) -> None:
    key, shown = office.create("shop", SCOPES)
    office.clock.advance(MINUTE)
    revoked = office.revoke(key.key_id)
    assert revoked == office.kept(key)
    assert revoked.revoke_time == START + MINUTE
    revoked.caller(parse_key(shown)[1], START + MINUTE - SECOND)
    with pytest.raises(NotAuthenticated) as refusal:
        revoked.caller(parse_key(shown)[1], START + MINUTE)
    assert (refusal.value.refusal, refusal.value.detail) == (AuthFailure.REVOKED, key.key_id)
    office.clock.advance(MINUTE)
    assert office.revoke(key.key_id) == revoked
    assert [(entry.kind, entry.subject, entry.time) for entry in office.audit()] == [
        (AuditKind.KEY_REVOKED, key.key_id, START + MINUTE),
        (AuditKind.KEY_CREATED, key.key_id, START),
    ]


def test_a_key_that_is_not_there_is_not_revoked(office: Office) -> None:
    with pytest.raises(NotFound) as refusal:
        office.revoke("key_unknown")
    assert (refusal.value.kind, refusal.value.resource_id) == (ResourceKind.API_KEY, "key_unknown")
    assert office.audit() == []


# Showing one


def test_a_key_runs_out_at_its_time_and_not_before(office: Office) -> None:
    key, shown = office.create("shop", SCOPES, expire_time=START + MINUTE)
    secret = parse_key(shown)[1]
    key.caller(secret, START + MINUTE - SECOND)
    with pytest.raises(NotAuthenticated) as refusal:
        key.caller(secret, START + MINUTE)
    assert (refusal.value.refusal, refusal.value.detail) == (AuthFailure.EXPIRED, key.key_id)


def test_a_wrong_secret_does_not_reveal_a_revoked_key(office: Office) -> None:
    key, _ = office.create("shop", SCOPES)
    revoked = office.revoke(key.key_id)
    with pytest.raises(NotAuthenticated) as refusal:
        revoked.caller("another", START)
    assert (refusal.value.refusal, refusal.value.detail) == (AuthFailure.INVALID, f"wrong secret for {key.key_id}")


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "bayar_",
        format_key("key_0000000000000000000000001", "s" * 43),
        format_key("key_000000000000000000000000011", "s" * 43),
        format_key("key_0000000000000000000000000u", "s" * 43),
        format_key("pay_00000000000000000000000001", "s" * 43),
        format_key("key_00000000000000000000000001", "s" * 42),
        format_key("key_00000000000000000000000001", "s" * 44),
        format_key("key_00000000000000000000000001", "s" * 42 + "+"),
        format_key("key_00000000000000000000000001", "s" * 43) + "\n",
        " " + format_key("key_00000000000000000000000001", "s" * 43),
    ],
)
def test_a_malformed_key_is_refused(shown: str) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        parse_key(shown)
    assert (refusal.value.refusal, refusal.value.detail) == (AuthFailure.INVALID, "not the form of an API key")


@pytest.mark.parametrize("name", ["a", "9", "shop", "Shop-1.live_x", "x" * 64])
def test_a_caller_has_a_plain_name(name: str) -> None:
    assert is_caller_id(name)


@pytest.mark.parametrize("name", ["", "x" * 65, "a/b", "-a", ".a", "_a", "a b", "a\n", "ä"])
def test_a_caller_has_no_other_name(name: str) -> None:
    assert not is_caller_id(name)


# When it was last used


def test_a_use_is_written_down_once_in_five_minutes(office: Office) -> None:
    key, _ = office.create("shop", SCOPES)
    assert office.uses() == 0
    written_at = []
    for second in range(0, 601, 30):
        office.uses.note(office.kept(key), START + timedelta(seconds=second))
        assert office.uses() == 0
        written_at.append(office.kept(key).last_use_time)
    assert sorted({time for time in written_at if time}) == [START, START + 5 * MINUTE, START + 10 * MINUTE]
    assert written_at[9:11] == [START, START + 5 * MINUTE]


def test_a_recent_use_recorded_by_another_replica_is_not_written_again(office: Office) -> None:
    key, _ = office.create("shop", SCOPES)
    elsewhere = LastUsedRecorder(office.store)
    elsewhere.note(key, START)
    elsewhere()
    office.uses.note(key, START + 5 * MINUTE - SECOND)
    office.uses()
    assert office.kept(key).last_use_time == START
    office.uses.note(key, START + 5 * MINUTE)
    office.uses()
    assert office.kept(key).last_use_time == START + 5 * MINUTE


def test_a_use_that_could_not_be_written_is_written_the_next_time_and_then_no_more(office: Office) -> None:
    key, _ = office.create("shop", SCOPES)
    office.uses.note(key, START)
    office.store.is_down = True
    with pytest.raises(StoreUnavailable):
        office.uses()
    office.store.is_down = False
    office.uses()
    assert office.kept(key).last_use_time == START
    # Nothing is left, so that nothing is asked of the store.
    office.store.is_down = True
    assert office.uses() == 0


def test_a_use_that_is_noted_while_others_are_written_is_written_the_next_time(office: Office) -> None:
    first, second = (office.create("shop", SCOPES)[0] for _ in range(2))
    office.uses.note(first, START)
    office.uses.note(second, START)
    later = START + 6 * MINUTE
    begin = office.store.begin

    def meanwhile(actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> Any:
        office.store.begin = begin  # type: ignore[method-assign]
        office.uses.note(first, later)
        return begin(actor, on_behalf)

    office.store.begin = meanwhile  # type: ignore[method-assign]
    office.uses()
    assert (office.kept(first).last_use_time, office.kept(second).last_use_time) == (START, START)
    office.uses()
    assert (office.kept(first).last_use_time, office.kept(second).last_use_time) == (later, START)
