"""The client API's wallets: PayPal, Venmo, Apple Pay, Google Pay, Samsung Pay, Visa Checkout, Masterpass, Meta.

Only their own servers can read the cards that wallets encrypt: the brand that a request names stands for its test card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from braintree_twin.calls import Call, JsonAnswer, Route
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.callers import authenticated_client
from braintree_twin.client_api.endpoints import browser_route, nonce_of_method
from braintree_twin.client_api.nonces import nonce_content
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING, Schema, schema
from braintree_twin.state.records import Fields, Nonce
from braintree_twin.validation import Errors, ValidationFailed, failed
from braintree_twin.vault.cards import Expiration, make_card, read_card
from braintree_twin.vault.instruments import APPLE_PAY_CARDHOLDER, Instrument
from braintree_twin.vault.storing import store_method
from braintree_twin.vault.test_nonces import VENMO_USER
from braintree_twin.vault.wallet_params import ASKED_TOKEN, CONSENT_FAULT

PAYPAL, LOCAL_PAYMENT, VENMO = "paypal_account", "local_payment", "venmo_account"
APPLE_PAY, GOOGLE_PAY = "apple_pay_card", "android_pay_card"
NOTHING_GIVEN, BOTH_GIVEN = "82901", "82903"
# Payments that another bank or scheme makes, as `local_payments/create` names them: LP-ideal-4f7k2h9x.
LOCAL_PREFIX = "LP-"
_NUMBERS = {
    "visa": "4012000077777777",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "discover": "6011111111111117",
}
_NETWORKS = {"american express": "amex", "americanexpress": "amex", "master": "mastercard", "master_card": "mastercard"}


@dataclass(frozen=True, slots=True)
class Wallet:
    """A kind of wallet: the section of the request, the list in the answer, and the reader of the section."""

    section: str
    shown: str
    read: Callable[[Call, Params], Instrument]
    takes: Schema


def _nothing(section: str) -> ValidationFailed:
    errors = Errors()
    errors.on(section).add("base", NOTHING_GIVEN)
    return ValidationFailed(errors)


def create_nonce(call: Call, wallet: Wallet) -> JsonAnswer:
    """Create a nonce. With a customer's client token and `validate`, the wallet is vaulted at once."""
    client = authenticated_client(call)
    section = Params.of(call.document, wallet.section)
    instrument = wallet.read(call, section)
    validated = section.section("options").flag("validate", default=True)
    nonce = make_nonce(call, client, instrument, vault=validated and _is_vaulted(wallet, section))
    # The gateway validates a consent of PayPal later, when it is used.
    checked = validated and (wallet.section != PAYPAL or nonce.token is not None)
    return JsonAnswer({wallet.shown: [nonce_content(nonce)]}, 201 if checked else 202)


def _is_vaulted(wallet: Wallet, section: Params) -> bool:
    """Whether the customer of the client token gets the wallet: if the page asks for it, and PayPal's by consent."""
    return section.section("options").has("validate") or (wallet.section == PAYPAL and section.has("consent_code"))


def make_nonce(call: Call, client: Client, instrument: Instrument, *, vault: bool = False) -> Nonce:
    """A nonce for a wallet or a bank account; with `vault`, of the method that the customer of the token gets."""
    if vault and client.customer_id and instrument.reusable:
        default = bool(client.options.get("make_default"))
        token = instrument.wallet.pop(ASKED_TOKEN, None)
        method = store_method(call, instrument, client.customer_id, token=token, make_default=default)
        return nonce_of_method(call, method)
    nonce = Nonce(
        nonce=call.ids.nonce().replace("tokencc", f"token{_prefix(instrument.kind)}", 1),
        created_at=call.clock.stamp(),
        kind=instrument.kind,
        card=instrument.card,
        wallet=instrument.wallet,
        billing=instrument.billing or None,
        reusable=instrument.reusable,
    )
    call.store.nonces.put(call.merchant.id, nonce)
    return nonce


def _prefix(kind: str) -> str:
    known = {PAYPAL: "pp", "us_bank_account": "usbankacct", "sepa_debit_account": "sepa", "samsung_pay_card": "sam"}
    return known.get(kind, "cc")


def _paypal(_: Call, section: Params) -> Instrument:
    """Every consent counts as given: there is no PayPal login. A missing one is refused when the nonce is used."""
    payment = section.text("payment_token") or section.text("payment_id")
    if payment and payment.startswith(LOCAL_PREFIX):
        return _local_payment(section, payment)
    order = section.text("intent") == "order"
    reusable = section.has("consent_code") or section.has("billing_agreement_token") or order
    fault = None if reusable or payment or section.has("access_token") else NOTHING_GIVEN
    if section.has("consent_code") and section.has("access_token"):
        fault = BOTH_GIVEN
    if fault and section.section("options").flag("validate"):
        raise failed(PAYPAL, "base", fault)
    wallet: Fields = {
        "email": section.text("email") or _paypal_email(section, order=order),
        "payer_id": section.text("payer_id") or "FAKEPAYERID01",
        "payer_first_name": "Jane",
        "payer_last_name": "Doe",
    }
    wallet |= {CONSENT_FAULT: fault} if fault else {}
    wallet |= {ASKED_TOKEN: section.text("token")} if section.has("token") else {}
    if reusable and not order:
        wallet["billing_agreement_id"] = section.text("billing_agreement_token")
    elif payment:
        wallet["payment_id"] = payment
    return Instrument(kind=PAYPAL, wallet=wallet, reusable=reusable)


def _paypal_email(section: Params, *, order: bool) -> str:
    """The buyer of each way to pay, as the sandbox names them."""
    if order:
        return "bt_buyer_us@paypal.com"
    return "jane.doe@example.com" if section.has("consent_code") else "jane.doe@paypal.com"


def _local_payment(section: Params, payment: str) -> Instrument:
    wallet: Fields = {
        "funding_source": payment.split("-")[1],
        "payment_id": payment,
        "payer_id": section.text("payer_id") or "FAKEPAYERID01",
    }
    return Instrument(kind=LOCAL_PAYMENT, wallet=wallet, reusable=False)


def _venmo(_: Call, section: Params) -> Instrument:
    username = section.text("username") or "venmojoe"
    wallet: Fields = {
        "username": username,
        "venmo_user_id": section.text("venmo_user_id") or VENMO_USER,
        "source_description": f"Venmo Account: {username}",
    }
    return Instrument(kind=VENMO, wallet=wallet)


def _brand_number(*names: str | None) -> str:
    """The test number of the first brand that is named; Visa's if none is."""
    for name in names:
        words = (name or "").lower()
        for brand, number in _NUMBERS.items():
            if words.startswith(brand) or _NETWORKS.get(words) == brand:
                return number
    return _NUMBERS["visa"]


def wallet_card(call: Call, kind: str, number: str, name: str | None = None, **wallet: str | None) -> Instrument:
    next_year = Expiration("12", str(call.clock.now().year + 1))
    return Instrument(kind=kind, card=asdict(make_card(call, number, next_year, name)), wallet=dict(wallet))


def _apple_pay(call: Call, section: Params) -> Instrument:
    if not section.has("payment_data"):
        raise _nothing("apple_payment_token")
    method = section.section("payment_method")
    shown = section.text("payment_instrument_name") or method.text("display_name")
    number = _brand_number(section.text("payment_network"), method.text("network"), shown)
    name = shown or f"Visa {number[-4:]}"
    return wallet_card(
        call, APPLE_PAY, number, APPLE_PAY_CARDHOLDER, payment_instrument_name=name, source_description=name
    )


def _google_pay(call: Call, section: Params) -> Instrument:
    brand = section.text("source_card_type") or "Visa"
    number = _brand_number(brand)
    last_4 = section.text("source_card_last_four") or number[-4:]
    return wallet_card(
        call,
        GOOGLE_PAY,
        number,
        google_transaction_id=section.text("google_transaction_id") or "google_transaction_id",
        source_card_type=brand,
        source_card_last_4=last_4,
        source_description=f"{brand} {last_4}",
    )


def samsung_pay(call: Call, section: Params) -> Instrument:
    """The card of a brand in Samsung Pay."""
    number = _brand_number(section.text("card_brand"))
    return wallet_card(call, "samsung_pay_card", number, source_card_last_4=number[-4:])


def _visa_checkout(call: Call, section: Params) -> Instrument:
    return wallet_card(call, "visa_checkout_card", _NUMBERS["visa"], call_id=section.text("call_id"))


def _masterpass(call: Call, section: Params) -> Instrument:
    return wallet_card(call, "masterpass_card", _NUMBERS["mastercard"], call_id=section.text("request_token"))


def _meta_checkout(call: Call, section: Params) -> Instrument:
    """A card that the page of Meta gives in the clear."""
    errors = Errors()
    details = read_card(call, section, errors.on("meta_checkout_card"), required=True)
    if errors or details.card is None:
        raise ValidationFailed(errors)
    wallet: Fields = {"container_id": section.text("container_id")}
    return Instrument(kind="meta_checkout_card", card=asdict(details.card), wallet=wallet, cvv=details.cvv)


_OPTIONS = schema("validate")
WALLETS: dict[str, Wallet] = {
    "paypal_accounts": Wallet(
        PAYPAL,
        "paypalAccounts",
        _paypal,
        schema(
            # The sandbox shows no effect of the last three either.
            "consent_code access_token payment_token payment_id payer_id billing_agreement_token email token "
            "correlation_id client_metadata_id unilateral intent",
            no_effect="merchant_account_id",
            options=_OPTIONS,
        ),
    ),
    "venmo_accounts": Wallet(VENMO, "venmoAccounts", _venmo, schema("username venmo_user_id", options=_OPTIONS)),
    "apple_payment_tokens": Wallet(
        "apple_payment_token",
        "applePayCards",
        _apple_pay,
        schema(
            "payment_data payment_instrument_name payment_network",
            no_effect="transaction_identifier version",
            payment_method=schema("display_name network", no_effect="type"),
            options=_OPTIONS,
        ),
    ),
    "android_pay_cards": Wallet(
        GOOGLE_PAY,
        "androidPayCards",
        _google_pay,
        schema("source_card_type source_card_last_four google_transaction_id", options=_OPTIONS),
    ),
    "samsung_pay_cards": Wallet(
        "samsung_pay_card", "samsungPayCards", samsung_pay, schema("card_brand", options=_OPTIONS)
    ),
    "visa_checkout_cards": Wallet(
        "visa_checkout_card",
        "visaCheckoutCards",
        _visa_checkout,
        schema("call_id", no_effect="encrypted_payment_data encrypted_key", options=_OPTIONS),
    ),
    "masterpass_cards": Wallet(
        "masterpass_card",
        "masterpassCards",
        _masterpass,
        schema("request_token", no_effect="checkout_resource_url verifier_token", options=_OPTIONS),
    ),
    "meta_checkout_cards": Wallet(
        "meta_checkout_card",
        "metaCheckoutCards",
        _meta_checkout,
        schema(
            "number cvv expiration_date expiration_month expiration_year cardholder_name container_id", options=_OPTIONS
        ),
    ),
}


def _handler(wallet: Wallet) -> Callable[[Call], JsonAnswer]:
    return lambda call: create_nonce(call, wallet)


ROUTES: tuple[Route, ...] = tuple(
    browser_route(
        "POST",
        f"payment_methods/{name}",
        _handler(wallet),
        **{wallet.section: wallet.takes, "merchant_account_id": EVERYTHING},
    )
    for name, wallet in WALLETS.items()
)
