"""Finds a newly active payment method its place among the customer's others."""

from dataclasses import replace

from application.ports.store import UnitOfWork
from domain.payment_method import PaymentMethod, PaymentMethodState


def place(work: UnitOfWork, method: PaymentMethod, *, make_default: bool) -> PaymentMethod:
    """A method that became active among the customer's others: the default or not, and whose double it is."""
    others = [
        other
        for other in work.payment_methods.of_customer(method.customer_id)
        if other.payment_method_id != method.payment_method_id and other.state is PaymentMethodState.ACTIVE
    ]
    identifier = method.instrument.unique_number_identifier if method.instrument else ""
    double = next(
        (o for o in others if identifier and o.instrument and o.instrument.unique_number_identifier == identifier), None
    )
    becomes_default = make_default or not any(other.is_default for other in others)
    if becomes_default:
        for other in others:
            if other.is_default:
                work.payment_methods.save(replace(other, is_default=False))
    return replace(method, is_default=becomes_default, duplicate_of=double.payment_method_id if double else None)
