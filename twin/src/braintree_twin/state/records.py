"""The records of the state, in plain values that go into JSON as they are.

No record has a field for a card number or a security code. A card's record has only what the real gateway shows, and
the behaviour that its number triggers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, str | None]


@dataclass(slots=True, kw_only=True)
class Card:
    """A payment card as the gateway shows it."""

    bin: str
    last_4: str
    card_type: str
    expiration_month: str
    expiration_year: str
    unique_number_identifier: str
    cardholder_name: str | None = None
    customer_location: str = "US"
    # The first eight digits; None for a card that came without its number.
    bin_extended: str | None = None
    # BIN data: card type indicators and issuer, such as prepaid, debit, issuing_bank.
    bin_data: dict[str, str] = field(default_factory=dict)
    # The behaviour that the number triggers; see rules/cards.py.
    behaviour: str = "valid"
    # The 3-D Secure scenario of a test number, and its version; see rules/three_d_secure_outcomes.py.
    scenario: str | None = None
    three_d_secure_version: str | None = None


@dataclass(slots=True, kw_only=True)
class Customer:
    id: str
    created_at: str
    updated_at: str
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    fax: str | None = None
    website: str | None = None
    international_phone_country_code: str | None = None
    international_phone_national_number: str | None = None
    custom_fields: Fields = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Address:
    """An address in the vault. `fields` has the names of rules/addresses.py."""

    id: str
    customer_id: str
    created_at: str
    updated_at: str
    fields: Fields = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.customer_id}/{self.id}"


@dataclass(slots=True, kw_only=True)
class PaymentMethod:
    """A vaulted payment method. `kind` is its element name: credit_card, paypal_account, apple_pay_card ..."""

    token: str
    customer_id: str | None
    kind: str
    created_at: str
    updated_at: str
    default: bool = False
    card: dict[str, Any] | None = None
    # Fields of a wallet: an e-mail address, a user name, a source description.
    wallet: Fields = field(default_factory=dict)
    billing_address_id: str | None = None
    # Billing fields of a card that was vaulted without an address record.
    billing: Fields | None = None
    # The CVV response at creation; the code itself is not stored.
    cvv_response: str | None = None
    # The vault charges it by a token of the card's network.
    network_token: bool = False

    @property
    def unique_number_identifier(self) -> str | None:
        return self.card["unique_number_identifier"] if self.card else None


@dataclass(slots=True, kw_only=True)
class Nonce:
    """A one-time reference to an instrument, created by the client API or from a vaulted method."""

    nonce: str
    created_at: str
    consumed: bool = False
    locked: bool = False
    kind: str = "credit_card"
    card: dict[str, Any] | None = None
    wallet: Fields = field(default_factory=dict)
    billing: Fields | None = None
    cvv_response: str | None = None
    # The token of the vaulted method that it was created from.
    token: str | None = None
    # False: it pays once, and cannot be vaulted.
    reusable: bool = True
    # The result of 3-D Secure, if the nonce comes from a look-up.
    three_d_secure: Fields | None = None
    # The token of another merchant's method that it is granted from, and the time at which the grant ends.
    granted_from: str | None = None
    revoked_after: str | None = None
    # The application that granted it.
    facilitator: Fields | None = None


@dataclass(slots=True, kw_only=True)
class Authentication:
    """A 3-D Secure authentication, from the look-up to the end of its challenge."""

    id: str
    # The identifier that the challenge is known by.
    transaction_id: str
    created_at: str
    # The nonce that the look-up created.
    nonce: str
    amount: str
    merchant_account_id: str
    scenario: str
    # The card's unique_number_identifier: a payment with another card may not use the authentication.
    card_identifier: str
    brand: str
    info: Fields
    # The challenge waits for the cardholder.
    open: bool = False
    wrong_codes: int = 0


@dataclass(slots=True, kw_only=True)
class Verification:
    id: str
    status: str
    created_at: str
    updated_at: str
    merchant_account_id: str
    currency: str
    amount: str
    card: dict[str, Any]
    token: str | None = None
    customer_id: str | None = None
    billing: Fields = field(default_factory=dict)
    avs_error: str | None = None
    avs_postal: str = "I"
    avs_street: str = "I"
    cvv: str = "I"
    processor_response_code: str | None = None
    processor_response_type: str | None = None
    network_transaction_id: str | None = None
    gateway_rejection_reason: str | None = None
    account_type: str | None = None
    ani_first_name: str = "I"
    ani_last_name: str = "I"
    mastercard_transaction_link_id: str | None = None
    three_d_secure: Fields | None = None
    device_data_captured: bool = False
    # False: fraud checking was left out, and there is no risk data.
    fraud_checked: bool = True

    @property
    def card_number_identifier(self) -> str | None:
        identifier: str | None = self.card.get("unique_number_identifier")
        return identifier


@dataclass(slots=True, kw_only=True)
class BankVerification:
    """A verification of a vaulted US bank account. `method` is one of rules/bank_accounts.py WAYS."""

    id: str
    # pending, verified, processor_declined, failed.
    status: str
    method: str
    created_at: str
    updated_at: str
    merchant_account_id: str
    token: str
    customer_id: str | None = None
    # The fields of the account.
    account: Fields = field(default_factory=dict)
    processor_response_code: str | None = None
    additional_processor_response: str | None = None
    determined_at: str | None = None
    # Micro-transfers: the amounts of the deposits in cents, and the attempts to confirm them.
    deposits: list[int] = field(default_factory=list)
    attempts: int = 0
    # The time at which confirmed deposits arrive.
    due_at: str | None = None


@dataclass(slots=True, kw_only=True)
class LocalPayment:
    """A local payment that a server created: created, approved, expired, reversed or funded."""

    id: str
    status: str
    created_at: str
    updated_at: str
    # Such as MBWAY.
    type: str
    amount: str
    currency: str
    merchant_account_id: str
    payment_id: str
    order_id: str | None = None
    return_url: str | None = None
    payer_name: str | None = None
    # The nonce that pays, once it is approved.
    nonce: str | None = None
    approved_at: str | None = None
    transacted_at: str | None = None
    expired_at: str | None = None
    # The time at which it expires, or is reversed.
    due_at: str | None = None


@dataclass(slots=True, kw_only=True)
class OAuthGrant:
    """A merchant's grant to an OAuth application. It has tokens once its code is used."""

    code: str
    client_id: str
    # Separated by commas.
    scope: str
    created_at: str
    access_token: str | None = None
    refresh_token: str | None = None
    expires_at: str | None = None
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class CustomerSession:
    id: str
    created_at: str
    # As it was sent.
    customer: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A sale or a credit. Amounts are text with the decimals of their currency."""

    id: str
    type: str
    status: str
    merchant_account_id: str
    currency: str
    amount: str
    amount_requested: str
    created_at: str
    updated_at: str
    order_id: str | None = None
    channel: str | None = None
    purchase_order_number: str | None = None
    tax_amount: str | None = None
    tax_exempt: bool = False
    shipping_amount: str | None = None
    shipping_tax_amount: str | None = None
    discount_amount: str | None = None
    surcharge_amount: str | None = None
    service_fee_amount: str | None = None
    ships_from_postal_code: str | None = None
    recurring: bool | None = False
    transaction_source: str | None = None
    customer: Fields = field(default_factory=dict)
    billing: Fields = field(default_factory=dict)
    shipping: Fields = field(default_factory=dict)
    shipping_method: str | None = None
    descriptor: Fields = field(default_factory=dict)
    custom_fields: Fields = field(default_factory=dict)
    line_items: list[Fields] = field(default_factory=list)
    shipments: list[Fields] = field(default_factory=list)
    # full_information or token.
    created_using: str = "full_information"
    # The instrument at the time of the transaction.
    kind: str = "credit_card"
    card: dict[str, Any] | None = None
    wallet: Fields = field(default_factory=dict)
    token: str | None = None
    # Responses of the processor and the gateway.
    avs_error: str | None = None
    avs_postal: str | None = None
    avs_street: str | None = None
    cvv: str | None = None
    gateway_rejection_reason: str | None = None
    processor_authorization_code: str | None = None
    processor_response_code: str | None = None
    processor_response_type: str | None = None
    additional_processor_response: str | None = None
    processor_settlement_response_code: str = ""
    processor_settlement_response_text: str = ""
    network_transaction_id: str | None = None
    mastercard_transaction_link_id: str | None = None
    merchant_advice_code: str | None = None
    retrieval_reference_number: str | None = None
    acquirer_reference_number: str | None = None
    authorization_expires_at: str | None = None
    three_d_secure: Fields | None = None
    sca_exemption_requested: str | None = None
    foreign_retailer: bool = False
    # credit or debit, of cards that can be both.
    account_type: str | None = None
    device_data_captured: bool = False
    # False: fraud checking was left out, and there is no risk data.
    fraud_checked: bool = True
    # The number of monthly installments; None if it is paid at once.
    installment_count: int | None = None
    # Transfer details and the payment facilitator, as they were sent.
    transfer: dict[str, Any] | None = None
    payment_facilitator: dict[str, Any] | None = None
    # A method that another merchant granted: the merchant that is paid, and the application that granted it.
    facilitated: Fields | None = None
    facilitator: Fields | None = None
    # The card was charged by a token of its network.
    network_token: bool = False
    # A decline by the network's token is tried again with the number of the card.
    retry_ids: list[str] = field(default_factory=list)
    retried_transaction_id: str | None = None
    # The day, as YYYY-MM-DD, of the bank's next try.
    upcoming_retry_date: str | None = None
    store_id: str | None = None
    # One entry for each status: timestamp, status, amount, user, transaction_source.
    history: list[Fields] = field(default_factory=list)
    authorization_adjustments: list[dict[str, Any]] = field(default_factory=list)
    settlement_batch_id: str | None = None
    disbursement: Fields | None = None
    # The time of the next change that comes due: expiry of the authorization, disbursement.
    due_at: str | None = None
    # same_day or standard, if the request asked for one.
    requested_ach_type: str | None = None
    # The one that the bank used, if it is not the requested one.
    used_ach_type: str | None = None
    # Returns of the customer's bank, each with created_at and reason_code; rejects before it have a reject_reason.
    ach_returns: list[Fields] = field(default_factory=list)
    # Copies of its disputes, as asdict() writes them.
    disputes: list[dict[str, Any]] = field(default_factory=list)
    # Related transactions.
    refunded_transaction_id: str | None = None
    refund_ids: list[str] = field(default_factory=list)
    authorized_transaction_id: str | None = None
    partial_settlement_ids: list[str] = field(default_factory=list)
    # The subscription that it charges for: its plan, billing period, add-ons and discounts at that time.
    subscription_id: str | None = None
    plan_id: str | None = None
    billing_period: Fields = field(default_factory=dict)
    add_ons: list[dict[str, Any]] = field(default_factory=list)
    discounts: list[dict[str, Any]] = field(default_factory=list)
    # The key that duplicate sales share; None if the transaction never counts as an original.
    duplicate_key: str | None = None
    # The earlier sale that a rejected duplicate repeats.
    duplicate_of: str | None = None
    # The last partial settlement was submitted.
    final_capture: bool = False

    @property
    def returned_by_bank(self) -> list[Fields]:
        """The returns of payments that reached the bank."""
        return [each for each in self.ach_returns if not each.get("reject_reason")]

    @property
    def customer_id(self) -> str | None:
        return self.customer.get("id")

    @property
    def parent_id(self) -> str | None:
        """The transaction that this one refunds or settles a part of."""
        return self.refunded_transaction_id or self.authorized_transaction_id


@dataclass(slots=True, kw_only=True)
class RequestKey:
    """A used api_request_key, with the fingerprint and the transaction of its request."""

    key: str
    fingerprint: str
    created_at: str
    # None if the request failed: the key cannot be used again.
    transaction_id: str | None = None


@dataclass(slots=True, kw_only=True)
class CreatedAccount:
    """A merchant account that was created through the API."""

    id: str
    currency: str
    created_at: str


@dataclass(slots=True, kw_only=True)
class CreatedMerchant:
    """A merchant that was created through the API. The first currency is its default account's."""

    id: str
    email: str
    company_name: str
    currencies: list[str]
    public_key: str
    private_key: str


@dataclass(slots=True, kw_only=True)
class CatalogEntry:
    """A plan, an add-on or a discount, by `kind`."""

    kind: str
    id: str
    created_at: str
    updated_at: str
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(slots=True, kw_only=True)
class Subscription:
    """A subscription. Dates are text, YYYY-MM-DD; amounts have the decimals of its currency.

    Add-ons and discounts have id, name, description, kind, amount, quantity, number_of_billing_cycles, never_expires
    and current_billing_cycle.
    """

    id: str
    plan_id: str
    # Active, Canceled, Expired, Past Due, Pending.
    status: str
    price: str
    currency: str
    merchant_account_id: str
    payment_method_token: str
    created_at: str
    updated_at: str
    billing_day_of_month: int
    # Months.
    billing_frequency: int
    first_billing_date: str
    # The day of the next charge, or of the next attempt.
    next_billing_date: str
    # None: it never expires.
    number_of_billing_cycles: int | None = None
    trial_period: bool = False
    trial_duration: int | None = None
    trial_duration_unit: str | None = None
    billing_period_start_date: str | None = None
    billing_period_end_date: str | None = None
    paid_through_date: str | None = None
    current_billing_cycle: int = 0
    failure_count: int = 0
    balance: str = "0.00"
    # Set while it is past due.
    past_due_since: str | None = None
    # Automatic attempts since it became past due.
    retries: int = 0
    add_ons: list[dict[str, Any]] = field(default_factory=list)
    discounts: list[dict[str, Any]] = field(default_factory=list)
    descriptor: Fields = field(default_factory=dict)
    description: str | None = None
    # Newest first.
    transaction_ids: list[str] = field(default_factory=list)
    # Newest first. Each has timestamp, status, balance, price, currency_iso_code, plan_id, source, user.
    history: list[Fields] = field(default_factory=list)
    # The time at which it is to be billed, tried again or ended.
    due_at: str | None = None


@dataclass(slots=True, kw_only=True)
class Dispute:
    """A dispute over a transaction. Dates are text, YYYY-MM-DD."""

    id: str
    transaction_id: str
    merchant_account_id: str
    currency: str
    amount: str
    status: str
    created_at: str
    updated_at: str
    received_date: str
    reply_by_date: str
    kind: str = "chargeback"
    reason: str = "fraud"
    reason_code: str | None = "83"
    reason_description: str | None = None
    amount_won: str = "0.00"
    case_number: str | None = None
    reference_number: str | None = None
    customer_id: str | None = None
    date_won: str | None = None
    original_dispute_id: str | None = None
    processor_comments: str | None = None
    protection_level: str = "not_protected"
    pre_dispute_program: str = "none"
    # Fields of its transaction.
    transaction: Fields = field(default_factory=dict)
    # Each has id, comments, url, category, sequence_number, created_at.
    evidence: list[dict[str, Any]] = field(default_factory=list)
    # Each has status, timestamp, effective_date, disbursement_date.
    history: list[Fields] = field(default_factory=list)
    # The time at which it expires if it is not answered.
    due_at: str | None = None


@dataclass(slots=True, kw_only=True)
class Document:
    """An uploaded document; its content is not stored."""

    id: str
    kind: str
    name: str
    content_type: str
    size: int
    created_at: str


@dataclass(slots=True, kw_only=True)
class Delivery:
    """A notification for a merchant's server, or the challenge that verifies the address."""

    id: str
    kind: str
    url: str
    created_at: str
    signature: str = ""
    payload: str = ""
    # pending, delivered, failed.
    status: str = "pending"
    # Each has time and outcome: an HTTP status or an error.
    attempts: list[Fields] = field(default_factory=list)
    # The time of the next attempt.
    due_at: str | None = None
