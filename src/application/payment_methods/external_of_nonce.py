"""Compares another provider's authentication with the nonce that it is sent with."""

from dataclasses import dataclass

from application.common.errors import Rule
from application.common.paid_with import stored_instrument
from application.common.three_d_secure_input import EXTERNAL, RawThreeDSecure, check_external_method
from application.common.validator import Validator
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.gateway import Gateway, Nonce
from application.ports.store import Store
from domain.instrument import Instrument


@dataclass(frozen=True, slots=True)
class ExternalOfNonce:
    store: Store
    gateway: Gateway
    guard: IdempotencyGuard

    def check(self, raw: RawThreeDSecure, source: object, request: IdempotentRequest) -> None:
        """Asks the gateway about the nonce, unless there is no such authentication, or the request is a replay.

        Raises InvalidRequest where the two contradict each other, and GatewayUnavailable.
        """
        external = raw.external
        if external is None or not isinstance(source, Nonce):
            return
        with self.store.read() as work:
            is_replay = self.guard.is_replay(work, request)
        nonce = None if is_replay else self.gateway.describe_nonce(source)
        if nonce is None:
            # The gateway itself refuses an unknown nonce.
            return
        validator = Validator()
        check_external_method(validator, external, stored_instrument(Instrument(nonce.kind, brand=nonce.brand)))
        if nonce.three_d_secure is not None and nonce.three_d_secure.has_failed:
            validator.add(EXTERNAL, Rule.FAILED_IN_NONCE)
        validator.done()
