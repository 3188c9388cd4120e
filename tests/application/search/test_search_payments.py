"""Searches: what people type finds the payment that they mean, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.audit.audit_log import Audit
from application.common.caller import EVERY_SCOPE, Caller, Scope
from application.common.errors import InvalidRequest, Rule
from application.common.pagination import PageTokens
from application.common.validator import RawMoney
from application.events.relay_events import RelayEvents
from application.payments.erase_guest import EraseGuest
from application.payments.list_payments import RawPaymentFilter
from application.ports.audit_log import AuditKind
from application.search.index_payments import IndexPayments
from application.search.search_payments import RawSearch, SearchPage, SearchPayments, query_digest
from application.search.search_terms import SearchField
from domain.customer import Customer, GuestContact
from domain.ids import CallerId
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import MASTERCARD, SHOP, Shop, a_request_id, an_order, usd
from tests.fakes.runtime import START

STAFF = replace(SHOP, scopes=frozenset({Scope.PAYMENTS_READ, Scope.CUSTOMERS_READ}))
ADMINISTRATOR = Caller(CallerId("operations"), EVERY_SCOPE)
AUDIT_KEY = b"audit"


class Desk:
    """A support desk of a shop."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.search = SearchPayments(
            self.shop.store, PageTokens(b"key"), Audit(self.shop.store, self.shop.clock, self.shop.ids), AUDIT_KEY
        )
        self.index = IndexPayments(self.shop.store)

    def customer(self, given_name: str = "Budi", family_name: str = "Santoso", email: str = "") -> Customer:
        return self.shop.customer(given_name=given_name, family_name=family_name, email=email)

    def pay(self, *, caller: Caller = SHOP, guest: GuestContact | None = None, **order: Any) -> Payment:
        command = an_order(**order)
        return self.shop.pay(replace(command, guest=guest) if guest else command, caller)

    def catch_up(self) -> None:
        RelayEvents(self.shop.store)()
        for _ in range(5):
            self.index()

    def page(self, query: str = "", caller: Caller = STAFF, page_size: int = 0, **fields: Any) -> SearchPage:
        token = fields.pop("page_token", "")
        raw = RawSearch(query=query, **fields)
        return self.search(raw, caller, page_size=page_size, page_token=token)

    def find(self, query: str = "", caller: Caller = STAFF, **fields: Any) -> list[Payment]:
        self.catch_up()
        return [hit.payment for hit in self.page(query, caller, **fields).hits]

    def fields(self, query: str) -> set[tuple[SearchField, str]]:
        """The fields in which the only hit was found."""
        self.catch_up()
        (hit,) = self.page(query).hits
        return {(match.found_in.field, match.found_in.metadata_key) for match in hit.matches}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refusal(desk: Desk, query: str = "", **fields: Any) -> list[tuple[str, Rule]]:
    with pytest.raises(InvalidRequest) as caught:
        desk.page(query, **fields)
    return [(one.field, one.rule) for one in caught.value.violations]


class TestWhatPeopleType:
    def test_a_name_in_any_order_and_spelling(self, desk: Desk) -> None:
        payment = desk.pay(customer_id=desk.customer("Élodie", "O'Brien").customer_id)
        desk.pay(customer_id=desk.customer("Élodie", "Martin").customer_id)
        for query in ("elodie o'brien", "OBRIEN Élodie", '"elodie obrien"', "name:obrien", 'name:"Elodie O\'Brien"'):
            assert desk.find(query) == [payment], query
        assert desk.find("elodie santoso") == []
        assert desk.find("Élodie & O'Brien") == [payment]
        assert desk.find(name="o'brien elodie") == [payment]

    def test_an_email_as_a_whole_and_before_the_at_sign(self, desk: Desk) -> None:
        payment = desk.pay(customer_id=desk.customer(email="Budi.S@Example.com").customer_id)
        for query in ("budi.s@example.com", "BUDI.S@EXAMPLE.COM", "budi.s", "email:budi.s@example.com"):
            assert desk.find(query) == [payment], query
        assert desk.find(email="budi.s@example.com") == [payment]
        assert desk.find(email="budi.s") == []
        assert desk.find("example.com") == []

    def test_a_guest_a_cardholder_and_an_amount_together(self, desk: Desk) -> None:
        guest = GuestContact(given_name="Siti", family_name="Rahma", email="siti@example.com")
        payment = desk.pay(guest=guest, amount=usd(10_00))
        desk.pay(guest=guest, amount=usd(20_00))
        assert desk.find("siti 10.00") == [payment]
        assert desk.find("ada lovelace 10 usd") == [payment]
        assert desk.find("siti 10 eur") == []

    def test_amounts_of_payments_and_refunds(self, desk: Desk) -> None:
        payment = desk.shop.settled(123_45)
        desk.shop.refund(payment, 23_45)
        found = desk.find("23.45")
        assert [one.terms.payment_id for one in found] == [payment.terms.payment_id]
        for query in ("123.45", "123,45", "$123.45", "USD 123.45", "123.45usd", "amount:123.45"):
            assert len(desk.find(query)) == 1, query
        assert len(desk.find(amount=RawMoney(123_45, "USD"))) == 1
        assert not desk.find(amount=RawMoney(123_45, "EUR"))

    def test_the_last_four_digits(self, desk: Desk) -> None:
        payment = desk.pay(source=MASTERCARD)
        desk.pay()
        for query in ("4444", "****4444", "last_four:4444", "card:4444"):
            assert desk.find(query) == [payment], query

    def test_the_day_and_the_month(self, desk: Desk) -> None:
        first = desk.pay()
        desk.shop.clock.advance(timedelta(days=1))
        second = desk.pay()
        assert desk.find(f"{START:%Y-%m-%d}") == [first]
        assert desk.find(f"{START + timedelta(days=1):%d.%m.%Y}") == [second]
        assert desk.find(f"{START:%Y-%m} 1111") == [second, first]
        assert desk.find(f"{START:%Y-%m-%d} 4444") == []
        assert desk.fields(f"{START:%Y-%m-%d}") == {(SearchField.DAY, "")}

    def test_a_day_in_the_metadata(self, desk: Desk) -> None:
        payment = desk.pay(metadata={"delivery": "2031-02-03"})
        assert desk.find("2031-02-03 1111") == [payment]
        assert desk.fields("2031-02-03") == {(SearchField.METADATA, "delivery")}

    def test_metadata_by_word_by_value_and_by_entry(self, desk: Desk) -> None:
        payment = desk.pay(metadata={"order_no": "A-77", "note": "gift for Ani"})
        desk.pay(metadata={"invoice": "A-77"})
        for query in ("order_no:A-77", "order_no=a-77", "gift a-77", "gift for ani", 'note:"gift for ani"', "ani"):
            assert desk.find(query) == [payment], query
        assert len(desk.find("a-77")) == 2
        assert desk.find(metadata={"order_no": "a-77"}) == [payment]
        assert desk.fields("order_no:a-77") == {(SearchField.METADATA, "order_no")}

    def test_a_reference_and_its_numbers(self, desk: Desk) -> None:
        payment = desk.pay(reference="INV/2026/A-4711")
        for query in ("INV/2026/A-4711", "inv/2026/a-4711", "4711", "#4711", "reference:4711"):
            assert desk.find(query) == [payment], query
        assert desk.fields("4711") == {(SearchField.REFERENCE, "")}

    def test_ids_of_everything(self, desk: Desk) -> None:
        customer = desk.customer()
        payment = desk.pay(customer_id=customer.customer_id)
        desk.pay()
        authorization = payment.authorization
        for text in (
            payment.terms.payment_id,
            authorization.operation_id,
            authorization.transaction_id,
            f"id:{payment.terms.payment_id}",
            f"{customer.customer_id} 1111",
        ):
            assert desk.find(text) == [payment], text

    def test_an_exact_reference_comes_before_newer_payments_with_the_same_digits(self, desk: Desk) -> None:
        exact = desk.pay(reference="4444")
        desk.shop.clock.advance(timedelta(seconds=1))
        newer = [desk.pay(source=MASTERCARD) for _ in range(3)]
        ids = [payment.terms.payment_id for payment in desk.find("4444")]
        assert ids[0] == exact.terms.payment_id
        assert set(ids[1:]) == {payment.terms.payment_id for payment in newer}


class TestPages:
    @pytest.mark.parametrize("page_size", [1, 2, 3, 50])
    def test_pages_show_every_payment_once(self, desk: Desk, page_size: int) -> None:
        exact = []
        for _ in range(2):
            exact.append(desk.pay(reference="4444", amount=usd(2001_00)))
            desk.shop.clock.advance(timedelta(seconds=1))
        rest = []
        for _ in range(4):
            rest.append(desk.pay(source=MASTERCARD))
            desk.shop.clock.advance(timedelta(seconds=1))
        desk.catch_up()
        seen: list[str] = []
        token = ""
        for _ in range(10):
            page = desk.page("4444", page_size=page_size, page_token=token)
            seen += [hit.payment.terms.payment_id for hit in page.hits]
            token = page.next_page_token
            if not token:
                break
        newest_first = [*reversed(exact), *reversed(rest)]
        assert seen == [payment.terms.payment_id for payment in newest_first]
        assert not token

    def test_a_token_belongs_to_its_search(self, desk: Desk) -> None:
        desk.pay()
        desk.pay()
        desk.catch_up()
        token = desk.page("1111", page_size=1).next_page_token
        assert token
        assert refusal(desk, "2222", page_token=token) == [("page_token", Rule.PAGE_TOKEN)]

    def test_a_filter_narrows_a_search_and_stands_alone(self, desk: Desk) -> None:
        paid = desk.pay()
        declined = desk.pay(amount=usd(2001_00))
        assert declined.state is PaymentState.DECLINED
        which = RawPaymentFilter(states=(PaymentState.DECLINED,))
        assert desk.find("1111", which=which) == [declined]
        assert desk.find(which=which) == [declined]
        assert desk.find("1111", which=RawPaymentFilter(funds=(Funds.CAPTURED,))) == [paid]
        assert desk.find("1111", which=RawPaymentFilter(is_disputed=True)) == []
        assert len(desk.find("1111", which=RawPaymentFilter(is_disputed=False))) == 2


class TestBadQueries:
    def test_nothing_to_find_and_too_much(self, desk: Desk) -> None:
        assert refusal(desk) == [("query", Rule.NOTHING_TO_FIND)]
        assert refusal(desk, "   ") == [("query", Rule.NOTHING_TO_FIND)]
        assert refusal(desk, " ".join("abcdefghijklm")) == [("query", Rule.MAX_WORDS)]
        assert refusal(desk, "x" * 256) == [("query", Rule.MAX_CHARACTERS)]
        assert refusal(desk, "a\0b") == [("query", Rule.NO_CONTROL_CHARACTERS)]

    def test_a_card_number_is_not_searched(self, desk: Desk) -> None:
        for query in ("4111 1111 1111 1111", "4111111111111111"):
            assert refusal(desk, query) == [("query", Rule.CARD_IN_SEARCH)]
        assert refusal(desk, name="4111111111111111") == [("fields.name", Rule.CARD_IN_SEARCH)]

    def test_a_bad_field_is_named(self, desk: Desk) -> None:
        found = refusal(desk, amount=RawMoney(-1, "XXX"), metadata={"": "x"}, page_size=-1)
        assert {field for field, _ in found} == {
            "page_size", "fields.amount.currency_code", "fields.amount.minor_units", "fields.metadata[?].key"
        }  # fmt: skip
        bad = RawPaymentFilter(funds=(None,), dispute_states=(None,), is_disputed=False)
        assert [field for field, _ in refusal(desk, "x", which=bad)] == [
            "filter.funds", "filter.dispute_states", "filter.dispute_states"
        ]  # fmt: skip


class TestAccess:
    def test_another_callers_payment_is_not_found(self, desk: Desk) -> None:
        payment = desk.pay(reference="order-1", metadata={"who": "unique"})
        rival = Caller(CallerId("rival"), STAFF.scopes)
        for query in ("order-1", "unique", payment.terms.payment_id, payment.authorization.transaction_id, "1111"):
            assert desk.find(query) == [payment]
            assert desk.find(query, rival) == []
        assert desk.find("unique", rival, caller_id="shop") == []

    def test_an_administrator_searches_every_caller_or_one(self, desk: Desk) -> None:
        mine = desk.pay(metadata={"who": "unique"})
        theirs = desk.pay(caller=Caller(CallerId("rival"), EVERY_SCOPE), metadata={"who": "unique"})
        found = desk.find("unique", ADMINISTRATOR)
        assert {one.terms.payment_id for one in found} == {mine.terms.payment_id, theirs.terms.payment_id}
        assert desk.find("unique", ADMINISTRATOR, caller_id="rival") == [theirs]

    def test_a_credential_of_one_customer_searches_that_customers_payments(self, desk: Desk) -> None:
        customer, other = desk.customer("Budi"), desk.customer("Wati")
        mine = desk.pay(customer_id=customer.customer_id)
        desk.pay(customer_id=other.customer_id)
        bound = replace(STAFF, customer_id=customer.customer_id)
        assert desk.find("1111", bound) == [mine]
        assert desk.find("santoso", bound) == [mine]
        assert desk.find("wati", bound) == []
        assert desk.find(other.customer_id, bound) == []

    def test_customers_names_are_found_only_by_those_who_may_read_customers(self, desk: Desk) -> None:
        payment = desk.pay(customer_id=desk.customer().customer_id)
        assert desk.find("santoso") == [payment]
        assert desk.find("santoso", replace(STAFF, scopes=frozenset({Scope.PAYMENTS_READ}))) == []


class TestFreshness:
    def test_ids_and_references_are_found_before_the_index_has_them(self, desk: Desk) -> None:
        payment = desk.pay(reference="order-1")
        for query in ("order-1", payment.terms.payment_id, payment.authorization.transaction_id):
            assert [hit.payment for hit in desk.page(query).hits] == [payment]
        assert not desk.page("1111").hits
        desk.catch_up()
        assert desk.page("1111").hits

    def test_the_answer_says_how_far_a_new_index_is(self, desk: Desk) -> None:
        desk.pay()
        desk.shop.clock.advance(timedelta(seconds=1))
        newer = desk.pay()
        IndexPayments(desk.shop.store, backfill_batch=1)()
        page = desk.page("1111")
        assert [hit.payment for hit in page.hits] == [newer]
        assert page.complete_from == newer.create_time
        desk.catch_up()
        assert desk.page("1111").complete_from is None
        with desk.shop.store.begin() as work:
            work.search.restart()
        page = desk.page("1111")
        assert (len(page.hits), page.complete_from) == (2, desk.shop.clock.now())


class TestErasure:
    def test_a_deleted_customer_is_not_found_at_once_and_the_payment_still_is(self, desk: Desk) -> None:
        customer = desk.customer(email="budi@example.com")
        payment = desk.pay(customer_id=customer.customer_id, reference="order-1")
        desk.catch_up()
        desk.shop.delete_customer(a_request_id(), customer.customer_id, SHOP)
        for query in ("santoso", "budi@example.com", "lovelace"):
            assert not desk.page(query).hits
        assert [one.terms.payment_id for one in desk.find("1111")] == [payment.terms.payment_id]
        assert not desk.find("santoso")

    def test_an_erased_guest_is_not_found(self, desk: Desk) -> None:
        payment = desk.pay(guest=GuestContact(given_name="Siti", email="siti@example.com"))
        assert desk.find("siti") == [payment]
        EraseGuest(desk.shop.store, desk.shop.clock, desk.shop.guard)(a_request_id(), payment.terms.payment_id, SHOP)
        assert not desk.page("siti").hits
        assert not desk.find("siti@example.com")
        assert len(desk.find("1111")) == 1

    def test_a_renamed_customer_is_found_by_the_new_name(self, desk: Desk) -> None:
        customer = desk.customer("Budi")
        payment = desk.pay(customer_id=customer.customer_id)
        assert desk.find("budi") == [payment]
        with desk.shop.store.begin() as work:
            current = work.customers.get(customer.customer_id, lock=True)
            assert current is not None
            work.customers.save(replace(current, given_name="Wati"))
        assert desk.find("wati") == [payment]
        assert desk.find("budi") == []


class TestAudit:
    def test_a_search_over_all_callers_is_audited_without_its_text(self, desk: Desk) -> None:
        desk.pay(customer_id=desk.customer().customer_id)
        desk.catch_up()
        desk.search(RawSearch(query="Budi Santoso", email="b@example.com"), ADMINISTRATOR, peer="ipv4:10.0.0.1:9")
        with desk.shop.store.read() as work:
            (entry,) = work.audit.page(after=None, limit=10)
        assert entry.kind is AuditKind.PAYMENTS_SEARCHED
        assert (entry.actor, entry.peer) == (ADMINISTRATOR.actor, "ipv4:10.0.0.1:9")
        assert dict(entry.details) == {
            "query_digest": query_digest(AUDIT_KEY, "budi SANTOSO"),
            "fields": "query,email",
            "hits": "0",
        }
        assert "santoso" not in repr(entry).lower()
        assert "b@example" not in repr(entry)

    def test_a_caller_who_searches_its_own_payments_is_not(self, desk: Desk) -> None:
        desk.page("santoso")
        with desk.shop.store.read() as work:
            assert work.audit.page(after=None, limit=10) == []
