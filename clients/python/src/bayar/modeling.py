"""Results as plain, typed, frozen values, made of the contract's messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, ClassVar, Final, Self, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from bayar.payments.v1.secret_pb2 import secret

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ModelT = TypeVar("_ModelT", bound="type[Model]")
_MODELS: Final[dict[str, type[Model]]] = {}
_ENUMS: Final[dict[str, type[OpenEnum]]] = {}
# The codes with which format() shows the number of an enum.
_INTEGER_CODES: Final = tuple("bcdeEfFgGnoxX%")
# Fields with personal data. A repr often ends in a log, so it hides them.
_PERSONAL: Final = {
    "account",
    "authentication_id",
    "cardholder_name",
    "cavv",
    "company",
    "email",
    "extended_address",
    "family_name",
    "given_name",
    "locality",
    "note",
    "phone",
    "postal_code",
    "region",
    "street_address",
}


class OpenEnum(IntEnum):
    """An enum of the contract. str() is the bare name, for example "CAPTURED".

    A number that a newer service sends becomes a member without a constant: its name is "UNRECOGNIZED_77", and it
    equals the number.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _ENUMS[cls.__name__] = cls

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNRECOGNIZED_{value}"
        member._value_ = value
        return member

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        """The name, for example in ">12"; the number with the code d, x or another one of integers."""
        return int(self).__format__(spec) if spec.endswith(_INTEGER_CODES) else str(self).__format__(spec)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    @property
    def recognized(self) -> bool:
        """Whether this version of the client has a constant for it."""
        return self.name in type(self).__members__


class Model:
    """A message of the contract as a frozen dataclass. Times are datetimes of the local zone.

    repr() leaves out empty fields and hides secrets and personal data; str() is one line for people.
    """

    __slots__ = ()
    MESSAGE: ClassVar[Any]
    SUMMARY: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_message(cls, message: Any) -> Self:
        """The value of a message of the contract. Fields that a newer service added are left out."""
        return cls(**{name: read(message) for name, read in _readers(cls).items()})

    def to_message(self) -> Any:
        """The message of the contract."""
        message = self.MESSAGE()
        for name, value in self._given():
            _write(message, name, value)
        return message

    def __repr__(self) -> str:
        shown = (f"{name}={'(hidden)' if self._is_hidden(name) else _exact(value)}" for name, value in self._given())
        return f"{type(self).__name__}({', '.join(shown)})"

    def __str__(self) -> str:
        shown = (
            "(hidden)" if self._is_hidden(name) else _brief(value)
            for name, value in self._given()
            if not self.SUMMARY or name in self.SUMMARY
        )
        return " ".join([type(self).__name__, *shown])

    def __format__(self, spec: str) -> str:
        """str() in the layout of a text, for example ">40"."""
        return str(self).__format__(spec)

    def _is_hidden(self, name: str) -> bool:
        fields = self.MESSAGE.DESCRIPTOR.fields_by_name
        is_secret: bool = fields[name].GetOptions().Extensions[secret]
        return is_secret or name in _PERSONAL or (name == "text" and "evidence_id" in fields)

    def _given(self) -> Iterator[tuple[str, Any]]:
        """The fields that are not empty."""
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            if value != field.default and value != {}:
                yield field.name, value


def model(message: type[Message]) -> Callable[[_ModelT], _ModelT]:
    """Names the message that the dataclass is made of."""

    def register(cls: _ModelT) -> _ModelT:
        cls.MESSAGE = message
        _MODELS[message.DESCRIPTOR.name] = cls
        return cls

    return register


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Raises ValueError for a time without a time zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("A time needs a time zone, for example datetime.now(UTC).")
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def message_of(value: Any) -> Any:
    """The message of a model; a message, or None, as it is."""
    return value.to_message() if isinstance(value, Model) else value


def _fields(cls: type[Model]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)  # type: ignore[arg-type]  # every subclass is one


_READERS: Final[dict[type[Model], Mapping[str, Callable[[Message], Any]]]] = {}


def _readers(cls: type[Model]) -> Mapping[str, Callable[[Message], Any]]:
    if cls not in _READERS:
        described = cls.MESSAGE.DESCRIPTOR.fields_by_name
        _READERS[cls] = {field.name: _reader(described[field.name], field.default) for field in _fields(cls)}
    return _READERS[cls]


def _reader(described: Any, default: Any) -> Callable[[Message], Any]:
    name, one = described.name, _converter(described)
    if isinstance(default, tuple):
        return lambda message: tuple(map(one, getattr(message, name)))
    # The default of a scalar that may be absent is None; without a presence of its own it always has a value.
    if described.message_type is None and default is not None:
        return lambda message: one(getattr(message, name))
    if described.message_type is not None and described.message_type.GetOptions().map_entry:
        return lambda message: dict(getattr(message, name))
    return lambda message: one(getattr(message, name)) if message.HasField(name) else default


def _converter(described: Any) -> Callable[[Any], Any]:
    if described.enum_type is not None:
        return _ENUMS[described.enum_type.name]
    if described.message_type is None:
        return _as_it_is
    match described.message_type.full_name:
        case "google.protobuf.Timestamp":
            return _local_time
        case "google.protobuf.Duration":
            return _timedelta
        case _:
            name = described.message_type.name
            return lambda message: _MODELS[name].from_message(message)


def _as_it_is(value: Any) -> Any:
    return value


def _local_time(stamp: Timestamp) -> datetime:
    moment = EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    return moment.astimezone()


def _timedelta(duration: Duration) -> timedelta:
    return timedelta(seconds=duration.seconds, microseconds=duration.nanos // 1000)


def _write(message: Any, name: str, value: Any) -> None:
    match value:
        # A list is not what the types say, and what people write.
        case tuple() | list():
            getattr(message, name).extend(message_of(each) for each in value)
        case dict():
            getattr(message, name).update(value)
        case datetime():
            getattr(message, name).CopyFrom(timestamp(value))
        case timedelta():
            getattr(message, name).FromTimedelta(value)
        case Model():
            getattr(message, name).CopyFrom(value.to_message())
        case _:
            setattr(message, name, value)


def _exact(value: Any) -> str:
    """The repr of a field; a time as ISO 8601 has it."""
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def _brief(value: Any) -> str:
    match value:
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S%z}"
        case tuple():
            return f"[{', '.join(_brief(each) for each in value)}]"
        case _:
            return str(value)
