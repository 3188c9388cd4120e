"""Sign-in by OpenID Connect: the authorization code flow with PKCE, by Authlib."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from joserfc.errors import JoseError


class SignInRefused(Exception):
    """The issuer, or the settings, do not let this person in. str() is a sentence for the person."""


class IssuerUnavailable(Exception):
    """The issuer did not answer. str() is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person as the issuer knows them, with the tokens that it gave."""

    email: str
    name: str
    tokens: dict[str, Any]


@cache
def _issuer() -> Any:
    configuration = settings.CONSOLE
    return OAuth().register(
        name="issuer",
        client_id=configuration.oidc_client_id,
        client_secret=configuration.client_secret,
        server_metadata_url=f"{configuration.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": configuration.oidc_scopes, "code_challenge_method": "S256"},
    )


def to_issuer(request: HttpRequest) -> HttpResponseBase:
    """The redirect to the issuer's page."""
    try:
        answer: HttpResponseBase = _issuer().authorize_redirect(request, f"{settings.CONSOLE.origin}/sign-in/return")
    except requests.RequestException as error:
        raise IssuerUnavailable(_("The sign-in service does not answer. Try again in a minute.")) from error
    return answer


def from_issuer(request: HttpRequest) -> Account:
    """The person whom the issuer sent back, with a checked ID token."""
    try:
        tokens = _issuer().authorize_access_token(request)
    except requests.RequestException as error:
        raise IssuerUnavailable(_("The sign-in service does not answer. Try again in a minute.")) from error
    except (AuthlibBaseError, JoseError) as error:
        raise SignInRefused(_("The sign-in did not succeed. Begin again.")) from error
    claims = tokens.get("userinfo") or {}
    email = str(claims.get("email", "")).strip().lower()
    if not email:
        raise SignInRefused(_("The sign-in service did not say your email address. Ask an administrator."))
    if claims.get("email_verified") is False:
        raise SignInRefused(_("Your email address is not verified at the sign-in service."))
    return Account(email, str(claims.get("name") or email), tokens)


def credential_of(account: Account) -> str:
    """The credential that the service gets for this person, as BAYAR_CONSOLE_OIDC_CREDENTIAL says."""
    configuration = settings.CONSOLE
    if configuration.oidc_credential != "keys":
        return str(account.tokens.get(configuration.oidc_credential, ""))
    refused = SignInRefused(
        _("%(email)s has no access to this console. Ask an administrator.") % {"email": account.email}
    )
    # The name of a file, not a path.
    if "/" in account.email or account.email.startswith("."):
        raise refused
    try:
        return (configuration.keys_directory / account.email).read_text("utf-8").strip()
    except OSError as error:
        raise refused from error
