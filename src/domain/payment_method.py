"""A stored payment method: a card or wallet that the gateway keeps for a customer."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final, Self

from domain.address import Address
from domain.decline import Decline
from domain.ids import CallerId, CustomerId, PaymentMethodId
from domain.initiator import Initiator
from domain.instrument import Instrument
from domain.money import Money
from domain.three_d_secure import ThreeDSecurePolicy, ThreeDSecureResult
from domain.warning import MerchantWarning

EXPIRING_WITHIN: Final = timedelta(days=60)


class PaymentMethodState(Enum):
    PENDING = "pending"
    ACTIVE = "active"
    DECLINED = "declined"
    FAILED = "failed"
    DELETED = "deleted"


class ExpiryStatus(Enum):
    CURRENT = "current"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class CheckResult(Enum):
    """The result of comparing one detail with the bank's records."""

    MATCHES = "matches"
    DOES_NOT_MATCH = "does_not_match"
    NOT_VERIFIED = "not_verified"
    NOT_PROVIDED = "not_provided"
    NOT_SUPPORTED = "not_supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The bank's answer about a card, given without taking money. None where unknown."""

    approved: bool
    cvv: CheckResult | None = None
    postal_code: CheckResult | None = None
    street_address: CheckResult | None = None
    decline: Decline | None = None
    processor_response_code: str = ""
    three_d_secure: ThreeDSecureResult | None = None
    # The amount that the bank was asked about, mostly zero.
    amount: Money | None = None
    # The merchant account that asked. Empty where unknown.
    merchant_account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A stored method. Its id is also its token at the gateway, wherever the token can be chosen."""

    payment_method_id: PaymentMethodId
    caller_id: CallerId
    customer_id: CustomerId
    state: PaymentMethodState
    create_time: datetime
    update_time: datetime
    # The token at the gateway: the id, unless a wallet brought a token of its own.
    gateway_token: str = field(default="", repr=False)
    instrument: Instrument | None = None
    is_default: bool = False
    verification: Verification | None = None
    billing_address: Address = Address()
    failure_detail: str = ""
    duplicate_of: PaymentMethodId | None = None
    # The records sent along that the gateway refused, and that were left out.
    warnings: tuple[MerchantWarning, ...] = ()
    three_d_secure_policy: ThreeDSecurePolicy = ThreeDSecurePolicy.IF_OFFERED
    # The kinds of merchant-initiated payment that the customer agreed to. Empty: none is checked.
    consents: tuple[Initiator, ...] = ()
    # The customer withdrew every consent: no payment in their absence.
    has_withdrawn_consents: bool = False
    # The network's id of the payment or verification in which the customer agreed.
    network_transaction_id: str = ""
    mastercard_transaction_link_id: str = ""
    # The id of the authentication that the nonce has to carry. Empty: any, or none.
    three_d_secure_authentication_id: str = field(default="", repr=False)
    next_check_time: datetime | None = field(default=None, compare=False)

    def activate(
        self, instrument: Instrument, gateway_token: str, verification: Verification | None, *, time: datetime
    ) -> Self:
        """The gateway stored it under the token."""
        return self._resolve(
            time,
            state=PaymentMethodState.ACTIVE,
            instrument=instrument,
            gateway_token=gateway_token,
            verification=verification,
            failure_detail="",
        )

    def with_consent(self, agreed: Initiator) -> Self:
        """Adds a kind of merchant-initiated payment that the customer agreed to, unless none is checked."""
        checked = self.checked_consents
        if checked is None or agreed in checked or not agreed.is_merchant:
            return self
        return self.with_consents(tuple(one for one in Initiator if one in (*checked, agreed)))

    def with_consents(self, agreed: tuple[Initiator, ...]) -> Self:
        """Replaces the consents. With none, the customer has withdrawn them all."""
        return replace(self, consents=agreed, has_withdrawn_consents=not agreed)

    @property
    def checked_consents(self) -> tuple[Initiator, ...] | None:
        """The kinds of merchant-initiated payment that it may be used for. None: any."""
        return self.consents if self.consents or self.has_withdrawn_consents else None

    def with_network_ids(self, network_transaction_id: str, mastercard_transaction_link_id: str) -> Self:
        """Keeps the ids of a payment or verification, unless the method came with those of another vault."""
        if self.network_transaction_id:
            return self
        return replace(
            self,
            network_transaction_id=network_transaction_id,
            mastercard_transaction_link_id=mastercard_transaction_link_id,
        )

    def refuse(self, verification: Verification, *, time: datetime) -> Self:
        """The bank or the gateway declined it. Nothing was stored."""
        return self._resolve(time, state=PaymentMethodState.DECLINED, verification=verification)

    def fail(self, detail: str, *, time: datetime) -> Self:
        """Nothing was stored, for a reason other than a decline."""
        return self._resolve(time, state=PaymentMethodState.FAILED, failure_detail=detail)

    def expiry_status(self, today: date) -> ExpiryStatus | None:
        """None for a method without an expiry date."""
        expiry = self.instrument.expiry if self.instrument else None
        if expiry is None:
            return None
        if expiry.is_past(today):
            return ExpiryStatus.EXPIRED
        near = expiry.first_day_after - today <= EXPIRING_WITHIN
        return ExpiryStatus.EXPIRING if near else ExpiryStatus.CURRENT

    def _resolve(self, time: datetime, **changes: object) -> Self:
        return replace(self, update_time=time, next_check_time=None, **changes)  # type: ignore[arg-type]
