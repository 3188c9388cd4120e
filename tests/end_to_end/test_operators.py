"""Operators at the command line: they are added, act with a caller and a reason, and are refused without."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bayar import AsyncBayarClient
from bayar import BayarClient as ModelClient
from bayar.messages import BayarClient, Payment
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.dispute_steps import pay_and_settle
from tests.end_to_end.payment_steps import VISA
from tests.end_to_end.service import Pair, run_bayar

WHY = "the parcel was lost"


@pytest.fixture(scope="module")
def operators(pair: Pair) -> dict[str, CommandLine]:
    """Operators by what they may do; each with a command line that shows their key."""

    def add(name: str, rights: str) -> CommandLine:
        added = run_bayar("operators", "add", name, "--rights", rights, environment=pair.service.environment)
        assert added.returncode == 0, added.stderr
        return CommandLine(pair.service.address, added.stdout.strip())

    return {"refunds": add("Siti Rahayu", "read,refund"), "reads": add("Budi Santoso", "read")}


@pytest.fixture
def payment(bayar: BayarClient, pair: Pair) -> Payment:
    return pay_and_settle(bayar, pair, "25.00", VISA)


def refund(payment: Payment, *more: str) -> list[str]:
    return ["payments", "refund", payment.payment_id, "--amount", "10.00", "--yes", *more]


def refunded(bayar: BayarClient, payment: Payment) -> int:
    return bayar.get_payment(payment_id=payment.payment_id).refunded_amount.minor_units


def test_an_operator_refunds_with_the_options_and_not_without(
    operators: dict[str, CommandLine], bayar: BayarClient, payment: Payment
) -> None:
    siti = operators["refunds"]
    for missing in (["--caller", "default"], ["--reason", WHY], []):
        refused = siti.run(*refund(payment, *missing))
        assert (refused.returncode, "give --" in refused.stderr) == (2, True), refused.stderr
    assert refunded(bayar, payment) == 0
    siti.out(*refund(payment, "--caller", "default", "--reason", WHY))
    assert refunded(bayar, payment) == 10_00
    shown = siti.out("payments", "show", payment.payment_id)
    assert "default/operator Siti Rahayu" in shown
    assert f"Siti Rahayu acted on behalf of default: {WHY}" in shown


def test_an_operator_without_the_right_is_told_which_one(
    operators: dict[str, CommandLine], bayar: BayarClient, payment: Payment
) -> None:
    refused = operators["reads"].run(*refund(payment, "--caller", "default", "--reason", WHY))
    assert refused.returncode == 1
    assert 'the operator right "refund"' in refused.stderr
    assert refunded(bayar, payment) == 0


def test_a_reason_is_asked_for_where_the_whole_service_is_acted_upon(operators: dict[str, CommandLine]) -> None:
    block = ["blocks", "lift", "blk_" + "0" * 26, "--yes"]
    assert "give --reason" in operators["reads"].run(*block).stderr
    assert 'the operator right "lift-blocks"' in operators["reads"].run(*block, "--reason", WHY).stderr


@pytest.mark.parametrize("text", ["refunds", "read,all"])
def test_an_unknown_right_is_refused_with_those_that_exist(text: str, pair: Pair) -> None:
    refused = run_bayar("operators", "add", "Eve", "--rights", text, environment=pair.service.environment)
    assert refused.returncode == 2
    assert "is no right. There are: read, refund, void" in refused.stderr


def test_names_and_logins_are_checked_and_changes_are_listed_and_audited(pair: Pair) -> None:
    def bayar(*arguments: str) -> tuple[int, str, str]:
        done = run_bayar("operators", *arguments, environment=pair.service.environment)
        return done.returncode, done.stdout, done.stderr

    assert bayar("add", "shop/Eve", "--rights", "read")[0] == 2
    status, key, told = bayar("add", "Citra", "--rights", "read", "--login", "citra@example.com", "--no-key")
    assert (status, key) == (0, "")
    (citra,) = re.findall(r"opr_\w{26}", told)
    assert "belongs to another operator" in bayar("add", "Dewi", "--rights", "read", "--login", "citra@example.com")[2]
    assert bayar("change", citra)[0] == 2
    assert bayar("change", citra, "--rights", "void disputes")[0] == 0
    assert bayar("revoke", citra)[0] == 0
    assert bayar("key", citra)[0] == 1
    listed: list[dict[str, Any]] = [json.loads(line) for line in bayar("list", "--json")[1].splitlines()]
    (now,) = (one for one in listed if one["operator_id"] == citra)
    assert (now["rights"], now["revoke_time"] is not None) == (["void", "disputes"], True)
    log = run_bayar("audit", "list", "--json", environment=pair.service.environment).stdout
    entries = [json.loads(line) for line in log.splitlines()]
    assert [one["details"]["operator"] for one in entries if one["subject"] == citra] == ["revoked", "changed", "added"]


def test_the_clients_describe_the_credential(operators: dict[str, CommandLine], pair: Pair) -> None:
    key = operators["refunds"].key
    with ModelClient(pair.service.address, credential=key) as client:
        mine = client.get_credential()
        assert mine.operator is not None
        assert (mine.operator.name, [right.name for right in mine.operator.rights]) == (
            "Siti Rahayu",
            ["READ", "REFUND"],
        )


@pytest.mark.parametrize("client_type", [ModelClient, AsyncBayarClient])
def test_an_act_that_is_no_text_is_refused_by_its_name(client_type: Any) -> None:
    client = client_type("127.0.0.1:1", credential="x")
    with pytest.raises(TypeError, match="on_behalf_of is text"):
        _made(client.refund_payment(payment_id="pay_1", on_behalf_of=7))
    with pytest.raises(ValueError, match="plain ASCII"):
        _made(client.refund_payment(payment_id="pay_1", on_behalf_of="tokó", reason=WHY))


def _made(call: Any) -> None:
    """Begins a coroutine."""
    call.send(None)
