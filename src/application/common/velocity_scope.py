"""The groups whose declines and verifications the velocity limits count together."""

from enum import Enum


class VelocityScope(Enum):
    """The group whose declines and verifications are counted together."""

    CARD = "card"
    CUSTOMER = "customer"
    CLIENT_ADDRESS = "client_address"
    CALLER = "caller"
