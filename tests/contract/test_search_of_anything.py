"""Search on each store: a payment is found by everything that it contains, and never by another caller."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from application.audit.audit_log import Audit
from application.common.caller import Caller, Scope
from application.common.errors import InvalidRequest
from application.common.pagination import PageTokens
from application.ports.store import Store
from application.search.index_payments import index
from application.search.normal_form import name_words, normalised
from application.search.search_payments import RawSearch, SearchPayments
from domain.ids import CallerId
from domain.payment import Payment
from tests.contract import random_payments
from tests.contract.random_payments import IDS
from tests.contract.store_steps import add, on_one_store
from tests.fakes.runtime import ManualClock

SCOPES = frozenset({Scope.PAYMENTS_READ, Scope.CUSTOMERS_READ})


def contents(payment: Payment) -> Iterator[str]:
    """Everything that a person may know of the payment."""
    terms = payment.terms
    yield from (terms.payment_id, terms.reference, f"{payment.create_time:%Y-%m-%d}")
    yield f"{terms.amount.to_decimal()} {terms.amount.currency_code}"
    for key, value in terms.metadata.items():
        yield value
        if ":" not in key and "=" not in key and '"' not in key and value.strip() and normalised(key).isalnum():
            yield f"{key}:{value}"
    names = [terms.guest.given_name, terms.guest.company, terms.billing_address.family_name]
    emails = [terms.guest.email]
    if payment.instrument is not None:
        names.append(payment.instrument.cardholder_name)
        yield payment.instrument.last_four
    for operation in payment.operations:
        yield from (operation.operation_id, operation.amount.to_decimal())
        yield from (operation.transaction_id, operation.details.transaction_id)
        yield operation.details.network_transaction_id
    yield from (name for name in names if any(name_words(name)))
    yield from emails


# A failing payment is shown as it was drawn: to shrink it takes minutes.
@settings(on_one_store, max_examples=10, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(data=st.data())
def test_a_payment_is_found_by_anything_that_it_contains_and_by_nobody_else(store: Store, data: st.DataObject) -> None:
    payment = data.draw(random_payments.new_payments())
    for _ in range(data.draw(st.integers(0, 6))):
        random_payments.change_randomly(data.draw, payment)
    # Two of what people know, together.
    known = [text for text in contents(payment) if normalised(text)]
    first, second = data.draw(st.sampled_from(known)), data.draw(st.sampled_from(known))
    add(store, payment)
    with store.begin() as work:
        index(work, [payment.terms.payment_id])
    clock = ManualClock()
    search = SearchPayments(store, PageTokens(b"key"), Audit(store, clock, IDS), b"audit")
    owner, stranger = (Caller(one, SCOPES) for one in (payment.terms.caller_id, CallerId("a stranger")))

    def found(query: str, caller: Caller) -> bool:
        try:
            page = search(RawSearch(query=query), caller, page_size=500)
        except InvalidRequest:
            # A control character, or digits that look like a card number.
            assume(False)
        return any(hit.payment.terms.payment_id == payment.terms.payment_id for hit in page.hits)

    # Beside other words, a text with spaces needs quotation marks.
    assume('"' not in first + second)
    together = " ".join(f'"{text}"' if " " in normalised(text) else text for text in (first, second))
    for query in (first, first.upper(), together):
        if normalised(query) == normalised(first) or query != first.upper():
            assert found(query, owner), query
        assert not found(query, stranger), query
