"""A caller is identified by one API key, one token or one certificate, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from application.access.authenticate import ApiKeyCache, Authenticate, OperatorCache, PresentedCredentials
from application.access.issue_key import IssueKey
from application.access.last_used_recorder import LastUsedRecorder
from application.access.manage_api_keys import CreateApiKey, RevokeApiKey
from application.audit.audit_log import Audit
from application.common.caller import Caller, Scope
from application.common.errors import AuthFailure, NotAuthenticated, StoreUnavailable
from application.ports.audit_log import AuditKind
from domain.ids import CallerId
from tests.fakes.ids import CountingIds
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import START, ManualClock

GOOD_FOR_SECONDS = 2.5
SCOPES = frozenset({Scope.PAYMENTS_READ})
BY_TOKEN = Caller(CallerId("by token"))
BY_CERTIFICATE = Caller(CallerId("by certificate"))


class Tokens:
    """Knows one token."""

    def caller_of(self, token: str) -> Caller:
        if token != "a.b.c":  # nobody's
            raise NotAuthenticated(AuthFailure.INVALID, token)
        return BY_TOKEN


class Certificates:
    """Knows one certificate."""

    def caller_of(self, pem: bytes) -> Caller:
        if pem != b"PEM":
            raise NotAuthenticated(AuthFailure.INVALID, repr(pem))
        return BY_CERTIFICATE


class CountedStore(MemoryStore):
    """Counts what is read, and can fail."""

    reads = 0
    is_down = False

    def read(self) -> Any:
        if self.is_down:
            raise StoreUnavailable("down")
        self.reads += 1
        return super().read()


class Door:
    def __init__(self) -> None:
        self.clock, self.ids = ManualClock(), CountingIds()
        self.seconds = 0.0
        self.store = CountedStore(self.ids)
        self.keys = ApiKeyCache(self.store, GOOD_FOR_SECONDS, lambda: self.seconds)
        self.operators = OperatorCache(self.store, GOOD_FOR_SECONDS, lambda: self.seconds)
        self.uses = LastUsedRecorder(self.store)
        self.create = CreateApiKey(IssueKey(self.store, self.clock, self.ids, bytes))
        self.revoke = RevokeApiKey(self.store, self.clock, self.ids)
        self.key, self.shown = self.create("shop", SCOPES)
        self.only_keys = Authenticate(self.keys, self.operators, self.uses, self.clock)
        self.everything = Authenticate(self.keys, self.operators, self.uses, self.clock, Tokens(), Certificates())

    def refusal(self, shown: PresentedCredentials, *, only_keys: bool = False) -> tuple[AuthFailure, str]:
        with pytest.raises(NotAuthenticated) as refused:
            (self.only_keys if only_keys else self.everything)(shown)
        return refused.value.refusal, refused.value.detail


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize("before", ["Bearer ", "bearer ", "BEARER ", " \tBearer   ", "Bearer \t "])
@pytest.mark.parametrize("after", ["", " \t"])
def test_a_key_is_a_bearer_credential(door: Door, before: str, after: str) -> None:
    caller = door.only_keys(PresentedCredentials((before + door.shown + after,)))
    assert (caller.caller_id, caller.scopes, caller.credential) == ("shop", SCOPES, door.key.key_id)


def test_the_use_of_a_key_is_noted(door: Door) -> None:
    door.only_keys(PresentedCredentials((f"Bearer {door.shown}",)))
    door.uses()
    with door.store.read() as work:
        key = work.api_keys.get(door.key.key_id)
    assert key is not None
    assert key.last_use_time == START


def test_a_failed_try_is_no_use(door: Door) -> None:
    door.refusal(PresentedCredentials((f"Bearer {door.shown[:-1]}B",)))
    door.uses()
    with door.store.read() as work:
        key = work.api_keys.get(door.key.key_id)
    assert key is not None
    assert key.last_use_time is None


def test_a_token_and_a_certificate_are_accepted_where_there_are_some(door: Door) -> None:
    assert door.everything(PresentedCredentials(("Bearer a.b.c",))) == BY_TOKEN
    assert door.everything(PresentedCredentials(certificate=b"PEM")) == BY_CERTIFICATE
    assert door.refusal(PresentedCredentials(("Bearer a.b.c",)), only_keys=True) == (
        AuthFailure.INVALID,
        "no API key, and no tokens are accepted",
    )
    assert door.refusal(PresentedCredentials(certificate=b"PEM"), only_keys=True) == (AuthFailure.MISSING, "")


def test_an_authorization_counts_before_a_certificate(door: Door) -> None:
    assert door.everything(PresentedCredentials(("Bearer a.b.c",), b"PEM")) == BY_TOKEN
    assert door.refusal(PresentedCredentials(("Bearer bad",), b"PEM")) == (AuthFailure.INVALID, "bad")


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        pytest.param(("Bearer a.b.c", "Bearer a.b.c"), "more than one authorization", id="twice"),
        pytest.param(("",), "not a bearer credential", id="empty"),
        pytest.param(("Bearer",), "not a bearer credential", id="no credential"),
        pytest.param(("Bearer  \t ",), "not a bearer credential", id="blank credential"),
        pytest.param(("Basic a.b.c",), "not a bearer credential", id="another scheme"),
        pytest.param(("a.b.c",), "not a bearer credential", id="no scheme"),
        pytest.param(("\xa0Bearer a.b.c",), "not a bearer credential", id="a space that is none"),
        pytest.param(("Bearer bayar_nothing",), "not the form of an API key", id="no key"),
        pytest.param((f"Bearer bayar_key_{9:026}_{'s' * 43}",), "unknown key", id="unknown key"),
    ],
)
def test_anything_else_is_refused(door: Door, authorization: tuple[str, ...], detail: str) -> None:
    assert door.refusal(PresentedCredentials(authorization)) == (AuthFailure.INVALID, detail)


def test_a_call_without_credentials_is_unauthenticated(door: Door) -> None:
    assert door.refusal(PresentedCredentials()) == (AuthFailure.MISSING, "")


def test_presented_credentials_are_not_in_the_repr() -> None:
    assert "secret" not in repr(PresentedCredentials(("Bearer secret",), b"secret"))


# How long a key is believed


def test_a_key_is_looked_up_anew_after_its_time(door: Door) -> None:
    reads = []
    for seconds in (0.0, 2.4, 2.5, 4.9, 5.0):
        door.seconds = seconds
        assert door.keys.find(door.key.key_id) == door.key
        reads.append(door.store.reads)
    assert reads == [1, 1, 2, 2, 3]


def test_a_key_that_was_revoked_is_refused_within_seconds(door: Door) -> None:
    shown = PresentedCredentials((f"Bearer {door.shown}",))
    door.only_keys(shown)
    door.revoke(door.key.key_id)
    door.only_keys(shown)
    door.seconds = GOOD_FOR_SECONDS
    assert door.refusal(shown, only_keys=True) == (AuthFailure.REVOKED, door.key.key_id)


def test_that_there_is_no_such_key_is_remembered_as_long(door: Door) -> None:
    reads = []
    for seconds in (0.0, 2.4, 2.5):
        door.seconds = seconds
        assert door.keys.find("key_unknown") is None
        reads.append(door.store.reads)
    assert reads == [1, 1, 2]


def test_ten_thousand_keys_are_remembered_and_the_oldest_forgotten_first(door: Door) -> None:
    for number in range(10_000):
        door.keys.find(f"key {number}")
    door.seconds = GOOD_FOR_SECONDS
    door.keys.find("key 0")
    door.store.reads = 0
    door.keys.find("one more")
    door.seconds = GOOD_FOR_SECONDS - 1
    # Within the time of all of them: the one that was looked up again is not the oldest.
    for number in (0, 2, 9_999):
        door.keys.find(f"key {number}")
    assert door.store.reads == 1
    door.keys.find("key 1")
    assert door.store.reads == 2


def test_a_store_that_fails_is_no_wrong_key(door: Door) -> None:
    door.store.is_down = True
    with pytest.raises(StoreUnavailable):
        door.only_keys(PresentedCredentials((f"Bearer {door.shown}",)))


# The audit log


def test_an_audit_entry_contains_no_card_number(door: Door) -> None:
    audit = Audit(door.store, door.clock, door.ids)
    audit.write(AuditKind.ACCESS_REFUSED, "4111111111111111", "/method")
    audit.write(
        AuditKind.ADMIN_CALL_ENDED, "ops", "/other", outcome="OK", peer="192.0.2.1", payment_id="5555555555554444"
    )
    with door.store.read() as work:
        newest, second, _ = work.audit.page(after=None, limit=10)
    assert (newest.kind, newest.actor, newest.subject) == (AuditKind.ADMIN_CALL_ENDED, "ops", "/other")
    assert (newest.outcome, newest.peer, newest.details) == ("OK", "192.0.2.1", {"payment_id": "[removed]"})
    assert (second.actor, second.outcome, second.peer, second.details) == ("[removed]", "", "", {})
    assert (second.time, second.count) == (START, 1)
    assert newest.entry_id != second.entry_id
