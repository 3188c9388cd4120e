"""API keys, the credentials of back ends.

A key is "bayar_" + its id + "_" + a secret. The id finds the row; only the SHA-256 of the secret is stored. A slow
password hash would add nothing, and slow down every call: nobody can guess a secret of 256 random bits.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from application.common.caller import Caller, Scope
from application.common.errors import AuthFailure, NotAuthenticated
from application.common.operator import is_operator_id
from domain.ids import CallerId, CustomerId

KEY: Final = "key"
PREFIX: Final = "bayar_"
SECRET_BYTES: Final = 32

_FORM: Final = re.compile(r"bayar_(key_[0-9a-hjkmnp-tv-z]{26})_([A-Za-z0-9_-]{43})")
_CALLER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    key_id: str
    caller_id: CallerId
    scopes: frozenset[Scope]
    secret_hash: str = field(repr=False)
    create_time: datetime
    customer_id: CustomerId | None = None
    note: str = ""
    expire_time: datetime | None = None
    revoke_time: datetime | None = None
    last_use_time: datetime | None = None

    def caller(self, secret: str, now: datetime) -> Caller:
        """The key's caller. Raises NotAuthenticated; it reports revocation or expiry only to a right secret."""
        if not hmac.compare_digest(self.secret_hash, hash_of(secret)):
            raise NotAuthenticated(AuthFailure.INVALID, f"wrong secret for {self.key_id}")
        if self.revoke_time is not None and self.revoke_time <= now:
            raise NotAuthenticated(AuthFailure.REVOKED, self.key_id)
        if self.expire_time is not None and self.expire_time <= now:
            raise NotAuthenticated(AuthFailure.EXPIRED, self.key_id)
        return Caller(self.caller_id, self.scopes, self.customer_id, self.key_id)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def format_key(key_id: str, secret: str) -> str:
    """The full key text, which is shown once."""
    return f"{PREFIX}{key_id}_{secret}"


def parse_key(key: str) -> tuple[str, str]:
    """Splits a key into its id and its secret. Raises NotAuthenticated."""
    match = _FORM.fullmatch(key)
    if match is None:
        raise NotAuthenticated(AuthFailure.INVALID, "not the form of an API key")
    return match[1], match[2]


def is_caller_id(value: str) -> bool:
    """1 to 64 letters, digits, "." "_" and "-". No "/", which separates caller and credential in the history; and no
    operator's id.
    """
    return _CALLER_ID.fullmatch(value) is not None and not is_operator_id(value)
