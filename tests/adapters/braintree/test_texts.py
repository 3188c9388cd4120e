"""The texts that people read, and the page made of them."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from domain.decline import DeclineReason
from domain.operation import FailureReason

ROOT = Path(__file__).resolve().parents[3]
MESSAGES = ROOT / "src" / "adapters" / "grpc" / "messages" / "declines"
LANGUAGES = sorted(path.stem for path in MESSAGES.glob("*.toml"))

# Words that would tell the customer why the bank is wary, or speak of internals.
FORBIDDEN = re.compile(
    r"\b(fraud\w*|stolen|lost|thie\w*|suspicio\w*|suspect\w*|misuse|risk\w*|gateway|braintree|processor|error code"
    r"|penipuan|menipu|curi\w*|dicuri|pencuri\w*|hilang|kehilangan|curiga|mencurigakan|risiko|penyalahgunaan)\b",
    re.IGNORECASE,
)


def texts(language: str) -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads((MESSAGES / f"{language}.toml").read_text("utf-8"))


def test_there_is_english_and_indonesian() -> None:
    assert {"en", "id"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_its_texts_and_nothing_else_has(language: str) -> None:
    told = texts(language)
    assert set(told) == {"decline", "failure"}
    assert set(told["decline"]) == {reason.value for reason in DeclineReason}
    assert set(told["failure"]) == {reason.value for reason in FailureReason}
    for group in told.values():
        assert all(set(entry) == {"customer", "merchant"} for entry in group.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_one_or_two_whole_sentences(language: str) -> None:
    for group in texts(language).values():
        for name, entry in group.items():
            for text in entry.values():
                assert text[0].isupper(), name
                assert text.endswith("."), name
                assert 1 <= len(re.findall(r"\.(?:\s|$)", text)) <= 2, name
                assert 20 <= len(text) <= 240, name
                assert not re.search(r"[{}%\n\"]|  ", text), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_customer_reads_what_would_hurt_or_give_something_away(language: str) -> None:
    for group in texts(language).values():
        for name, entry in group.items():
            assert not FORBIDDEN.search(entry["customer"]), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wary_bank_sounds_like_any_other_no(language: str) -> None:
    declines = texts(language)["decline"]
    for reason in (DeclineReason.SUSPECTED_FRAUD, DeclineReason.LOST_OR_STOLEN):
        assert declines[reason.value]["customer"] == declines[DeclineReason.DECLINED.value]["customer"]


def test_the_page_of_declines_is_up_to_date() -> None:
    generator = _module(ROOT / "docs" / "integrate" / "declines_page.py")
    assert generator.PAGE.read_text("utf-8") == generator.page(), "run: python docs/integrate/declines_page.py"


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
