"""Reads the setting with the 3-D Secure policies by currency and amount."""

import re
from types import MappingProxyType
from typing import Final

from domain.money import InexactAmount, Money, UnknownCurrency
from domain.three_d_secure import PolicyRule, ThreeDSecurePolicy, ThreeDSecureRules

_ITEM: Final = re.compile(r"(?:(?P<currency>[A-Za-z]+)(?:>=(?P<minimum>[0-9.]+))?=)?(?P<policy>[a-z_]+)")


def read_rules(text: str) -> ThreeDSecureRules:
    """Reads items such as "if_offered,EUR=required,EUR>=500.00=required". Raises ValueError with what is wrong."""
    otherwise: ThreeDSecurePolicy | None = None
    by_currency: dict[str, list[PolicyRule]] = {}
    for item in re.split(r"[,\s]+", text.strip()):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError("must list POLICY, CURRENCY=POLICY or CURRENCY>=AMOUNT=POLICY")
        policy = _policy(match["policy"])
        if match["currency"] is None:
            if otherwise is not None:
                raise ValueError("names two policies without a currency. Keep one")
            otherwise = policy
            continue
        rule = PolicyRule(_minimum(match["currency"], match["minimum"] or "0"), policy)
        rules = by_currency.setdefault(match["currency"], [])
        if any(one.minimum == rule.minimum for one in rules):
            raise ValueError(f"names two policies for {match['currency']} from the same amount. Keep one")
        rules.append(rule)
    return ThreeDSecureRules(
        otherwise or ThreeDSecurePolicy.IF_OFFERED,
        MappingProxyType({currency: tuple(rules) for currency, rules in by_currency.items()}),
    )


def _policy(name: str) -> ThreeDSecurePolicy:
    try:
        return ThreeDSecurePolicy(name)
    except ValueError:
        raise ValueError("must use the policies required, if_offered and not_wanted only") from None


def _minimum(currency: str, amount: str) -> Money:
    try:
        return Money.from_decimal(amount, currency)
    except UnknownCurrency:
        raise ValueError("must name currencies by their ISO 4217 codes in capital letters") from None
    except InexactAmount:
        raise ValueError(f"must give amounts in {currency} as a number such as 30.00") from None
