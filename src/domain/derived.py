"""A property that is derived once, and again after its value was removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_Value = TypeVar("_Value")


class derived(Generic[_Value]):  # noqa: N801  (a decorator, like cached_property)
    """A property whose value is kept in the object's dictionary until it is removed there.

    functools.cached_property takes a lock at each first read, which costs more than most of these values do.
    """

    def __init__(self, derive: Callable[[Any], _Value]) -> None:
        self._derive = derive
        self.__doc__ = derive.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, log: None, owner: type) -> derived[_Value]: ...

    @overload
    def __get__(self, log: object, owner: type) -> _Value: ...

    def __get__(self, log: object | None, owner: type) -> derived[_Value] | _Value:
        if log is None:
            return self
        value = log.__dict__[self._name] = self._derive(log)
        return value
