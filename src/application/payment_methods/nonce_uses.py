"""Compares a nonce with the parts of a request that not every method goes with."""

from __future__ import annotations

from dataclasses import dataclass

from application.common.errors import AuthenticationRequired, Rule
from application.common.initiator_input import check_vault_method
from application.common.paid_with import PaidWith, check_initiator, stored_instrument
from application.common.three_d_secure_input import EXTERNAL, check_external_method
from application.common.validator import Validator
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.gateway import Gateway, Nonce, NonceDetails
from application.ports.store import Store
from domain.initiator import ExternalVault, Initiator
from domain.instrument import Instrument
from domain.three_d_secure import ExternalAuthentication


@dataclass(frozen=True, slots=True, kw_only=True)
class NonceUse:
    """The parts of a request that depend on the method behind its nonce. Most requests have none."""

    external: ExternalAuthentication | None = None
    initiator: Initiator = Initiator.CUSTOMER
    vault: ExternalVault | None = None
    # The gateway drops the authentication in the nonce, and the policy refuses one that failed.
    loses_authentication: bool = False

    @property
    def is_ordinary(self) -> bool:
        is_by_telephone = self.initiator is Initiator.MAIL_OR_TELEPHONE
        is_said = self.external is not None or self.vault is not None
        return not (is_said or is_by_telephone or self.loses_authentication)


@dataclass(frozen=True, slots=True)
class NonceUses:
    store: Store
    gateway: Gateway
    guard: IdempotencyGuard

    def check(self, source: object, use: NonceUse, request: IdempotentRequest) -> None:
        """Asks the gateway about a nonce, unless the use is an ordinary one, or the request is a replay.

        Raises InvalidRequest where the two contradict each other, AuthenticationRequired where the nonce's own
        authentication failed and would be lost, and GatewayUnavailable.
        """
        if use.is_ordinary or not isinstance(source, Nonce):
            return
        with self.store.read() as work:
            is_replay = self.guard.is_replay(work, request)
        nonce = None if is_replay else self.gateway.describe_nonce(source)
        # The gateway itself refuses an unknown nonce.
        if nonce is not None:
            _check(use, nonce, stored_instrument(Instrument(nonce.kind, brand=nonce.brand)))


def _check(use: NonceUse, nonce: NonceDetails, paid_with: PaidWith) -> None:
    validator, result = Validator(), nonce.three_d_secure
    check_initiator(validator, use.initiator, paid_with)
    if use.initiator is Initiator.MAIL_OR_TELEPHONE and result is not None and result.liability_shifted:
        validator.add("initiator", Rule.CONTRADICTS, "the nonce, whose owner was authenticated in a browser")
    if use.external is not None:
        check_external_method(validator, use.external, paid_with)
        if result is not None and result.has_failed:
            validator.add(EXTERNAL, Rule.FAILED_IN_NONCE)
    if use.vault is not None:
        check_vault_method(validator, use.vault, paid_with)
    validator.done()
    if use.loses_authentication and result is not None and result.has_failed:
        raise AuthenticationRequired(has_failed=True)
