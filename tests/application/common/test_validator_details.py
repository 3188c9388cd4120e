"""Addresses, statement descriptors, metadata and pages: each rule on both of its sides."""

from __future__ import annotations

import pytest

from application.common.errors import FieldViolation, Rule
from application.common.pagination import checked_page_size
from application.common.validator import Validator, address_texts, metadata_path
from domain.address import Address, StatementDescriptor
from tests.application.common.test_validator_limits import VISA, faults, whole_faults


@pytest.mark.parametrize(
    "name",
    ["given_name", "family_name", "company", "street_address", "extended_address", "locality", "region", "postal_code"],
)
def test_every_part_of_an_address_has_a_limit(name: str) -> None:
    for address in (Address(**{name: "x" * 256}), Address(**{name: "a\x00"})):
        told = faults(lambda validator, address=address: validator.address("at", address))  # type: ignore[misc]
        assert f"at.{name}" in {path for path, _ in told}


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("", True),
        ("1", True),
        ("123456789", True),
        ("SW1A 1AA", True),
        ("12345-6789", True),
        ("1234567890", False),
        ("-1234", False),
        ("123é", False),
    ],
)
def test_a_postal_code_has_up_to_nine_letters_and_digits(code: str, is_one: bool) -> None:
    address = Address(postal_code=code)
    assert faults(lambda validator: validator.address("at", address)) == (
        [] if is_one else [("at.postal_code", Rule.POSTAL_CODE)]
    )
    assert Validator().address("at", address) is address


@pytest.mark.parametrize(("code", "is_one"), [("", True), ("DE", True), ("de", False), ("XX", False)])
def test_a_country_is_of_iso_3166(code: str, is_one: bool) -> None:
    told = faults(lambda validator: validator.address("at", Address(country_code=code)))
    assert told == ([] if is_one else [("at.country_code", Rule.COUNTRY)])


def test_the_parts_of_an_address_have_paths() -> None:
    texts = address_texts("at", Address(locality="Ulm"))
    assert texts["at.locality"] == "Ulm"
    assert set(texts) == {f"at.{name}" for name in Address.__slots__}


@pytest.mark.parametrize(
    ("descriptor", "told"),
    [
        (StatementDescriptor(), []),
        (StatementDescriptor(name="BAY*Books"), []),
        (StatementDescriptor(name="BAYARCO*Books"), []),
        (StatementDescriptor(name="BAYARCOMPANY*Books"), []),
        (StatementDescriptor(name="BAY*" + "x" * 18), []),
        (StatementDescriptor(name="BAY*" + "x" * 19), [("d.name", Rule.DESCRIPTOR_NAME)]),
        (StatementDescriptor(name="BAYA*Books"), [("d.name", Rule.DESCRIPTOR_NAME)]),
        (StatementDescriptor(name="Books"), [("d.name", Rule.DESCRIPTOR_NAME)]),
        (StatementDescriptor(phone="0215551234"), []),
        (StatementDescriptor(phone="(021)555-1234"), []),
        (StatementDescriptor(phone="021555123"), [("d.phone", Rule.DESCRIPTOR_PHONE)]),
        (StatementDescriptor(phone="021 555123"), [("d.phone", Rule.DESCRIPTOR_PHONE)]),
        (StatementDescriptor(phone="02155512345"), [("d.phone", Rule.DESCRIPTOR_PHONE)]),
        (StatementDescriptor(phone="+215551234 5"), [("d.phone", Rule.DESCRIPTOR_PHONE)]),
        (StatementDescriptor(url="x" * 13), []),
        (StatementDescriptor(url="x" * 14), [("d.url", Rule.DESCRIPTOR_URL)]),
        (StatementDescriptor(url="a b"), [("d.url", Rule.DESCRIPTOR_URL)]),
        (StatementDescriptor(name="BAY*5018 0000 0009"), [("d.name", Rule.NO_CARD_DATA)]),
        (StatementDescriptor(url="4222222222222"), [("d.url", Rule.NO_CARD_DATA)]),
    ],
)
def test_a_descriptor_is_as_the_gateway_takes_it(descriptor: StatementDescriptor, told: list[tuple[str, Rule]]) -> None:
    assert faults(lambda validator: validator.descriptor("d", descriptor)) == told
    assert Validator().descriptor("d", descriptor) is descriptor


def test_there_are_up_to_fifty_entries_of_metadata() -> None:
    fifty = {f"key{n}": "" for n in range(50)}
    assert Validator().metadata("m", fifty) == fifty
    assert whole_faults(lambda validator: validator.metadata("m", fifty)) == ()
    more = fifty | {"more": "\x00"}
    assert whole_faults(lambda validator: validator.metadata("m", more)) == (
        FieldViolation("m", Rule.MAX_ENTRIES, "50"),
    )
    assert Validator().metadata("m", more) == {}


def test_each_violation_in_metadata_names_its_key() -> None:
    wrong = {"a": VISA, " ": "", "b\x00": "", VISA: "x"}
    assert faults(lambda validator: validator.metadata("m", wrong)) == [
        ("m[a]", Rule.NO_CARD_DATA),
        ("m[?].key", Rule.REQUIRED),
        ("m[?].key", Rule.NO_CONTROL_CHARACTERS),
        ("m[?].key", Rule.NO_CARD_DATA),
    ]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("cart.id-1_x", "cart.id-1_x"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "?"),
        ("", "?"),
        ("a b", "?"),
        ("12345678901", "12345678901"),
        ("123456789012", "?"),
        ("a1b2c3d4e5f6g7h8i9j1k2", "a1b2c3d4e5f6g7h8i9j1k2"),
        ("a1b2c3d4e5f6g7h8i9j1k2l3", "?"),
    ],
)
def test_only_a_harmless_key_is_repeated(key: str, shown: str) -> None:
    assert metadata_path("m", key) == f"m[{shown}]"


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (500, 500), (501, 500), (10**9, 500)])
def test_a_page_has_one_to_five_hundred_entries(asked: int, size: int) -> None:
    assert checked_page_size(Validator(), asked) == size
    assert faults(lambda validator: checked_page_size(validator, asked)) == []


def test_a_page_has_no_less_than_nothing() -> None:
    assert faults(lambda validator: checked_page_size(validator, -1)) == [("page_size", Rule.NOT_NEGATIVE)]
