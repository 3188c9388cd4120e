"""The checkout page's process is killed while a shopper pays: the payment is made once, and the page finds out."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

import pytest

from bayar.messages import PaymentState
from tests.api_keys import in_environment
from tests.end_to_end.checkout_steps import OTHER_NONCE, Shopper, a_checkout, at_page, page_settings, state_of
from tests.end_to_end.service import Pair, running_pair, until

DELAY_SECONDS = 1
When = Literal["before", "after"]


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    settings = page_settings(
        # Longer than the gateway works on an abandoned request.
        BAYAR_ABSENCE_HORIZON_SECONDS="4",
        BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS="1",
        BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS="2",
    )
    program = ("-m", "tests.end_to_end.in_haste", "serve")
    with in_environment(), running_pair(tmp_path_factory.mktemp("restart"), settings, program=program) as pair:
        yield pair


def kill_while_the_gateway_works(pair: Pair, shopper: Shopper, when: When) -> None:
    """The shopper pays; the service is killed before the gateway answers, and started again."""
    pair.twin.control.add_fault("delay", method="POST", path="/transactions", seconds=DELAY_SECONDS, when=when, next=1)

    def click() -> None:
        with suppress(http.client.HTTPException, OSError):
            shopper.pay()

    clicking = threading.Thread(target=click)
    clicking.start()
    until(lambda: shopper.status().state == "pending")
    pair.service.kill()
    clicking.join(10)
    pair.service.restart()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_the_gateway_works_pays_once(killable: Pair, when: When) -> None:
    service = killable.service
    checkout = a_checkout(service.client())
    shopper, second_tab = at_page(checkout), at_page(checkout)
    kill_while_the_gateway_works(killable, shopper, when)
    # The page goes on: it takes no second payment, and finds the first one.
    assert second_tab.status().state in ("pending", "paid")
    assert second_tab.pay(OTHER_NONCE).state in ("pending", "paid")
    until(lambda: second_tab.status().state == "paid", seconds=30)
    bayar = service.client()
    assert state_of(bayar, checkout) == "COMPLETED"
    (payment,) = bayar.list_payments(reference=checkout.reference)
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED


def test_a_kill_before_anybody_looks_again_completes_the_checkout(killable: Pair) -> None:
    """The shopper closed the page. The shop learns of the payment all the same."""
    service = killable.service
    checkout = a_checkout(service.client())
    shopper = at_page(checkout)
    kill_while_the_gateway_works(killable, shopper, "after")
    bayar = service.client()
    until(lambda: state_of(bayar, checkout) == "COMPLETED", seconds=40)
