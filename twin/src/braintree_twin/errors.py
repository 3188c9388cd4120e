"""Errors that end a request before its fields are validated, each with its HTTP status."""

from __future__ import annotations


class RequestError(Exception):
    """The request ends with this HTTP status, and with Braintree's error element unless it is a 404."""

    status = 400

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class MalformedRequest(RequestError):
    """The body, or its structure, cannot be parsed."""


class NotAuthenticated(RequestError):
    status = 401


class Forbidden(RequestError):
    """The credentials are right, and do not allow this."""

    status = 403


class NotFound(RequestError):
    """The resource does not exist, or belongs to another merchant; the answer does not say which."""

    status = 404


class TooLarge(RequestError):
    status = 413


class UnknownVersion(RequestError):
    """The client speaks an API version that is no longer served."""

    status = 426


class Unprocessable(RequestError):
    """The twin refuses the request, and no published error code says why: the message does."""

    status = 422


class UnhandledFields(RequestError):
    """With --strict: the request has fields that the twin does not act on."""

    status = 422


class FailedSearch(RequestError):
    """A search that the gateway breaks off. Its answer has neither results nor errors: SDKs raise their own error."""

    status = 422


class InvalidSearch(RequestError):
    """An unknown search criterion, or a value that it does not take. SDKs read any 422 as a failed search."""

    status = 422
