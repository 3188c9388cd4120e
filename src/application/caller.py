"""Who is asking."""

from dataclasses import dataclass

from domain.ids import CallerId


@dataclass(frozen=True, slots=True)
class Caller:
    """A back end that uses the service. It sees and changes only what is its own."""

    caller_id: CallerId
