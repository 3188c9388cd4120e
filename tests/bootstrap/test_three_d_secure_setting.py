"""The setting with the 3-D Secure policies."""

from __future__ import annotations

import pytest

from bootstrap.config.three_d_secure import read_rules
from domain.money import Money
from domain.three_d_secure import ThreeDSecurePolicy

REQUIRED, IF_OFFERED, NOT_WANTED = ThreeDSecurePolicy


@pytest.mark.parametrize("text", ["if_offered,EUR>=30.00=required,GBP=required,JPY>=5000=not_wanted"])
def test_policies_are_read_by_currency_and_amount(text: str) -> None:
    rules = read_rules(text)
    assert rules.policy_for(Money(29_99, "EUR")) is IF_OFFERED
    assert rules.policy_for(Money(30_00, "EUR")) is REQUIRED
    assert rules.policy_for(Money(1, "GBP")) is REQUIRED
    assert rules.policy_for(Money(5000, "JPY")) is NOT_WANTED
    assert rules.policy_for(Money(10**9, "USD")) is IF_OFFERED


def test_items_stand_in_any_order_and_with_any_spaces() -> None:
    assert read_rules(" EUR>=9=required  EUR=if_offered, not_wanted ") == read_rules(
        "EUR>=9=required,EUR=if_offered,not_wanted"
    )


def test_without_a_general_policy_it_is_if_offered() -> None:
    assert read_rules("EUR=required").policy_for(Money(1, "USD")) is IF_OFFERED


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "must list"),
        ("maybe", "must use the policies"),
        ("EUR=sometimes", "must use the policies"),
        ("eur=required", "ISO 4217"),
        ("XXX=required", "ISO 4217"),
        ("EUR>=1.005=required", "a number such as"),
        ("EUR>=1.0.0=required", "a number such as"),
        ("EUR>=-1=required", "must list"),
        ("required,not_wanted", "two policies without a currency"),
        ("EUR=required,EUR>=0.00=if_offered", "from the same amount"),
    ],
)
def test_a_malformed_setting_names_the_fault(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_rules(text)
