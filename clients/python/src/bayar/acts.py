"""An operator's act: the metadata that name the caller acted for and the reason."""

from __future__ import annotations

from typing import TypeAlias

Metadata: TypeAlias = "tuple[tuple[str, str | bytes], ...]"


def act_metadata(on_behalf_of: str = "", reason: str = "") -> Metadata:
    """Raises TypeError for anything but text, and ValueError for a caller's id that metadata cannot carry."""
    for name, value in (("on_behalf_of", on_behalf_of), ("reason", reason)):
        if not isinstance(value, str):
            raise TypeError(f"{name} is text, not {type(value).__name__}.")
    if not (on_behalf_of.isascii() and (on_behalf_of.isprintable() or not on_behalf_of)):
        raise ValueError("on_behalf_of is the id of a caller: plain ASCII.")
    caller = (("bayar-on-behalf-of", on_behalf_of),) if on_behalf_of else ()
    # Binary metadata carry any language.
    return (*caller, ("bayar-reason-bin", reason.encode())) if reason else caller
