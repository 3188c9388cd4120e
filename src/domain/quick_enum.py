"""An enum whose members are quick keys."""

from enum import Enum


class QuickEnum(Enum):
    """Its members hash by identity. Enum hashes a member's name instead, in Python code at each look-up."""

    __hash__ = object.__hash__
