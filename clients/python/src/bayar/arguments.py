"""Names the argument that has the wrong type, where protobuf would name a type of its own."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

from google.protobuf.message import Message

from bayar import amounts, models
from bayar.cards import CardInput
from bayar.modeling import Model, OpenEnum

_P = ParamSpec("_P")
_CallT = TypeVar("_CallT")

_PLAIN: Final[dict[str, tuple[type, str]]] = {
    "bool": (bool, "True or False"),
    "bytes": (bytes, "bytes"),
    "date": (date, "a date, for example date(2026, 11, 1)"),
    "datetime": (datetime, "a datetime with a time zone"),
    "int": (int, "an int"),
    "str": (str, "text"),
    "timedelta": (timedelta, "a timedelta"),
    "CardInput": (CardInput, "a card: card(number=..., expiration_month=..., expiration_year=...)"),
    "Money": (amounts.Money, 'Money: money("25.00", "USD")'),
}
_MANY: Final = re.compile(r"(?:Iterable\[(\w+)\]|tuple\[(\w+), \.\.\.\])")
_TEXTS: Final = re.compile(r"(?:Mapping|dict)\[str, str\]")


def prepared(function: Callable[_P, _CallT], *arguments: _P.args, **keywords: _P.kwargs) -> _CallT:
    """The call that a function of bayar/requests.py makes of its arguments.

    Raises TypeError for an argument, or a part of one, of the wrong type: its name and its type, never its value.
    """
    for name, value in keywords.items():
        if value is None:  # protobuf would take it for an empty one
            _refuse(name, value, function.__annotations__[name])
    try:
        return function(*arguments, **keywords)
    except (AttributeError, TypeError, ValueError):
        for name, value in keywords.items():
            _refuse(name, value, function.__annotations__[name])
        raise


def _refuse(name: str, value: object, annotation: str) -> None:
    """Raise TypeError if the value is not of the annotated type."""
    kind = annotation.removesuffix(" | None")
    many = _MANY.fullmatch(kind)
    if value is None and kind != annotation:
        return
    if _TEXTS.fullmatch(kind):
        _refuse_texts(name, value)
    elif many is None:
        _refuse_one(name, value, kind)
    elif isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} is a list, not {type(value).__name__}.") from None
    else:
        for index, each in enumerate(value):
            _refuse_one(f"{name}[{index}]", each, many[1] or many[2])


def _refuse_texts(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is a dict of texts, not {type(value).__name__}.") from None
    for key, text in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{name} is a dict of texts, and one of its keys is {type(key).__name__}.") from None
        if not isinstance(text, str):
            raise TypeError(f"{name}[{key!r}] is text, not {type(text).__name__}.") from None


def _refuse_one(name: str, value: object, kind: str) -> None:
    types, wanted = _expected(kind.removesuffix("Like"))
    if not isinstance(value, types):
        raise TypeError(f"{name} is {wanted}, not {type(value).__name__}.") from None
    if isinstance(value, Model):
        for field in dataclasses.fields(value):  # type: ignore[arg-type]  # every subclass is one
            _refuse(f"{name}.{field.name}", getattr(value, field.name), str(field.type))


def _expected(kind: str) -> tuple[tuple[type, ...], str]:
    """The accepted types, and how a sentence names them. A client of messages takes protobuf's."""
    if kind in _PLAIN:
        one, wanted = _PLAIN[kind]
        return (one, Message) if kind == "Money" else (one,), wanted
    model: Any = getattr(models, kind)
    if issubclass(model, OpenEnum):
        return (int,), f"one of {kind}, for example {list(model)[1]!r}"
    return (model, Message), f"{kind}(...)"
