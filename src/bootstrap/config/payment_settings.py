"""Settings of payments: raw card numbers, and the policy of 3-D Secure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from bootstrap.config.settings_group import SettingsGroup
from bootstrap.config.three_d_secure import read_rules


class RawCards(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"


def _three_d_secure(value: str) -> str:
    read_rules(value)
    return value


class PaymentSettings(SettingsGroup):
    raw_cards: RawCards = Field(RawCards.ACCEPT, examples=["refuse"])
    """accept: calls may carry card numbers. refuse: nonces and stored methods only, so that no card number reaches your
    systems.
    """
    three_d_secure: Annotated[str, AfterValidator(_three_d_secure)] = Field(
        "if_offered", examples=["if_offered,EUR>=30.00=required,GBP=required"]
    )
    """The 3-D Secure policy of payments whose request names none: required, if_offered or not_wanted, for a currency
    (EUR=required), or from an amount of it upwards (EUR>=30.00=required). The highest amount that is reached decides.
    See docs/integrate/three-d-secure.md.
    """
