"""3-D Secure of the gateway in memory: its test nonces, and the rejection of sales without a liability shift."""

from __future__ import annotations

from typing import Final

from application.ports.gateway import Authorization, Nonce
from domain.instrument import Card, CardExpiry
from domain.three_d_secure import ExternalAuthentication, ThreeDSecureResult, ThreeDSecureStatus

AUTHENTICATED_NONCE: Final = "fake-three-d-secure-visa-full-authentication-nonce"
ATTEMPTED_NONCE: Final = "fake-three-d-secure-visa-attempts-non-participating-nonce"
FAILED_NONCE: Final = "fake-three-d-secure-visa-failed-authentication-nonce"
FAILED_SIGNATURE_NONCE: Final = "fake-three-d-secure-visa-failed-signature-nonce"
UNAVAILABLE_NONCE: Final = "fake-three-d-secure-visa-authentication-unavailable-nonce"
LOOKUP_ERROR_NONCE: Final = "fake-three-d-secure-two-visa-error-on-lookup-nonce"
AUTHENTICATED_CARD: Final = Card("4000000000001000", CardExpiry(2035, 12))

_S = ThreeDSecureStatus
RESULTS: Final = {
    AUTHENTICATED_NONCE: ThreeDSecureResult(
        status=_S.AUTHENTICATED,
        gateway_status="authenticate_successful",
        liability_shifted=True,
        liability_shift_possible=True,
        eci="05",
        version="1.0.2",
        enrolled="Y",
        authentication_id="fake-three-d-secure-visa-full-authentication-id",
    ),
    ATTEMPTED_NONCE: ThreeDSecureResult(
        status=_S.ATTEMPTED,
        gateway_status="authenticate_attempt_successful",
        liability_shifted=True,
        liability_shift_possible=True,
        eci="06",
        version="1.0.2",
        enrolled="Y",
        authentication_id="fake-three-d-secure-visa-attempts-non-participating-id",
    ),
    FAILED_NONCE: ThreeDSecureResult(
        status=_S.FAILED,
        gateway_status="authenticate_failed",
        liability_shift_possible=True,
        version="1.0.2",
        enrolled="Y",
        authentication_id="fake-three-d-secure-visa-failed-authentication-id",
    ),
    FAILED_SIGNATURE_NONCE: ThreeDSecureResult(
        status=_S.FAILED,
        gateway_status="authenticate_signature_verification_failed",
        liability_shift_possible=True,
        version="1.0.2",
        enrolled="Y",
        authentication_id="fake-three-d-secure-visa-failed-signature-id",
    ),
    UNAVAILABLE_NONCE: ThreeDSecureResult(
        status=_S.UNAVAILABLE,
        gateway_status="authenticate_unable_to_authenticate",
        liability_shift_possible=True,
        version="1.0.2",
        enrolled="Y",
        authentication_id="fake-three-d-secure-visa-authentication-unavailable-id",
    ),
    LOOKUP_ERROR_NONCE: ThreeDSecureResult(
        status=_S.UNAVAILABLE,
        gateway_status="lookup_error",
        version="2.1.0",
        enrolled="U",
        authentication_id="fake-three-d-secure-two-visa-error-on-lookup-id",
    ),
}


def result_of(authorization: Authorization) -> ThreeDSecureResult | None:
    """The result that the transaction shows."""
    asked = authorization.three_d_secure
    if asked.external is not None:
        return passed_through(asked.external)
    return RESULTS.get(authorization.source.value) if isinstance(authorization.source, Nonce) else None


def is_rejected(authorization: Authorization) -> bool:
    """The sale requires a liability shift, and has none."""
    asked = authorization.three_d_secure
    result = result_of(authorization)
    return asked.is_required is True and asked.external is None and not (result and result.liability_shifted)


def knows_authentication(authorization: Authorization) -> bool:
    """Whether the authentication id, if there is one, belongs to the nonce."""
    given = authorization.three_d_secure.authentication_id
    result = result_of(authorization)
    return not given or (result is not None and result.authentication_id == given)


def passed_through(external: ExternalAuthentication) -> ThreeDSecureResult:
    status, gateway_status = _S.UNAVAILABLE, "authenticate_unable_to_authenticate"
    if external.eci in ("02", "05"):
        status, gateway_status = _S.AUTHENTICATED, "authenticate_successful"
    elif external.is_authenticated:
        status, gateway_status = _S.ATTEMPTED, "authenticate_attempt_successful"
    return ThreeDSecureResult(
        status=status,
        gateway_status=gateway_status,
        liability_shifted=external.is_authenticated,
        liability_shift_possible=True,
        eci=external.eci,
        version=external.version,
        enrolled="Y",
        directory_server_transaction_id=external.directory_server_transaction_id,
    )
