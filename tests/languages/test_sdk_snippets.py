"""The twin's snippets for SDKs that no registry within reach carries are read by the compilers of their languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.languages import toolchain
from tests.languages.test_languages_page import named
from tests.pages.snippets import snippets_of

# Without the SDK. Whatever else javac finds is a mistake of the snippet's own.
_UNKNOWN: Final = re.compile(
    r"error: (?:package com\.braintreegateway does not exist|cannot find symbol|reference to println is ambiguous)$"
)


def texts(language: str) -> list[str]:
    found = [snippet.text for snippet in snippets_of("twin/README.md") if snippet.language == language]
    assert found
    return found


@pytest.mark.parametrize(
    ("language", "name", "command"),
    [
        ("ruby", "Ruby", ("ruby", "-c")),
        ("php", "PHP", ("php", "-l")),
        ("csharp", "C#", ("mcs", "-langversion:experimental", "--parse")),
    ],
)
def test_the_snippets_are_well_formed(language: str, name: str, command: tuple[str, ...], tmp_path: Path) -> None:
    named(name).need()
    for text in texts(language):
        program = tmp_path / "snippet"
        program.write_text(_in_a_class(text) if language == "csharp" else text)
        toolchain.run([*command, program])
        program.write_text(text.replace("(", "", 1))
        assert toolchain.attempt([*command, program]).returncode != 0


def _in_a_class(text: str) -> str:
    """mono has no statements outside of methods."""
    usings = "".join(re.findall(r"^using [\w.]+;\n", text, re.MULTILINE))
    return f"{usings}class Program {{ static void Main() {{\n{text.removeprefix(usings)}\n}} }}\n"


def test_the_java_snippet_lacks_nothing_but_the_sdk(tmp_path: Path) -> None:
    named("Java").need()
    (text,) = texts("java")

    def errors(program: str) -> list[str]:
        (tmp_path / "Sale.java").write_text(program)
        found = toolchain.attempt(["javac", "-d", tmp_path, tmp_path / "Sale.java"]).stderr
        return [line for line in found.splitlines() if " error: " in line and not _UNKNOWN.search(line)]

    assert errors(text) == []
    assert errors(text.replace(";", "", 1)) != []
