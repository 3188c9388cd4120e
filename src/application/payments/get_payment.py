"""Reads one payment."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.validator import Validator, require_checked
from application.payments.payment_access import load
from application.ports.store import Store
from domain import ids
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class GetPayment:
    store: Store

    def __call__(self, payment_id: str, caller: Caller, *, language_code: str = "") -> Payment:
        """Raises InvalidRequest, NotFound and StoreUnavailable."""
        validator = Validator()
        checked = validator.resource_id("payment_id", payment_id, ids.PAYMENT)
        validator.language("language_code", language_code)
        validator.done()
        return load(self.store, require_checked(checked), caller)
