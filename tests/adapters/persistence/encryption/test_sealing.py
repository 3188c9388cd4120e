"""Sealed values are bound to their associated data, and open only with their key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.persistence.encryption.sealing import CannotOpen, Sealer, is_sealed, key_id_of
from tests.encryption_keys import NEW_KEY, OLD_KEY, SEALER

_PLACE = "customers.email/cus_1"
_SENSITIVE = ["billing_address", "cardholder_name", "account", "unique_number_identifier"]
_json = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
_documents = st.recursive(
    st.dictionaries(st.sampled_from([*_SENSITIVE, "brand", "metadata"]), _json, max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(["terms", "instrument"]), inner, max_size=2),
)


@given(st.text(min_size=1))
def test_a_sealed_value_opens_again_and_reveals_nothing(text: str) -> None:
    sealed = SEALER.seal(text, _PLACE)
    assert is_sealed(sealed)
    assert SEALER.open(sealed, _PLACE) == text
    assert SEALER.seal(text, _PLACE) != sealed
    assert len(text) < 8 or text not in sealed


@given(_documents)
def test_only_the_sensitive_entries_of_a_document_are_sealed(document: dict[str, Any]) -> None:
    sealed = SEALER.seal_entries(document, "payments.terms/pay_1")
    assert SEALER.open_entries(sealed, "payments.terms/pay_1") == document
    for name, item in sealed.items():
        assert is_sealed(item) == (name in _SENSITIVE) or item == document[name]
        if name in _SENSITIVE:
            assert is_sealed(item)


@given(_documents)
def test_resealing_changes_the_key_and_not_the_content(document: dict[str, Any]) -> None:
    place = "payments.terms/pay_1"
    both, only_new = Sealer([NEW_KEY, OLD_KEY], b"i"), Sealer([NEW_KEY], b"i")
    again = both.reseal_entries(SEALER.seal_entries(document, place), place)
    assert only_new.open_entries(again, place) == document
    assert both.reseal_entries(again, place) == again


def test_a_text_that_looks_sealed_is_a_text_like_any_other() -> None:
    cunning = SEALER.seal("x", _PLACE)
    assert SEALER.open(SEALER.seal(cunning, _PLACE), _PLACE) == cunning
    document = {"cardholder_name": cunning}
    assert SEALER.open_entries(SEALER.seal_entries(document, "p"), "p") == document


def test_a_value_does_not_open_in_another_place() -> None:
    with pytest.raises(CannotOpen, match="cus_2"):
        SEALER.open(SEALER.seal("ani@example.com", _PLACE), "customers.email/cus_2")


@pytest.mark.parametrize("position", [0, 5, -1])
def test_a_changed_value_does_not_open(position: int) -> None:
    head, _, body = SEALER.seal("ani@example.com", _PLACE).rpartition(":")
    changed = list(body)
    changed[position] = "A" if changed[position] != "A" else "B"
    with pytest.raises(CannotOpen):
        SEALER.open(f"{head}:{''.join(changed)}", _PLACE)


@pytest.mark.parametrize("wreck", ["sealed:1:old:", "sealed:1:old:AAAA", "sealed:1:old:!!", "sealed:1::AAAA"])
def test_a_wreck_of_a_value_is_reported_as_such(wreck: str) -> None:
    if key_id_of(wreck):
        with pytest.raises(CannotOpen):
            SEALER.open(wreck, _PLACE)
    else:
        assert SEALER.open(wreck, _PLACE) == wreck


def test_a_missing_key_is_named() -> None:
    with pytest.raises(CannotOpen, match="'old'"):
        Sealer([NEW_KEY], b"i").open(SEALER.seal("x", _PLACE), _PLACE)


def test_digests_are_alike_for_like_texts_of_one_column_only() -> None:
    assert SEALER.digest("ani", "a") == SEALER.digest("ani", "a") != SEALER.digest("ani", "b")
    assert SEALER.digest("", "a") == ""
    assert Sealer([OLD_KEY], b"another").digest("ani", "a") != SEALER.digest("ani", "a")


def test_nothing_stays_nothing_and_plain_stays_plain() -> None:
    assert SEALER.seal("", _PLACE) == "" == SEALER.open("", _PLACE)
    assert SEALER.open("from before there were keys", _PLACE) == "from before there were keys"


def test_keys_never_show() -> None:
    assert "ooo" not in repr(OLD_KEY)
    with pytest.raises(ValueError, match="name"):
        Sealer([OLD_KEY, OLD_KEY], b"i")
    with pytest.raises(ValueError, match="name"):
        Sealer([], b"i")
