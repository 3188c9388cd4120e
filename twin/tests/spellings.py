"""One request in the spelling of each SDK: names, types, arrays, empty values, indentation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

Fields = dict[str, Any]


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


@dataclass(frozen=True, slots=True)
class XmlSpelling:
    """How one SDK writes XML."""

    tag: Callable[[str], str]
    indent: str = ""
    # Python and Ruby say of which type a value is; Java writes text only.
    typed: bool = True
    declaration: bool = True
    empty_elements: bool = False

    def body(self, document: Fields) -> bytes:
        ((root, fields),) = document.items()
        head = '<?xml version="1.0" encoding="UTF-8"?>\n' if self.declaration else ""
        return (head + self._element(root, fields, 0)).encode()

    content_type = "application/xml"

    def _element(self, name: str, value: Any, depth: int) -> str:
        tag, space = self.tag(name), self.indent * depth
        end = "\n" if self.indent else ""
        if isinstance(value, dict):
            inner = "".join(self._element(key, each, depth + 1) for key, each in value.items())
            return f"{space}<{tag}>{end}{inner}{space}</{tag}>{end}"
        if isinstance(value, list):
            inner = "".join(self._element("item", each, depth + 1) for each in value)
            return f'{space}<{tag} type="array">{end}{inner}{space}</{tag}>{end}'
        if value is None:
            return f"{space}<{tag}></{tag}>{end}" if self.empty_elements else f'{space}<{tag} nil="true"/>{end}'
        return f"{space}<{tag}{self._type(value)}>{escape(_text(value))}</{tag}>{end}"

    def _type(self, value: Any) -> str:
        if not self.typed:
            return ""
        if isinstance(value, bool):
            return ' type="boolean"'
        return ' type="integer"' if isinstance(value, int) else ""


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@dataclass(frozen=True, slots=True)
class JsonSpelling:
    """How the Node SDK writes JSON; `texts`: numbers and booleans as text, as people pass them."""

    texts: bool = False
    content_type = "application/json"

    def body(self, document: Fields) -> bytes:
        return json.dumps(self._value(document)).encode()

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._value(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._value(each) for each in value]
        return _text(value) if self.texts and value is not None else value


SPELLINGS: dict[str, XmlSpelling | JsonSpelling] = {
    "Python: underscores, types": XmlSpelling(str, declaration=False),
    "Ruby: hyphens, types, indented by two": XmlSpelling(lambda name: name.replace("_", "-"), indent="  "),
    "PHP: hyphens, types, indented by one": XmlSpelling(
        lambda name: name.replace("_", "-"), indent=" ", empty_elements=True
    ),
    "Java: camelCase, no types": XmlSpelling(_camel, typed=False, declaration=False),
    ".NET: hyphens, no types, indented by tabs": XmlSpelling(
        lambda name: name.replace("_", "-"), indent="\t", typed=False, empty_elements=True
    ),
    "Node: JSON": JsonSpelling(),
    "JSON of texts": JsonSpelling(texts=True),
}
