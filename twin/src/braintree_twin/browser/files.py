"""The files of the folder `static`: scripts, and templates of pages."""

from __future__ import annotations

import base64
import hashlib
import html
from functools import cache
from importlib.resources import files
from string import Template
from urllib.parse import parse_qsl

from braintree_twin.calls import Call

SCRIPT = "text/javascript; charset=utf-8"


@cache
def text_of(name: str) -> str:
    """A file's text."""
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")


@cache
def integrity_of(name: str) -> str:
    """A script's hash, as the attribute `integrity` of its element has it."""
    digest = hashlib.sha384(text_of(name).encode()).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"


def page(name: str, **values: str) -> str:
    """A page with these values in the places of their $names. Values cannot add markup."""
    return Template(text_of(name)).substitute({key: html.escape(value) for key, value in values.items()})


def read_form(call: Call) -> dict[str, str]:
    """The fields of a form that a page posted."""
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
