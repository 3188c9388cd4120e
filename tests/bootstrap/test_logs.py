"""The log's filter takes out what looks like card data, and nothing else."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.logs import REMOVED, CardDataFormatter, without_card_data
from domain.card_detector import looks_like_card

CARDS = [
    "4111111111111111",
    "4111.1111.1111.1111",
    "٤١١١١١١١١١١١١١١١",
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "378282246310005",
    "6304000000000000",
]


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize(
    "line", ["{}", "number={}", "<number>{}</number>", '{{"number": "{}"}}', "paid with {}, ok", "op_{}"]
)
def test_a_card_number_is_taken_out(number: str, line: str) -> None:
    assert without_card_data(line.format(number)) == line.format(REMOVED)


@pytest.mark.parametrize(
    "line",
    [
        "pay_01m8akqvg6yy9nk1f1p7gm8fmk OK 12.4 ms",
        "order 4111111111111112",
        "2026-11-25 22:46:37,123 INFO bayar.calls",
        "request 6f1b2c5e-8d1f-4f0e-9d57-0c6a3f0f2b11",
        "cvv is missing",
    ],
)
def test_what_is_no_card_number_stays_readable(line: str) -> None:
    assert without_card_data(line) == line


@pytest.mark.parametrize("line", ["cvv=123", "'cvv': '1234'", "<cvv>123</cvv>", "CVC2: 999", "security code 123"])
def test_a_security_code_is_taken_out(line: str) -> None:
    told = without_card_data(line)
    assert REMOVED in told
    assert not any(character.isdigit() for character in told.replace("CVC2", ""))


@given(st.text(alphabet="0123456789", min_size=12, max_size=19), st.sampled_from(["", " ", "(", "=", ">", '"']))
def test_digits_alone_are_taken_out_exactly_if_they_could_be_a_card(digits: str, before: str) -> None:
    assert without_card_data(before + digits) == before + (REMOVED if looks_like_card(digits) else digits)


def test_arguments_and_tracebacks_are_looked_at_too() -> None:
    formatter = CardDataFormatter("%(message)s")
    try:
        raise ValueError(f"bad card {CARDS[0]}")
    except ValueError:
        record = logging.LogRecord("urllib3", logging.ERROR, __file__, 1, "sent %s", (CARDS[1],), sys.exc_info())
    told = formatter.format(record)
    assert "4111" not in told
    assert told.count(REMOVED) == 2


def test_a_process_leaves_no_core_dump() -> None:
    code = (
        "import resource, ctypes; from bootstrap.hardening import leave_no_core_dumps; leave_no_core_dumps();"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["(0,", "0)", "0" if sys.platform == "linux" else told.stdout.split()[-1]]
    assert told.stderr == ""
