"""The example for Alertmanager, as its own tool reads it: Debian's server wants files that only an installation has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.prometheus_server import RULES
from tests.deploy.tools import DEPLOY, amtool
from tests.languages.toolchain import attempt, run

_FILE: Final = DEPLOY / "prometheus" / "alertmanager.yaml"


def test_alertmanager_understands_the_file(tmp_path: Path) -> None:
    run([amtool(), "check-config", _FILE])
    wrong = tmp_path / "alertmanager.yaml"
    wrong.write_text(_FILE.read_text("utf-8").replace("receiver: pages", "receiver: page"), "utf-8")
    assert attempt([amtool(), "check-config", wrong]).returncode != 0


@pytest.mark.parametrize(("severity", "receiver"), [("page", "pages"), ("ticket", "tickets")])
def test_a_page_wakes_somebody_and_a_ticket_waits(severity: str, receiver: str) -> None:
    routed = run([amtool(), "config", "routes", "test", f"--config.file={_FILE}", f"severity={severity}"])
    assert routed.stdout.split() == [receiver]


def test_the_file_names_alerts_that_exist() -> None:
    known = set(re.findall(r"alert: (\w+)", RULES.read_text("utf-8")))
    assert set(re.findall(r"\bBayar[A-Z]\w+", _FILE.read_text("utf-8"))) <= known
