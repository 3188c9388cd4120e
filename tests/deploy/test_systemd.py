"""The unit for systemd."""

from __future__ import annotations

import configparser
import sys
from pathlib import Path
from typing import Final

from tests.deploy.tools import DEPLOY, systemd_analyze, variables_in
from tests.languages.toolchain import attempt, run

_UNIT: Final = DEPLOY / "systemd" / "bayar.service"
# 0 is the least exposed, 10 the most. Network and local sockets are 1.0 of it.
_MOST_EXPOSED: Final = 1.5


class _Repeated(dict[str, object]):
    """Keeps every line of an option that occurs more than once."""

    def __setitem__(self, key: str, value: object) -> None:
        if isinstance(value, list) and isinstance(old := self.get(key), list) and value != old:
            value = old + value
        super().__setitem__(key, value)


def options() -> dict[str, list[str]]:
    parser = configparser.RawConfigParser(dict_type=_Repeated, strict=False)  # type: ignore[arg-type]
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(_UNIT.read_text("utf-8"))
    return {name: value.splitlines() for name, value in parser["Service"].items()}


def verify(text: str, folder: Path) -> str:
    """The complaints of systemd. Its program must exist, so that one takes the place of the service's."""
    unit = folder / "bayar.service"
    unit.write_text(text.replace("/opt/bayar/current/bin/bayar", sys.executable), "utf-8")
    told = attempt([systemd_analyze(), "verify", "--man=no", "--recursive-errors=no", unit])
    return told.stderr if told.returncode == 0 else told.stderr or "failed"


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    assert verify(_UNIT.read_text("utf-8"), tmp_path) == ""


def test_a_misspelled_option_is_found(tmp_path: Path) -> None:
    assert "ProtectSystm" in verify(_UNIT.read_text("utf-8").replace("ProtectSystem", "ProtectSystm"), tmp_path)


def test_the_unit_is_hardened() -> None:
    run([systemd_analyze(), "security", "--offline=yes", f"--threshold={round(_MOST_EXPOSED * 10)}", _UNIT])


def test_each_secret_is_a_credential_of_systemd() -> None:
    names = {line.partition(":")[0] for line in options()["LoadCredential"]}
    files = {line.rpartition("/")[2] for line in options()["Environment"] if "_FILE=" in line}
    assert names == files
    assert len(names) == 4


def test_systemd_waits_until_the_service_has_stopped() -> None:
    (grace,) = [line.partition("=")[2] for line in options()["Environment"] if "STOP_GRACE" in line]
    assert int(options()["TimeoutStopSec"][0]) >= int(grace) + 10
    assert options()["KillMode"] == ["mixed"]


def test_the_unit_sets_what_it_should() -> None:
    assert "BAYAR_DATABASE_URL_FILE" in variables_in(_UNIT.read_text("utf-8"))
