"""Blind indexes: keyed digests by which encrypted customer data is looked up."""

from adapters.persistence.encryption.sealing import Sealer


def external_id_digest(external_id: str, sealer: Sealer) -> str:
    return sealer.digest(external_id, "customers.external_id")


def email_digest(email: str, sealer: Sealer) -> str:
    """The lookup digest of an email address, which ignores case."""
    return sealer.digest(email.casefold(), "customers.email")


def checkout_token_digest(token: str, sealer: Sealer) -> str:
    return sealer.digest(token, "checkouts.token")
