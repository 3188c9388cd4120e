"""Reads one payment."""

from dataclasses import dataclass

from application.caller import Caller
from application.checks import Checks, known
from application.load import load
from application.ports.store import Store
from domain import ids
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class GetPayment:
    store: Store

    def __call__(self, payment_id: str, caller: Caller, *, language_code: str = "") -> Payment:
        """Raises InvalidRequest, NotFound and StoreUnavailable."""
        checks = Checks()
        checked = checks.resource_id("payment_id", payment_id, ids.PAYMENT)
        checks.language("language_code", language_code)
        checks.done()
        return load(self.store, known(checked), caller)
