"""Operators, in memory."""

from __future__ import annotations

from application.common.operator import Operator
from application.ports.store import LoginTaken
from domain.ids import OperatorId
from tests.fakes.store_state import StoreState


class MemoryOperators:
    def __init__(self, state: StoreState) -> None:
        self._state = state

    def add(self, operator: Operator) -> None:
        self._require_free_login(operator)
        self._state.operators[operator.operator_id] = operator

    def save(self, operator: Operator) -> None:
        if operator.operator_id not in self._state.operators:
            raise LookupError(operator.operator_id)
        self._require_free_login(operator)
        self._state.operators[operator.operator_id] = operator

    def _require_free_login(self, operator: Operator) -> None:
        other = self.find_login(operator.login)
        if other is not None and other.operator_id != operator.operator_id and operator.revoke_time is None:
            raise LoginTaken

    def get(self, operator_id: OperatorId) -> Operator | None:
        return self._state.operators.get(operator_id)

    def find_login(self, login: str) -> Operator | None:
        found = [one for one in self._state.operators.values() if one.login == login and one.revoke_time is None]
        return found[0] if login and found else None

    def all(self) -> list[Operator]:
        return sorted(self._state.operators.values(), key=lambda one: (one.create_time, one.operator_id), reverse=True)
