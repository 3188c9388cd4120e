"""No silence: the twin names each field that it does not act on, and refuses it with --strict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import braintree
import pytest
from raw_http import RawHttp
from twin_sdk import card, gateway_to, sale_request

from braintree_twin.coverage import page
from braintree_twin.request_schema import Effect, Schema, UnhandledField, filled, schema, unhandled_fields
from braintree_twin.rules import accepted_fields
from braintree_twin.testing import Twin, start_twin

TRANSACTIONS = "POST /transactions"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with start_twin(tmp_path_factory.mktemp("strict"), arguments=("--strict",)) as running:
        yield running


def _paths(found: list[UnhandledField]) -> list[tuple[str, str]]:
    return [(each.path, str(each.effect)) for each in found]


def test_fields_are_found_at_every_level_and_each_once() -> None:
    known = {"sale": schema("amount", no_effect="device", options=schema("submit", checked="mode"), any=schema())}
    document: Any = {
        "sale": {
            "amount": "1",
            "device": "x",
            "colour": "red",
            "nothing": None,
            "empty": {},
            "item": None,
            "options": {"submit": "true", "mode": None},
            "any": [{"name": "a"}, {"name": "b"}, {"item": [{"other": "c"}]}],
        },
        "purchase": {"amount": "1"},
        "loan": None,
    }
    assert _paths(unhandled_fields(document, known)) == [
        ("sale.device", "known, without effect"),
        ("sale.colour", "unknown"),
        ("sale.nothing", "unknown"),
        ("sale.empty", "unknown"),
        ("sale.any.name", "unknown"),
        ("sale.any.other", "unknown"),
        ("purchase", "unknown"),
        ("loan", "unknown"),
    ]
    named = [path for path, _ in _paths(unhandled_fields(filled(document), known))]
    assert named == ["sale.device", "sale.colour", "sale.any.name", "sale.any.other", "purchase"]


def test_the_control_api_counts_the_fields_by_route(tmp_path: Path) -> None:
    with start_twin(tmp_path) as twin:
        gateway = gateway_to(twin)
        for _ in range(2):
            asked = sale_request(device_session_id="x", options={"venmo": {"profile_id": "x"}})
            assert gateway.transaction.sale(asked).is_success
        raw = RawHttp(twin)
        raw.ask("POST", f"{raw.base}/customers", b"<customer><hair-colour>red</hair-colour></customer>")
        raw.ask("GET", f"{raw.base}/customers/1?colour=f")
        raw.close()
        counted = [
            (each.route, each.field, each.effect, each.count) for each in twin.control.requests().unhandled_fields
        ]
    assert counted == [
        ("GET /customers/{id}", "query.colour", "unknown", 1),
        ("POST /customers", "customer.hair_colour", "unknown", 1),
        (TRANSACTIONS, "transaction.device_session_id", "known, without effect", 2),
        (TRANSACTIONS, "transaction.options.venmo", "known, without effect", 2),
    ]


def test_a_strict_twin_refuses_such_a_request_and_names_the_fields(strict: Twin) -> None:
    gateway = gateway_to(strict)
    refused = gateway.transaction.sale(sale_request(product_sku="tea", device_session_id="x"))
    assert not refused.is_success
    assert refused.message == (
        "braintree-twin --strict: transaction.product_sku is checked, without effect; "
        "transaction.device_session_id is known, without effect"
    )
    assert strict.control.ledger() == []


def test_a_strict_twin_accepts_what_it_acts_on(strict: Twin) -> None:
    gateway = gateway_to(strict)
    customer = gateway.customer.create({"first_name": "Ada", "credit_card": card(options={"verify_card": True})})
    assert customer.is_success, customer.message
    asked = sale_request(order_id="o", custom_fields={"anything": "x"}, billing={"postal_code": "60622"})
    assert gateway.transaction.sale(asked).is_success
    found = gateway.transaction.search(braintree.TransactionSearch.order_id == "o")
    assert [each.order_id for each in found.items] == ["o"]


def _names(signature: Any) -> Iterator[tuple[str, ...]]:
    """The paths in a signature of the Python SDK: names, and dictionaries of signatures."""
    for each in signature:
        if isinstance(each, dict):
            for section, inner in each.items():
                yield from ((section, *rest) for rest in _names(inner))
        elif "any_key" not in each:
            yield (each,)


def _is_described(path: tuple[str, ...], known: Schema) -> bool:
    name, *rest = path
    if name in known.effects or known.any_name:
        return True
    section = known.sections.get(name)
    return section is not None and (not rest or _is_described(tuple(rest), section))


SIGNATURES = {
    "sale": (braintree.Transaction.create_signature(), accepted_fields.SALE),
    "submit": (braintree.Transaction.submit_for_settlement_signature(), accepted_fields.SUBMISSION),
    "refund": (braintree.Transaction.refund_signature(), accepted_fields.REFUND),
    "shipment": (braintree.Transaction.package_tracking_signature(), accepted_fields.SHIPMENT),
    "customer": (braintree.Customer.create_signature(), accepted_fields.CUSTOMER),
    "customer update": (braintree.Customer.update_signature(), accepted_fields.CUSTOMER_UPDATE),
    "card": (braintree.CreditCard.create_signature(), accepted_fields.CREDIT_CARD),
    "payment method": (braintree.PaymentMethod.create_signature(), accepted_fields.PAYMENT_METHOD),
    "payment method update": (braintree.PaymentMethod.update_signature(), accepted_fields.CARD),
    "address": (braintree.Address.create_signature(), accepted_fields.ADDRESS),
    "subscription": (braintree.Subscription.create_signature(), accepted_fields.SUBSCRIPTION),
    "subscription update": (braintree.Subscription.update_signature(), accepted_fields.SUBSCRIPTION_UPDATE),
    "plan": (braintree.Plan.create_signature(), accepted_fields.PLAN),
    "plan update": (braintree.Plan.update_signature(), accepted_fields.PLAN),
    "verification": (braintree.CreditCardVerification.create_signature(), accepted_fields.VERIFICATION),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_every_field_that_the_sdk_lets_through_is_described(name: str) -> None:
    signature, known = SIGNATURES[name]
    # The SDK has a comma inside the quotes of one name.
    paths = [tuple(part.strip(",") for part in path) for path in _names(signature)]
    assert [".".join(path) for path in paths if not _is_described(path, known)] == []


def test_a_schema_lists_its_fields_with_their_effects() -> None:
    known = schema("amount", no_effect="device", options=schema("submit"), custom=schema(any_name=Effect.ACTED_ON))
    assert [(path, str(effect)) for path, effect in known.leaves("sale")] == [
        ("sale.amount", "acted on"),
        ("sale.device", "known, without effect"),
        ("sale.options.submit", "acted on"),
        ("sale.custom.*", "acted on"),
    ]


def test_the_published_table_is_what_the_code_says() -> None:
    """To renew it: python -m braintree_twin.coverage docs/fields.md."""
    published = Path(__file__).parents[1] / "docs" / "fields.md"
    assert published.read_text(encoding="utf-8") == page()
