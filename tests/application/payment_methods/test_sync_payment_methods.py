"""Stored methods are brought up to date with the gateway's: renewed cards, and those that are gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import StoreUnavailable
from application.events.relay_events import RelayEvents
from application.ports.feed import FeedFilter
from application.ports.gateway import GatewayUnavailable, StoredInstrument
from domain.instrument import CardExpiry, Instrument, InstrumentKind
from domain.payment_method import PaymentMethod, PaymentMethodState, Verification
from tests.application.shop import MASTERCARD, SHOP, VISA, Shop, a_request_id
from tests.fakes.faulty_gateway import Fault
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD

MINUTE = timedelta(minutes=1)
OTHER_VISA = replace(VISA, number="4012888888881881")
WALLET = Instrument(InstrumentKind.PAYPAL, account="jane.doe@paypal.com")


class Vault(MemoryGateway):
    """A gateway whose bank renews cards, and whose customers take back what they allowed."""

    def renew(self, method: PaymentMethod, **changes: object) -> None:
        kept = self._methods[method.gateway_token]
        instrument = replace(kept.instrument, **changes)  # type: ignore[arg-type]
        self._methods[method.gateway_token] = replace(kept, instrument=instrument)

    def revoke(self, method: PaymentMethod) -> None:
        self._methods[method.gateway_token] = replace(self._methods[method.gateway_token], is_revoked=True)

    def verify(self, method: PaymentMethod) -> None:
        kept = self._methods[method.payment_method_id]
        self._methods[method.payment_method_id] = replace(kept, verification=Verification(approved=True))

    def rename(self, method: PaymentMethod, token: str) -> StoredInstrument:
        """A wallet brings a token of its own."""
        kept = self._methods.pop(method.payment_method_id)
        self._methods[token] = replace(kept, token=token, instrument=WALLET)
        return self._methods[token]


class Bank(Shop):
    def __init__(self) -> None:
        super().__init__()
        self.vault = Vault(self.clock)
        self.real_gateway = self.vault
        self.gateway._inner = self.vault
        self.ada = self.customer()

    def state(self, method: PaymentMethod) -> PaymentMethod:
        return self.get_method(method.payment_method_id, SHOP)

    def keep(self, *cards: object) -> list[PaymentMethod]:
        kept = []
        for card in cards:
            kept.append(self.method(self.ada, card))  # type: ignore[arg-type]
            self.clock.advance(MINUTE)
        return kept

    def wallet(self) -> PaymentMethod:
        """A method that the gateway knows by another name than its id."""
        (method,) = self.keep(OTHER_VISA)
        kept = self.vault.rename(method, "wallet")
        with self.store.begin() as work:
            current = work.payment_methods.get(method.payment_method_id, lock=True)
            assert current is not None
            work.payment_methods.save(replace(current, gateway_token=kept.token, instrument=kept.instrument))
        return self.state(method)

    def events(self) -> int:
        RelayEvents(self.store)()
        with self.store.read() as work:
            return len(work.feed.after(0, FeedFilter(), until=work.feed.end(), limit=100)[0])


@pytest.fixture
def bank() -> Bank:
    return Bank()


RENEWED = CardExpiry(2040, 1)


# One that the gateway told of


def test_a_renewed_card_is_renewed_here(bank: Bank) -> None:
    (method,) = bank.keep(VISA)
    bank.vault.renew(method, expiry=RENEWED)
    assert bank.sync_methods.sync_by_token(method.gateway_token, bank.ada.customer_id)
    renewed = bank.state(method)
    assert renewed.instrument == replace(method.instrument, expiry=RENEWED)  # type: ignore[type-var]
    assert (renewed.update_time, renewed.is_default) == (bank.clock.now(), True)


def test_an_unchanged_record_is_not_saved(bank: Bank) -> None:
    (method,) = bank.keep(VISA)
    events = bank.events()
    assert bank.sync_methods.sync_by_token(method.gateway_token, bank.ada.customer_id)
    assert bank.state(method) == method
    assert bank.events() == events


@pytest.mark.parametrize("lose", [lambda vault, method: vault.delete_method(method.gateway_token, HELD), Vault.revoke])
def test_a_method_deleted_at_the_gateway_is_deleted_and_replaced_as_default(
    bank: Bank, lose: Callable[[Vault, PaymentMethod], None]
) -> None:
    first, second = bank.keep(VISA, MASTERCARD)
    lose(bank.vault, first)
    assert bank.sync_methods.sync_by_token(first.gateway_token, bank.ada.customer_id)
    assert (bank.state(first).state, bank.state(first).update_time) == (PaymentMethodState.DELETED, bank.clock.now())
    assert bank.state(second).is_default


def test_a_wallet_is_found_by_the_gateways_own_token(bank: Bank) -> None:
    bank.keep(VISA)
    wallet = bank.wallet()
    bank.vault.renew(wallet, account="jane@paypal.com")
    assert bank.sync_methods.sync_by_token("wallet", bank.ada.customer_id)
    assert bank.state(wallet).instrument == replace(WALLET, account="jane@paypal.com")
    assert not bank.sync_methods.sync_by_token("wallet", bank.customer().customer_id)
    assert not bank.sync_methods.record_revoked("wallet", bank.customer().customer_id)
    assert bank.sync_methods.record_revoked("wallet", bank.ada.customer_id)


def test_an_id_that_is_no_token_is_of_no_method(bank: Bank) -> None:
    wallet = bank.wallet()
    assert not bank.sync_methods.sync_by_token(wallet.payment_method_id, bank.ada.customer_id)
    assert not bank.sync_methods.record_revoked(wallet.payment_method_id, bank.ada.customer_id)


def test_a_webhook_of_a_deleted_method_changes_nothing(bank: Bank) -> None:
    (method,) = bank.keep(VISA)
    bank.delete_method(a_request_id(), method.payment_method_id, SHOP)
    deleted = bank.state(method)
    bank.clock.advance(MINUTE)
    assert not bank.sync_methods.sync_by_token(method.gateway_token, bank.ada.customer_id)
    assert not bank.sync_methods.record_revoked(method.gateway_token, bank.ada.customer_id)
    assert not bank.sync_methods.sync_by_token("of nobody", bank.ada.customer_id)
    assert "find_method" not in bank.calls
    assert bank.state(method) == deleted


def test_a_revocation_is_final_although_the_gateway_goes_on_showing_the_method(bank: Bank) -> None:
    first, second = bank.keep(VISA, MASTERCARD)
    assert bank.sync_methods.record_revoked(first.gateway_token, bank.ada.customer_id)
    assert bank.state(first).state is PaymentMethodState.DELETED
    assert bank.state(second).is_default
    assert "find_method" not in bank.calls


def test_a_gateway_that_does_not_answer_changes_nothing(bank: Bank) -> None:
    (method,) = bank.keep(VISA)
    bank.fails("find_method", Fault.LOST_BEFORE)
    with pytest.raises(GatewayUnavailable):
        bank.sync_methods.sync_by_token(method.gateway_token, bank.ada.customer_id)
    assert bank.state(method) == method


@pytest.mark.parametrize("changed", ["renewed", "lost"])
def test_a_method_deleted_during_the_check_stays_deleted(bank: Bank, changed: str) -> None:
    (method,) = bank.keep(VISA)
    if changed == "renewed":
        bank.vault.renew(method, expiry=RENEWED)
    shown = bank.vault.find_method(method.gateway_token) if changed == "renewed" else None

    def meanwhile() -> None:
        bank.delete_method(a_request_id(), method.payment_method_id, SHOP)
        bank.clock.advance(MINUTE)
        if shown is not None:
            bank.vault._methods[method.gateway_token] = shown

    bank.before["find_method"] = meanwhile
    deleted_at = bank.clock.now()
    assert bank.sync_methods.sync_by_token(method.gateway_token, bank.ada.customer_id)
    assert (bank.state(method).state, bank.state(method).update_time) == (PaymentMethodState.DELETED, deleted_at)
    assert bank.state(method).instrument == method.instrument


# All, a few at a time


def test_all_active_methods_are_looked_at_a_few_at_a_time(bank: Bank) -> None:
    kept = bank.keep(VISA, VISA, OTHER_VISA, VISA)
    for method in kept:
        bank.vault.renew(method, expiry=RENEWED)
    few = replace(bank.sync_methods, batch_size=3)
    place = few.sync_batch("")
    assert place == kept[2].payment_method_id
    expiries = [one.instrument.expiry for one in map(bank.state, kept) if one.instrument]
    assert expiries == [RENEWED] * 3 + [CardExpiry(2035, 12)]
    assert few.sync_batch(place) is None
    assert bank.calls.count("find_method") == 4


def test_after_the_last_full_batch_there_is_nothing_more(bank: Bank) -> None:
    _, second = bank.keep(VISA, MASTERCARD)
    few = replace(bank.sync_methods, batch_size=2)
    assert few.sync_batch("") == second.payment_method_id
    assert few.sync_batch(second.payment_method_id) is None
    assert bank.calls.count("find_method") == 2


# Those of a customer whom the gateway had lost


def test_only_the_active_methods_of_the_customer_are_looked_at(bank: Bank) -> None:
    (mine,) = bank.keep(VISA)
    bank.fails("store_method", Fault.LOST_BEFORE)
    pending = bank.method(bank.ada, MASTERCARD)
    bank.method(bank.customer())
    bank.vault.delete_method(mine.gateway_token, HELD)
    bank.sync_methods.sync_customer(bank.ada.customer_id)
    assert bank.calls.count("find_method") == 1
    assert bank.state(mine).state is PaymentMethodState.DELETED
    assert bank.state(pending).state is PaymentMethodState.PENDING


@pytest.mark.parametrize("is_stores_fault", [True, False])
def test_a_comparison_that_fails_is_reported_in_the_log_and_costs_nothing(
    bank: Bank, is_stores_fault: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (method,) = bank.keep(VISA)
    bank.vault.delete_method(method.gateway_token, HELD)

    def no_database() -> None:
        raise StoreUnavailable("no database")

    if is_stores_fault:
        bank.before["find_method"] = no_database
    else:
        bank.fails("find_method", Fault.UNREACHABLE)
    bank.sync_methods.sync_customer(bank.ada.customer_id)
    assert bank.state(method) == method
    assert bank.ada.customer_id in caplog.text
