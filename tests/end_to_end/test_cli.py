"""The command line over payments and customers that really went through: what people read, and what programs get."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bayar.messages import BayarClient, CaptureMode, Customer, Payment, card, money
from bootstrap.development.service_process import running_service
from bootstrap.development.twin_process import Twin, running_twin
from domain.decline import DeclineReason
from tests.api_keys import ACTOR, let_in
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.service import until

VISA = card(number="4111111111111111", expiration_month=12, expiration_year=datetime.now(UTC).year + 3, cvv="123")


@dataclass(frozen=True, slots=True)
class Shop:
    """A service with something in it."""

    cli: CommandLine
    bayar: BayarClient
    twin: Twin
    sari: Customer
    paid: Payment
    hamper: Payment
    declined: Payment


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("shop")
    with running_twin(directory) as twin, running_service(directory, twin) as address, BayarClient(address) as bayar:
        let_in(f"sqlite:///{directory / 'bayar.db'}")
        sari = bayar.create_customer(
            external_id="u-17", given_name="Sari", family_name="Dewi", email="sari@example.com", language_code="id"
        )
        method = bayar.add_payment_method(customer_id=sari.customer_id, card=VISA)
        paid = bayar.create_payment(
            reference="order-1001",
            amount=money("25.00", "USD"),
            customer_id=sari.customer_id,
            payment_method_id=method.payment_method_id,
        )
        hamper = bayar.create_payment(
            reference="order-1002",
            amount=money("100.00", "USD"),
            card=VISA,
            capture_mode=CaptureMode.CAPTURE_MODE_MANUAL,
            metadata={"shop": "jakarta"},
        )
        bayar.capture_payment(payment_id=hamper.payment_id, amount=money("60.00", "USD"))
        declined = bayar.create_payment(reference="order-1003", amount=money("2001.00", "USD"), card=VISA)
        yield Shop(CommandLine(address), bayar, twin, sari, paid, hamper, declined)


def squeezed(text: str) -> list[str]:
    """The lines, with one space wherever there are more."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_list_says_what_matters_of_each_payment(shop: Shop) -> None:
    rows = [line.split() for line in shop.cli.out("payments", "list").splitlines()[2:]]
    assert {row[3] for row in rows} == {"default"}
    told = {row[4]: row[5:] for row in rows}
    assert told["order-1001"][:3] == ["USD", "25.00", "CAPTURED"]
    assert told["order-1002"] == ["USD", "100.00", "CAPTURED", "CAPTURED", "Visa", "1111", "USD", "60.00"]
    assert told["order-1003"] == ["USD", "2001.00", "DECLINED", "NONE", "Visa", "1111"]


def test_a_summary_sums_up_the_day(shop: Shop) -> None:
    def counted() -> list[dict[str, Any]]:
        lines = shop.cli.out("payments", "summary", "--currency", "USD", "--json").splitlines()
        summaries = [json.loads(line) for line in lines]
        return summaries if summaries and summaries[-1]["declined_count"] == "1" else []

    summary = until(counted)[-1]
    approved = int(summary["approved_count"])
    assert int(summary["attempted_count"]) == approved + 1
    assert summary["declines"][0]["reason"] == "DECLINE_REASON_INSUFFICIENT_FUNDS"
    (row,) = [line.split() for line in shop.cli.out("payments", "summary", "--currency", "USD").splitlines()[2:]]
    assert row[:4] == [summary["date"], "USD", summary["attempted_count"], summary["approved_count"]]
    assert "must be a time zone" in shop.cli.run("payments", "summary", "--time-zone", "Mars/Base").stderr


def test_a_search_says_in_which_field_each_payment_was_found(shop: Shop) -> None:
    def found(*words: str) -> list[list[str]]:
        return [row.split() for row in shop.cli.out("payments", "search", *words).splitlines()[2:]]

    (row,) = found("order-1002")
    assert row[3:5] == ["default", "order-1002"]
    assert row[-1] == "reference"
    (row,) = until(lambda: found("sari", "dewi", "25.00"))
    assert (row[4], " ".join(row[-2:])) == ("order-1001", "name, amount")
    assert [row[4] for row in found("shop:jakarta", "--funds", "captured")] == ["order-1002"]
    assert found("1111", "--funds", "disputed") == []
    assert len(found("--name", "sari", "--amount", "25.00", "--currency", "USD", "--no-disputed")) == 1
    document = json.loads(shop.cli.out("payments", "search", "order-1002", "--json"))
    assert document["matches"][0]["field"] == "PAYMENT_SEARCH_FIELD_REFERENCE"


def test_one_payment_is_shown_with_its_amounts_operations_and_history(shop: Shop) -> None:
    text = shop.cli.out("payments", "show", shop.hamper.payment_id)
    lines = squeezed(text)
    assert f"{shop.hamper.payment_id} CAPTURED" in lines
    for line in (
        "reference order-1002",
        "paid with Visa 1111",
        "metadata shop=jakarta",
        "asked for USD 100.00",
        "captured USD 60.00",
        "still capturable USD 40.00",
    ):
        assert line in lines
    amounts = [line for line in text.splitlines() if line.startswith(("asked for  ", "captured ", "still "))]
    amounts = [line for line in amounts if "USD" in line]
    assert len({len(line.rstrip()) for line in amounts}) == 1, "amounts end together"
    operations = lines[lines.index("Operations") + 3 : lines.index("History")]
    assert [line.split()[2:6] for line in operations if line] == [
        ["authorize", "USD", "100.00", "SUCCEEDED"],
        ["capture", "USD", "60.00", "SUCCEEDED"],
    ]
    history = [line for line in lines[lines.index("History") + 3 :] if line]
    assert [line.split()[0] for line in history] == ["1", "2", "3", "4", "5"]
    asked = "A payment of USD 100.00 was asked for in the merchant account twin_usd."
    assert f"{ACTOR} created PENDING {asked}" in history[0]
    assert "capture succeeded CAPTURED" in history[4]


def test_a_decline_is_shown_with_what_to_do_and_what_to_say(shop: Shop) -> None:
    lines = [
        " ".join(line.split()) for line in shop.cli.out("payments", "show", "--reference", "order-1003").splitlines()
    ]
    decline = shop.declined.decline
    assert "Declined: INSUFFICIENT_FUNDS" in lines
    assert "who can fix it the customer" in lines
    assert "what to do use another method" in lines
    for text in decline.customer_messages:
        assert f"to the customer ({text.locale}) {text.text}" in lines
    assert {text.locale for text in decline.customer_messages} == {"en", "id"}
    assert f"to the shop {decline.merchant_message.text}" in lines
    assert any(line.startswith("the gateway said 2001 Insufficient Funds") for line in lines)


def test_a_payment_fits_a_narrow_terminal(shop: Shop) -> None:
    shown = shop.cli.at_terminal("payments", "show", shop.hamper.payment_id, columns=80)
    assert shown.status == 0
    assert max(map(len, shown.text.splitlines())) <= 80
    assert "\x1b[32mCAPTURED" in shown.raw


def test_times_are_utc_unless_local_ones_are_asked_for(shop: Shop) -> None:
    created = shop.paid.create_time.ToDatetime(UTC)
    text = shop.cli.out("payments", "show", shop.paid.payment_id)
    assert f"{created:%Y-%m-%d %H:%M:%S} UTC" in text
    text = shop.cli.out("payments", "show", shop.paid.payment_id, "--local")
    assert f"{created + timedelta(hours=7):%Y-%m-%d %H:%M:%S} local" in text


def test_json_is_the_contract_with_every_field(shop: Shop) -> None:
    document = json.loads(shop.cli.out("payments", "show", shop.declined.payment_id, "--json"))
    assert document["payment"]["amount"] == {"minor_units": "200100", "currency_code": "USD"}
    assert document["payment"]["state"] == "PAYMENT_STATE_DECLINED"
    assert document["payment"]["customer_id"] == ""
    assert [event["type"] for event in document["events"]][-1] == "PAYMENT_EVENT_TYPE_OPERATION_DECLINED"
    lines = shop.cli.out("payments", "list", "--json", "--customer", shop.sari.customer_id).splitlines()
    assert [json.loads(line)["reference"] for line in lines] == ["order-1001"]


def test_messages_come_in_the_language_asked_for(shop: Shop) -> None:
    indonesian = {text.locale: text.text for text in shop.declined.decline.customer_messages}["id"]
    arguments = ("payments", "show", shop.declined.payment_id, "--json", "--language", "id")
    payment = json.loads(shop.cli.out(*arguments))["payment"]
    assert payment["decline"]["customer_message"] == {"locale": "id", "text": indonesian}


def test_a_missing_resource_is_reported_clearly(shop: Shop) -> None:
    done = shop.cli.run("payments", "show", "pay_" + "0" * 26)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("bayar: There is no such payment of yours.")
    done = shop.cli.run("payments", "show", "--reference", "order-9")
    assert done.returncode == 1
    assert "no payment has the reference 'order-9'" in done.stderr
    done = shop.cli.run("payments", "show", "pay_9")
    assert done.stderr.startswith("bayar: the service cannot do this:\n  payment_id must be an id of this service")


def test_a_reference_of_several_payments_asks_which(shop: Shop) -> None:
    first = shop.bayar.create_payment(reference="twice", amount=money("5.00", "USD"), card=VISA)
    shop.bayar.void_payment(payment_id=first.payment_id)
    second = shop.bayar.create_payment(reference="twice", amount=money("6.00", "USD"), card=VISA)
    done = shop.cli.run("payments", "show", "--reference", "twice")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [f"  {second.payment_id}  CAPTURED", f"  {first.payment_id}  VOIDED"]


def test_verifying_says_what_the_gateway_knew_better(shop: Shop) -> None:
    payment = shop.bayar.create_payment(reference="to-settle", amount=money("7.00", "USD"), card=VISA)
    assert "The gateway and the record agree." in shop.cli.out("payments", "verify", payment.payment_id)
    shop.twin.settle()
    text = shop.cli.out("payments", "verify", payment.payment_id)
    assert "The record was brought up to date" in text
    assert f"{payment.payment_id}  SETTLED" in text
    answer = json.loads(shop.cli.out("payments", "verify", payment.payment_id, "--json"))
    assert answer["outcome"] == "VERIFICATION_OUTCOME_MATCHES"


def test_a_watch_sends_each_change_and_ends_when_the_payment_is_final(shop: Shop) -> None:
    payment = shop.bayar.create_payment(
        reference="to-watch", amount=money("8.00", "USD"), card=VISA, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL
    )
    process = subprocess.Popen(
        shop.cli.command("payments", "watch", payment.payment_id),
        env=shop.cli.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert "AUTHORIZED, money is HELD" in first
    if process.poll() is None:
        shop.bayar.void_payment(payment_id=payment.payment_id)
    rest = process.stdout.read()
    assert process.wait(30) == 0
    assert not rest or "VOIDED, money is RETURNED" in rest
    process.stdout.close()


def test_declines_are_a_table_of_reasons(shop: Shop) -> None:
    lines = squeezed(shop.cli.out("declines"))
    assert lines[0] == "reason who can fix it what to do to the customer gateway codes"
    reason = next(line for line in lines if line.startswith("INSUFFICIENT_FUNDS"))
    assert "the customer use another method There are not enough funds" in reason
    assert reason.endswith("2001, 2035")
    entries = [json.loads(line) for line in shop.cli.out("declines", "--json").splitlines()]
    assert len(entries) == len(DeclineReason)
    assert all(entry["decline"]["customer_message"]["text"] for entry in entries)


def test_a_customer_from_beginning_to_end(shop: Shop) -> None:
    def told(*arguments: str) -> Any:
        return json.loads(shop.cli.out("customers", *arguments, "--json"))

    request_id = str(uuid.uuid4())
    new = ("create", "--external-id", "u-18", "--given-name", "Zoë", "--email", "zoe@example.com")
    customer = told(*new, "--request-id", request_id)
    assert told(*new, "--request-id", request_id)["customer_id"] == customer["customer_id"], "once, however often"
    customer_id = customer["customer_id"]
    assert told("update", customer_id, "--family-name", "Kusuma", "--email", "")["family_name"] == "Kusuma"
    shown = told("show", "--external-id", "u-18")
    assert shown["customer"]["email"] == ""
    assert shown["payment_methods"] == []
    assert "Zoë Kusuma" in shop.cli.out("customers", "list")
    done = shop.cli.run("customers", "delete", customer_id)
    assert done.returncode == 2
    assert done.stderr.startswith("bayar: there is no terminal to confirm this: give --yes. The question is: ")
    assert customer_id in done.stderr
    kept = shop.cli.at_terminal("customers", "delete", customer_id, typed="n\n")
    assert kept.status == 1
    assert f"Delete Zoë Kusuma ({customer_id})?" in kept.text
    assert "nothing was changed" in kept.text
    gone = shop.cli.at_terminal("customers", "delete", customer_id, typed="y\n")
    assert gone.status == 0
    assert f"Deleted {customer_id}. Payments stay." in gone.text
    assert shop.cli.out("customers", "list").count("u-18") == 0


def test_a_customer_is_shown_with_what_they_pay_with(shop: Shop) -> None:
    lines = squeezed(shop.cli.out("customers", "show", shop.sari.customer_id))
    assert "name Sari Dewi" in lines
    assert "your id u-17" in lines
    assert any(line.endswith(f"Visa 1111 {datetime.now(UTC).year + 3}-12 ACTIVE default") for line in lines)
    taken = shop.cli.run("customers", "create", "--external-id", "u-17")
    assert taken.returncode == 1
    assert f"Another customer of yours has this external_id: {shop.sari.customer_id}" in taken.stderr
