"""Assigns a customer's default payment method and marks duplicates, as methods are added and removed."""

from dataclasses import replace
from datetime import datetime

from application.ports.store import UnitOfWork
from domain.payment_method import PaymentMethod, PaymentMethodState


def assign_default(work: UnitOfWork, method: PaymentMethod, *, make_default: bool) -> PaymentMethod:
    """Adds a newly active method: decides whether it is the default, and which method it duplicates."""
    others = [
        other
        for other in work.payment_methods.of_customer(method.customer_id, lock=True)
        if other.payment_method_id != method.payment_method_id and other.state is PaymentMethodState.ACTIVE
    ]
    identifier = method.instrument.unique_number_identifier if method.instrument else ""
    double = next(
        (o for o in others if identifier and o.instrument and o.instrument.unique_number_identifier == identifier), None
    )
    # Saving a default clears the previous one.
    becomes_default = make_default or not any(other.is_default for other in others)
    return replace(method, is_default=becomes_default, duplicate_of=double.payment_method_id if double else None)


def detach_method(work: UnitOfWork, method: PaymentMethod, *, time: datetime) -> PaymentMethod:
    """The method as deleted. The default and the duplicates that refer to it pass to other methods."""
    if method.is_default:
        _promote_newest(work, method, time)
    _reassign_duplicates(work, method, time)
    return replace(method, state=PaymentMethodState.DELETED, is_default=False, update_time=time)


def _promote_newest(work: UnitOfWork, leaving: PaymentMethod, time: datetime) -> None:
    """Makes the newest remaining active method the default."""
    for method in work.payment_methods.of_customer(leaving.customer_id, lock=True):
        if method.payment_method_id != leaving.payment_method_id and method.state is PaymentMethodState.ACTIVE:
            work.payment_methods.save(replace(method, is_default=True, update_time=time))
            return


def _reassign_duplicates(work: UnitOfWork, leaving: PaymentMethod, time: datetime) -> None:
    """Duplicates of the leaving method become duplicates of the method that it duplicated itself."""
    for method in work.payment_methods.of_customer(leaving.customer_id, lock=True):
        if method.duplicate_of == leaving.payment_method_id:
            work.payment_methods.save(replace(method, duplicate_of=leaving.duplicate_of, update_time=time))
