"""Translates Braintree's results of 3-D Secure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from domain.three_d_secure import ThreeDSecureResult, ThreeDSecureStatus

# Braintree's statuses, as its guide to 3-D Secure and its SDKs list them.
STATUSES: Final[Mapping[str, ThreeDSecureStatus]] = MappingProxyType(
    {
        "authenticate_successful": ThreeDSecureStatus.AUTHENTICATED,
        "authenticate_attempt_successful": ThreeDSecureStatus.ATTEMPTED,
        "authenticate_successful_issuer_not_participating": ThreeDSecureStatus.ATTEMPTED,
        "authenticate_failed": ThreeDSecureStatus.FAILED,
        "authenticate_rejected": ThreeDSecureStatus.FAILED,
        "authenticate_frictionless_failed": ThreeDSecureStatus.FAILED,
        "authenticate_signature_verification_failed": ThreeDSecureStatus.FAILED,
        "challenge_required": ThreeDSecureStatus.CHALLENGE_INCOMPLETE,
        "lookup_enrolled": ThreeDSecureStatus.CHALLENGE_INCOMPLETE,
        "lookup_not_enrolled": ThreeDSecureStatus.NOT_ENROLLED,
        "unsupported_card": ThreeDSecureStatus.NOT_ENROLLED,
        "unsupported_account_type": ThreeDSecureStatus.NOT_ENROLLED,
        "unsupported_three_d_secure_version": ThreeDSecureStatus.NOT_ENROLLED,
        "authenticate_error": ThreeDSecureStatus.UNAVAILABLE,
        "authenticate_failed_acs_error": ThreeDSecureStatus.UNAVAILABLE,
        "authenticate_unable_to_authenticate": ThreeDSecureStatus.UNAVAILABLE,
        "authentication_unavailable": ThreeDSecureStatus.UNAVAILABLE,
        "lookup_card_error": ThreeDSecureStatus.UNAVAILABLE,
        "lookup_error": ThreeDSecureStatus.UNAVAILABLE,
        "lookup_failed_acs_error": ThreeDSecureStatus.UNAVAILABLE,
        "lookup_server_error": ThreeDSecureStatus.UNAVAILABLE,
        "lookup_unavailable": ThreeDSecureStatus.UNAVAILABLE,
        "mpi_lookup_error": ThreeDSecureStatus.UNAVAILABLE,
        "mpi_server_error": ThreeDSecureStatus.UNAVAILABLE,
        "authentication_bypassed": ThreeDSecureStatus.BYPASSED,
        "lookup_bypassed": ThreeDSecureStatus.BYPASSED,
        "skipped_due_to_rule": ThreeDSecureStatus.BYPASSED,
        "exemption_low_value_successful": ThreeDSecureStatus.EXEMPTED,
        "exemption_tra_successful": ThreeDSecureStatus.EXEMPTED,
        "data_only_successful": ThreeDSecureStatus.DATA_ONLY,
    }
)


def result(info: Any) -> ThreeDSecureResult | None:
    """The result of an answer's `three_d_secure_info`. None without one.

    An answer is never unreadable for it: an unknown status stays as the gateway wrote it.
    """
    gateway_status = _text(info, "status") if info is not None else ""
    if not gateway_status:
        return None
    return ThreeDSecureResult(
        status=STATUSES.get(gateway_status, ThreeDSecureStatus.UNSPECIFIED),
        gateway_status=gateway_status,
        liability_shifted=getattr(info, "liability_shifted", None) is True,
        liability_shift_possible=getattr(info, "liability_shift_possible", None) is True,
        eci=_text(info, "eci_flag"),
        version=_text(info, "three_d_secure_version"),
        enrolled=_text(info, "enrolled"),
        directory_server_transaction_id=_text(info, "ds_transaction_id"),
        authentication_id=_text(info, "three_d_secure_authentication_id"),
    )


def _text(info: Any, name: str) -> str:
    value = getattr(info, name, None)
    return "" if value is None else str(value)
