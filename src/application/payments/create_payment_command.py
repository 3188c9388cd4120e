"""The input of CreatePayment, as the caller sent it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.common.initiator_input import BY_CUSTOMER, RawInitiation
from application.common.order_details_input import RawOrderDetails
from application.common.three_d_secure_input import NOTHING_SAID, RawThreeDSecure
from application.common.validator import RawCard, RawMoney
from application.ports.gateway import Nonce
from domain.address import Address, StatementDescriptor
from domain.customer import NO_CONTACT, GuestContact
from domain.events import CaptureMode
from domain.initiator import Initiator
from domain.order_details import ShippingMethod
from domain.payment_check import PaymentCheck
from domain.quick_init import quick_init


@dataclass(frozen=True, slots=True)
class RawStoredMethod:
    """A stored method's id as the caller sent it."""

    payment_method_id: str


RawSource = RawCard | Nonce | RawStoredMethod


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePaymentCommand:
    """The caller's request, unchecked. No capture mode: the caller sent an unknown one."""

    request_id: str
    reference: str
    amount: RawMoney | None
    source: RawSource | None
    customer_id: str = ""
    capture_mode: CaptureMode | None = CaptureMode.AUTOMATIC
    store_payment_method: bool = False
    billing_address: Address = Address()
    descriptor: StatementDescriptor = StatementDescriptor()
    metadata: Mapping[str, str] = field(default_factory=dict)
    language_code: str = ""
    # The shopper's address, as declared by the caller. It is not compared between replays: people change networks.
    client_address: str = field(default="", repr=False)
    three_d_secure: RawThreeDSecure = NOTHING_SAID
    initiation: RawInitiation = BY_CUSTOMER
    # None stands for a value that the contract does not list.
    consents: tuple[Initiator | None, ...] = ()
    device_data: str = field(default="", repr=False)
    guest: GuestContact = NO_CONTACT
    shipping_address: Address = Address()
    shipping_method: ShippingMethod | None = None
    order_details: RawOrderDetails | None = None
    # None stands for a value that the contract does not list.
    skip_checks: tuple[PaymentCheck | None, ...] = ()
    # Empty: the default account of the currency.
    merchant_account_id: str = ""
    # The names of the fields with a value that the contract does not list.
    unknown_values: tuple[str, ...] = ()
