"""A card is not printed, not by its repr and not by an error."""

import pytest

from bayar.messages import BayarClient, CardInput, card


def test_a_card_prints_nothing_of_itself() -> None:
    typed = card(
        number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123", cardholder_name="Budi"
    )
    assert repr(typed) == str(typed) == f"{typed}" == "CardInput(hidden)"
    assert repr({"card": [typed]}) == "{'card': [CardInput(hidden)]}"


@pytest.mark.parametrize(
    "wrong", [{"number": 4111111111111111}, {"expiration_month": "4111111111111111"}, {"cvv": 411}]
)
def test_a_value_of_the_wrong_type_is_refused_without_repeating_it(wrong: dict[str, object]) -> None:
    right = {"number": "4111111111111111", "expiration_month": 12, "expiration_year": 2030, "cvv": "123"}
    with pytest.raises(TypeError, match=r"^A card's \w+ is (int|str)\.$"):
        card(**(right | wrong))  # type: ignore[arg-type]


def test_the_client_makes_cards_too() -> None:
    made = BayarClient.card(number="4111111111111111", expiration_month=1, expiration_year=2031)
    assert made == CardInput("4111111111111111", 1, 2031)
    assert made.to_message().expiration_year == 2031
