"""The runbooks: a page for each alert, with steps whose commands exist, and a drill that was seen."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import Final

import pytest
import yaml

from bootstrap.cli.main import parser_of
from tests.deploy.drills.__main__ import PLANS
from tests.deploy.prometheus_server import RULES
from tests.deploy.tools import ROOT, Document

_PAGES: Final = ROOT / "docs" / "operate" / "runbooks"
_COMMAND: Final = re.compile(r"`(bayar [^`]+)`")


def alerts() -> list[Document]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def pages() -> set[str]:
    return {page.stem for page in _PAGES.glob("*.md")}


def unmatched(rules: list[Document], pages: set[str]) -> list[str]:
    """Alerts without a page, pages without an alert, links to another page."""
    names = {rule["alert"] for rule in rules}
    links = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in rules}
    return [
        *(f"{name} has no page" for name in sorted(names - pages)),
        *(f"{name}.md is the page of no alert" for name in sorted(pages - names)),
        *(f"{name} links to {link}" for name, link in links.items() if link != f"{_PAGES.relative_to(ROOT)}/{name}.md"),
    ]


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    assert unmatched(alerts(), pages()) == []


@pytest.mark.parametrize("planted", ["BayarDown", "BayarOther"])
def test_a_missing_page_and_a_page_of_no_alert_are_found(planted: str) -> None:
    assert any(planted in one for one in unmatched(alerts(), pages() ^ {planted}))


def test_an_alert_that_links_to_another_page_is_found() -> None:
    planted = [dict(rule) for rule in alerts()]
    planted[0]["annotations"] = {"runbook_url": "docs/operate/runbooks/BayarOther.md"}
    assert unmatched(planted, pages()) == [f"{planted[0]['alert']} links to docs/operate/runbooks/BayarOther.md"]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_a_page_says_what_to_do_and_shows_a_drill(rule: Document) -> None:
    page = (_PAGES / f"{rule['alert']}.md").read_text("utf-8")
    assert page.startswith(f"# {rule['alert']}\n")
    assert f"**Severity:** {rule['labels']['severity']}. **Waits:** {rule.get('for', '0s')}.\n" in page
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == ["Meaning", "Do", "Afterwards", "Drill"]
    assert re.search(r"^1\. ", page, re.MULTILINE), "the steps are numbered"
    drill = page.partition("\n## Drill\n")[2]
    assert f"s  {rule['alert']} fires: " in drill
    assert f"s  {rule['alert']} is over" in drill
    assert "\n$ " in drill, "the drill shows a command"


def test_each_alert_has_one_drill() -> None:
    drilled = sorted(alert for plan in PLANS for alert in plan.alerts)
    assert drilled == sorted(rule["alert"] for rule in alerts())


def test_the_table_lists_each_alert_with_its_severity() -> None:
    table = (_PAGES.parent / "alerts.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \|", table, re.MULTILINE)
    assert listed == [(rule["alert"], rule["alert"], rule["labels"]["severity"]) for rule in alerts()]


def commands() -> list[tuple[str, str]]:
    return [
        (page.name, " ".join(found.split()))
        for page in (*sorted(_PAGES.glob("*.md")), _PAGES.parent / "alerts.md", _PAGES.parent / "README.md")
        for found in _COMMAND.findall(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize(("page", "command"), commands())
def test_each_command_of_a_page_exists(page: str, command: str) -> None:
    assert fault_of(command) == "", page


@pytest.mark.parametrize("wrong", ["bayar unresolvd", "bayar webhooks undo", "bayar resolve OPERATION_ID --faild"])
def test_a_command_that_does_not_exist_is_found(wrong: str) -> None:
    assert fault_of(wrong)


def fault_of(command: str) -> str:
    """The word that the command line does not know; empty if there is none."""
    words = shlex.split(command)[1:]
    parser = parser_of(words)
    for word in words:
        choices = _subcommands(parser)
        if choices:
            if word.rstrip(",") not in choices:
                return word
            parser = choices[word.rstrip(",")]
        elif word.startswith("--") and word not in parser._option_string_actions:
            return word
    return ""


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def test_the_pictures_of_the_day_are_small_and_shown() -> None:
    page = (ROOT / "docs/operate/ops-demo.md").read_text("utf-8")
    files = sorted((ROOT / "docs/operate/pictures").glob("*.svg"))
    assert {file.name for file in files} == set(re.findall(r"\(pictures/([\w.-]+)\)", page))
    assert [file.name for file in files if file.stat().st_size > 200_000] == []


def test_the_story_of_the_day_tells_of_alerts_that_exist() -> None:
    page = (ROOT / "docs/operate/ops-demo.md").read_text("utf-8")
    told = set(re.findall(r"\bBayar[A-Z]\w+", page))
    assert told <= {rule["alert"] for rule in alerts()}
