"""The cardholder's postal address, and the statement descriptor."""

from dataclasses import dataclass, field

from domain.quick_init import quick_init


@quick_init
@dataclass(frozen=True, slots=True)
class Address:
    """A postal address, which banks compare with their records. Empty means not given."""

    given_name: str = field(default="", repr=False)
    family_name: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    street_address: str = field(default="", repr=False)
    extended_address: str = field(default="", repr=False)
    locality: str = field(default="", repr=False)
    region: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    country_code: str = ""
    phone: str = field(default="", repr=False)


@quick_init
@dataclass(frozen=True, slots=True)
class StatementDescriptor:
    """The text on the customer's bank statement. Empty means the default of the merchant account."""

    name: str = ""
    phone: str = ""
    url: str = ""
