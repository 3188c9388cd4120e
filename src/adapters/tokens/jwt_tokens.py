"""Verifies JWT bearer tokens, and reads the caller, the scopes and the customer from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt import exceptions as refused

from adapters.tokens.jwks import ALGORITHMS, Jwks, JwksUnavailable
from application.common.api_key import is_caller_id
from application.common.caller import Caller, scopes_named
from application.common.errors import AuthFailure, CredentialsUnavailable, NotAuthenticated
from application.common.operator import Operator
from domain.card_detector import without_card_numbers
from domain.ids import CUSTOMER, CallerId, CustomerId, is_id

_LEEWAY_SECONDS: Final = 30
_MOST_CHARACTERS: Final = 8192
_LONGEST_SUBJECT: Final = 128
_REQUIRED: Final = ["exp", "iss", "aud"]
_REFUSALS: Final[tuple[tuple[type[Exception], AuthFailure], ...]] = (
    (refused.ExpiredSignatureError, AuthFailure.EXPIRED),
    (refused.ImmatureSignatureError, AuthFailure.NOT_YET_VALID),
    (refused.InvalidIssuerError, AuthFailure.WRONG_ISSUER),
    (refused.InvalidAudienceError, AuthFailure.WRONG_AUDIENCE),
    (refused.MissingRequiredClaimError, AuthFailure.INCOMPLETE),
)


@dataclass(frozen=True, slots=True)
class JwtTokens:
    """Tokens of one issuer, for one audience. caller_claim is the claim with the caller (the back end).

    operator_claim is the claim with an operator's login; empty: tokens are no operator's. A token with a caller is
    never an operator's.
    """

    jwks: Jwks
    issuer: str
    audience: str
    caller_claim: str = "caller_id"
    operator_claim: str = ""
    find_operator: Callable[[str], Operator | None] = lambda _: None

    def caller_of(self, token: str) -> Caller:
        """Raises NotAuthenticated, and CredentialsUnavailable if the issuer's keys are unavailable."""
        return self._caller(self._claims(token))

    def _claims(self, token: str) -> Mapping[str, Any]:
        if len(token) > _MOST_CHARACTERS:
            raise NotAuthenticated(AuthFailure.INVALID, "too long for a token")
        try:
            header = jwt.get_unverified_header(token)
        except refused.PyJWTError:
            raise NotAuthenticated(AuthFailure.INVALID, "no token") from None
        algorithm, key_id = header.get("alg"), header.get("kid")
        # A fixed list of algorithms: a token can neither choose "none" nor have a public key used as a secret.
        if algorithm not in ALGORITHMS or not isinstance(key_id, str):
            raise NotAuthenticated(AuthFailure.INVALID, "algorithm or key id not accepted")
        try:
            key = self.jwks.find(key_id, algorithm)
        except JwksUnavailable as failure:
            raise CredentialsUnavailable(str(failure)) from failure
        if key is None:
            raise NotAuthenticated(AuthFailure.INVALID, "unknown key id")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except refused.PyJWTError as failure:
            raise NotAuthenticated(_refusal(failure), type(failure).__name__) from None
        return claims

    def _operator(self, claims: Mapping[str, Any]) -> Caller:
        """The person with the login. Their rights are in the record of this service, and not in the token."""
        login = claims.get(self.operator_claim)
        if not isinstance(login, str) or not login:
            raise NotAuthenticated(AuthFailure.INCOMPLETE, "neither a caller nor an operator")
        # An issuer lets people enter an email address before it has verified it (OpenID Connect Core 1.0, 5.7).
        if self.operator_claim == "email" and claims.get("email_verified") is not True:
            raise NotAuthenticated(AuthFailure.INCOMPLETE, "the email is not verified")
        operator = self.find_operator(login)
        if operator is None:
            raise NotAuthenticated(AuthFailure.INVALID, "no operator with this login")
        return Caller(CallerId(operator.operator_id), credential=_named(claims.get("sub", "")), operator=operator)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        if self.operator_claim and self.caller_claim not in claims:
            return self._operator(claims)
        caller_id, scope = claims.get(self.caller_claim), claims.get("scope", "")
        customer, subject = claims.get("customer"), claims.get("sub", "")
        if not isinstance(caller_id, str) or not is_caller_id(caller_id):
            raise NotAuthenticated(AuthFailure.INCOMPLETE, "no caller")
        if not isinstance(scope, str):
            raise NotAuthenticated(AuthFailure.INCOMPLETE, "scope is no text")
        if "customer" in claims and not (isinstance(customer, str) and is_id(customer, CUSTOMER)):
            # Never read as "no customer": that would grant access to all of them.
            raise NotAuthenticated(AuthFailure.INCOMPLETE, "customer is no id of one")
        return Caller(
            CallerId(caller_id),
            scopes_named(scope.split()),
            CustomerId(customer) if customer is not None else None,
            _named(subject),
        )


def _refusal(failure: Exception) -> AuthFailure:
    return next((refusal for kind, refusal in _REFUSALS if isinstance(failure, kind)), AuthFailure.INVALID)


def _named(subject: object) -> str:
    """The token's subject for the history, without line breaks, and never mistakable for a key's id."""
    text = subject if isinstance(subject, str) else ""
    text = "".join(sign for sign in text if sign.isprintable())[:_LONGEST_SUBJECT]
    return f"token {without_card_numbers(text, '[removed]')}".rstrip()
