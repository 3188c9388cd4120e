"""Fingerprints tell requests apart, keep nothing of what they said, and are the same after an upgrade."""

from __future__ import annotations

from application.idempotency.fingerprint import Fingerprinter, differing_fields

OF = Fingerprinter(b"key").of


def test_a_fingerprint_is_read_by_the_next_version_too() -> None:
    """They are stored: another form would refuse every repeat from before the upgrade."""
    assert OF({"amount": 100, "metadata": {"b": "2", "a": "1"}}) == {
        "amount": "d86008823806186790cd0eac89dbe1a1",
        "metadata": "484f09f2a23a171e6899f14d9af2f249",
    }


def test_an_unset_field_has_no_fingerprint() -> None:
    """So that a field of a newer version changes nothing for orders that do not use it."""
    assert OF({"a": None, "b": "", "c": {}, "d": False}) == {}
    assert OF({"a": True, "b": "x"}).keys() == {"a", "b"}


def test_the_order_of_a_mapping_says_nothing() -> None:
    assert OF({"m": {"a": "1", "b": "2"}}) == OF({"m": {"b": "2", "a": "1"}})
    assert OF({"m": {"a": "1", "b": "2"}}) != OF({"m": {"a": "2", "b": "1"}})


def test_the_same_value_looks_different_under_another_name_or_key() -> None:
    hashes = {OF({"a": "x"})["a"], OF({"b": "x"})["b"], Fingerprinter(b"other").of({"a": "x"})["a"]}
    assert len(hashes) == 3


def test_the_fields_that_differ_are_named_in_order() -> None:
    earlier, later = OF({"a": 1, "b": 2, "c": 3, "z": 9}), OF({"z": 8, "b": 2, "c": 4, "d": 5})
    assert differing_fields(earlier, later) == ("a", "c", "d", "z")
    assert differing_fields(earlier, dict(earlier)) == ()


def test_a_field_that_was_renamed_is_stored_by_its_first_name_and_reported_by_its_present_one() -> None:
    earlier = OF({"descriptor.name": "A*B", "descriptor_x": 1})
    later = OF({"descriptor.name": "A*C", "descriptor_x": 2})
    assert differing_fields(earlier, later) == ("descriptor_x", "statement_descriptor.name")
