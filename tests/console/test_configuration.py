"""Settings that would let anybody in, or be overheard, are refused with the remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bayar_console import server
from bayar_console.configuration import Configuration


def test_the_page_names_each_setting_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs/operate/console.md").read_text("utf-8")
    named = set(re.findall(r"^\| `(BAYAR_CONSOLE_\w+)`", page, re.MULTILINE))
    assert named == {f"BAYAR_CONSOLE_{name.upper()}" for name in Configuration.model_fields}


def test_a_console_on_this_machine_takes_keys_by_default() -> None:
    assert Configuration().takes_keys
    assert Configuration().origin == "http://127.0.0.1:8090"


def test_a_console_with_an_issuer_takes_no_keys_by_default(tmp_path: Path) -> None:
    configuration = Configuration(
        oidc_issuer="https://login.shop.example", oidc_client_id="console", keys_directory=tmp_path
    )
    assert not configuration.takes_keys


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"public_url": "https://pay.shop.example"}, "BAYAR_CONSOLE_OIDC_ISSUER"),
        ({"public_url": "http://pay.shop.example", "key_sign_in": True}, "plain text"),
        (
            {"oidc_issuer": "http://login.shop.example", "oidc_client_id": "c", "oidc_credential": "id_token"},
            "plain text",
        ),
        ({"oidc_issuer": "https://login.shop.example"}, "BAYAR_CONSOLE_OIDC_CLIENT_ID"),
        ({"oidc_issuer": "https://login.shop.example", "oidc_client_id": "c"}, "BAYAR_CONSOLE_KEYS_DIRECTORY"),
        ({"address": "nowhere"}, "address"),
        ({"session_minutes": 0}, "session_minutes"),
        ({"time_zone": "Jakarta"}, "Asia/Jakarta"),
    ],
)
def test_a_dangerous_or_wrong_setting_is_refused(settings: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        Configuration(**settings)


def test_the_command_tells_the_fault_and_shows_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert server.main(["--address", "nowhere"]) == 2
    shown = capsys.readouterr().err
    assert "BAYAR_CONSOLE_ADDRESS" in shown
    assert "Traceback" not in shown


def test_a_misspelled_variable_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BAYAR_CONSOLE_TIMEZONE", "Asia/Jakarta")
    assert server.main([]) == 2
    assert "BAYAR_CONSOLE_TIMEZONE is no setting" in capsys.readouterr().err
