"""A customer: a person who pays."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.ids import CallerId, CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestContact:
    """How to reach somebody who pays without a customer record. Empty means not given."""

    given_name: str = field(default="", repr=False)
    family_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    company: str = field(default="", repr=False)


NO_CONTACT: Final = GuestContact()


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer, with the details that the caller chose to give."""

    customer_id: CustomerId
    caller_id: CallerId
    create_time: datetime
    update_time: datetime
    external_id: str = ""
    given_name: str = field(default="", repr=False)
    family_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    language_code: str = ""
    # Whether the customer exists at the gateway, under the same id.
    is_at_gateway: bool = False
    delete_time: datetime | None = None
