"""Blind indexes: keyed digests by which encrypted customer data is looked up."""

import hmac
from collections.abc import Callable, Iterable
from functools import cache
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
    return search_digests(key)([term]).pop()


def search_digests(key: bytes) -> Callable[[Iterable[str]], set[int]]:
    """The function that gives the digests of many terms: it begins each with the key already worked in, and keeps
    those of one batch, whose payments have many terms in common.
    """
    keyed = hmac.new(key, digestmod="sha256")

    @cache
    def digest(term: str) -> int:
        own = keyed.copy()
        own.update(term.encode())
        return int.from_bytes(own.digest()[:_SEARCH_DIGEST_BYTES], "big", signed=True)

    return lambda terms: set(map(digest, terms))
