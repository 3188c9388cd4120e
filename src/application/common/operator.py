"""Operators: people with names, who read the data of every caller and act on behalf of one, each with rights."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from domain.ids import OPERATOR, OperatorId, is_id

LONGEST_NAME: Final = 100


class OperatorRight(Enum):
    """A right of an operator. No right includes another."""

    READ = "read"
    REFUND = "refund"
    VOID = "void"
    CAPTURE = "capture"
    ADJUST = "adjust"
    METHODS = "methods"
    CUSTOMERS = "customers"
    DISPUTES = "disputes"
    LIFT_BLOCKS = "lift-blocks"
    RESOLVE = "resolve"
    REDELIVER = "redeliver"
    RECONCILE = "reconcile"


# With these alone, nothing is changed in the name of a caller.
NO_ACTS: Final = frozenset({OperatorRight.READ, OperatorRight.RECONCILE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    operator_id: OperatorId
    name: str
    rights: frozenset[OperatorRight]
    create_time: datetime
    # The person's name in tokens: the claim that BAYAR_JWT_OPERATOR_CLAIM chooses. Empty: the person has keys only.
    login: str = ""
    revoke_time: datetime | None = None

    def has(self, right: OperatorRight) -> bool:
        return right in self.rights

    def is_revoked(self, now: datetime) -> bool:
        return self.revoke_time is not None and self.revoke_time <= now


def is_operator_id(value: str) -> bool:
    return is_id(value, OPERATOR)


def is_operator_name(value: str) -> bool:
    """A name that stands in the history as "shop/operator NAME": visible, in one line, and without "/"."""
    visible = all(sign == " " or unicodedata.category(sign)[0] not in "CZ" for sign in value)
    return 0 < len(value) <= LONGEST_NAME and value == value.strip() and visible and "/" not in value
