"""Keyset pagination: the sizes of pages, and their tokens.

A token is opaque, bound to one list and filter, and authenticated against tampering.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from application.common.errors import Rule
from application.common.validator import Validator

Item = TypeVar("Item")

MAX_PAGE_SIZE: Final = 500
DEFAULT_PAGE_SIZE: Final = 50
_SIGNATURE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Position:
    """A keyset position in a list sorted by time and id."""

    time: datetime
    id: str


def checked_page_size(validator: Validator, value: int) -> int:
    """The default size for 0, and the maximum for more."""
    if value < 0:
        validator.add("page_size", Rule.NOT_NEGATIVE)
    return min(value, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE


class BadPageToken(ValueError):
    """The token is not from this service, or belongs to another list."""


@dataclass(frozen=True, slots=True)
class PageTokens:
    """Writes and reads page tokens under a secret key."""

    key: bytes = field(repr=False)

    def write(self, scope: str, position: Position) -> str:
        """The token of the position after which the list `scope` continues."""
        body = json.dumps([position.time.isoformat(), position.id]).encode()
        return base64.urlsafe_b64encode(self._sign(scope, body) + body).decode().rstrip("=")

    def read(self, scope: str, token: str) -> Position | None:
        """The position in the token, or None for the empty token: the first page. Raises BadPageToken."""
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise BadPageToken from None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(scope, body)):
            raise BadPageToken
        time, item_id = json.loads(body)
        return Position(datetime.fromisoformat(time), item_id)

    def cut(
        self, found: Sequence[Item], size: int, scope: str, position_of: Callable[[Item], Position]
    ) -> tuple[list[Item], str]:
        """Cuts one row more than a page to the page, and returns the next page's token: empty on the last."""
        shown = list(found[:size])
        return shown, self.write(scope, position_of(shown[-1])) if len(found) > size else ""

    def _sign(self, scope: str, body: bytes) -> bytes:
        return hmac.new(self.key, scope.encode() + b"\0" + body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def scope_of(list_name: str, **filters: Any) -> str:
    """Names a list with its filter, so that a token of one list is invalid for another."""
    return f"{list_name}?{sorted((name, str(value)) for name, value in filters.items() if value)}"


def read_token(validator: Validator, page_tokens: PageTokens, scope: str, token: str) -> Position | None:
    """The position in a page token, or None for the first page."""
    try:
        return page_tokens.read(scope, token)
    except BadPageToken:
        validator.add("page_token", Rule.PAGE_TOKEN)
        return None
