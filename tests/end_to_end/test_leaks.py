"""No card number and no security code stays anywhere, whatever happens to a call; nor personal data in plain."""

from __future__ import annotations

import base64
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
import pytest

from bayar.cards import CardInput
from bayar.messages import BayarClient, BayarError, CaptureMode, card
from bayar.payments.v1.address_pb2 import Address
from braintree_twin.testing import start_twin
from domain.card_issuers import passes_luhn
from tests.end_to_end.payment_steps import an_order, usd
from tests.end_to_end.service import Pair, Service, end_leases, environment_of, until

SETTINGS: Final = {
    "BAYAR_LOG_LEVEL": "debug",
    "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "2",
    "BAYAR_ABSENCE_HORIZON_SECONDS": "1",
}
WITHOUT_FILTER: Final = (
    "-c",
    "import sys; import bootstrap.logging.log_format as logs; logs.without_card_data = lambda text: text;"
    "from bootstrap.cli.main import main; sys.exit(main(['serve']))",
)
NAME: Final = "Zwischenfall"
STREET: Final = "Querxenweg"
EMAIL: Final = "verborgen@example.com"

_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 503, "processed": True},
    {"fault": "reset_before"},
    {"fault": "reset_after"},
    {"fault": "truncate"},
    {"fault": "garbage"},
    {"fault": "delay", "seconds": 3},
)


class Marked:
    """Cards that occur nowhere else, each used once, and one security code that no other number looks like."""

    cvv = "7391"

    def __init__(self) -> None:
        self.numbers: list[str] = []

    def card(self, month: int = 11) -> CardInput:
        # American Express: its security codes have four digits, which chance makes less often than three.
        stem = f"37814496{len(self.numbers):02}3917"
        number = next(stem + digit for digit in "0123456789" if passes_luhn(stem + digit))
        self.numbers.append(number)
        return card(
            number=number, expiration_month=month, expiration_year=2031, cvv=self.cvv, cardholder_name=f"Ida {NAME}"
        )


@pytest.fixture(scope="module", params=["with the log's filter", "without it"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("leaks")
    with start_twin(directory) as twin:
        service = Service(environment_of(twin, f"sqlite:///{directory}/bayar.db", SETTINGS), directory / "bayar.log")
        if request.param == "without it":
            service.program = WITHOUT_FILTER
        try:
            service.start()
            yield Pair(service, twin, directory)
        finally:
            service.close()


def test_nothing_of_a_card_stays_anywhere(pair: Pair) -> None:
    marked, told = Marked(), list[bytes]()
    _everything_happens(pair, marked, told)
    pair.service.stop()
    kept = {path.name: path.read_bytes() for path in pair.directory.rglob("*") if path.is_file()}
    assert {"bayar.db", "bayar.log", "twin.db"} <= set(kept)
    assert len(kept["bayar.log"]) > 10_000, "debug logging was on"
    kept["answers"] = b"\n".join(told)
    assert len(marked.numbers) > 15
    for name, content in kept.items():
        for number in marked.numbers:
            for form in _forms(number):
                assert form not in content, (name, form)
        assert not _codes_in(content, Marked.cvv), name
    for personal in (NAME, STREET, EMAIL, EMAIL.partition("@")[0]):
        for name, content in kept.items():
            if name.startswith("bayar"):
                assert personal.encode() not in content, (name, personal)


def test_the_search_finds_what_is_there() -> None:
    number = "378144960039173"
    for trace in (
        f"number={number}!",
        "card 3781 449600 39173",
        "3781-449600-39173",
        base64.b64encode(f"x{number}y".encode()).decode(),
        number.encode().hex(),
    ):
        assert any(form in trace.encode() for form in _forms(number)), trace
    for code in (b"<cvv>7391</cvv>", b"cvv=7391", b"'cvv': '7391'", b"code 7391 is"):
        assert _codes_in(code, "7391")
    assert not _codes_in(b"17391 73910 a7391", "7391")


def _everything_happens(pair: Pair, marked: Marked, told: list[bytes]) -> None:
    bayar = pair.service.client(timeout_seconds=20)

    def pay(amount: str = "10.00", **more: object) -> None:
        wanted: dict[str, object] = {
            "amount": usd(amount),
            "reference": an_order(),
            "card": marked.card(),
            "billing_address": Address(street_address=f"{STREET} 9"),
        }
        with _telling(told):
            told.append(bayar.create_payment(**(wanted | more)).SerializeToString())  # type: ignore[arg-type]

    customer = bayar.create_customer(given_name=NAME, email=EMAIL)
    pay()
    pay("2000.00")
    pay("2046.00")
    pay("5001.00")
    pay("3000.00")
    pay(capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    pay(customer_id=customer.customer_id, store_payment_method=True)
    mine = marked.card()
    pay(card=mine, reference=f"order {mine.number}")
    pay(card=mine, metadata={"note": f"paid with {mine.number}"})
    pay(card=mine, metadata={mine.number: "paid"})
    for fault in _FAULTS:
        pair.twin.control.add_fault(**fault, method="POST", path="/transactions", next=1)
        pay()
    for verify in (False, True):
        with _telling(told):
            method = bayar.add_payment_method(customer_id=customer.customer_id, card=marked.card(), verify=verify)
            told.append(method.SerializeToString())
    _malformed(bayar, marked, told)
    _dies_in_mid_call(pair, marked)
    again = pair.service.client(timeout_seconds=20)
    until(lambda: not [p for p in again.list_payments() if p.HasField("next_check_time")], seconds=60)
    told.extend(payment.SerializeToString() for payment in again.list_payments())
    for payment in again.list_payments():
        told.extend(event.SerializeToString() for event in again.list_payment_events(payment_id=payment.payment_id))


def _malformed(bayar: BayarClient, marked: Marked, told: list[bytes]) -> None:
    """Requests with a card in them that are refused, and bytes that are no request at all."""
    with _telling(told):
        bayar.create_payment(amount=usd("10.00"), reference=an_order(), card=marked.card(13))
    marked.card()
    garbage = b"\xff\xff" + marked.numbers[-1].encode() + Marked.cvv.encode()
    call: Callable[..., bytes] = bayar.channel.unary_unary("/bayar.payments.v1.PaymentService/CreatePayment")
    with contextlib.suppress(grpc.RpcError):
        call(garbage, timeout=10)


def _dies_in_mid_call(pair: Pair, marked: Marked) -> None:
    pair.twin.control.add_fault("delay", seconds=1.5, when="before", method="POST", path="/transactions", next=1)
    dying = pair.service.client(timeout_seconds=5)

    def last_payment() -> None:
        with contextlib.suppress(grpc.RpcError, BayarError):
            dying.create_payment(amount=usd("10.00"), reference="last", card=marked.card())

    caller = threading.Thread(target=last_payment)
    caller.start()
    until(lambda: list(pair.service.client().list_payments(reference="last")))
    pair.service.kill()
    caller.join()
    end_leases(pair)
    pair.service.restart()


@contextlib.contextmanager
def _telling(told: list[bytes]) -> Iterator[None]:
    """Errors are answers, too, with all their details."""
    try:
        yield
    except BayarError as error:
        told.append(repr((str(error), error.__dict__, error.__cause__)).encode())


def _forms(number: str) -> Iterator[bytes]:
    """The ways in which a number could have been written down."""
    yield number.encode()
    for gap in " -":
        yield gap.join((number[:4], number[4:10], number[10:])).encode()
        yield gap.join(number[i : i + 4] for i in range(0, len(number), 4)).encode()
    yield number.encode().hex().encode()
    for shift in range(3):
        # The part that looks the same whatever stands around it.
        yield base64.b64encode(b"\0" * shift + number.encode())[4:-4]


def _codes_in(content: bytes, code: str) -> list[bytes]:
    return re.findall(rb"(?<![0-9A-Za-z.])" + code.encode() + rb"(?![0-9A-Za-z.])", content)
