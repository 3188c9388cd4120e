"""The context of a call besides its request: the caller and the requested languages."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from adapters.grpc.messages.catalogue import catalogue
from adapters.grpc.translate.resources import ResourceMapper
from application.common.caller import EVERY_SCOPE, Caller
from application.common.languages import accepted_languages
from domain.ids import CallerId

# The caller of every call while authentication is off.
DEFAULT_CALLER: Final = Caller(CallerId("default"), EVERY_SCOPE)

# Returns the authenticated caller of the call under way.
CurrentCaller = Callable[[], Caller]


def header_languages(metadata: Iterable[Any]) -> list[str]:
    """The languages of the accept-language metadata, most preferred first."""
    wanted: list[str] = []
    for name, value in metadata:
        if name == "accept-language" and isinstance(value, str):
            wanted.extend(accepted_languages(value))
    return wanted


def requested_languages(request: Any, context: Any) -> list[str]:
    """The requested languages: the request's, then the metadata's."""
    asked = [getattr(request, "language_code", ""), *header_languages(context.invocation_metadata() or ())]
    return [language for language in asked if language]


def mapper_for(request: Any, context: Any, customer_language: Callable[[], str] | None = None) -> ResourceMapper:
    """The mapper for the answer's language: the requested one, else the customer's, else the fallback.

    It looks up the customer's language only if no language was requested.
    """
    wishes = requested_languages(request, context)
    if not wishes and customer_language is not None:
        wishes.append(customer_language())
    texts = catalogue()
    return ResourceMapper(texts, texts.choose(wishes))
