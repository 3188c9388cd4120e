"""Payments that a buyer approves elsewhere (PayPal, local payments), sessions of wallets, and small look-ups."""

from __future__ import annotations

from urllib.parse import urlencode

from braintree_twin.calls import Call, JsonAnswer, Route
from braintree_twin.client_api.bank_accounts import APPROVAL_PATH
from braintree_twin.client_api.callers import authenticated_client
from braintree_twin.client_api.endpoints import browser_route
from braintree_twin.client_api.errors import client_error
from braintree_twin.client_api.hosts import hosts_of
from braintree_twin.client_api.wallets import LOCAL_PREFIX
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING, Effect, schema
from braintree_twin.rules import cards

PAYER = "FAKEPAYERID01"
_WITHOUT_EFFECT = schema(any_name=Effect.NO_EFFECT)


def _approval(call: Call, params: Params, **fields: str) -> str:
    query = {
        "return": params.text("return_url") or "",
        "cancel": params.text("cancel_url") or "",
        "brand": params.section("experience_profile").text("brand_name") or "",
        "amount": " ".join(params.text(name) or "" for name in ("amount", "currency_iso_code")).strip(),
        **fields,
    }
    return f"{hosts_of(call).api}/merchants/{call.merchant.id}{APPROVAL_PATH}?{urlencode(query)}"


def _missing(params: Params, *names: str) -> JsonAnswer | None:
    absent = [name for name in names if not params.has(name)]
    if not absent:
        return None
    return client_error(422, f"{absent[0].replace('_', ' ').capitalize()} is required")


def create_payment(call: Call) -> JsonAnswer:
    """Create a PayPal payment: `redirectUrl` is where the buyer approves it."""
    authenticated_client(call)
    params = Params(call.document)
    refusal = _missing(params, "amount", "currency_iso_code", "return_url", "cancel_url")
    if refusal:
        return refusal
    payment, token = f"PAYID-{call.ids.authentication().upper()}", f"EC-{call.ids.authentication().upper()[:17]}"
    address = _approval(call, params, token=token, paymentId=payment, PayerID=PAYER)
    resource = {"paymentToken": payment, "intent": params.text("intent") or "authorize", "redirectUrl": address}
    return JsonAnswer({"paymentResource": resource}, 201)


def patch_payment(call: Call) -> JsonAnswer:
    authenticated_client(call)
    refusal = _missing(Params(call.document), "payment_id")
    return refusal or JsonAnswer({"paymentResource": {"paymentToken": Params(call.document).text("payment_id")}})


def set_up_agreement(call: Call) -> JsonAnswer:
    """Set up a PayPal billing agreement: `approvalUrl` is where the buyer approves it."""
    authenticated_client(call)
    params = Params(call.document)
    refusal = _missing(params, "return_url", "cancel_url")
    if refusal:
        return refusal
    token = f"BA-{call.ids.authentication().upper()[:17]}"
    address = _approval(call, params, ba_token=token, token=f"EC-{token[3:]}")
    return JsonAnswer({"agreementSetup": {"tokenId": token, "approvalUrl": address}}, 201)


def create_local_payment(call: Call) -> JsonAnswer:
    authenticated_client(call)
    params = Params(call.document)
    refusal = _missing(params, "amount", "currency_iso_code")
    if refusal:
        return refusal
    kind = (params.text("funding_source") or "ideal").lower()
    payment = f"{LOCAL_PREFIX}{kind}-{call.ids.authentication()}"
    address = _approval(call, params, btLpToken=payment, btLpPaymentId=payment, btLpPayerId=PAYER)
    return JsonAnswer({"paymentResource": {"paymentToken": payment, "redirectUrl": address}}, 201)


def apple_pay_session(call: Call) -> JsonAnswer:
    """What Apple answers to a shop that is about to show Apple Pay; no server of Apple's is asked."""
    authenticated_client(call)
    section = Params.of(call.document, "apple_pay_web_session")
    if not section.has("validation_url") or not section.has("domain_name"):
        return client_error(422, "Apple Pay web session is invalid")
    now = int(call.clock.now().timestamp() * 1000)
    session = {
        "epochTimestamp": now,
        "expiresAt": now + 3_600_000,
        "merchantSessionIdentifier": call.ids.authentication(),
        "merchantIdentifier": section.text("merchant_identifier"),
        "domainName": section.text("domain_name"),
        "displayName": section.text("display_name") or section.text("domain_name"),
        "nonce": call.ids.token(),
        "signature": "braintree-twin",
    }
    return JsonAnswer(session)


def card_capabilities(call: Call) -> JsonAnswer:
    """What UnionPay asks of a card: nothing, of any other brand's."""
    authenticated_client(call)
    number = Params.of(call.document, "credit_card").text("number") or ""
    union_pay = cards.brand_of(number).name == "China UnionPay"
    content: dict[str, object] = {"isUnionPay": union_pay}
    if union_pay:
        content |= {"isDebit": False, "unionPay": {"supportsTwoStepAuthAndCapture": True, "isSupported": True}}
    return JsonAnswer(content)


def enroll_union_pay(call: Call) -> JsonAnswer:
    authenticated_client(call)
    if not Params.of(call.document, "union_pay_enrollment").has("number"):
        return client_error(422, "UnionPay enrollment is invalid")
    return JsonAnswer({"unionPayEnrollmentId": call.ids.authentication(), "smsCodeRequired": True}, 201)


def masterpass_token(call: Call) -> JsonAnswer:
    authenticated_client(call)
    return JsonAnswer({"requestToken": call.ids.authentication()}, 201)


def rewards_balance(call: Call) -> JsonAnswer:
    authenticated_client(call)
    nonce = call.store.nonces.get(call.merchant.id, Params(call.document).text("payment_method_nonce"))
    if nonce is None or not nonce.card or nonce.card["card_type"] != "American Express":
        return JsonAnswer({"error": {"code": "INQ2002", "message": "Card is ineligible"}})
    return JsonAnswer(
        {
            "conversionRate": "0.0070",
            "currencyAmount": "316795.03",
            "currencyIsoCode": "USD",
            "requestId": call.ids.authentication(),
            "rewardsAmount": 45256433,
            "rewardsUnit": "Points",
        }
    )


_ADDRESSES = dict.fromkeys(("return_url", "cancel_url"), EVERYTHING)
# What the buyer's page would show, if it were PayPal's.
_SHOWN = dict.fromkeys(
    (
        "line_items",
        "shipping_options",
        "shipping_callback_url",
        "payer_email",
        "merchant_account_id",
        "description",
        "request_billing_agreement",
        "billing_agreement_details",
        "transaction_id",
        "line1",
        "line2",
        "city",
        "state",
        "postal_code",
        "country_code",
        "phone",
        "recipient_name",
        "shipping_address",
        "plan_type",
        "plan_metadata",
        "amount_breakdown",
        "vault_initiated_checkout_payment_method_token",
        "app_switch_preference",
        "payment_ready_session_id",
        "user_action",
        "contact_preference",
        "edit_billing_agreement_jwt",
    ),
    _WITHOUT_EFFECT,
)
# The twin's page shows brand and amount; the rest of these changes how PayPal's page looks, and nothing else.
_LOOKS = dict.fromkeys(("experience_profile", "offer_paypal_credit", "offer_pay_later", "correlation_id"), EVERYTHING)
_PAID = _LOOKS | dict.fromkeys(("amount", "currency_iso_code", "intent"), EVERYTHING)
ROUTES: tuple[Route, ...] = (
    browser_route("POST", "paypal_hermes/create_payment_resource", create_payment, **_SHOWN, **_PAID, **_ADDRESSES),
    browser_route(
        "POST", "paypal_hermes/patch_payment_resource", patch_payment, payment_id=EVERYTHING, **_SHOWN, **_PAID
    ),
    browser_route("POST", "paypal_hermes/setup_billing_agreement", set_up_agreement, **_SHOWN, **_PAID, **_ADDRESSES),
    browser_route(
        "POST",
        "local_payments/create",
        create_local_payment,
        funding_source=EVERYTHING,
        **_SHOWN,
        **_PAID,
        **_ADDRESSES,
        **dict.fromkeys(
            ("payment_type_country_code", "first_name", "last_name", "email", "bic", "blik_options", "swish_options"),
            _WITHOUT_EFFECT,
        ),
    ),
    browser_route(
        "POST",
        "apple_pay_web/sessions",
        apple_pay_session,
        apple_pay_web_session=schema("validation_url domain_name merchant_identifier display_name"),
    ),
    browser_route("GET", "payment_methods/credit_cards/capabilities", card_capabilities, credit_card=schema("number")),
    browser_route(
        "POST",
        "union_pay_enrollments",
        enroll_union_pay,
        union_pay_enrollment=schema("number expiration_month expiration_year mobile_country_code mobile_number"),
    ),
    browser_route("POST", "masterpass/request_token", masterpass_token, request_token=_WITHOUT_EFFECT),
    browser_route("GET", "payment_methods/amex_rewards_balance", rewards_balance, payment_method_nonce=EVERYTHING),
)
