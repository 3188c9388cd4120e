"""Refuses a stored method whose 3-D Secure authentication does not meet the policy of its request."""

from __future__ import annotations

from dataclasses import replace

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
from domain.payment_method import Verification
from domain.three_d_secure import ThreeDSecurePolicy, is_acceptable


def refused_verification(policy: ThreeDSecurePolicy, stored: StoredInstrument) -> Verification | None:
    """The verification that refuses the method. None: the method may stay.

    The gateway verifies without a rule for 3-D Secure, so REQUIRED is enforced here.
    """
    verification = stored.verification
    result = verification.three_d_secure if verification is not None else None
    is_missing = policy is ThreeDSecurePolicy.REQUIRED and not (result and result.liability_shifted)
    if is_acceptable(policy, result) and not is_missing:
        return None
    return replace(
        verification or Verification(approved=False),
        approved=False,
        decline=CATALOGUE[DeclineReason.AUTHENTICATION_REQUIRED],
    )


def delete_unauthenticated(
    gateway: Gateway, policy: ThreeDSecurePolicy, outcome: StoreOutcome, lease: Lease
) -> StoreOutcome:
    """The outcome, after a method that the policy refuses is deleted at the gateway. Unknown while it may be there."""
    refusal = refused_verification(policy, outcome.method) if isinstance(outcome, Stored) else None
    if refusal is None or not isinstance(outcome, Stored):
        return outcome
    try:
        gateway.delete_method(outcome.method.token, lease)
    except GatewayUnavailable as failure:
        return Unknown(f"the 3-D Secure authentication failed, and the method is not yet deleted: {failure}")
    return NotStored(refusal)
