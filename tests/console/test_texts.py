"""Every text of the console exists in Indonesian, with the same placeholders."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from babel.messages.pofile import read_po

import bayar_console

_ROOT = Path(bayar_console.__file__).parent
_PLACEHOLDER = re.compile(r"%\(\w+\)s")


def texts() -> set[str]:
    """The texts of templates and code."""
    found = set()
    for template in _ROOT.rglob("*.html"):
        text = template.read_text("utf-8")
        found |= {one or other for one, other in re.findall(r"""{%\s*translate\s+(?:"([^"]*)"|'([^']*)')""", text)}
        for block in re.findall(r"{%\s*blocktranslate[^%]*%}(.*?){%\s*endblocktranslate\s*%}", text, re.DOTALL):
            found.add(re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", block))
    for module in _ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                (argument,) = node.args
                assert isinstance(argument, ast.Constant), f"{module.name}: a text that nobody can translate"
                found.add(str(argument.value))
    return found


def test_every_text_is_translated_and_no_translation_is_left_over() -> None:
    with (_ROOT / "locale/id/LC_MESSAGES/django.po").open("rb") as file:
        catalogue = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    assert texts() == set(catalogue)
    for original, translated in catalogue.items():
        assert translated
        assert sorted(_PLACEHOLDER.findall(original)) == sorted(_PLACEHOLDER.findall(translated)), original
