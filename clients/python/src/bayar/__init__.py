"""Bayar, the payment service, for those who call it.

The first use of a name imports them all. A program that needs only the generated messages (`bayar.payments.v1`) is
spared the memory and the time of the clients.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayar.public import *  # noqa: F403
else:

    def __getattr__(name: str) -> object:
        # Python asks for names of its own, such as __path__.
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        if name != "__all__":
            # A module of the package: `from bayar import requests` asks here before it imports one, also while
            # `bayar.public` is imported.
            try:
                return import_module(f"{__name__}.{name}")
            except ModuleNotFoundError as missing:
                if missing.name != f"{__name__}.{name}":
                    raise
        public = import_module("bayar.public")
        globals().update({each: getattr(public, each) for each in public.__all__}, __all__=public.__all__)
        try:
            return globals()[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None

    def __dir__() -> list[str]:
        return sorted({*globals(), *import_module("bayar.public").__all__})
