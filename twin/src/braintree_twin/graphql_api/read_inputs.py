"""Notes the fields of inputs that no resolver reads, so that nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from braintree_twin.request_schema import Effect, UnhandledField

# Clients send it for themselves.
_FOR_CLIENTS = frozenset({"clientMutationId"})
# Facts about browsers, payers and wallets of which the gateway shows no effect either.
_LOOKUP, _VENMO = "performThreeDSecureLookup.input", ("createVenmoPaymentContext", "createVenmoQRCodePaymentContext")
FACTS = frozenset(
    {
        *(
            f"{_LOOKUP}.{name}"
            for name in (
                "transactionInformation",
                "cardholderInformation",
                "clientInformation",
                "dfReferenceId",
                "deviceId",
                "cardAdd",
            )
        ),
        *(
            f"{mutation}.input.{name}"
            for mutation in _VENMO
            for name in ("intent", "customerClient", "venmoRiskCorrelationId", "displayName", "merchantProfileId")
        ),
        "tokenizeUsBankAccount.input.usBankAccount.billingAddress",
        *(f"tokenizeSamsungPayCard.input.samsungPayCard.{name}" for name in ("userId", "merchantId", "tokenData")),
    }
)


class ReadInput(dict[str, Any]):
    """An input that remembers which of its fields were read.

    A nested input of which no field was read was passed on as a whole, and counts as read.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__({name: _wrapped(value) for name, value in given.items()})
        self.was_read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.was_read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.was_read.add(name)
        return super().get(name, default)

    def items(self) -> Any:
        self.was_read |= set(self)
        return super().items()

    def unread(self, path: str) -> Iterator[str]:
        """The paths of the fields with a value that nobody read."""
        for name, value in super().items():
            if value in (None, [], {}) or name in _FOR_CLIENTS:
                continue
            if name not in self.was_read:
                yield f"{path}.{name}"
            else:
                yield from _unread(value, f"{path}.{name}")


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return ReadInput(value)
    return [_wrapped(each) for each in value] if isinstance(value, list) else value


def _unread(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, ReadInput):
        yield from value.unread(path) if value.was_read else ()
    elif isinstance(value, list):
        for each in value:
            yield from _unread(each, path)


class InputReader:
    """A middleware of the execution. It hands the arguments of each field over in a form that notes what is read."""

    def __init__(self) -> None:
        self._given: list[tuple[str, ReadInput]] = []

    def resolve(self, following: Callable[..., Any], root: Any, info: Any, **arguments: Any) -> Any:
        for name, value in arguments.items():
            if isinstance(value, dict):
                wrapped = ReadInput(value)
                self._given.append((f"{info.field_name}.{name}", wrapped))
                arguments[name] = wrapped
        return following(root, info, **arguments)

    def unhandled(self) -> list[UnhandledField]:
        """The fields that the schema knows, and that no resolver read; each once."""
        paths = dict.fromkeys(path for place, given in self._given for path in given.unread(place))
        return [UnhandledField(path, Effect.NO_EFFECT) for path in paths if path not in FACTS]
