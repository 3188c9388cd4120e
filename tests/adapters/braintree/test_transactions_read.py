"""Of a transaction, exactly the elements that the translation reads are read, and as the SDK reads them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any
from xml.parsers.expat import ExpatError

import braintree
import pytest
from braintree.util.parser import Parser as StockParser
from braintree.util.xml_util import XmlUtil
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.braintree import authentication, parser, transactions_read, translate
from adapters.braintree.transactions_read import READ
from tests.adapters.braintree import documents
from tests.adapters.braintree.comparing import Reference, calls_made, typed

NO_GATEWAY: Any = None
# Its type stubs omit the parser that it takes.
xml_util: Any = import_module("braintree.util.xml_util")

# The functions that read an element of the given name.
READERS = frozenset({"getattr", "text", "written", "required", "_text", "_known", "_ids", "_checked"})
# Names of variables that hold the gateway's answers, or parts of them.
ANSWERS = frozenset({"found", "dispute", "shown", "event", "disbursement", "one", "data", "info", "checked", "kept"})
# Names that are read of stored methods, verifications and nonces only, or that our own values have.
OF_OTHERS = frozenset(
    {
        "android_pay_card_details",
        "apple_pay_details",
        "avs_error_response_code",
        "credit_card",
        "credit_card_details",
        "currency_code",
        "customer_id",
        "decline",
        "default",
        "details",
        "get",
        "instrument",
        "is_captured",
        "issuer",
        "paypal_details",
        "revoked_at",
        "standing",
        "succeeded",
        "venmo_account_details",
        "verification",
    }
)


def names_read(module: ModuleType) -> set[str]:
    """The names that the module reads of answers, by its source."""
    names = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Call(func=ast.Name(id=reader), args=[_, ast.Constant(value=str(name)), *_]) if reader in READERS:
                names.add(name)
            case ast.Call(func=ast.Name(id=reader), args=[_, ast.Name(id=constant), *_]) if reader in READERS:
                names.add(getattr(module, constant, constant))
            case ast.Call(func=ast.Name(id=reader), args=[_, ast.JoinedStr(), *_]) if reader in READERS:
                raise AssertionError("a name that is put together is not found by this test")
            case ast.Attribute(value=ast.Name(id=variable), attr=name) if variable in ANSWERS:
                names.add(name)
    return names


def test_every_name_that_the_translation_reads_is_read_by_the_parser() -> None:
    names = names_read(translate) | names_read(authentication)
    assert {"id", "settlement_currency_iso_code", "eci_flag", "amount_disputed"} <= names
    # The parameter of the readers themselves.
    assert names - {"name"} - OF_OTHERS <= READ


UNREAD = ["billing", "customer", "custom-fields", "global-id", "payment-receipt", "tax-amount", "x"]
LEAF_NAMES = st.sampled_from([*UNREAD, "id", "status", "token", "amount"])
BRANCH_NAMES = st.sampled_from([*UNREAD, "credit-card", "status-history", "risk-data", "disputes"])
TEXTS = st.sampled_from(["1", "a b", "&amp;", "10.50", "é"])


def element(name: str, content: str, kind: str = "") -> tuple[str, str]:
    """The element's name, and its document."""
    return name, f"<{name}{kind}>{content}</{name}>" if content else f"<{name}{kind}/>"


def together(parts: list[tuple[str, str]]) -> str:
    return "\n  ".join(xml for _, xml in parts)


def several(inner: st.SearchStrategy[tuple[str, str]], most: int) -> st.SearchStrategy[str]:
    # The gateway repeats names only in arrays.
    return st.lists(inner, min_size=1, max_size=most, unique_by=lambda part: part[0]).map(together)


LEAVES = st.builds(element, LEAF_NAMES, TEXTS | st.just(""), st.sampled_from(["", "", ' nil="true"']))
INNER = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(element, BRANCH_NAMES, several(inner, 4))
        | st.builds(element, BRANCH_NAMES, st.lists(inner, max_size=3).map(together), st.just(' type="array"'))
    ),
    max_leaves=8,
)
TRANSACTIONS = several(INNER, 8).map(lambda parts: element("transaction", parts)[1])


@settings(max_examples=100, deadline=None)
@given(TRANSACTIONS)
def test_the_elements_that_are_read_are_as_the_sdk_reads_them(xml: str) -> None:
    # An element in one of its own name is left to the SDK's parser, which reads all.
    assert typed(parser.Parser(xml).parse()) in (typed(Reference(xml).parse()), typed(StockParser(xml).parse()))


def test_the_rest_is_skipped() -> None:
    xml = documents.transaction(billing={"id": "1", "locality": "Delft"}, tax_amount="1", customer={"id": None})
    found = parser.Parser(xml).parse()
    assert found == Reference(xml).parse()
    assert found["transaction"].keys().isdisjoint({"billing", "tax_amount", "customer"})


def test_skipped_elements_cost_few_calls() -> None:
    long = documents.transaction(billing={f"line-{n}": f"{n}" for n in range(100)})
    more = calls_made(lambda: parser.Parser(long).parse()) - calls_made(
        lambda: parser.Parser(documents.transaction()).parse()
    )
    assert more < 10


def test_a_transaction_that_is_cut_off_is_refused() -> None:
    xml = documents.transaction(billing={"id": "1", "locality": "Delft"}, tax_amount="1", refund_ids=["tx2"])
    assert parser.Parser(xml).parse()
    for end in range(0, len(xml), 7):
        with pytest.raises(ExpatError):
            parser.Parser(xml[:end]).parse()


@pytest.mark.parametrize(
    "xml",
    [
        "<transaction><billing><id>1</id><status>x</status></transaction>",
        "<transaction><x>1</billing><status>x</status><x>2</x></transaction>",
        "<transaction><billing></status></transaction>",
        "<transaction><status>x</status><billing></transaction>",
        "<transaction><billing></transaction></billing>",
    ],
)
def test_an_element_without_its_end_is_refused(xml: str) -> None:
    with pytest.raises(ExpatError):
        parser.Parser(xml).parse()


# The light object

AMOUNTS = st.sampled_from(["10.00", "0.01", "7.005", "many", "1E+1", "-3.00"])
MAYBE = st.none() | st.sampled_from(["1000", "2000", "declined", "Visa", "12", "2030", "91501"])
CARDS = st.fixed_dictionaries(
    {"token": st.just("pm_1"), "last-4": st.just("1881")},
    optional=dict.fromkeys(("card-type", "expiration-month", "expiration-year", "cardholder-name"), MAYBE),
)
WALLETS = st.fixed_dictionaries(
    {"token": MAYBE, "payer-email": MAYBE, "username": MAYBE, "virtual-card-last-4": MAYBE, "source-card-type": MAYBE}
)
EVENTS = st.fixed_dictionaries(
    {
        "timestamp": st.just("2026-03-01T10:00:00Z"),
        "status": st.sampled_from(["authorized", "submitted_for_settlement", "settled", "voided"]),
        "amount": st.just("10.00"),
    }
)
DISPUTES = st.fixed_dictionaries(
    {
        "id": st.just("dp1"),
        "kind": st.sampled_from(["chargeback", "retrieval"]),
        "status": st.sampled_from(["open", "won"]),
        "amount-disputed": AMOUNTS,
        "currency-iso-code": st.just("USD"),
        "updated-at": st.just("2026-03-02T10:00:00Z"),
    }
)
ADJUSTMENTS = st.fixed_dictionaries({"amount": AMOUNTS, "success": st.booleans(), "processor-response-code": MAYBE})
CHANGES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["authorized", "settled", "processor_declined", "gateway_rejected", "strange"]),
        "type": st.sampled_from(["sale", "credit", "loan"]),
        "amount": AMOUNTS,
        "processor_response_code": MAYBE,
        "gateway_rejection_reason": MAYBE,
        "payment_instrument_type": st.sampled_from(
            ["credit_card", "paypal_account", "apple_pay_card", "android_pay_card", "venmo_account", "other", None]
        ),
        "credit_card": CARDS,
        "paypal": WALLETS,
        "apple_pay": CARDS,
        "android_pay_card": WALLETS,
        "venmo_account": WALLETS,
        "status_history": st.lists(EVENTS, max_size=3),
        "disputes": st.lists(DISPUTES, max_size=2),
        "authorization_adjustments": st.lists(ADJUSTMENTS, max_size=2),
        "refund_ids": st.lists(st.just("tx2"), max_size=2),
        "disbursement_details": st.fixed_dictionaries(
            {"settlement-amount": AMOUNTS, "settlement-currency-iso-code": MAYBE, "disbursement-date": st.none()}
        ),
        "risk_data": st.fixed_dictionaries(
            {
                "id": st.just("r1"),
                "decision": MAYBE,
                "device-data-captured": st.booleans(),
                "decision-reasons": st.just([]),
            }
        ),
        "three_d_secure_info": st.none()
        | st.fixed_dictionaries({"status": st.just("authenticate_successful"), "liability-shifted": st.booleans()}),
        "billing": st.just({"locality": "Delft"}),
        "tax_amount": AMOUNTS | st.none(),
    },
)


def light_object(xml: str) -> object:
    return transactions_read.shown(parser.Parser(xml).parse()["transaction"])


def translated(show: Any) -> object:
    """The translation, or the one error that every unreadable answer becomes."""
    try:
        return translate.transaction(show())
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


@settings(max_examples=200, deadline=None)
@given(CHANGES)
def test_the_light_object_says_what_the_sdks_object_says(changes: dict[str, Any]) -> None:
    xml = documents.transaction(**changes)
    light = translated(lambda: light_object(xml))
    full = translated(lambda: braintree.Transaction(NO_GATEWAY, StockParser(xml).parse()["transaction"]))
    # The SDK's objects also refuse malformed amounts that say nothing of the outcome.
    assert light == full or (full is None and "many" in xml)


@pytest.mark.parametrize("changes", [{"amount": "many"}, {"status": "strange"}, {"type": "loan"}, {"id": None}])
def test_an_answer_without_its_essentials_is_unreadable(changes: dict[str, Any]) -> None:
    assert translated(lambda: light_object(documents.transaction())) is not None
    assert translated(lambda: light_object(documents.transaction(**changes))) is None


@pytest.mark.usefixtures("_sdk_as_before")
def test_others_in_the_process_read_their_answers_whole() -> None:
    parser.choose(stock=False)
    xml = documents.transaction()
    text = xml.decode() if isinstance(xml, bytes) else xml
    whole = dict(StockParser(text).parse())
    assert XmlUtil.dict_from_xml(text) == whole
    assert XmlUtil.dict_from_xml(parser.OwnAnswer(text)) == Reference(text).parse() != whole


@pytest.fixture
def _sdk_as_before() -> Iterator[None]:
    before = xml_util.Parser
    yield
    xml_util.Parser = before
