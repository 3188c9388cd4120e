"""Adds, changes, lists and revokes operators, and creates their keys."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from application.access.issue_key import IssueKey
from application.audit.audit_log import ENTRY
from application.common.api_key import ApiKey
from application.common.errors import FieldViolation, InvalidRequest, NotFound, ResourceKind, Rule
from application.common.operator import Operator, OperatorRight, is_operator_name
from application.common.validator import Validator
from application.ports.audit_log import AuditEntry, AuditKind
from application.ports.runtime import Clock, IdSource
from application.ports.store import LoginTaken, Store, UnitOfWork
from domain.ids import OPERATOR, OperatorId


@dataclass(frozen=True, slots=True)
class AddOperator:
    store: Store
    clock: Clock
    ids: IdSource

    def __call__(self, name: str, rights: frozenset[OperatorRight], *, login: str = "") -> Operator:
        """Raises InvalidRequest and StoreUnavailable."""
        now = self.clock.now()
        operator = Operator(
            operator_id=OperatorId(self.ids.new(OPERATOR)), name=name, rights=rights, login=login, create_time=now
        )
        _check(operator)
        with self.store.begin() as work:
            _save(work.operators.add, operator)
            work.audit.add(_entry(AuditKind.KEY_CREATED, "added", operator, now, self.ids))
        return operator


@dataclass(frozen=True, slots=True)
class ChangeOperator:
    store: Store
    clock: Clock
    ids: IdSource

    def __call__(
        self,
        operator_id: str,
        *,
        name: str | None = None,
        rights: frozenset[OperatorRight] | None = None,
        login: str | None = None,
    ) -> Operator:
        """None: it stays as it is. Takes effect within seconds in every process.

        Raises InvalidRequest, NotFound (also for a revoked one) and StoreUnavailable.
        """
        now = self.clock.now()
        with self.store.begin() as work:
            operator = active_operator(work, operator_id, now)
            changed = replace(
                operator,
                name=operator.name if name is None else name,
                rights=operator.rights if rights is None else rights,
                login=operator.login if login is None else login,
            )
            _check(changed)
            _save(work.operators.save, changed)
            work.audit.add(_entry(AuditKind.KEY_CREATED, "changed", changed, now, self.ids))
        return changed


@dataclass(frozen=True, slots=True)
class CreateOperatorKey:
    issue: IssueKey

    def __call__(self, operator_id: str, *, note: str = "", expire_time: datetime | None = None) -> tuple[ApiKey, str]:
        """Returns the stored key, and its text, shown only this once.

        Raises InvalidRequest, NotFound (also for a revoked operator) and StoreUnavailable.
        """
        return self.issue(
            Validator(),
            operator_id,
            # An operator's key has no scopes: a version that knows no operators grants it nothing.
            frozenset(),
            note=note,
            expire_time=expire_time,
            must_allow=lambda work, now: active_operator(work, operator_id, now),
        )


@dataclass(frozen=True, slots=True)
class ListOperators:
    store: Store

    def __call__(self) -> list[Operator]:
        """All operators, newest first. Raises StoreUnavailable."""
        with self.store.read() as work:
            return work.operators.all()


@dataclass(frozen=True, slots=True)
class RevokeOperator:
    store: Store
    clock: Clock
    ids: IdSource

    def __call__(self, operator_id: str) -> Operator:
        """Revokes the operator, with every key and token of theirs: now, or earlier.

        Raises NotFound and StoreUnavailable.
        """
        with self.store.begin() as work:
            operator = work.operators.get(OperatorId(operator_id))
            if operator is None:
                raise NotFound(ResourceKind.OPERATOR, operator_id)
            if operator.revoke_time is None:
                now = self.clock.now()
                operator = replace(operator, revoke_time=now)
                work.operators.save(operator)
                work.audit.add(_entry(AuditKind.KEY_REVOKED, "revoked", operator, now, self.ids))
        return operator


def active_operator(work: UnitOfWork, operator_id: str, now: datetime) -> Operator:
    """Raises NotFound."""
    operator = work.operators.get(OperatorId(operator_id))
    if operator is None or operator.is_revoked(now):
        raise NotFound(ResourceKind.OPERATOR, operator_id)
    return operator


def _check(operator: Operator) -> None:
    validator = Validator()
    if not is_operator_name(operator.name):
        validator.add("name", Rule.OPERATOR_NAME)
    validator.no_card("name", operator.name)
    validator.plain_text("login", operator.login)
    validator.done()


def _save(save: Callable[[Operator], None], operator: Operator) -> None:
    try:
        save(operator)
    except LoginTaken:
        # Raised inside the transaction, which rolls everything back.
        raise InvalidRequest((FieldViolation("login", Rule.LOGIN_FREE),)) from None


def _entry(kind: AuditKind, change: str, operator: Operator, now: datetime, id_source: IdSource) -> AuditEntry:
    """Of the kinds of keys, which every version reads: operators are managed as keys are, at the command line."""
    rights = " ".join(right.value for right in OperatorRight if operator.has(right))
    return AuditEntry(
        entry_id=id_source.new(ENTRY),
        time=now,
        kind=kind,
        actor="command line",
        subject=operator.operator_id,
        outcome="OK",
        details={"operator": change, "name": operator.name, "login": operator.login, "rights": rights},
    )
