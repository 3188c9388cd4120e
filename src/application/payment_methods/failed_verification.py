"""Refuses a stored method whose 3-D Secure authentication does not meet the policy of its request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from application.common.lease import Lease
from application.ports.gateway import (
    Gateway,
    GatewayUnavailable,
    NotStored,
    Stored,
    StoredInstrument,
    StoreOutcome,
    Unknown,
)
from domain.decline import CATALOGUE, DeclineReason
from domain.payment_method import PaymentMethod, Verification
from domain.three_d_secure import ThreeDSecurePolicy, is_acceptable


@dataclass(frozen=True, slots=True)
class RequiredAuthentication:
    """The authentication that a method needs in order to be kept."""

    policy: ThreeDSecurePolicy
    # The id of the authentication. Empty: any.
    authentication_id: str = field(default="", repr=False)


def required_authentication(method: PaymentMethod) -> RequiredAuthentication:
    return RequiredAuthentication(method.three_d_secure_policy, method.three_d_secure_authentication_id)


def refused_verification(asked: RequiredAuthentication, stored: StoredInstrument) -> Verification | None:
    """The verification that refuses the method. None: the method may stay.

    The gateway verifies without a rule for 3-D Secure, and takes no id of an authentication, so both are enforced here.
    """
    verification = stored.verification
    result = verification.three_d_secure if verification is not None else None
    is_missing = asked.policy is ThreeDSecurePolicy.REQUIRED and not (result and result.liability_shifted)
    shown_id = result.authentication_id if result is not None else ""
    is_another = bool(asked.authentication_id) and shown_id != asked.authentication_id
    if is_acceptable(asked.policy, result) and not is_missing and not is_another:
        return None
    return replace(
        verification or Verification(approved=False),
        approved=False,
        decline=CATALOGUE[DeclineReason.AUTHENTICATION_REQUIRED],
    )


def delete_unauthenticated(
    gateway: Gateway, asked: RequiredAuthentication, outcome: StoreOutcome, lease: Lease
) -> StoreOutcome:
    """The outcome, after a method without the authentication is deleted at the gateway.

    Unknown while it may still be there.
    """
    refusal = refused_verification(asked, outcome.method) if isinstance(outcome, Stored) else None
    if refusal is None or not isinstance(outcome, Stored):
        return outcome
    try:
        gateway.delete_method(outcome.method.token, lease)
    except GatewayUnavailable as failure:
        return Unknown(f"the 3-D Secure authentication failed, and the method is not yet deleted: {failure}")
    return NotStored(refusal)
