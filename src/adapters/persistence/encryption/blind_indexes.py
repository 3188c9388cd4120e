"""Blind indexes: keyed digests by which encrypted customer data is looked up."""

import hmac
from typing import Final

from adapters.persistence.encryption.sealing import Sealer


def external_id_digest(external_id: str, sealer: Sealer) -> str:
    return sealer.digest(external_id, "customers.external_id")


def email_digest(email: str, sealer: Sealer) -> str:
    """The lookup digest of an email address, which ignores case."""
    return sealer.digest(email.casefold(), "customers.email")


def checkout_token_digest(token: str, sealer: Sealer) -> str:
    return sealer.digest(token, "checkouts.token")


_SEARCH_DIGEST_BYTES: Final = 8


def search_key(sealer: Sealer) -> bytes:
    """The key of the search index's digests."""
    return sealer.derived_key("search")


def search_digest(key: bytes, term: str) -> int:
    """Short: an index of all payments has to fit. A search compares each payment that it finds with the terms."""
    return int.from_bytes(hmac.digest(key, term.encode(), "sha256")[:_SEARCH_DIGEST_BYTES], "big", signed=True)
