"""Results print their meaning, survive a newer service, and hide personal data."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bayar import (
    Address,
    Customer,
    Decline,
    DeclineReason,
    Dispute,
    DisputeEvidence,
    Event,
    LocalizedText,
    Money,
    Payment,
    PaymentChange,
    PaymentMethod,
    PaymentState,
    RiskCheck,
    models,
    money,
)
from bayar.modeling import Model, OpenEnum
from bayar.payments.v1 import decline_pb2, event_pb2, payment_pb2
from bayar.payments.v1.secret_pb2 import secret

NOON = datetime(2026, 11, 28, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def in_jakarta(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Jakarta")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_jakarta")
def test_a_payment_prints_its_state_its_amount_and_its_local_time() -> None:
    message = payment_pb2.Payment(
        payment_id="pay_1",
        reference="order-1001",
        state=payment_pb2.PAYMENT_STATE_DECLINED,
        amount=money("25.00", "USD").to_message(),
    )
    message.create_time.FromDatetime(NOON)
    payment = Payment.from_message(message)
    assert str(payment.state) == f"{payment.state}" == "DECLINED"
    assert payment.state is PaymentState.DECLINED
    assert str(payment) == "Payment pay_1 order-1001 USD 25.00 DECLINED 2026-11-28 19:00:00+0700"
    assert str(payment.create_time) == "2026-11-28 19:00:00.123456+07:00"
    assert payment.create_time == NOON


def test_results_are_laid_out_in_columns() -> None:
    state, newer, amount = PaymentState.DECLINED, PaymentState(77), money("25.00", "USD")
    assert f"{state:>10}|{state:<10}|{state:.3}|{newer:>16}" == "  DECLINED|DECLINED  |DEC| UNRECOGNIZED_77"
    assert f"{state:d} {state:#x} {newer:04d}" == f"{int(state)} {int(state):#x} 0077"
    assert f"{amount:>10}|{amount:<10}|{amount}" == " USD 25.00|USD 25.00 |USD 25.00"
    assert f"{Decline():>9}" == "  Decline"


def test_the_repr_shows_what_is_there() -> None:
    payment = Payment(payment_id="pay_1", amount=money("25.00", "USD"), state=PaymentState.CAPTURED, create_time=NOON)
    assert repr(payment) == (
        "Payment(payment_id='pay_1', amount=Money(minor_units=2500, currency_code='USD'), state=PaymentState.CAPTURED, "
        "create_time=2026-11-28T12:00:00.123456+00:00)"
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (money("25.00", "USD"), "USD 25.00"),
        (money("25000", "IDR"), "Rp25.000"),
        (money("1234567.50", "IDR"), "Rp1.234.567,50"),
        (money("0", "IDR"), "Rp0"),
        (money("1050", "JPY"), "JPY 1050"),
        (money("1.050", "KWD"), "KWD 1.050"),
        (Money(-2500, "USD"), "USD -25.00"),
        (Money(-2500, "IDR"), "-Rp25"),
        (Money(), "0 of no currency"),
    ],
)
def test_an_amount_prints_as_people_write_it(amount: Money, text: str) -> None:
    assert str(amount) == text


def test_an_amount_is_an_exact_decimal() -> None:
    assert money("25.00", "USD").decimal == Decimal("25.00")
    assert str(money("25.00", "USD").decimal) == "25.00"
    assert str(money("1050", "JPY").decimal) == "1050"


def test_a_number_of_a_newer_service_survives() -> None:
    payment = Payment.from_message(payment_pb2.Payment(state=77, decline=decline_pb2.Decline(reason=99)))  # type: ignore[arg-type]
    assert payment.state == 77
    assert str(payment.state) == "UNRECOGNIZED_77"
    assert repr(payment.state) == "PaymentState.UNRECOGNIZED_77"
    assert not payment.state.recognized
    assert PaymentState.CAPTURED.recognized
    assert payment.decline is not None
    assert payment.decline.reason == 99
    assert payment.decline.reason not in set(DeclineReason)
    assert payment.to_message().state == 77
    assert pickle.loads(pickle.dumps(payment)) == payment  # noqa: S301 (pickled a moment ago)


def test_a_scalar_that_is_not_given_is_none_and_no_zero() -> None:
    """A risk score of 0 would read as the least risk."""
    absent = RiskCheck.from_message(payment_pb2.RiskCheck(decision="Decline"))
    assert absent.score is None
    assert not absent.to_message().HasField("score")
    zero = RiskCheck.from_message(payment_pb2.RiskCheck(score=0))
    assert zero.score == 0
    assert zero.to_message().HasField("score")
    assert (repr(absent), repr(zero)) == ("RiskCheck(decision='Decline')", "RiskCheck(score=0)")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        pytest.param(kind, described.name, id=f"{kind.__name__}.{described.name}")
        for kind in vars(models).values()
        if isinstance(kind, type) and issubclass(kind, Model) and kind is not Model
        for described in kind.MESSAGE.DESCRIPTOR.fields
        if described.message_type is None
        and described.containing_oneof is not None
        # The compiler's own group around a field that the contract declares `optional`.
        and described.containing_oneof.name == f"_{described.name}"
    ],
)
def test_every_optional_scalar_can_be_absent(kind: type[Model], field: str) -> None:
    assert getattr(kind.from_message(kind.MESSAGE()), field) is None


def test_a_text_is_no_member() -> None:
    with pytest.raises(ValueError, match="'SOLD' is not a valid PaymentState"):
        PaymentState("SOLD")  # type: ignore[arg-type]


def test_a_repr_hides_personal_data() -> None:
    told = [
        Customer(customer_id="cus_1", given_name="Siti", family_name="Rahma", email="s@example.com", phone="+62215550"),
        Address(given_name="Siti", street_address="Jalan Sudirman 1", locality="Jakarta", postal_code="10210"),
        DisputeEvidence(evidence_id="evd_1", text="Siti lives at Jalan Sudirman 1"),
    ]
    for each in told:
        assert "(hidden)" in repr(each)
        for text in (repr(each), str(each), repr([each])):
            for told_of in ("Siti", "Rahma", "s@example.com", "+62215550", "Sudirman", "Jakarta", "10210"):
                assert told_of not in text


def secret_fields() -> list[tuple[type[Model], str]]:
    """Every field of a model that the contract marks as secret."""
    return [
        (kind, field.name)
        for kind in MODELS
        for field in kind.MESSAGE.DESCRIPTOR.fields
        if field.GetOptions().Extensions[secret]
    ]


def test_a_repr_hides_every_field_that_the_contract_marks_as_secret() -> None:
    assert secret_fields() != []
    for kind, name in secret_fields():
        value = kind(**{name: "a-secret-word"})
        assert "a-secret-word" not in repr(value) + str(value)
        assert "(hidden)" in repr(value)


def test_the_sentence_for_the_customer_is_shown() -> None:
    decline = Decline(customer_message=LocalizedText(locale="en", text="Please use another card."))
    assert "Please use another card." in repr(decline)


def test_a_result_cannot_be_changed() -> None:
    payment = Payment(payment_id="pay_1")
    with pytest.raises(FrozenInstanceError):
        payment.payment_id = "pay_2"  # type: ignore[misc]


def test_an_absent_message_is_none_and_a_missing_time_is_the_epoch() -> None:
    payment = Payment.from_message(payment_pb2.Payment())
    assert (payment.decline, payment.settle_time, payment.settlement_amount) == (None, None, None)
    assert payment.create_time.timestamp() == 0
    assert payment == Payment()


def test_an_event_holds_what_changed() -> None:
    message = event_pb2.Event(position=7, type=event_pb2.EVENT_TYPE_PAYMENT_CHANGED)
    message.payment_change.payment.payment_id = "pay_1"
    event = Event.from_message(message)
    assert event.payment_change == PaymentChange(payment=Payment(payment_id="pay_1"))
    assert (event.customer, event.payment_method, event.dispute) == (None, None, None)


def test_durations_are_timedeltas() -> None:
    message = decline_pb2.Decline()
    message.retry_after.FromTimedelta(timedelta(hours=1, microseconds=5))
    assert Decline.from_message(message).retry_after == timedelta(hours=1, microseconds=5)


MODELS = [
    each for each in vars(models).values() if isinstance(each, type) and issubclass(each, Model) and each is not Model
]
ENUMS = [
    each
    for each in vars(models).values()
    if isinstance(each, type) and issubclass(each, OpenEnum) and each is not OpenEnum
]


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_every_field_of_a_message_is_in_its_model_and_comes_back(kind: type[Model]) -> None:
    message = _filled(kind.MESSAGE())
    value = kind.from_message(message)
    assert kind.from_message(value.to_message()) == value
    again = kind.from_message(message)
    assert {value} == {again}  # equal ones have one hash
    assert kind.from_message(kind.MESSAGE()) != value
    assert repr(value).startswith(kind.__name__)
    if not kind.MESSAGE.DESCRIPTOR.oneofs:
        assert value.to_message() == message


def _filled(message: Any, depth: int = 3) -> Any:
    """The message with something in every field."""
    for field in message.DESCRIPTOR.fields:
        if field.name == "nanos":
            continue  # datetime and timedelta count microseconds
        of = field.message_type
        if of is not None and of.GetOptions().map_entry:
            getattr(message, field.name)["key"] = "value"
        elif of is not None and depth:
            repeated = field.default_value == []
            target = getattr(message, field.name)
            _filled(target.add() if repeated else target, depth - 1)
        elif of is None and field.default_value == []:
            getattr(message, field.name).append(_scalar(field))
        elif of is None:
            setattr(message, field.name, _scalar(field))
    return message


def _scalar(field: Any) -> Any:
    kinds = {"int": 1, "long": 1, "string": "text", "enum": 1, "bool": True, "bytes": b"bytes"}
    names = {1: "int", 2: "long", 7: "bool", 8: "enum", 9: "string"}
    return kinds[names[field.cpp_type]]


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_every_enum_has_names_without_its_prefix(kind: type[OpenEnum]) -> None:
    assert kind(0).name == "UNSPECIFIED"
    assert not [member for member in kind if kind.__name__.upper() in member.name.replace("_", "")]


def test_there_are_models_and_enums() -> None:
    assert {Payment, Customer, PaymentMethod, Dispute, Event} <= set(MODELS)
    assert len(MODELS) > 25
    assert len(ENUMS) > 20
