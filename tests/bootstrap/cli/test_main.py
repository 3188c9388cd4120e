"""The command line before any service is asked: its commands, its help, its speed, its exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.cli import main as cli
from bootstrap.cli.terminal.connection import _default_address
from bootstrap.cli.terminal.formatting import plain


@pytest.mark.parametrize("command", cli._COMMANDS)
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: bayar {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["pay"],
        ["payments"],
        ["payments", "list", "--colour"],
        ["payments", "list", "--all", "--limit", "3"],
        ["payments", "verify"],
        ["customers", "create", "--request-id", "once more"],
    ],
)
def test_a_wrong_command_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: bayar" in capsys.readouterr().err


def test_the_version_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"version"}


def test_the_version_waits_for_nothing_heavy() -> None:
    code = "import sys; from bootstrap.cli import main as cli; cli.main(['version']); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    version, modules = told.splitlines()
    assert version.startswith("bayar 0.")
    assert {"grpc", "rich", "pydantic", "sqlalchemy", "braintree"}.isdisjoint(modules.split())


def test_the_version_is_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == cli.main(["version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bayar re", {"resolve", "reconcile"}),
        ("bayar payments ref", {"refund"}),
        ("bayar payments refund --am", {"--amount"}),
        ("bayar disputes list --state wo", {"won"}),
    ],
)
def test_the_shell_completes_commands_options_and_values(line: str, offered: set[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([sys.executable, "-m", "bootstrap.cli.main"], env=environment, check=True, timeout=60)
    assert {word.strip() for word in answer.read_text().split("\n")} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    assert "bayar" in capsys.readouterr().out


def test_without_a_service_it_says_what_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["payments", "list", "--address", "127.0.0.1:1"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("bayar: no service answers at 127.0.0.1:1.\nStart one with `bayar serve`")
    assert "BAYAR_GRPC_ADDRESS" in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["payments", "show"], "name one payment"),
        (["payments", "show", "pay_1", "--reference", "order-1"], "name one payment"),
        (["payments", "list", "--address", "https://127.0.0.1:1"], "without a scheme"),
        (["payments", "list", "--insecure", "--ca-file", __file__], "plain text"),
        (["payments", "export", "--from", "2026-05-01", "--json", "--format", "csv"], "contradict"),
        (["payments", "export"], "say which time: --month 2026-11, or --from 2026-11-01"),
        (["payments", "export", "--month", "2026-11", "--from", "2026-11-01"], "--month is a window already"),
        (["payments", "export", "--from", "2026-05-02", "--until", "2026-05-01"], "--until must be after --from"),
        (["payments", "export", "--month", "2026-11", "--time-zone", "Mars/Base"], "is no time zone here"),
        (["payments", "export", "--month", "2026-11", "--time-zone", "Asia/Jakarta", "--local"], "contradict"),
        (["payments", "export", "--month", "2026-11", "--by-payment", "--kind", "refund"], "leave out --by-payment"),
        (["settlements", "compare"], "say which days: --month 2026-11"),
        (["settlements", "compare", "--from", "2026-05-02", "--to", "2026-05-02"], "the day after the last"),
        (["settlements", "compare", "--month", "2026-11", "--to", "2026-05-02"], "--month is a window already"),
        (["customers", "show"], "name one customer"),
        (["customers", "update", "cus_1"], "give a field to change"),
    ],
)
def test_a_contradiction_is_a_usage_error(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert told in capsys.readouterr().err


def test_a_certificate_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["declines", "--ca-file", "/nowhere/ca.pem"]) == 1
    assert capsys.readouterr().err == "bayar: /nowhere/ca.pem: No such file or directory\n"


@pytest.mark.parametrize(
    ("listens", "found"),
    [("0.0.0.0:9", "127.0.0.1:9"), ("[::]:9", "[::1]:9"), ("bayar.internal:443", "bayar.internal:443")],
)
def test_a_service_that_listens_everywhere_is_found_here(
    listens: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYAR_GRPC_ADDRESS", listens)
    assert _default_address() == found


def test_foreign_text_cannot_control_the_terminal() -> None:
    assert plain("a\x1b[31mb\nc\u202ed [red]Zoë[/]").plain == "a\ufffd[31mb\ufffdc\ufffdd [red]Zoë[/]"
