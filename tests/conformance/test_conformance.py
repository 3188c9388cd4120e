"""The Python client passes the conformance suite; a suite that is wrong, or a client that is, fails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bayar import BayarClient
from tests.conformance.cases import load_cases
from tests.conformance.contract import METHODS
from tests.conformance.matching import Case, mismatches
from tests.conformance.runner import Runner, Waiting
from tests.conformance.serve import running

CASES = load_cases()
BROKEN = Case(
    "broken",
    "scripted",
    {
        "name": "two answers for one call",
        "script": [{"answer": {"payment": {"payment_id": "pay_1"}}}, {"answer": {}}],
        "steps": [
            {
                "call": "GetPayment",
                "request": {"payment_id": "pay_1"},
                "expect": {"answer": {"payment": {"payment_id": "pay_1"}}},
            }
        ],
    },
)


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    with running([*CASES, BROKEN]) as told:
        yield told


@pytest.mark.parametrize("client_type", [BayarClient, Waiting], ids=["sync", "asyncio"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_client_passes(case: Case, client_type: Callable[..., Any], told: dict[str, str]) -> None:
    assert Runner(told, client_type).problems(case) == []


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        ({"state": "A"}, {"state": "B"}),
        ({"state": "A"}, {}),
        ({"state": {"$present": True}}, {"state": ""}),
        ({"state": {"$absent": True}}, {"state": "A"}),
        ({"state": {"$matches": "^B"}}, {"state": "AB"}),
        ({"units": "2500"}, {"units": 25}),
        ([{"a": 1}], []),
        ([{"a": 1}], [{"a": 1}, {"a": 1}]),
        ({"a": {"b": 1}}, None),
        ({"flag": False}, {"flag": True}),
    ],
)
def test_a_difference_is_found(expected: Any, seen: Any) -> None:
    assert list(mismatches(expected, seen)) != []


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        ({"units": "0", "flag": False, "list": [], "text": ""}, {}),
        ({"units": "2500"}, {"units": 2500, "more": 1}),
        ({"flag": True}, {"flag": True}),
        ({"state": 77}, {"state": 77}),
    ],
)
def test_a_default_matches_an_absent_field(expected: Any, seen: Any) -> None:
    assert list(mismatches(expected, seen)) == []


def test_a_file_that_the_schema_refuses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("server: service\ncases: [{name: x, steps: [{call: GetPayment}]}]")
    with pytest.raises(ValueError, match=r"wrong\.yaml: \$\.cases\[0\]\.steps\[0\]"):
        load_cases(tmp_path)


def test_a_client_that_answers_otherwise_fails(told: dict[str, str]) -> None:
    problems = Runner(told).problems(BROKEN)
    assert problems == ["1 of the script's replies were not asked for: 1 calls arrived."]


def test_the_command_prints_what_a_runner_needs() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdin
    told = json.loads(process.stdout.readline())
    assert set(told) == {"service", "scripted", "root_certificates", "api_key", "control"}
    runner = Runner(told)
    assert [case.id for case in runner.cases()] == [case.id for case in load_cases()]
    case = next(case for case in load_cases() if case.server == "scripted")
    assert runner.problems(case) == []
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


def test_every_rpc_is_called_by_a_case() -> None:
    called = {step["call"] for case in CASES for step in case.content["steps"] if "call" in step}
    assert called == set(METHODS)


def test_every_field_of_every_request_is_sent_by_a_case() -> None:
    sent: dict[str, set[str]] = {name: {"page_token"} for name in METHODS}
    for case in CASES:
        for step in case.content["steps"]:
            if "call" in step:
                sent[step["call"]] |= set(step["request"])
    fields = {name: set(method.input_type.fields_by_name) for name, method in METHODS.items()}
    assert {name: fields[name] - sent[name] for name in METHODS if fields[name] - sent[name]} == {}
