"""What a request can be refused with, before any field of it is looked at."""

from __future__ import annotations


class Refused(Exception):
    """A request that ends with this HTTP status and, unless it is 404, Braintree's error element."""

    status = 400

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class MalformedRequest(Refused):
    """The body or its structure cannot be understood."""


class NotAuthenticated(Refused):
    status = 401


class NotFound(Refused):
    """No such thing, or not this merchant's: never telling which."""

    status = 404


class TooLarge(Refused):
    status = 413


class UnknownVersion(Refused):
    """The client speaks an API version that is no longer served."""

    status = 426


class InvalidSearch(Refused):
    """A criterion that nobody knows, or a value that it does not take. The SDKs read any 422 as a failed search."""

    status = 422
