"""The log's filter takes out what looks like card data, and nothing else."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.logging.log_format import REMOVED, LibraryFilter, SafeFormatter, without_card_data
from bootstrap.logging.renderers import Renderer, json_line, text_line
from bootstrap.process.preflight import CannotStart
from domain.card_detector import looks_like_card

SECRET = "byr_topsecret"
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
def test_text_without_a_card_number_stays_readable(line: str) -> None:
    assert without_card_data(line) == line


@pytest.mark.parametrize("line", ["cvv=123", "'cvv': '1234'", "<cvv>123</cvv>", "CVC2: 999", "security code 123"])
def test_a_security_code_is_taken_out(line: str) -> None:
    told = without_card_data(line)
    assert REMOVED in told
    assert not any(character.isdigit() for character in told.replace("CVC2", ""))


@given(st.text(alphabet="0123456789", min_size=12, max_size=19), st.sampled_from(["", " ", "(", "=", ">", '"']))
def test_digits_alone_are_taken_out_exactly_if_they_could_be_a_card(digits: str, before: str) -> None:
    assert without_card_data(before + digits) == before + (REMOVED if looks_like_card(digits) else digits)


@pytest.mark.parametrize("render", [text_line, json_line])
def test_arguments_and_tracebacks_are_looked_at_too(render: Renderer) -> None:
    formatter = SafeFormatter(render)
    try:
        raise CannotStart(f"bad card {CARDS[0]}")
    except CannotStart:
        record = logging.LogRecord("adapters", logging.ERROR, __file__, 1, "sent %s", (CARDS[1],), sys.exc_info())
    told = formatter.format(record)
    assert "4111" not in told
    assert told.count(REMOVED) == 2


@pytest.mark.parametrize(
    "name", ["grpc._common", "urllib3.connectionpool", "asyncio", "sqlalchemy.engine", "py.warnings"]
)
@pytest.mark.parametrize(("text", "values"), [("Invalid encoding on %s", (SECRET,)), (f"got {SECRET}", ())])
def test_values_from_libraries_are_not_logged(name: str, text: str, values: tuple[str, ...]) -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError:
            raise UnicodeError(f"cannot read {SECRET}") from None
    except UnicodeError:
        record = logging.LogRecord(name, logging.ERROR, "/lib/thing.py", 7, text, values, sys.exc_info())
    record.stack_info = SECRET
    told = SafeFormatter().format(record)
    assert f" {name} thing.py:7: " in told
    assert "UnicodeError" in told, "the type is told, and where it was raised"
    assert "Traceback" not in told
    assert SECRET not in told
    assert ("Invalid encoding" in told) == bool(values), "only a text with values apart is surely a constant"


def test_libraries_are_heard_from_a_warning_on_and_once_a_minute_from_each_place() -> None:
    heard = LibraryFilter()

    def passes(line: int, level: int = logging.WARNING, name: str = "aiohttp.server") -> bool:
        return heard.filter(logging.LogRecord(name, level, "/lib/thing.py", line, "text %s", ("x",), None))

    assert [passes(1), passes(1), passes(2), passes(2)] == [True, False, True, False]
    assert not passes(3, logging.INFO)
    assert [passes(4, logging.DEBUG, "adapters.http.server") for _ in range(2)] == [True, True]


@pytest.mark.parametrize(
    "fails",
    [
        "raise ValueError(secret)",
        "t = threading.Thread(target=int, args=(secret,)); t.start(); t.join()",
        "A = type('A', (), {'__del__': lambda self: int(secret)}); A()",
        "async def f(): asyncio.get_running_loop().call_soon(int, secret); await asyncio.sleep(0.01)\nasyncio.run(f())",
        "async def f(): asyncio.ensure_future(g()); await asyncio.sleep(0.01); gc.collect()\n"
        "async def g(): int(secret)\nasyncio.run(f())",
        "warnings.warn(secret)",
        "logging.getLogger('grpc').error('%d', secret)",
        "logging.getLogger('adapters').error('%d', secret)",
    ],
)
def test_an_uncaught_exception_is_logged_without_its_values(fails: str) -> None:
    code = (
        "import asyncio, gc, logging, threading, warnings; from bootstrap.logging.log_format import write_logs; "
        "write_logs('debug')\n"
        f"secret = ''.join({list(SECRET)!r})\n{fails}"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert told.stderr.count("\n") >= 1, "something is told"
    assert SECRET not in told.stderr + told.stdout


LOGGERS = ["bayar.calls", "application.payments", "urllib3", "grpc", "sqlalchemy.engine", "py.warnings", "asyncio", ""]
WAYS = [
    "log.error(card)",
    "log.error('%s', card)",
    "log.error('a %(b)s', {'b': card})",
    "log.error('text', extra={'card': card})",
    "log.exception('text', exc_info=CannotStart(card))",
    "log.error('text', stack_info=True)",
    "log.error(int(card))",
    "fields.error('event', number=card)",
    "fields.error('event', number=int(card))",
    "fields.error(card)",
    "fields.error('event', **{card: 1})",
    "fields.error('event', deep={'card': [card, {card: int(card)}]}, cvv='cvv: 123')",
    "fields.exception('event', exc_info=CannotStart(card))",
    "fields.bind(number=card).error('event')",
]


@pytest.mark.parametrize("as_json", [False, True])
def test_no_logger_writes_a_card_number_in_any_way(as_json: bool) -> None:
    code = f"""
import logging
from bootstrap.logging.log_format import write_logs
from bootstrap.logging.structured import structured_logger
from bootstrap.process.preflight import CannotStart
card = "4111" + "1111" * 3
write_logs("debug", "worker 1", as_json={as_json})
for name in {LOGGERS!r}:
    log, fields = logging.getLogger(name), structured_logger(name or "root")
"""
    code += "".join(f"    {way}\n" for way in WAYS)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "4111" not in told.stderr + told.stdout
    assert REMOVED in told.stderr
    lines = told.stderr.splitlines()
    if as_json:
        assert {json.loads(line)["process"] for line in lines} == {"worker 1"}
        assert {"removed" in line for line in lines if '"bayar.calls"' in line} == {True, False}


def test_a_line_of_json_is_one_object_with_the_same_names() -> None:
    code = (
        "from bootstrap.logging.log_format import write_logs\n"
        "from bootstrap.logging.structured import structured_logger\n"
        "from bootstrap.logging.trace_ids import TRACEPARENT; write_logs('info', as_json=True)\n"
        "TRACEPARENT.set('00-' + 'ab' * 16 + '-' + 'cd' * 8 + '-01');"
        "structured_logger('bayar.calls').info('call', code='OK', caller='two\\nlines')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    line = json.loads(told.stderr)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "bayar.calls",
        "message": "call",
        "code": "OK",
        "caller": "two\nlines",
        "trace_id": "ab" * 16,
    }


def test_no_value_looks_like_a_line_or_a_field_of_its_own() -> None:
    record = logging.LogRecord("adapters", logging.INFO, __file__, 1, "said %s", ("a\nERROR forged",), None)
    assert SafeFormatter().format(record).endswith("said a\\nERROR forged")
    event = {"created": 0.0, "level": "INFO", "logger": "x", "event": "call", "caller": "a\nb code=OK"}
    assert text_line(logging.getLogger(), "info", event).endswith('call caller="a\\nb code=OK"')


def test_a_process_leaves_no_core_dump() -> None:
    code = (
        "import resource, ctypes; from bootstrap.process.hardening import leave_no_core_dumps; leave_no_core_dumps();"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["(0,", "0)", "0" if sys.platform == "linux" else told.stdout.split()[-1]]
    assert told.stderr == ""
