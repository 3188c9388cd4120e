"""Order ids name the deployment that made a transaction, and its operation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.braintree.order_ids import UNMARKED, OrderIds
from domain.ids import OperationId

OPERATION = OperationId("op_0000000000000000000000000a")
OURS = OrderIds(lambda: "k7m2q9xw3f")


def test_an_order_id_is_read_as_it_was_written() -> None:
    assert OURS.of(OPERATION) == "k7m2q9xw3f-op_0000000000000000000000000a"
    assert OURS.read(OURS.of(OPERATION)) == (OPERATION, True)


SHOWING = OrderIds(lambda: "k7m2q9xw3f", shows_reference=True)


def test_the_merchants_reference_stands_in_front_where_it_is_asked_for() -> None:
    assert OURS.of(OPERATION, "order-17") == OURS.of(OPERATION)
    assert SHOWING.of(OPERATION, "order-17") == f"order-17-k7m2q9xw3f-{OPERATION}"
    assert SHOWING.of(OPERATION) == OURS.of(OPERATION)
    assert OrderIds(lambda: "", shows_reference=True).of(OPERATION, "order-17") == OPERATION


@given(st.text(min_size=1, max_size=255))
def test_any_reference_in_front_is_read_as_this_deployments_operation(reference: str) -> None:
    order_id = SHOWING.of(OPERATION, reference)
    assert len(order_id) <= 127
    assert order_id.startswith(reference[:86])
    assert OURS.read(order_id) == (OPERATION, True)


@pytest.mark.parametrize("front", ["order 17 ", "A-1/", "x" * 200 + "_"])
def test_more_may_stand_in_front_of_the_mark(front: str) -> None:
    assert OURS.read(front + OURS.of(OPERATION)) == (OPERATION, True)


@pytest.mark.parametrize(
    "order_id",
    [
        "",
        "17",
        OPERATION,
        f"xk7m2q9xw3f-{OPERATION}",
        f"k7m2q9xw3f{OPERATION}",
        f"k7m2q9xw3f-{OPERATION}-2",
        "k7m2q9xw3f-op_0000000000000000000000000i",
        "k7m2q9xw3f-",
    ],
)
def test_anything_else_stays_as_it_is(order_id: str) -> None:
    assert OURS.read(order_id) == (order_id, False)


def test_an_operation_is_known_under_another_mark_and_is_not_this_deployments() -> None:
    assert OURS.read(f"0000000000-{OPERATION}") == (OPERATION, False)


def test_without_a_mark_nothing_is_marked() -> None:
    assert UNMARKED.of(OPERATION) == OPERATION
    assert UNMARKED.read(f"-{OPERATION}") == (f"-{OPERATION}", False)
