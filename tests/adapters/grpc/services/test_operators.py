"""An operator reads the data of every caller and acts on behalf of one, with each right by itself and for a reason."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from dependency_injector import providers
from google.protobuf import descriptor_pool, message_factory
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status

from adapters.grpc.middleware.operator_acts import operator_rights
from adapters.grpc.server.server import _SERVICES as SERVICES
from adapters.persistence.store import SqlStore
from application.common.caller import EVERY_SCOPE, Scope
from application.common.operator import NO_ACTS, OperatorRight
from application.common.velocity_scope import VelocityScope
from application.ports.gateway import Unknown
from application.ports.velocity import VelocityBlock
from bayar.payments.v1 import access_pb2, admin_service_pb2, customer_service_pb2, event_service_pb2
from bayar.payments.v1 import payment_method_service_pb2 as methods
from bayar.payments.v1 import payment_service_pb2 as payments
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.customer_service_pb2_grpc import CustomerServiceStub
from bayar.payments.v1.event_service_pb2_grpc import EventServiceStub
from bayar.payments.v1.money_pb2 import Money
from bayar.payments.v1.payment_method_service_pb2_grpc import PaymentMethodServiceStub
from bayar.payments.v1.payment_pb2 import PaymentEvent
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from domain.ids import BLOCK, CallerId, OperatorId
from tests.adapters.grpc.credentials import a_guarded_house, give_key
from tests.adapters.grpc.operators import EVERY_RIGHT, Metadata, Person, audited, change, hire, paid
from tests.adapters.grpc.serving import House, serving
from tests.encryption_keys import SEALER
from tests.token_issuer import AUDIENCE, ISSUER, JWKS, token

OF_A_BACK_END: Final = EVERY_SCOPE - {Scope.ADMIN}
WHY: Final = "the parcel was lost, ticket 4711"
METHODS: Final = {
    f"/{service.full_name}/{method.name}": method
    for service in map(descriptor_pool.Default().FindServiceByName, SERVICES)
    for method in service.methods
}
RIGHTS: Final = operator_rights(map(descriptor_pool.Default().FindServiceByName, SERVICES))
FOR_OPERATORS: Final = sorted(RIGHTS)
ACTS: Final = sorted(path for path, right in RIGHTS.items() if right not in NO_ACTS)
NOT_FOR_OPERATORS: Final = {
    "/bayar.payments.v1.PaymentService/CreatePayment",
    "/bayar.payments.v1.CustomerService/CreateCustomer",
    "/bayar.payments.v1.CheckoutService/CreateCheckout",
    "/bayar.payments.v1.CheckoutService/ExpireCheckout",
}


@dataclass(frozen=True, slots=True)
class Town:
    """A service with two shops, a person with every right, and a person with none."""

    house: House
    channel: grpc.Channel
    shop: Metadata
    travel: Metadata
    siti: Person
    idle: Person

    @property
    def payments(self) -> Any:
        return PaymentServiceStub(self.channel)

    @property
    def admin(self) -> Any:
        return AdminServiceStub(self.channel)

    def ask(self, path: str, metadata: Metadata, request: Any = None) -> tuple[str, str, dict[str, str], list[str]]:
        """The code, the reason, the metadata and the fields at fault."""
        method = METHODS[path]
        kinds = [message_factory.GetMessageClass(one) for one in (method.input_type, method.output_type)]
        make = self.channel.unary_stream if method.server_streaming else self.channel.unary_unary
        call: Any = make(path, lambda sent: sent.SerializeToString(), kinds[1].FromString)
        try:
            answer = call(kinds[0]() if request is None else request, metadata=metadata, timeout=10)
            if method.server_streaming:
                next(iter(answer), None)
                answer.cancel()
        except grpc.RpcError as error:
            return refusal_of(error)
        return "OK", "", {}, []


def refusal_of(error: Any) -> tuple[str, str, dict[str, str], list[str]]:
    status: Any = rpc_status.from_call(error)
    info, faults = ErrorInfo(), BadRequest()
    for detail in status.details if status else ():
        detail.Unpack(info)
        detail.Unpack(faults)
    return error.code().name, info.reason, dict(info.metadata), [one.field for one in faults.field_violations]


ON_EACH_DATABASE: Final = pytest.mark.parametrize("town", ["memory", "sqlite", "postgresql"], indirect=True)


@pytest.fixture
def town(request: pytest.FixtureRequest) -> Iterator[Town]:
    house = a_guarded_house()
    kind = getattr(request, "param", "memory")
    if kind != "memory":
        engine = request.getfixturevalue({"sqlite": "sqlite_engine", "postgresql": "postgres_engine"}[kind])
        store = SqlStore(engine, house.container.ids(), SEALER)
        house.container.store.override(providers.Object(store))
    shop, travel = (give_key(house, name, caller_id=name, scopes=OF_A_BACK_END) for name in ("shop", "travel"))
    with serving(house) as channel:
        yield Town(house, channel, shop, travel, hire(house, "Siti Rahayu"), hire(house, "Idle", ()))


@pytest.fixture(scope="module")
def quiet_town() -> Iterator[Town]:
    """One for the tests that change nothing."""
    house = a_guarded_house()
    shop, travel = (give_key(house, name, caller_id=name, scopes=OF_A_BACK_END) for name in ("shop", "travel"))
    people = (hire(house, "Siti Rahayu"), hire(house, "Idle", ()))
    for right in OperatorRight:
        hire(house, f"only {right.value}"[:26], [right])
        hire(house, f"all but {right.value}"[:26], EVERY_RIGHT - {right})
    with serving(house) as channel:
        yield Town(house, channel, shop, travel, *people)


def person(town: Town, name: str) -> Person:
    """One of those that `quiet_town` hired."""
    body = name[:26].lower().encode().hex()[:26].ljust(26, "0")
    with town.house.container.store().read() as work:
        operator = work.operators.get(OperatorId(f"opr_{body}"))
    assert operator is not None
    shown = town.siti.credential[0][1]
    secret = str(shown).rpartition("_")[2]
    return Person(operator, (("authorization", f"Bearer bayar_key_{body}_{secret}"),))


def refund(payment_id: str, minor_units: int = 0, request_id: str = "") -> payments.RefundPaymentRequest:
    amount = Money(minor_units=minor_units, currency_code="USD") if minor_units else None
    return payments.RefundPaymentRequest(
        request_id=request_id or str(uuid.uuid4()), payment_id=payment_id, amount=amount
    )


def history(town: Town, payment_id: str) -> list[PaymentEvent]:
    request = payments.ListPaymentEventsRequest(payment_id=payment_id)
    return list(town.payments.ListPaymentEvents(request, metadata=town.siti.credential).events)


# Each right by itself.


def test_each_call_says_whether_an_operator_may_make_it() -> None:
    free = {path for path, method in METHODS.items() if method.GetOptions().Extensions[access_pb2.any_credential]}
    assert set(METHODS) - set(FOR_OPERATORS) - free == NOT_FOR_OPERATORS, (
        "a new call needs an operator_right, or its name here"
    )


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_a_right_alone_is_enough_for_its_calls_and_no_other_right_is(path: str, quiet_town: Town) -> None:
    right = RIGHTS[path]
    one, others = person(quiet_town, f"only {right.value}"), person(quiet_town, f"all but {right.value}")
    code, reason, _, _ = quiet_town.ask(path, one.acting("shop", WHY))
    assert code not in ("PERMISSION_DENIED", "UNAUTHENTICATED", "INTERNAL", "UNKNOWN"), reason
    assert reason != "ON_BEHALF_INCOMPLETE"
    refused = quiet_town.ask(path, others.acting("shop", WHY))
    assert refused == ("PERMISSION_DENIED", "OPERATOR_RIGHT_MISSING", {"right": right.value, "missing": ""}, [])


@pytest.mark.parametrize("path", sorted(NOT_FOR_OPERATORS))
def test_no_operator_does_what_only_a_caller_does(path: str, quiet_town: Town) -> None:
    assert quiet_town.ask(path, quiet_town.siti.acting("shop", WHY))[:2] == (
        "PERMISSION_DENIED",
        "OPERATOR_RIGHT_MISSING",
    )


@pytest.mark.parametrize("path", ACTS)
def test_an_act_without_a_caller_or_a_reason_is_refused_and_both_are_named(path: str, quiet_town: Town) -> None:
    needs_caller = "AdminService" not in path
    bare = quiet_town.ask(path, quiet_town.siti.credential)
    wanted = ["bayar-on-behalf-of", "bayar-reason"] if needs_caller else ["bayar-reason"]
    assert bare == ("INVALID_ARGUMENT", "ON_BEHALF_INCOMPLETE", {"right": RIGHTS[path].value}, wanted)
    assert quiet_town.ask(path, quiet_town.siti.acting("shop"))[3] == ["bayar-reason"]
    if needs_caller:
        assert quiet_town.ask(path, quiet_town.siti.acting(reason=WHY))[3] == ["bayar-on-behalf-of"]
        stranger = person(quiet_town, f"all but {RIGHTS[path].value}")
        assert quiet_town.ask(path, stranger.credential)[2] == {
            "right": RIGHTS[path].value,
            "missing": "bayar-on-behalf-of bayar-reason",
        }


@pytest.mark.parametrize("path", sorted(METHODS))
def test_only_an_operator_acts_on_behalf_of_a_caller(path: str, quiet_town: Town) -> None:
    stated = (("bayar-on-behalf-of", "travel"), ("bayar-reason", WHY))
    for one in stated:
        assert quiet_town.ask(path, (*quiet_town.shop, one))[:2] == ("PERMISSION_DENIED", "NOT_AN_OPERATOR")


# The form of the metadata.

_SHOP: Final = ("bayar-on-behalf-of", "shop")
_WHY: Final = ("bayar-reason", WHY)
# The metadata, and the names of those at fault.
MALFORMED: Final[dict[str, tuple[Metadata, list[str]]]] = {
    "a caller with a space": ((("bayar-on-behalf-of", "my shop"), _WHY), ["bayar-on-behalf-of"]),
    "an operator as caller": ((("bayar-on-behalf-of", "opr_" + "0" * 26), _WHY), ["bayar-on-behalf-of"]),
    "two callers": ((_SHOP, ("bayar-on-behalf-of", "travel"), _WHY), ["bayar-on-behalf-of"]),
    "two reasons": ((_SHOP, _WHY, ("bayar-reason-bin", b"no")), ["bayar-reason"]),
    "a long reason": ((_SHOP, ("bayar-reason", "x" * 256)), ["bayar-reason"]),
    "a card number": ((_SHOP, ("bayar-reason", "4111 1111 1111 1111")), ["bayar-reason"]),
    "a line break": ((_SHOP, ("bayar-reason-bin", b"a\nb")), ["bayar-reason"]),
    "no UTF-8": ((_SHOP, ("bayar-reason-bin", b"\xff")), ["bayar-reason-bin", "bayar-reason"]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_metadata_are_refused_by_name(name: str, quiet_town: Town) -> None:
    stated, fields = MALFORMED[name]
    path = "/bayar.payments.v1.PaymentService/RefundPayment"
    answer = quiet_town.ask(path, (*quiet_town.siti.credential, *stated))
    assert (answer[0], answer[1], answer[3]) == ("INVALID_ARGUMENT", "ON_BEHALF_INCOMPLETE", fields)


def test_a_reason_is_in_any_language(town: Town) -> None:
    payment = paid(town.channel, town.shop)
    stated = (("bayar-on-behalf-of", "shop"), ("bayar-reason-bin", "Paket hilang, 包裹丢失".encode()))
    town.payments.RefundPayment(refund(payment.payment_id), metadata=(*town.siti.credential, *stated))
    assert history(town, payment.payment_id)[-2].on_behalf.reason == "Paket hilang, 包裹丢失"


# The traces of an act.


@ON_EACH_DATABASE
def test_the_history_the_feed_and_the_audit_log_name_the_person_the_caller_and_the_reason(town: Town) -> None:
    payment = paid(town.channel, town.shop)
    answer = town.payments.RefundPayment(refund(payment.payment_id, 4_00), metadata=town.siti.acting("shop", WHY))
    assert answer.payment.caller_id == "shop"
    act = access_pb2.OnBehalf(
        operator_id=town.siti.operator.operator_id, operator_name="Siti Rahayu", caller_id="shop", reason=WHY
    )
    events = history(town, payment.payment_id)
    assert [event.on_behalf for event in events if event.HasField("on_behalf")] == [act]
    ours = [event for event in events if event.operation_id in answer.operation_ids]
    assert ours[0].on_behalf == act
    assert {event.actor for event in ours} == {"shop/operator Siti Rahayu"}
    town.house.container.relay_events()()
    feed = [event for event in feed_of(town, town.shop) if event.HasField("on_behalf")]
    assert [(event.on_behalf, event.caller_id) for event in feed] == [(act, "shop")]
    begun, ended = audited(town.house)
    assert (begun.kind.value, ended.kind.value) == ("admin_call_begun", "admin_call_ended")
    assert ended.outcome == "OK"
    for entry in (begun, ended):
        assert entry.actor == "shop/operator Siti Rahayu"
        assert entry.details["on_behalf_of"] == "shop"
        assert entry.details["reason"] == WHY
        assert entry.details["operator_id"] == town.siti.operator.operator_id
        assert entry.details["payment_id"] == payment.payment_id


def test_a_change_of_a_payment_method_is_told_with_the_act(town: Town) -> None:
    customer = (
        CustomerServiceStub(town.channel)
        .CreateCustomer(customer_service_pb2.CreateCustomerRequest(request_id=str(uuid.uuid4())), metadata=town.shop)
        .customer
    )
    stub, mine = PaymentMethodServiceStub(town.channel), town.siti.acting("shop", WHY)
    added = stub.AddPaymentMethod(
        methods.AddPaymentMethodRequest(
            request_id=str(uuid.uuid4()), customer_id=customer.customer_id, payment_method_nonce="fake-valid-nonce"
        ),
        metadata=mine,
    ).payment_method
    assert (customer.caller_id, added.caller_id) == ("shop", "shop")
    request = methods.DeletePaymentMethodRequest(
        request_id=str(uuid.uuid4()), payment_method_id=added.payment_method_id
    )
    stub.DeletePaymentMethod(request, metadata=mine)
    town.house.container.relay_events()()
    changes = [event for event in feed_of(town, town.shop) if event.HasField("payment_method")]
    assert changes[0].on_behalf.operator_name == changes[-1].on_behalf.operator_name == "Siti Rahayu"
    assert {event.on_behalf.reason for event in changes if event.HasField("on_behalf")} == {WHY}


def feed_of(town: Town, key: Metadata) -> list[Any]:
    stream = EventServiceStub(town.channel).StreamEvents(
        event_service_pb2.StreamEventsRequest(), metadata=key, timeout=10
    )
    end, events = town.house.container.read_feed().end(), []
    for answer in stream:
        if answer.HasField("event"):
            events.append(answer.event)
        if max(answer.heartbeat.position, answer.event.position) >= end:
            stream.cancel()
            return events
    raise AssertionError("the stream ended")


def test_a_refused_act_is_audited_as_refused(town: Town) -> None:
    payment = paid(town.channel, town.shop)
    with pytest.raises(grpc.RpcError):
        town.payments.RefundPayment(refund(payment.payment_id), metadata=town.idle.acting("shop", WHY))
    town.house.container.refused_calls().write_all()
    entry = audited(town.house)[-1]
    assert (entry.kind.value, entry.actor) == ("access_refused", "operator Idle")
    assert entry.outcome == "operator right missing: refund"


# Reads.


def test_an_operator_lists_and_gets_over_all_callers_and_narrows_to_one(town: Town) -> None:
    own = {paid(town.channel, town.shop).payment_id}
    all_ = own | {paid(town.channel, town.travel).payment_id}

    def listed(metadata: Metadata) -> set[str]:
        answer = town.payments.ListPayments(payments.ListPaymentsRequest(), metadata=metadata)
        return {payment.payment_id for payment in answer.payments}

    assert listed(town.siti.credential) == all_
    assert listed(town.siti.acting("shop")) == own
    assert listed(town.shop) == own
    for payment_id in all_:
        request = payments.GetPaymentRequest(payment_id=payment_id)
        assert town.payments.GetPayment(request, metadata=town.siti.credential).payment.payment_id == payment_id
    other = payments.GetPaymentRequest(payment_id=(all_ - own).pop())
    with pytest.raises(grpc.RpcError) as refused:
        town.payments.GetPayment(other, metadata=town.siti.acting("shop"))
    assert refusal_of(refused.value)[:2] == ("NOT_FOUND", "PAYMENT_NOT_FOUND")


def test_an_operator_finds_a_payment_by_the_customers_name(town: Town) -> None:
    new = customer_service_pb2.CreateCustomerRequest(
        request_id=str(uuid.uuid4()), given_name="Sari", family_name="Dewi"
    )
    customer = CustomerServiceStub(town.channel).CreateCustomer(new, metadata=town.shop).customer
    payment = paid(town.channel, town.shop, customer_id=customer.customer_id)
    while town.house.container.index_payments()():
        pass
    request = payments.SearchPaymentsRequest(fields=payments.PaymentSearchFields(name="Sari"))
    for metadata, found in ((town.siti.credential, [payment.payment_id]), (town.siti.acting("travel"), [])):
        hits = town.payments.SearchPayments(request, metadata=metadata).hits
        assert [hit.payment.payment_id for hit in hits] == found


def test_an_act_reaches_the_data_of_the_named_caller_only(town: Town) -> None:
    payment = paid(town.channel, town.travel)
    with pytest.raises(grpc.RpcError) as refused:
        town.payments.RefundPayment(refund(payment.payment_id), metadata=town.siti.acting("shop", WHY))
    assert refusal_of(refused.value)[:2] == ("NOT_FOUND", "PAYMENT_NOT_FOUND")
    assert [entry.outcome for entry in audited(town.house)] == ["", "PAYMENT_NOT_FOUND"]


# Request ids and limits.


@ON_EACH_DATABASE
def test_equal_request_ids_of_two_people_and_of_the_caller_do_not_collide(town: Town) -> None:
    payment, request_id = paid(town.channel, town.shop), str(uuid.uuid4())
    budi = hire(town.house, "Budi Santoso")
    request = refund(payment.payment_id, 2_00, request_id)
    answers = [
        town.payments.RefundPayment(request, metadata=metadata)
        for metadata in (town.shop, town.siti.acting("shop", WHY), budi.acting("shop", WHY))
    ]
    started = [tuple(answer.operation_ids) for answer in answers]
    assert len(set(started)) == 3
    assert all(len(one) == 1 for one in started)
    repeated = town.payments.RefundPayment(request, metadata=town.siti.acting("shop", "said otherwise"))
    assert tuple(repeated.operation_ids) == started[1]
    now = repeated.payment
    assert now.refunded_amount.minor_units + now.refund_pending_amount.minor_units == 6_00


def test_one_persons_request_for_two_callers_is_two_requests(town: Town) -> None:
    request_id = str(uuid.uuid4())
    for key, caller_id in ((town.shop, "shop"), (town.travel, "travel")):
        request = refund(paid(town.channel, key).payment_id, request_id=request_id)
        answer = town.payments.RefundPayment(request, metadata=town.siti.acting(caller_id, WHY))
        assert len(answer.operation_ids) == 1


def test_a_persons_request_with_another_content_is_refused_with_the_id_that_they_sent(town: Town) -> None:
    payment, request_id = paid(town.channel, town.shop), str(uuid.uuid4())
    mine = town.siti.acting("shop", WHY)
    town.payments.RefundPayment(refund(payment.payment_id, 1_00, request_id), metadata=mine)
    with pytest.raises(grpc.RpcError) as refused:
        town.payments.RefundPayment(refund(payment.payment_id, 2_00, request_id), metadata=mine)
    code, reason, about, _ = refusal_of(refused.value)
    assert (code, reason, about["request_id"]) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED", request_id)


@ON_EACH_DATABASE
def test_people_at_once_with_one_request_id_refund_once_each_and_never_too_much(town: Town) -> None:
    payment, request_id = paid(town.channel, town.shop, 10_00), str(uuid.uuid4())
    people = [hire(town.house, name) for name in ("Ani", "Budi", "Citra", "Dewi")]
    request = refund(payment.payment_id, 3_00, request_id)

    def give_back(one: Person) -> tuple[str, ...] | str:
        for _ in range(50):
            try:
                answer = town.payments.RefundPayment(request, metadata=one.acting("shop", WHY), timeout=20)
                return tuple(answer.operation_ids)
            except grpc.RpcError as error:
                reason = refusal_of(error)[1]
                if reason != "OPERATION_IN_PROGRESS":
                    return reason
        raise AssertionError("always under way")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(give_back, people * 3))
    by_person = [{answers[index + 4 * turn] for turn in range(3)} for index in range(4)]
    assert all(len(one) == 1 for one in by_person), answers
    outcomes = [one.pop() for one in by_person]
    assert outcomes.count("AMOUNT_EXCEEDS_REFUNDABLE") == 1
    assert len({one for one in outcomes if isinstance(one, tuple)}) == 3
    request_now = payments.GetPaymentRequest(payment_id=payment.payment_id)
    now = town.payments.GetPayment(request_now, metadata=town.shop).payment
    assert now.refunded_amount.minor_units + now.refund_pending_amount.minor_units == 9_00


# Acts on the whole service.


def block(town: Town, caller_id: str = "shop") -> str:
    """The id of a block of that caller's card."""
    now = town.house.clock.now()
    found = VelocityBlock(
        block_id=town.house.container.ids().new(BLOCK),
        key="card",
        caller_id=CallerId(caller_id),
        scope=VelocityScope.CARD,
        subject="1111",
        counts_cards=False,
        limit=10,
        create_time=now,
        end_time=now + timedelta(hours=1),
    )
    with town.house.container.store().begin() as work:
        work.velocity.block(found)
    return found.block_id


def test_a_lifted_block_is_audited_with_the_person_the_caller_and_the_reason_of_the_request(town: Town) -> None:
    request = admin_service_pb2.LiftAbuseBlockRequest(
        request_id=str(uuid.uuid4()), block_id=block(town), reason="a test of the shop"
    )
    town.admin.LiftAbuseBlock(request, metadata=town.siti.credential)
    ended = audited(town.house)[-1]
    assert (ended.actor, ended.outcome) == ("operator Siti Rahayu", "OK")
    assert ended.details["operator_id"] == town.siti.operator.operator_id
    assert (ended.details["on_behalf_of"], ended.details["reason"]) == ("shop", "a test of the shop")
    assert ended.details["block_id"] == request.block_id


def test_an_act_for_one_caller_lifts_no_block_of_another(town: Town) -> None:
    request = admin_service_pb2.LiftAbuseBlockRequest(
        request_id=str(uuid.uuid4()), block_id=block(town, "travel"), reason=WHY
    )
    with pytest.raises(grpc.RpcError) as refused:
        town.admin.LiftAbuseBlock(request, metadata=town.siti.acting("shop"))
    assert refusal_of(refused.value)[:2] == ("NOT_FOUND", "BLOCK_NOT_FOUND")
    (listed,) = town.admin.ListAbuseBlocks(
        admin_service_pb2.ListAbuseBlocksRequest(), metadata=town.siti.credential
    ).blocks
    assert listed.end_time.ToDatetime() > town.house.clock.now().replace(tzinfo=None)


def unknown_operation(town: Town) -> tuple[str, str]:
    """A payment of the shop whose outcome is unknown, and its operation."""
    # Lost on the way: the gateway never has it.
    vars(town.house.gateway)["authorize"] = lambda *_: Unknown("lost")
    payment = paid(town.channel, town.shop)
    return payment.payment_id, payment.operations[0].operation_id


def test_a_resolved_operation_tells_the_person_in_the_history_of_its_caller(town: Town) -> None:
    payment_id, operation_id = unknown_operation(town)
    town.house.clock.advance(timedelta(hours=2))
    request = admin_service_pb2.ResolveOperationRequest(
        request_id=str(uuid.uuid4()),
        operation_id=operation_id,
        resolution=admin_service_pb2.MANUAL_RESOLUTION_FAILED,
        reason=WHY,
    )
    with pytest.raises(grpc.RpcError) as refused:
        town.admin.ResolveOperation(request, metadata=town.siti.acting("travel"))
    assert refusal_of(refused.value)[:2] == ("NOT_FOUND", "OPERATION_NOT_FOUND")
    town.admin.ResolveOperation(request, metadata=town.siti.credential)
    last = history(town, payment_id)[-1]
    assert last.actor == "shop/operator Siti Rahayu"
    assert (last.on_behalf.caller_id, last.on_behalf.reason) == ("shop", WHY)
    assert audited(town.house)[-1].details["on_behalf_of"] == "shop"


def test_a_check_of_an_operation_needs_a_reason_of_an_operator_only(town: Town) -> None:
    _, operation_id = unknown_operation(town)
    request = admin_service_pb2.ResolveOperationRequest(request_id=str(uuid.uuid4()), operation_id=operation_id)
    path = "/bayar.payments.v1.AdminService/ResolveOperation"
    assert town.ask(path, town.siti.credential, request)[1] == "ON_BEHALF_INCOMPLETE"
    assert town.ask(path, town.siti.acting(reason=WHY), request)[0] == "OK"
    administrator = give_key(town.house, "admin", caller_id="operations", scopes=[Scope.ADMIN])
    other = admin_service_pb2.ResolveOperationRequest(request_id=str(uuid.uuid4()), operation_id=operation_id)
    assert town.ask(path, administrator, other)[1] in ("", "OPERATION_ALREADY_RESOLVED")


def test_orphans_are_reversed_for_a_reason_and_counted_without_one(quiet_town: Town) -> None:
    now = quiet_town.house.clock.now()
    window = admin_service_pb2.ReconcileRequest()
    window.from_time.FromDatetime(now - timedelta(days=1))
    window.until_time.FromDatetime(now)
    path = "/bayar.payments.v1.AdminService/Reconcile"
    assert quiet_town.ask(path, quiet_town.siti.credential, window)[0] == "OK"
    window.orphan_policy, window.max_reversals = admin_service_pb2.ORPHAN_POLICY_REVERSE, 1
    assert quiet_town.ask(path, quiet_town.siti.credential, window)[1] == "ON_BEHALF_INCOMPLETE"
    assert quiet_town.ask(path, quiet_town.siti.acting(reason=WHY), window)[0] == "OK"


# Changes of an operator.


def test_rights_and_revocation_take_effect_within_moments(town: Town) -> None:
    path = "/bayar.payments.v1.PaymentService/ListPayments"
    assert town.ask(path, town.siti.credential)[0] == "OK"
    change(town.house, town.siti, rights=frozenset({OperatorRight.REFUND}))
    until_refused(town, path, "OPERATOR_RIGHT_MISSING")
    change(town.house, town.siti, revoke_time=town.house.clock.now())
    until_refused(town, path, "CREDENTIAL_REVOKED")


def until_refused(town: Town, path: str, reason: str) -> None:
    for _ in range(200):
        if town.ask(path, town.siti.credential)[1] == reason:
            return
    raise AssertionError(f"never {reason}")


def test_a_person_signs_in_with_a_token_and_has_the_rights_of_their_record(tmp_path: Path) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(JWKS))
    house = a_guarded_house(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks=str(jwks), jwt_operator_claim="email")
    siti = hire(house, "Siti Rahayu", [OperatorRight.READ])
    change(house, siti, login="siti@example.com")
    shop = give_key(house, "shop", scopes=OF_A_BACK_END)
    shown = token(caller_id=None, email="siti@example.com", email_verified=True, scope="admin payments:refund")
    metadata: Metadata = (("authorization", f"Bearer {shown}"),)
    with serving(house) as channel:
        town = Town(house, channel, shop, shop, siti, siti)
        assert town.ask("/bayar.payments.v1.PaymentService/ListPayments", metadata)[0] == "OK"
        path = "/bayar.payments.v1.PaymentService/RefundPayment"
        assert town.ask(path, (*metadata, _SHOP, _WHY))[1] == "OPERATOR_RIGHT_MISSING"
        change(house, siti, login="siti@example.com", revoke_time=house.clock.now())
        for _ in range(200):
            if town.ask(path, metadata)[1] == "CREDENTIAL_INVALID":
                return
    raise AssertionError("a revoked person goes on")


def test_the_velocity_limits_of_the_customer_hold_for_an_operator() -> None:
    house = a_guarded_house(cards_per_customer=1)
    shop, siti = give_key(house, "shop", scopes=OF_A_BACK_END), hire(house, "Siti Rahayu")
    with serving(house) as channel:
        town, create = Town(house, channel, shop, shop, siti, siti), CustomerServiceStub(channel).CreateCustomer
        new = customer_service_pb2.CreateCustomerRequest(request_id=str(uuid.uuid4()))
        customer_id = create(new, metadata=shop).customer.customer_id
        outcomes = []
        for number in ("4111111111111111", "5555555555554444"):
            request = methods.AddPaymentMethodRequest(
                request_id=str(uuid.uuid4()),
                customer_id=customer_id,
                card=Card(number=number, expiration_month=12, expiration_year=2030, cvv="123"),
                verify=True,
            )
            path = "/bayar.payments.v1.PaymentMethodService/AddPaymentMethod"
            outcomes.append(town.ask(path, siti.acting("shop", WHY), request)[1])
    assert outcomes == ["", "TOO_MANY_DECLINES"]


def test_an_open_stream_ends_with_the_right(town: Town) -> None:
    stream = EventServiceStub(town.channel).StreamEvents(
        event_service_pb2.StreamEventsRequest(), metadata=town.siti.credential, timeout=10
    )
    assert next(stream).HasField("heartbeat")
    change(town.house, town.siti, rights=frozenset({OperatorRight.REFUND}))
    with pytest.raises(grpc.RpcError) as ended:
        list(stream)
    assert refusal_of(ended.value)[:2] == ("PERMISSION_DENIED", "OPERATOR_RIGHT_MISSING")


def test_each_credential_is_described(quiet_town: Town) -> None:
    request = admin_service_pb2.GetCredentialRequest()
    mine = quiet_town.admin.GetCredential(request, metadata=quiet_town.siti.credential).credential
    assert mine.operator.name == "Siti Rahayu"
    assert mine.operator.operator_id == mine.caller_id
    assert len(mine.operator.rights) == len(OperatorRight)
    assert not mine.scopes
    shops = quiet_town.admin.GetCredential(request, metadata=quiet_town.shop).credential
    assert (shops.caller_id, shops.HasField("operator")) == ("shop", False)
    assert access_pb2.SCOPE_PAYMENTS_REFUND in shops.scopes
    with pytest.raises(grpc.RpcError) as refused:
        quiet_town.admin.GetCredential(request)
    assert refusal_of(refused.value)[1] == "CREDENTIAL_MISSING"
