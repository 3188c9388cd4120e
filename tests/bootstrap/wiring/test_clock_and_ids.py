"""Ids are ULIDs: ordered by time, and never the same twice."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from bootstrap.wiring import clock_and_ids
from bootstrap.wiring.clock_and_ids import UlidSource
from domain import ids

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def decoded(ulid: str) -> int:
    value = 0
    for character in ulid:
        value = 32 * value + ALPHABET.index(character)
    return value


def test_an_id_begins_with_its_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    one = UlidSource().new(ids.PAYMENT)
    assert ids.is_id(one, ids.PAYMENT)
    prefix, _, ulid = one.partition("_")
    assert (prefix, len(ulid)) == (ids.PAYMENT, 26)
    assert before <= decoded(ulid) >> 80 <= time.time_ns() // 1_000_000


def test_ids_grow_within_one_process() -> None:
    source = UlidSource()
    made = [source.new(ids.EVENT) for _ in range(1000)]
    assert made == sorted(set(made))


@given(st.integers(0, 2**128 - 1))
def test_every_number_is_written_in_base_32(number: int) -> None:
    assert decoded(clock_and_ids.ulid(number)) == number
    assert len(clock_and_ids.ulid(number)) == 26
