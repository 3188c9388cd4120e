"""Quick constructors: as those of dataclasses, at half of the cost."""

from __future__ import annotations

import copy
import inspect
from dataclasses import FrozenInstanceError, dataclass, field, make_dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from application.ports.gateway import Transaction
from domain.events import EventContext, OperationStarted, PaymentTerms
from domain.ids import OperationId, RequestId
from domain.money import InexactAmount, Money
from domain.operation import Operation, OperationKind
from domain.quick_init import quick_init


@dataclass(frozen=True, slots=True)
class Slow:
    one: int
    two: str = "two"
    three: list[int] = field(default_factory=list)
    four: int = field(default=4, kw_only=True)
    five: int = field(kw_only=True)


@quick_init
@dataclass(frozen=True, slots=True)
class Quick:
    one: int
    two: str = "two"
    three: list[int] = field(default_factory=list)
    four: int = field(default=4, kw_only=True)
    five: int = field(kw_only=True)


def values(made: Slow | Quick) -> tuple[object, ...]:
    return made.one, made.two, made.three, made.four, made.five


def test_parameters_and_defaults_are_those_of_the_dataclass() -> None:
    assert values(Quick(1, five=5)) == values(Slow(1, five=5)) == (1, "two", [], 4, 5)
    assert values(Quick(1, "b", [3], five=5, four=0)) == values(Slow(1, "b", [3], five=5, four=0))
    assert Quick(1, five=5).three is not Quick(1, five=5).three
    kinds: tuple[type[Any], ...] = (Slow, Quick)
    for kind in kinds:
        for wrong in ((), (1, "b", [3], 4, 5)):
            with pytest.raises(TypeError):
                kind(*wrong)
    with pytest.raises(TypeError, match="six"):
        Quick(1, five=5, six=6)  # type: ignore[call-arg]


def test_it_stays_a_frozen_value() -> None:
    one = Quick(1, five=5)
    with pytest.raises(FrozenInstanceError):
        one.one = 2  # type: ignore[misc]
    assert one == Quick(1, five=5) != replace(one, two="b")
    assert copy.deepcopy(one) == copy.copy(one) == one
    assert repr(one) == "Quick(one=1, two='two', three=[], four=4, five=5)"


def test_checks_of_a_value_are_made() -> None:
    with pytest.raises(InexactAmount):
        Money(1.5, "USD")  # type: ignore[arg-type]


def test_a_field_of_a_base_class_is_set() -> None:
    context = EventContext(datetime(2026, 1, 1, tzinfo=UTC), "shop")
    started = OperationStarted(
        context=context,
        operation_id=OperationId("op_1"),
        kind=OperationKind.AUTHORIZE,
        amount=Money(1, "USD"),
        request_id=RequestId("r"),
    )
    assert (started.context, started.operation_id) == (context, "op_1")


@pytest.mark.parametrize("kind", [Operation, PaymentTerms, Transaction, Money, OperationStarted])
def test_the_signature_is_that_of_the_dataclass(kind: type) -> None:
    own = inspect.signature(kind).parameters
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    assert list(own) == list(fields)
    for name, one in fields.items():
        assert own[name].kind is (own[name].KEYWORD_ONLY if one.kw_only else own[name].POSITIONAL_OR_KEYWORD)


def test_a_field_that_no_parameter_sets_is_refused() -> None:
    kind = make_dataclass("Derived", [("one", int, field(init=False, default=1))], frozen=True, slots=True)
    with pytest.raises(TypeError, match="Derived"):
        quick_init(kind)
