"""Wires authentication: API keys, tokens and client certificates, as the settings say."""

from collections.abc import Callable

from adapters.certificates.mapping import BadMapping, WatchedCertificates
from adapters.grpc.middleware.call_context import DEFAULT_CALLER
from adapters.grpc.server.server import HEALTH, REFLECTION
from adapters.grpc.server.tls import TlsFiles
from adapters.tokens.jwks import Jwks
from adapters.tokens.jwt_tokens import JwtTokens
from application.access.authenticate import (
    ApiKeyCache,
    Authenticate,
    OperatorCache,
    OperatorLoginCache,
    PresentedCredentials,
)
from application.access.last_used_recorder import LastUsedRecorder
from application.common.caller import Caller
from application.ports.runtime import Clock
from bootstrap.config.authentication_settings import Authentication, Door
from bootstrap.config.settings import BadSettings, Settings


def authentication(
    settings: Settings,
    keys: ApiKeyCache,
    operators: OperatorCache,
    logins: OperatorLoginCache,
    uses: LastUsedRecorder,
    clock: Clock,
) -> Callable[[PresentedCredentials], Caller]:
    """The authentication that the settings configure. Raises BadSettings."""
    if settings.authentication is Authentication.NONE:
        return lambda _: DEFAULT_CALLER
    return Authenticate(keys, operators, uses, clock, _tokens(settings, logins), _certificates(settings))


def tls_files(settings: Settings) -> TlsFiles | None:
    """None: plain text."""
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    return TlsFiles(settings.tls_certificate_file, settings.tls_key_file, settings.tls_client_ca_file)


def closed_services(settings: Settings) -> tuple[str, ...]:
    """The services besides the contract's that need an authenticated caller."""
    health = HEALTH if settings.health is Door.CLOSED else ()
    return health + (REFLECTION if settings.reflection is Door.CLOSED else ())


def _tokens(settings: Settings, logins: OperatorLoginCache) -> JwtTokens | None:
    if not settings.jwt_issuer:
        return None
    return JwtTokens(
        Jwks(settings.jwt_jwks),
        settings.jwt_issuer,
        settings.jwt_audience,
        settings.jwt_caller_claim,
        settings.jwt_operator_claim,
        logins.find,
    )


def _certificates(settings: Settings) -> WatchedCertificates | None:
    path = settings.client_certificates_file
    if path is None:
        return None
    try:
        return WatchedCertificates(path, settings.credential_seconds)
    except BadMapping as error:
        raise BadSettings(f"BAYAR_CLIENT_CERTIFICATES_FILE names {path}: {error}") from None
