"""Operators against the gRPC side in this process: a person with rights, and the metadata of their calls."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from application.common.api_key import ApiKey, format_key, hash_of
from application.common.operator import Operator, OperatorRight
from application.ports.audit_log import AuditEntry
from bayar.payments.v1 import payment_service_pb2 as payments
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.money_pb2 import Money
from bayar.payments.v1.payment_pb2 import Payment
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from domain.ids import CallerId, OperatorId
from tests.adapters.grpc.serving import House
from tests.fakes.runtime import START

EVERY_RIGHT: Final = frozenset(OperatorRight)
_SECRET: Final = "for-tests-only".ljust(43, "0")
Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Person:
    """An operator, and the metadata that show their key."""

    operator: Operator
    credential: Metadata

    def acting(self, caller_id: str = "", reason: str = "") -> Metadata:
        """The metadata of a call: on behalf of the caller, for the reason, where given."""
        caller = (("bayar-on-behalf-of", caller_id),) if caller_id else ()
        return (*self.credential, *caller, *((("bayar-reason", reason),) if reason else ()))


def hire(house: House, name: str, rights: Iterable[OperatorRight] = EVERY_RIGHT) -> Person:
    body = name.lower().encode().hex()[:26].ljust(26, "0")
    operator = Operator(operator_id=OperatorId(f"opr_{body}"), name=name, rights=frozenset(rights), create_time=START)
    key = ApiKey(
        key_id=f"key_{body}",
        caller_id=CallerId(operator.operator_id),
        scopes=frozenset(),
        secret_hash=hash_of(_SECRET),
        create_time=START,
    )
    with house.container.store().begin() as work:
        work.operators.add(operator)
        work.api_keys.add(key)
    return Person(operator, (("authorization", f"Bearer {format_key(key.key_id, _SECRET)}"),))


def change(house: House, person: Person, **changes: Any) -> None:
    """As the command line would, in another process."""
    with house.container.store().begin() as work:
        work.operators.save(replace(person.operator, **changes))


def paid(channel: Any, key: Any, minor_units: int = 10_00, **more: Any) -> Payment:
    """A payment that a back end takes with its own key."""
    request = payments.CreatePaymentRequest(
        request_id=str(uuid.uuid4()),
        reference=str(uuid.uuid4()),
        amount=Money(minor_units=minor_units, currency_code="USD"),
        card=Card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123"),
        **more,
    )
    payment: Payment = PaymentServiceStub(channel).CreatePayment(request, metadata=key).payment
    return payment


def audited(house: House) -> list[AuditEntry]:
    """The audit log, oldest first."""
    with house.container.store().read() as work:
        return work.audit.page(after=None, limit=1000)[::-1]
