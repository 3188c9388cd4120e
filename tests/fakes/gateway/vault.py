"""The customers and payment methods of the gateway in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from application.common.lease import Lease
from application.ports.gateway import (
    CustomerRefused,
    CustomerUnknown,
    Declined,
    MethodChange,
    MethodNonce,
    NewMethod,
    Nonce,
    NonceDetails,
    NotStored,
    RefusalCause,
    Rejected,
    Source,
    Stored,
    StoredInstrument,
    StoredMethod,
    StoreOutcome,
)
from application.ports.runtime import Clock
from domain.customer import Customer
from domain.decline import CATALOGUE, DeclineReason
from domain.ids import CustomerId
from domain.instrument import Card, CardExpiry, Instrument, InstrumentKind
from domain.merchant_account import MerchantAccount
from domain.money import Money
from domain.payment_method import Verification
from domain.transaction import GatewayDetails
from domain.warning import MerchantWarning, WarningReason
from tests.fakes.gateway import authentication
from tests.fakes.gateway.answers import accepts_email, card_instrument, refused_address, rejected, require_lease
from tests.fakes.gateway.ledger import Ledger

VALID_NONCE: Final = "fake-valid-nonce"
PAYPAL_NONCE: Final = "fake-paypal-one-time-nonce"
CONSUMED_NONCE: Final = "fake-consumed-nonce"
UNVERIFIABLE_CARDS: Final = frozenset({"4000111111111115", "5105105105105100", "378734493671000"})


class Vault(Ledger):
    def __init__(self, clock: Clock, *, search_lag: timedelta = timedelta()) -> None:
        super().__init__(clock, search_lag=search_lag)
        self._methods: dict[str, StoredInstrument] = {}
        self._customers: dict[str, Customer] = {}
        # Every method as it was asked for.
        self.new_methods: list[NewMethod] = []

    def ensure_customer(self, customer: Customer, lease: Lease) -> MerchantWarning | None:
        require_lease(lease)
        with self._lock:
            if customer.customer_id in self._customers or accepts_email(customer.email):
                self._customers.setdefault(customer.customer_id, customer)
                return None
            self._customers[customer.customer_id] = replace(customer, given_name="", family_name="", email="", phone="")
            return MerchantWarning(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, "81604")

    def update_customer(self, customer: Customer, lease: Lease) -> None:
        require_lease(lease)
        with self._lock:
            if not accepts_email(customer.email):
                raise CustomerRefused({"email": "81604 EmailIsInvalid"})
            self._customers[customer.customer_id] = customer

    def delete_customer(self, customer_id: CustomerId, lease: Lease) -> None:
        require_lease(lease)
        with self._lock:
            self._customers.pop(customer_id, None)
            for method in list(self._methods.values()):
                if method.customer_id == customer_id:
                    del self._methods[method.token]

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome:
        require_lease(lease)
        with self._lock:
            self.new_methods.append(method)
            if method.customer_id not in self._customers:
                return rejected("91705", "customer id is invalid", RefusalCause.CUSTOMER_UNKNOWN)
            earlier = self._methods.get(method.payment_method_id)
            if earlier is not None:
                mine = earlier.customer_id == method.customer_id
                return Stored(earlier) if mine else Rejected(detail="the token is in use for something else")
            refused = refused_address(method.billing_address)
            if refused is not None:
                return refused
            instrument_or_decline = self._instrument_of(method.source)
            if isinstance(instrument_or_decline, Declined):
                return NotStored(Verification(approved=False, decline=instrument_or_decline.decline))
            verification = self._authenticated(method)
            if method.verify and isinstance(method.source, Card) and method.source.number in UNVERIFIABLE_CARDS:
                return NotStored(Verification(approved=False, decline=CATALOGUE[DeclineReason.DECLINED]))
            token, instrument = method.payment_method_id, instrument_or_decline[0]
            stored = self._store_method(token, method.customer_id, instrument, make_default=method.make_default)
            stored = replace(stored, verification=verification)
            self._methods[token] = stored
            return Stored(stored)

    def _authenticated(self, method: NewMethod) -> Verification | None:
        """The verification of a nonce, or of another provider's authentication. Without one, the result is lost."""
        if not method.verify:
            return None
        nonce = method.source.value if isinstance(method.source, Nonce) else ""
        result = authentication.RESULTS.get(nonce)
        if method.external_authentication is not None:
            result = authentication.passed_through(method.external_authentication)
        amount = method.verification_amount or Money.zero("USD")
        return Verification(approved=True, three_d_secure=result, amount=amount)

    def find_method(self, token: str) -> StoredInstrument | None:
        with self._lock:
            return self._methods.get(token)

    def change_method(self, change: MethodChange, lease: Lease) -> StoreOutcome:
        require_lease(lease)
        with self._lock:
            stored = self._methods.get(change.token)
            if stored is None:
                return Rejected(detail="the gateway knows no such payment method", cause=RefusalCause.METHOD_UNKNOWN)
            instrument = replace(
                stored.instrument,
                expiry=change.expiry or stored.instrument.expiry,
                cardholder_name=(
                    stored.instrument.cardholder_name if change.cardholder_name is None else change.cardholder_name
                ),
            )
            default = change.make_default or stored.is_default
            return Stored(self._store_method(change.token, stored.customer_id, instrument, make_default=default))

    def delete_method(self, token: str, lease: Lease) -> None:
        require_lease(lease)
        with self._lock:
            self._methods.pop(token, None)

    def create_client_token(self, customer_id: CustomerId | None, merchant_account_id: str) -> str:
        if customer_id is not None and customer_id not in self._customers:
            raise CustomerUnknown("the gateway knows no such customer")
        return f"token for {customer_id} of {merchant_account_id}"

    def describe_nonce(self, nonce: Nonce) -> NonceDetails | None:
        found = self._instrument_of(nonce)
        if isinstance(found, Declined):
            return None
        return NonceDetails(found[0].kind, found[0].brand, authentication.RESULTS.get(nonce.value))

    def create_method_nonce(self, token: str, lease: Lease) -> MethodNonce | None:
        require_lease(lease)
        with self._lock:
            kept = self._methods.get(token)
        if kept is None:
            return None
        return MethodNonce(f"nonce of {token}", "411111" if kept.instrument.kind is InstrumentKind.CARD else "")

    def describe_merchant_accounts(self) -> list[MerchantAccount]:
        takes = (InstrumentKind.CARD, InstrumentKind.PAYPAL)
        return [
            MerchantAccount(
                merchant_account_id="usd",
                currency_code="USD",
                is_default=True,
                status="active",
                instruments=takes,
                card_brands=("Visa",),
            )
        ]

    def _store_method(
        self, token: str, customer_id: str, instrument: Instrument, *, make_default: bool
    ) -> StoredInstrument:
        others = [m for m in self._methods.values() if m.customer_id == customer_id and m.token != token]
        becomes_default = make_default or not others
        if becomes_default:
            self._methods |= {other.token: replace(other, is_default=False) for other in others}
        stored = StoredInstrument(
            token=token, customer_id=customer_id, instrument=instrument, is_default=becomes_default
        )
        self._methods[token] = stored
        return stored

    def _instrument_of(self, source: Source) -> tuple[Instrument, str] | Declined:
        match source:
            case Card():
                return card_instrument(source), ""
            case Nonce(value) if value == VALID_NONCE:
                return card_instrument(Card("4111111111111111", CardExpiry(2035, 12))), ""
            case Nonce(value) if value == PAYPAL_NONCE:
                return Instrument(InstrumentKind.PAYPAL, account="jane.doe@paypal.com"), ""
            case Nonce(value) if value in authentication.RESULTS:
                return card_instrument(authentication.AUTHENTICATED_CARD), ""
            case Nonce():
                return Declined(decline=CATALOGUE[DeclineReason.INVALID_DATA])
            case StoredMethod(token):
                stored = self._methods.get(token)
                gone = Declined(
                    decline=CATALOGUE[DeclineReason.METHOD_REMOVED], details=GatewayDetails(validation_code="91518")
                )
                return (stored.instrument, token) if stored else gone
