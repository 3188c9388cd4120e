"""Reads a stored payment method."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import ResourceKind
from application.common.ownership import reached
from application.common.validator import Validator
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.ids import PaymentMethodId
from domain.payment_method import PaymentMethod


@dataclass(frozen=True, slots=True)
class GetPaymentMethod:
    store: Store

    def __call__(self, payment_method_id: str, caller: Caller, *, language_code: str = "") -> PaymentMethod:
        """Raises InvalidRequest, NotFound and StoreUnavailable."""
        validator = Validator()
        validator.resource_id("payment_method_id", payment_method_id, ids.PAYMENT_METHOD)
        validator.language("language_code", language_code)
        validator.done()
        with self.store.read_once() as work:
            return own_method(work, payment_method_id, caller)


def own_method(work: UnitOfWork, payment_method_id: str, caller: Caller, *, lock: bool = False) -> PaymentMethod:
    """The payment method, if it is the caller's. Raises NotFound."""
    method = work.payment_methods.get(PaymentMethodId(payment_method_id), lock=lock)
    return reached(method, ResourceKind.PAYMENT_METHOD, payment_method_id, caller)
