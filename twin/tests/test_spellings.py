"""Every request in the spelling of every SDK: the answers are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from raw_http import RawHttp
from spellings import SPELLINGS, Fields, JsonSpelling, XmlSpelling

from braintree_twin.testing import Twin

ACCOUNT = "twin_usd_no_duplicate_check"
CARD = {"number": "4111111111111111", "expiration_month": "05", "expiration_year": 2030, "cvv": "123"}
ADDRESS = {
    "first_name": "Ada",
    "street_address": "1 Main St",
    "postal_code": "60622",
    "country_code_alpha2": "US",
    "region": None,
    "international_phone": {"country_code": "1", "national_number": "3121234567"},
}
LINE_ITEM = {
    "name": 'Tea & "milk" d\'été',
    "kind": "debit",
    "quantity": "2",
    "unit_amount": "5.00",
    "total_amount": "10.00",
    "product_code": None,
}
# Random, or a moment.
_VOLATILE = re.compile(
    r"id|.*-id|global-id|token|payment-method-token|created-at|updated-at|timestamp|processor-authorization-code|value|ids|nonce|item|"
    r"retrieval-reference-number|authorization-expires-at|.*-global-id|unique-number-identifier|case-number|"
    r"reference-number|params|capture-id|debug-id|three-d-secure-token|three-d-secure-authentication-id|"
    r"verification-determined-at|accepted-at"
)


class Story:
    """Sends requests in one spelling, and notes each answer without what differs from run to run."""

    def __init__(self, raw: RawHttp, spelling: XmlSpelling | JsonSpelling) -> None:
        self._raw = raw
        self._spelling = spelling
        self.answers: list[tuple[str, int, list[str]]] = []

    def __call__(self, method: str, path: str, body: Fields | None = None) -> ElementTree.Element:
        sent = self._spelling.body(body) if body is not None else None
        reply = self._raw.ask(method, self._raw.base + path, sent, Content_Type=self._spelling.content_type)
        root = ElementTree.fromstring(reply.body) if reply.body.strip() else ElementTree.Element("nothing")  # noqa: S314
        self.answers.append((f"{method} /{path.split('/')[1]}", reply.status, _flat(root, "")))
        return root


def _flat(element: ElementTree.Element, path: str) -> list[str]:
    if _VOLATILE.fullmatch(element.tag):
        return []
    here = f"{path}/{element.tag}"
    if len(element) == 0:
        return [f"{here}={(element.text or '').strip()}"]
    return [line for child in element for line in _flat(child, here)]


def _id(root: ElementTree.Element, name: str = "id") -> str:
    found = root.findtext(name)
    assert found, ElementTree.tostring(root)
    return found


def _vault(ask: Story) -> str:
    ask("POST", "/customers", {"customer": {}})
    ask("POST", "/customers", {"customer": {"email": "nobody"}})
    customer = _id(
        ask(
            "POST",
            "/customers",
            {
                "customer": {
                    "first_name": "Ada",
                    "company": None,
                    "custom_fields": {"store_me": "yes"},
                    "credit_card": {
                        **CARD,
                        "billing_address": ADDRESS,
                        "options": {"verify_card": True, "fail_on_duplicate_payment_method": False},
                    },
                }
            },
        )
    )
    ask("PUT", f"/customers/{customer}", {"customer": {"last_name": "Lovelace", "phone": None}})
    address = _id(ask("POST", f"/customers/{customer}/addresses", {"address": ADDRESS}))
    ask("PUT", f"/customers/{customer}/addresses/{address}", {"address": {"locality": "Chicago"}})
    card = {"customer_id": customer, **CARD, "options": {"make_default": True}}
    token = _id(ask("POST", "/payment_methods", {"credit_card": card}), "token")
    ask("PUT", f"/payment_methods/credit_card/{token}", {"credit_card": {"cardholder_name": "Ada L"}})
    method = {"customer_id": customer, "payment_method_nonce": "fake-valid-nonce", "options": {"make_default": True}}
    ask("POST", "/payment_methods", {"payment_method": method})
    ask("PUT", f"/payment_methods/any/{token}", {"payment_method": {"options": {"make_default": True}}})
    ask("POST", f"/payment_methods/{token}/nonces", {"payment_method_nonce": {"authentication_insight": True}})
    ask("POST", "/client_token", {"client_token": {"version": 2, "customer_id": customer}})
    ask("POST", "/verifications", {"verification": {"credit_card": CARD, "options": {"amount": "1.00"}}})
    ask("POST", "/customers/advanced_search_ids", {"search": {"id": {"is": customer}, "first_name": {"is": "Ada"}}})
    ask("POST", "/customers/advanced_search", {"search": {"ids": [customer]}})
    return token


def _sales(ask: Story, token: str) -> None:
    asked = {
        "type": "sale",
        "amount": Decimal("100.00"),
        "merchant_account_id": ACCOUNT,
        "order_id": "spelled",
        "payment_method_token": token,
        "tax_amount": "1.00",
        "tax_exempt": False,
        "channel": None,
        "shipping": ADDRESS,
        "line_items": [LINE_ITEM, {**LINE_ITEM, "kind": "credit"}],
        "industry": {
            "industry_type": "lodging",
            "data": {"folio_number": "ABC123", "check_in_date": date(2026, 5, 1), "check_out_date": date(2026, 5, 3)},
        },
        "external_vault": {"status": "will_vault"},
        "options": {"submit_for_settlement": False, "skip_avs": True, "three_d_secure": {"required": False}},
        "descriptor": {"name": "abc*product", "phone": "3125551234"},
        "custom_fields": {"store_me": "yes"},
    }
    first = _id(ask("POST", "/transactions", {"transaction": asked}))
    ask("GET", f"/transactions/{first}/line_items")
    ask("PUT", f"/transactions/{first}/adjust_authorization", {"transaction": {"amount": "90.00"}})
    partly = {"transaction": {"amount": "10.00", "order_id": "part"}}
    ask("POST", f"/transactions/{first}/submit_for_partial_settlement", partly)
    second = _id(ask("POST", "/transactions", {"transaction": asked}))
    ask("PUT", f"/transactions/{second}/submit_for_settlement", {"transaction": {"amount": "80.00"}})
    ask("PUT", f"/transactions/{second}/update_details", {"transaction": {"order_id": "renamed"}})
    ask("PUT", f"/transactions/{second}/settle")
    ask("POST", f"/transactions/{second}/refund", {"transaction": {"amount": "5.00", "order_id": None}})
    ask("POST", f"/transactions/{second}/refund", {"transaction": {}})
    third = _id(ask("POST", "/transactions", {"transaction": {**asked, "options": {"submit_for_settlement": True}}}))
    ask("PUT", f"/transactions/{third}/void")
    card = {"type": "sale", "amount": "7.00", "merchant_account_id": ACCOUNT, "credit_card": CARD}
    fourth = _id(ask("POST", "/transactions", {"transaction": card}))
    clone = {"amount": "8.00", "options": {"submit_for_settlement": True}}
    ask("POST", f"/transactions/{fourth}/clone", {"transaction_clone": clone})
    ask("POST", "/transactions", {"transaction": {"type": "credit", "amount": "3.00", "credit_card": CARD}})
    ask("POST", "/transactions", {"transaction": {"type": "sale", "amount": "2001.00", "credit_card": CARD}})
    ask("POST", "/transactions", {"transaction": {"type": "sale", "custom_fields": {"not_declared": "x"}}})
    search = {
        "id": {"is": second},
        "status": ["settled", "settling"],
        "amount": {"min": "70.00", "max": "90.00"},
        "created_at": {"min": datetime(2020, 1, 1, tzinfo=UTC)},
    }
    ask("POST", "/transactions/advanced_search_ids", {"search": search})
    ask("POST", "/transactions/advanced_search", {"search": {**search, "ids": [second]}})


def _subscriptions(ask: Story, token: str) -> None:
    plan = {
        "name": "Tea",
        "description": None,
        "price": "9.00",
        "billing_frequency": "1",
        "currency_iso_code": "USD",
        "trial_period": "false",
        "number_of_billing_cycles": 12,
        "add_ons": {"add": [{"inherited_from_id": "increase_10", "quantity": 2}]},
    }
    tea = _id(ask("POST", "/plans", {"plan": plan}))
    ask("PUT", f"/plans/{tea}", {"plan": {"price": "10.00", "description": "Green"}})
    asked = {
        "payment_method_token": token,
        "plan_id": tea,
        "merchant_account_id": ACCOUNT,
        "never_expires": True,
        "descriptor": {"name": "abc*product", "url": None},
        "add_ons": {
            "add": [{"inherited_from_id": "increase_20", "amount": "1.00"}],
            "update": [{"existing_id": "increase_10", "quantity": "3"}],
        },
        "discounts": {"add": [{"inherited_from_id": "discount_7"}, {"inherited_from_id": "discount_11"}]},
        "options": {"start_immediately": "true"},
    }
    made = _id(ask("POST", "/subscriptions", {"subscription": asked}))
    change = {
        "price": "20.00",
        "options": {"prorate_charges": True, "replace_all_add_ons_and_discounts": False},
        "discounts": {"remove": ["discount_7"]},
    }
    ask("PUT", f"/subscriptions/{made}", {"subscription": change})
    trial = {"payment_method_token": token, "plan_id": "integration_trial_plan", "trial_period": True}
    ends = {"trial_duration": "3", "trial_duration_unit": "day", "number_of_billing_cycles": "2"}
    second = _id(ask("POST", "/subscriptions", {"subscription": {**trial, **ends}}))
    ask("PUT", f"/subscriptions/{second}/make_past_due?days_past_due=1")
    retry = {"type": "sale", "subscription_id": second, "amount": "4.00", "options": {"submit_for_settlement": True}}
    ask("POST", "/transactions", {"transaction": retry})
    ask("POST", "/subscriptions", {"subscription": {"plan_id": "none", "number_of_billing_cycles": "x"}})
    search = {"id": {"is": made}, "status": ["Active", "Past Due"], "price": {"min": "1.00"}, "plan_id": {"is": tea}}
    ask("POST", "/subscriptions/advanced_search_ids", {"search": search})
    ask("POST", "/subscriptions/advanced_search", {"search": {"ids": [made]}})
    ask("PUT", f"/subscriptions/{made}/cancel")


def _others(ask: Story) -> None:
    disputed = {"type": "sale", "amount": "10.00", "credit_card": {**CARD, "number": "4023898493988028"}}
    sold = ask("POST", "/transactions", {"transaction": {**disputed, "merchant_account_id": ACCOUNT}})
    dispute = _id(sold, "disputes/dispute/id")
    ask("POST", f"/disputes/{dispute}/evidence", {"evidence": {"comments": "text", "category": None}})
    ask("PUT", f"/disputes/{dispute}/finalize")
    found = {"status": ["disputed"], "transaction_id": {"is": _id(sold)}}
    ask("POST", "/disputes/advanced_search?page=1", {"search": found})
    ask("POST", "/settlement_batch_summary", {"settlement_batch_summary": {"settlement_date": "2020-01-01"}})


def _banks(ask: Story) -> None:
    customer = _id(ask("POST", "/customers", {"customer": {"first_name": "Dan", "last_name": None}}))
    method = {"customer_id": customer, "payment_method_nonce": "fake-us-bank-account-nonce"}
    ways = {"verification_merchant_account_id": ACCOUNT, "us_bank_account_verification_method": "micro_transfers"}
    mandate = {
        "ach_mandate_text": "I agree & sign",
        "ach_mandate_accepted_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    made = ask("POST", "/payment_methods", {"payment_method": {**method, "us_bank_account": mandate, "options": ways}})
    check = _id(made, "verifications/us-bank-account-verification/id")
    confirm = f"/us_bank_account_verifications/{check}/confirm_micro_transfer_amounts"
    ask("PUT", confirm, {"us_bank_account_verification": {"deposit_amounts": [1, "1"]}})
    ask("PUT", confirm, {"us_bank_account_verification": {"deposit_amounts": [17, "29"]}})
    search = {"customer_id": {"is": customer}, "verification_method": ["micro_transfers"], "status": ["verified"]}
    ask("POST", "/us_bank_account_verifications/advanced_search_ids", {"search": search})
    ask("POST", "/us_bank_account_verifications/advanced_search", {"search": {"ids": [check]}})
    paid = {"type": "sale", "amount": "30.00", "payment_method_token": _id(made, "token")}
    sold = _id(ask("POST", "/transactions", {"transaction": {**paid, "options": {"submit_for_settlement": True}}}))
    ask("PUT", f"/transactions/{sold}/settle")
    ask("POST", "/transactions", {"transaction": {**paid, "payment_method_token": "none"}})
    order = {
        "payment_method_nonce": "fake-paypal-one-time-nonce",
        "amount": "55.00",
        "currency_iso_code": "USD",
        "custom_field": "0437",
        "description": None,
    }
    ask("PUT", "/paypal/payment_resource", {"paypal_payment_resource": order})
    card = {"number": CARD["number"], "expiration_month": "05", "expiration_year": 2030}
    ask("POST", f"/three_d_secure/create_verification/{ACCOUNT}", {"three_d_secure_verification": card})


def _answers(raw: RawHttp, spelling: XmlSpelling | JsonSpelling) -> list[tuple[str, int, list[str]]]:
    ask = Story(raw, spelling)
    token = _vault(ask)
    _sales(ask, token)
    _subscriptions(ask, token)
    _others(ask)
    _banks(ask)
    return ask.answers


@pytest.fixture(scope="module")
def raw(twin: Twin) -> Iterator[RawHttp]:
    connection = RawHttp(twin)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def usual(raw: RawHttp) -> list[tuple[str, int, list[str]]]:
    """The answers to Python's spelling, which the other tests use."""
    return _answers(raw, next(iter(SPELLINGS.values())))


def test_the_story_is_answered_as_it_should_be(usual: list[tuple[str, int, list[str]]]) -> None:
    """Otherwise equal answers would prove nothing."""
    refused = [(asked, status) for asked, status, _ in usual if status >= 400]
    assert refused == [
        ("POST /customers", 422),
        ("POST /transactions", 422),
        ("POST /transactions", 422),
        ("POST /subscriptions", 422),
        ("PUT /us_bank_account_verifications", 422),
        ("POST /transactions", 422),
    ]
    assert len(usual) > 30


@pytest.mark.parametrize("name", list(SPELLINGS)[1:])
def test_every_request_in_every_spelling_gets_the_same_answer(
    raw: RawHttp, usual: list[tuple[str, int, list[str]]], name: str
) -> None:
    answered: list[Any] = _answers(raw, SPELLINGS[name])
    for expected, got in zip(usual, answered, strict=True):
        assert got == expected
