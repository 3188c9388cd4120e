"""`--json` everywhere: every command that answers takes it, and the database's own commands answer one document."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from bootstrap.cli import main as cli
from tests.encryption_keys import ENCRYPTION_KEYS

# They answer nothing: they run until they are stopped, tell a story, or print a program for a shell.
ANSWER_NOTHING: Final = {"serve", "console", "demo", "completion"}


def parsers(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parsers of the actions of a command; of a command without actions, its own."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not actions:
        yield name, parser
    for action in actions:
        for sub, subparser in action.choices.items():
            yield from parsers(subparser, f"{name} {sub}")


def every_command() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for name in cli._COMMANDS:
        (commands,) = (one for one in cli.parser_of([name])._actions if isinstance(one, argparse._SubParsersAction))
        yield from parsers(commands.choices[name], name)


def test_every_command_that_answers_takes_json() -> None:
    commands = dict(every_command())
    assert len(commands) > 60
    without = {name for name, parser in commands.items() if "--json" not in parser._option_string_actions}
    assert without == ANSWER_NOTHING


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command with --json on a database of its own, and gives its one document."""
    for name, value in (
        ("BAYAR_DATABASE_URL", f"sqlite:///{tmp_path}/bayar.db"),
        ("BAYAR_BRAINTREE_ENVIRONMENT", "sandbox"),
        ("BAYAR_BRAINTREE_MERCHANT_ID", "merchant"),
        ("BAYAR_BRAINTREE_PUBLIC_KEY", "public"),
        ("BAYAR_BRAINTREE_PRIVATE_KEY", "private"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "USD=usd"),
        ("BAYAR_SECRET_KEY", "a-secret-of-at-least-thirty-two-characters"),
        ("BAYAR_ENCRYPTION_KEYS", ENCRYPTION_KEYS),
    ):
        monkeypatch.setenv(name, value)

    def run(*arguments: str, status: int = 0) -> Any:
        assert cli.main([*arguments, "--json"]) == status, capsys.readouterr().err
        (line,) = capsys.readouterr().out.splitlines()
        return json.loads(line)

    return run


def test_the_commands_of_the_database_answer_one_document(answer: Any) -> None:
    planned = answer("migrate", "--plan")
    assert planned["state"] == "BEHIND"
    assert {"sql", "waits", "seconds"} == planned["migrations"][0]["statements"][0].keys()
    assert answer("migrate", "--check", status=3)["missing_revisions"]
    assert answer("migrate")["state"] == "CURRENT"
    assert answer("migrate", "--plan")["migrations"] == []
    assert answer("encryption", "status") == {
        "current_key_id": "test",
        "values_by_key": {"test": 0},
        "unencrypted_values": 0,
    }
    assert answer("encryption", "rotate") == {"current_key_id": "test", "rows_written": 0}
    assert answer("events", "archive", "--before", "2025-01-01") == {"event_count": 0, "payment_count": 0}
    assert answer("audit", "verify")["is_intact"] is True
    held = answer("background", "hold", "--reason", "restored")
    assert (held["level"], held["reason"], bool(held["since_time"])) == ("ALL", "restored", True)
    assert answer("background", "status") == held
    assert answer("background", "release") == {"level": "NONE", "reason": "", "since_time": None}
    assert len(answer("background", "new-mark")["deployment_mark"]) == 10
    assert answer("search", "rebuild")["is_complete"] is False
    assert answer("statistics", "rebuild")["is_complete"] is False


def test_keys_and_operators_are_documents_too(answer: Any) -> None:
    answer("migrate")
    key = answer("keys", "create", "shop")
    assert key["api_key"].startswith(f"bayar_{key['key_id']}_")
    assert answer("keys", "revoke", key["key_id"])["revoke_time"]
    siti = answer("operators", "add", "Siti Rahayu", "--rights", "read,refund")
    assert (siti["name"], siti["rights"], siti["api_key"][:10]) == ("Siti Rahayu", ["read", "refund"], "bayar_key_")
    assert answer("operators", "change", siti["operator_id"], "--rights", "read")["rights"] == ["read"]
    other = answer("operators", "key", siti["operator_id"])
    assert other["operator_id"] == siti["operator_id"]
    assert other["api_key"] != siti["api_key"]
    assert answer("operators", "revoke", siti["operator_id"])["revoke_time"]
