"""The sandbox's test nonces (fake-valid-nonce ...). They can be used any number of times."""

from __future__ import annotations

from dataclasses import dataclass, field

from braintree_twin.rules.bank_accounts import AT_ONCE, TRIGGER
from braintree_twin.rules.processor_responses import Decision
from braintree_twin.state.records import Fields

# The key of a Google Pay card that is no token of its network; no answer shows it.
NOT_TOKENIZED = "_not_tokenized"
# The id of the Venmo user in the sandbox.
VENMO_USER = "1234567891234567891"


@dataclass(frozen=True, slots=True)
class TestNonce:
    """A test nonce: a test card number or wallet, and perhaps a fixed outcome or error."""

    __test__ = False

    kind: str = "credit_card"
    number: str | None = None
    wallet: Fields = field(default_factory=dict)
    # Set if the outcome does not depend on the amount.
    decision: Decision | None = None
    # consumed, luhn_invalid
    fault: str | None = None
    three_d_secure: Fields | None = None
    # False: it pays once, and cannot be vaulted.
    reusable: bool = True
    # The network of debit cards that carries it without a PIN.
    debit_network: str | None = None


_DECLINED = Decision("processor_declined", "2000")
_VISA = "4012888888881881"
_AMEX, _MASTERCARD, _DISCOVER = "378282246310005", "5555555555554444", "6011111111111117"
_JCB, _MAESTRO, _DINERS = "3530111333300000", "6304000000000000", "36259600000004"

_CARDS: dict[str, str] = {
    "fake-valid-nonce": _VISA,
    "fake-valid-no-billing-address-nonce": _VISA,
    "fake-valid-visa-nonce": _VISA,
    "fake-valid-amex-nonce": _AMEX,
    "fake-valid-mastercard-nonce": _MASTERCARD,
    "fake-valid-discover-nonce": _DISCOVER,
    "fake-valid-jcb-nonce": _JCB,
    "fake-valid-maestro-nonce": _MAESTRO,
    "fake-valid-dinersclub-nonce": _DINERS,
    "fake-valid-business-nonce": "4229989800000003",
    "fake-valid-commercial-nonce": "4111111111131010",
    "fake-valid-consumer-nonce": "4229989700000004",
    "fake-valid-corporate-nonce": "4229989100000000",
    "fake-valid-country-of-issuance-cad-nonce": "4012000033330026",
    "fake-valid-country-of-issuance-usa-nonce": "4012000033330620",
    "fake-valid-debit-nonce": "4117101010101010",
    "fake-valid-durbin-regulated-nonce": "4111161010101010",
    "fake-valid-healthcare-nonce": "4111111510101010",
    "fake-valid-issuing-bank-network-only-nonce": "4111111141010101",
    "fake-valid-no-indicators-nonce": "4111111111310101",
    "fake-valid-payroll-nonce": "4111111114101010",
    "fake-valid-prepaid-nonce": "4111111111111210",
    "fake-valid-prepaid-reloadable-nonce": "4229989900000002",
    "fake-valid-purchase-nonce": "4229989500000006",
    "fake-valid-unknown-indicators-nonce": "4111111111112101",
}

_OUTCOMES: dict[str, tuple[str, Decision]] = {
    "fake-processor-declined-visa-nonce": ("4000111111111115", _DECLINED),
    "fake-processor-declined-mastercard-nonce": ("5105105105105100", _DECLINED),
    "fake-processor-declined-amex-nonce": ("378734493671000", _DECLINED),
    "fake-processor-declined-discover-nonce": ("6011000990139424", _DECLINED),
    "fake-processor-declined-dinersclub-nonce": ("38520000009814", _DECLINED),
    "fake-processor-failure-jcb-nonce": ("3566002020360505", Decision("failed", "3000")),
    "fake-gateway-rejected-fraud-nonce": (
        "4000111111111511",
        Decision("gateway_rejected", gateway_rejection_reason="fraud"),
    ),
    "fake-gateway-rejected-risk-thresholds-nonce": (
        "4111111111111111",
        Decision("gateway_rejected", gateway_rejection_reason="risk_threshold"),
    ),
}


def _three_d_secure(
    status: str, enrolled: str, liability: Fields, version: str = "1.0.2", eci: str | None = None
) -> Fields:
    proven: Fields = {"cavv": "cavv_value", "xid": "xid_value", "ds_transaction_id": None} if eci else {}
    return {
        "status": status,
        "enrolled": enrolled,
        **liability,
        **proven,
        "three_d_secure_version": version,
        "eci_flag": eci,
    }


_SHIFTED: Fields = {"liability_shifted": "true", "liability_shift_possible": "true"}
_POSSIBLE: Fields = {"liability_shifted": "", "liability_shift_possible": "true"}
_NEVER: Fields = {"liability_shifted": "", "liability_shift_possible": ""}

_THREE_D_SECURE: dict[str, Fields] = {
    "two-visa-successful-frictionless-authentication": _three_d_secure(
        "authenticate_successful", "Y", _SHIFTED, version="2.1.0", eci="05"
    ),
    "two-visa-successful-step-up-authentication": _three_d_secure(
        "authenticate_successful", "Y", _SHIFTED, version="2.1.0", eci="05"
    ),
    "two-visa-error-on-lookup": _three_d_secure("lookup_error", "U", _NEVER, version="2.1.0"),
    "two-visa-timeout-on-lookup": _three_d_secure("lookup_error", "U", _NEVER, version="2.1.0"),
    "visa-full-authentication": _three_d_secure("authenticate_successful", "Y", _SHIFTED, eci="05"),
    "visa-lookup-timeout": _three_d_secure("lookup_error", "U", _NEVER),
    "visa-failed-signature": _three_d_secure("authenticate_signature_verification_failed", "Y", _POSSIBLE),
    "visa-failed-authentication": _three_d_secure("authenticate_failed", "Y", _POSSIBLE),
    "visa-attempts-non-participating": _three_d_secure("authenticate_attempt_successful", "Y", _SHIFTED, eci="06"),
    "visa-note-enrolled": _three_d_secure("lookup_not_enrolled", "N", _SHIFTED, eci="06"),
    "visa-not-enrolled": _three_d_secure("lookup_not_enrolled", "N", _SHIFTED, eci="06"),
    "visa-unavailable": _three_d_secure("lookup_unavailable", "U", _NEVER),
    "visa-mpi-lookup-error": _three_d_secure("lookup_error", "U", _NEVER),
    "visa-mpi-authenticate-error": _three_d_secure("authenticate_error", "Y", _POSSIBLE),
    "visa-authentication-unavailable": _three_d_secure("authenticate_unable_to_authenticate", "Y", _POSSIBLE),
    "visa-bypassed-authentication": _three_d_secure("lookup_bypassed", "B", _NEVER),
}


def _authentication_id(name: str) -> str:
    # "note" is a slip in the name of a nonce; no test authentication id has it.
    return f"fake-three-d-secure-{name.replace('note', 'not')}-id"


def _authenticated(name: str) -> Fields:
    return {**_THREE_D_SECURE[name], "three_d_secure_authentication_id": _authentication_id(name)}


# The sandbox's test authentication ids, one for each outcome of a test nonce.
TEST_AUTHENTICATIONS: dict[str, Fields] = {_authentication_id(name): _authenticated(name) for name in _THREE_D_SECURE}
# They are authentications of cards of this brand, whatever the number (inferred from their names).
TEST_AUTHENTICATIONS_BRAND = "Visa"


def _card_wallet(kind: str, number: str, **wallet: str | None) -> TestNonce:
    return TestNonce(kind=kind, number=number, wallet={**wallet})


def _apple_pay(number: str, name: str, **more: str) -> TestNonce:
    return _card_wallet("apple_pay_card", number, payment_instrument_name=name, source_description=name, **more)


def _google_pay(number: str, brand: str, last_4: str | None = None, **more: str) -> TestNonce:
    last_4 = last_4 or number[-4:]
    return _card_wallet(
        "android_pay_card",
        number,
        google_transaction_id="google_transaction_id",
        source_card_type=brand,
        source_card_last_4=last_4,
        source_description=f"{brand} {last_4}",
        **more,
    )


_PAYPAL: Fields = {
    "email": "jane.doe@example.com",
    "payer_id": "FAKEPAYERID12",
    "payer_first_name": "Jane",
    "payer_last_name": "Doe",
    "payer_status": "VERIFIED",
}

_WALLETS: dict[str, TestNonce] = {
    "fake-apple-pay-visa-nonce": _apple_pay("4012000077777777", "Visa 8886"),
    "fake-apple-pay-mastercard-nonce": _apple_pay(_MASTERCARD, "MasterCard 0017"),
    "fake-apple-pay-amex-nonce": _apple_pay(_AMEX, "AmEx 41002"),
    "fake-apple-pay-discover-nonce": _apple_pay(_DISCOVER, "Discover 1117"),
    "fake-apple-pay-mpan-nonce": _apple_pay(
        "4012000077777777",
        "Visa 8886",
        merchant_token_identifier="DNITHE302308980427388297",  # noqa: S106
        source_card_last4="2006",
    ),
    "fake-android-pay-visa-nonce": _google_pay("4111111111111111", "Visa"),
    "fake-android-pay-mastercard-nonce": _google_pay(_MASTERCARD, "MasterCard"),
    "fake-android-pay-amex-nonce": _google_pay(_AMEX, "American Express"),
    # Proxies: no tokens of the network, but numbers of Google's own.
    **dict.fromkeys(
        ("fake-android-pay-nonce", "fake-android-pay-discover-nonce"),
        _google_pay(_DISCOVER, "Discover", "1111", **{NOT_TOKENIZED: "1"}),
    ),
    "fake-amex-express-checkout-nonce": _card_wallet(
        "amex_express_checkout_card",
        _AMEX,
        source_description="AmEx 0005",
        card_member_number="0005",
        card_member_expiry_date="12/30",
    ),
    "fake-paypal-billing-agreement-nonce": TestNonce(
        "paypal_account",
        wallet={**_PAYPAL, "email": "jane.doe@paypal.com", "billing_agreement_id": "B-FAKEAGREEMENT01"},
    ),
    # A PayPal account behind Google Pay.
    "fake-google-pay-paypal-nonce": TestNonce("paypal_account", wallet=_PAYPAL),
    "fake-paypal-one-time-nonce": TestNonce("paypal_account", wallet=_PAYPAL, reusable=False),
    "fake-paypal-future-nonce": TestNonce("paypal_account", wallet=_PAYPAL),
    "fake-paypal-future-refresh-token-nonce": TestNonce("paypal_account", wallet=_PAYPAL),
    "fake-venmo-account-nonce": TestNonce(
        "venmo_account",
        wallet={"username": "venmojoe", "venmo_user_id": VENMO_USER, "source_description": "Venmo Account: venmojoe"},
    ),
    "fake-token-issuance-error-venmo-account-nonce": TestNonce(
        "venmo_account",
        wallet={"username": "venmojoe", "venmo_user_id": VENMO_USER, "source_description": "Venmo Account: venmojoe"},
        decision=Decision("gateway_rejected", gateway_rejection_reason="token_issuance"),
    ),
    "fake-us-bank-account-nonce": TestNonce(
        "us_bank_account",
        wallet={
            "routing_number": "123456789",
            "last_4": "0000",
            "account_type": "checking",
            "account_holder_name": "Marty McFly",
            "bank_name": "Wells Fargo",
            "ownership_type": "personal",
            "ach_mandate_text": "example mandate text",
            TRIGGER: AT_ONCE,
        },
    ),
    "fake-sepa-direct-debit-nonce": TestNonce(
        "sepa_debit_account",
        wallet={
            "last_4": "1234",
            "mandate_type": "RECURRENT",
            "bank_reference_token": "a-fake-bank-reference-token",
            "merchant_or_partner_customer_id": "a-fake-mp-customer-id",
        },
    ),
    "fake-sepa-bank-account-nonce": TestNonce("europe_bank_account", wallet={"masked_iban": "DE89***3000"}),
    "fake-europe-bank-account-nonce": TestNonce("europe_bank_account", wallet={"masked_iban": "DE89***3000"}),
    "fake-local-payment-method-nonce": TestNonce("local_payment", wallet={"funding_source": "ideal"}, reusable=False),
    "fake-meta-checkout-card-nonce": _card_wallet("meta_checkout_card", _VISA, container_id="container123"),
    "fake-meta-checkout-token-nonce": _card_wallet(
        "meta_checkout_token",
        _VISA,
        container_id="container123",
        cryptogram="AlhlvxmN2ZKuAAESNFZ4GoABFA==",
        ecommerce_indicator="07",
    ),
    # A method that no SDK has a class for.
    "fake-abstract-transactable-nonce": _card_wallet("unknown_payment_method", _VISA),
    "tokensam_fake_visa": _card_wallet("samsung_pay_card", _VISA, source_card_last_4="3333"),
    "tokensam_fake_mastercard": _card_wallet("samsung_pay_card", _MASTERCARD, source_card_last_4="4444"),
    "tokensam_fake_american_express": _card_wallet("samsung_pay_card", _AMEX, source_card_last_4="0005"),
    **{
        f"fake-{wallet}-{brand}-nonce": _card_wallet(kind, number, call_id="abc123")
        for wallet, kind in (("masterpass", "masterpass_card"), ("visa-checkout", "visa_checkout_card"))
        for brand, number in (("amex", _AMEX), ("discover", _DISCOVER), ("mastercard", _MASTERCARD), ("visa", _VISA))
    },
}

TEST_NONCES: dict[str, TestNonce] = {
    **{nonce: TestNonce(number=number) for nonce, number in _CARDS.items()},
    **{nonce: TestNonce(number=number, decision=decision) for nonce, (number, decision) in _OUTCOMES.items()},
    **{
        f"fake-three-d-secure-{name}-nonce": TestNonce(number="4000000000001000", three_d_secure=_authenticated(name))
        for name in _THREE_D_SECURE
    },
    **_WALLETS,
    "fake-pinless-debit-visa-nonce": TestNonce(number="4117101010101010", debit_network="STAR"),
    "fake-luhn-invalid-nonce": TestNonce(fault="luhn_invalid"),
    "fake-consumed-nonce": TestNonce(fault="consumed"),
}

# Every kind of instrument.
KINDS = tuple(sorted({fixed.kind for fixed in TEST_NONCES.values()}))
