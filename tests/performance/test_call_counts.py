"""The cost of an RPC in function calls: the same on every machine, at any load.

After a change that is worth its price: python -m tests.performance.test_call_counts writes the counts down anew.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import pytest

from adapters.grpc.middleware.call_context import DEFAULT_CALLER, header_languages
from adapters.grpc.services.payment_service import PaymentServicer
from bayar.payments.v1 import card_pb2, money_pb2
from bayar.payments.v1 import payment_service_pb2 as wire
from braintree_twin.testing import start_twin
from tests.end_to_end.service import environment_of

BASELINE: Final = Path(__file__).with_name("call_counts.json")
# More than this share of calls more is a regression; fewer are written down, or they would be lost again unseen.
TOLERANCE: Final = 0.05
# Whose functions are counted, by a part of their path. Generated ones and comprehensions are left out: versions of
# Python differ in them.
OWNERS: Final = {
    "ours": "/src/",
    "sqlalchemy": "/site-packages/sqlalchemy/",
    "braintree": "/site-packages/braintree/",
    "urllib3": "/site-packages/urllib3/",
    "cattrs": "/site-packages/cattr",
}


class Context:
    """As much of a call's context as a servicer asks for."""

    def invocation_metadata(self) -> tuple[Any, ...]:
        return ()


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Counts the calls of this thread by whose function is called."""
    counts: Counter[str] = Counter()
    known: dict[CodeType, str] = {}

    def owner(code: CodeType) -> str:
        if code.co_name.startswith("<") or code.co_filename.startswith("<"):
            return ""
        return next((name for name, part in OWNERS.items() if part in code.co_filename), "")

    def note(frame: FrameType, happening: str, _: object) -> None:
        if happening == "call":
            code = frame.f_code
            if code not in known:
                known[code] = owner(code)
            counts[known[code]] += 1

    sys.setprofile(note)
    try:
        yield counts
    finally:
        sys.setprofile(None)
        del counts[""]


@contextmanager
def a_servicer() -> Iterator[PaymentServicer]:
    """All that is behind a call: the use cases, SQLite, and the gateway's twin over TLS."""
    from adapters.persistence.migrate import upgrade
    from bootstrap.config.settings import load_settings
    from bootstrap.process import encryption_keys as encryption
    from bootstrap.wiring.container import Container

    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        twin = stack.enter_context(start_twin())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in [name for name in os.environ if name.startswith("BAYAR_")]:
            patch.delenv(name)
        for name, value in environment_of(twin, f"sqlite:///{directory / 'bayar.db'}").items():
            patch.setenv(name, value)
        container = Container()
        container.settings.override(load_settings())
        container.current_caller.override(lambda: DEFAULT_CALLER)
        engine = container.engine()
        stack.callback(engine.dispose)
        stack.callback(container.gateway().close)
        upgrade(engine)
        encryption.check_keys(container, engine)
        yield container.servicers().payments


def an_order() -> wire.CreatePaymentRequest:
    return wire.CreatePaymentRequest(
        request_id=str(uuid.uuid4()),
        reference=f"order {uuid.uuid4()}",
        amount=money_pb2.Money(minor_units=1000, currency_code="USD"),
        card=card_pb2.Card(number="4111111111111111", expiration_month=12, expiration_year=2035, cvv="123"),
    )


def measure() -> dict[str, dict[str, int]]:
    with a_servicer() as servicer:

        def create() -> str:
            return servicer.CreatePayment(an_order(), Context()).payment.payment_id

        def refund(payment_id: str) -> None:
            request_id = str(uuid.uuid4())
            servicer.RefundPayment(wire.RefundPaymentRequest(request_id=request_id, payment_id=payment_id), Context())

        paid = [create() for _ in range(25)]
        stories: dict[str, Callable[[], object]] = {
            "CreatePayment": create,
            "GetPayment": lambda: servicer.GetPayment(wire.GetPaymentRequest(payment_id=paid[0]), Context()),
            "RefundPayment": lambda: refund(paid.pop()),
            "ListPayments": lambda: servicer.ListPayments(wire.ListPaymentsRequest(page_size=20), Context()),
        }
        counts = {}
        for name, act in stories.items():
            # Caches fill during the first calls, which are not counted.
            for _ in range(3):
                act()
            with counting() as counted:
                act()
            counts[name] = {owner: counted[owner] for owner in OWNERS}
        return counts


def test_no_call_costs_more_calls_than_it_did() -> None:
    before: dict[str, dict[str, int]] = json.loads(BASELINE.read_text())
    now = measure()
    assert now.keys() == before.keys()
    changed = [
        f"{name}: {owner}: {then} before, {now[name][owner]} now"
        for name, counts in before.items()
        for owner, then in counts.items()
        if abs(now[name][owner] - then) > max(3, TOLERANCE * then)
    ]
    assert not changed, f"{changed}; if that is worth it: python -m tests.performance.test_call_counts"


def test_a_slower_call_is_found() -> None:
    def wasteful() -> None:
        for _ in range(10):
            header_languages(())

    with counting() as counted:
        wasteful()
    assert counted["ours"] == 10


if __name__ == "__main__":
    BASELINE.write_text(json.dumps(measure(), indent=2) + "\n")
    sys.stdout.write(BASELINE.read_text())
