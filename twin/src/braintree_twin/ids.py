"""Identifiers in the forms that the gateway gives them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import uuid

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_CAPITALS = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"


class Ids:
    """Draws random identifiers, and identifies a card by a keyed hash of its number."""

    def __init__(self, secret: bytes, draw: random.Random | None = None) -> None:
        self._secret = secret
        self._draw = draw or random.SystemRandom()

    def _text(self, letters: str, length: int) -> str:
        return "".join(self._draw.choices(letters, k=length))

    def transaction(self) -> str:
        return self._text(_LETTERS, 8)

    def token(self) -> str:
        return self._text(_LETTERS, 8)

    def customer(self) -> str:
        return str(self._draw.randrange(10_000_000_000, 99_999_999_999))

    def address(self) -> str:
        return self._text(_LETTERS, 4)

    def authorization_code(self) -> str:
        return self._text(_CAPITALS, 6)

    def link(self) -> str:
        """A Mastercard transaction link id: 22 characters."""
        return self._text(_LETTERS + _CAPITALS, 22)

    def reference(self) -> str:
        return self._text("0123456789", 7)

    def nonce(self) -> str:
        """Such as tokencc_bf_2k8hsx_7q4dvn_p3m6wz_9c5tj4_fy8: nothing of the card is in it."""
        groups = [self._text("23456789bcdfghjkmnpqrstvwxyz", length) for length in (6, 6, 6, 6, 3)]
        return "_".join(("tokencc_bh", *groups))

    def authentication(self) -> str:
        """The id of a 3-D Secure authentication."""
        return self._text(_LETTERS, 18)

    def uuid(self) -> str:
        """A random UUID, as the servers of 3-D Secure name their transactions."""
        return str(uuid.UUID(int=self._draw.getrandbits(128), version=4))

    def cavv(self) -> str:
        """A cardholder authentication verification value: 20 bytes in base64."""
        return base64.b64encode(self._draw.randbytes(20)).decode()

    def batch(self) -> str:
        return self._text(_LETTERS, 8)

    def subscription(self) -> str:
        return self._text(_LETTERS, 6)

    def bank_verification(self) -> str:
        return self._text(_LETTERS, 8)

    def session(self) -> str:
        """The id of a customer session, such as 11EF-A1E7-A5F5EE5C-A2E5-AFD2801469FC."""
        return "-".join(self._text("0123456789ABCDEF", length) for length in (4, 4, 8, 4, 12))

    def dispute(self) -> str:
        return self._text(_LETTERS, 16)

    def unique_number_identifier(self, merchant_id: str, number: str) -> str:
        """The same for equal numbers of a merchant. Nobody can reverse it without the key of this state file."""
        return self.keyed_hash(f"card|{merchant_id}|{number}")[:32]

    def keyed_hash(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def global_id(kind: str, identifier: str | None) -> str | None:
    """The GraphQL API's identifier: kind and id in base64 without padding."""
    if identifier is None:
        return None
    return base64.b64encode(f"{kind}_{identifier}".encode()).decode().rstrip("=")


def day_of_batch(batch_id: str | None) -> str | None:
    """The day at the start of a settlement batch's id."""
    return batch_id.partition("_")[0] if batch_id else None
