"""3-D Secure: the policy of a payment, the result of an authentication, and whether the one permits the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from domain.money import Money


class ThreeDSecurePolicy(Enum):
    """Whether a payment needs authentication."""

    # Liability for fraud has to shift to the bank.
    REQUIRED = "required"
    # An authentication may be missing, but must not have failed.
    IF_OFFERED = "if_offered"
    # The result does not matter.
    NOT_WANTED = "not_wanted"


class ThreeDSecureStatus(Enum):
    AUTHENTICATED = "authenticated"
    ATTEMPTED = "attempted"
    FAILED = "failed"
    CHALLENGE_INCOMPLETE = "challenge_incomplete"
    NOT_ENROLLED = "not_enrolled"
    UNAVAILABLE = "unavailable"
    BYPASSED = "bypassed"
    EXEMPTED = "exempted"
    DATA_ONLY = "data_only"
    # A status of a later version of the gateway.
    UNSPECIFIED = "unspecified"


class ScaExemption(Enum):
    """An exemption from Strong Customer Authentication (PSD2)."""

    LOW_VALUE = "low_value"
    SECURE_CORPORATE = "secure_corporate"
    TRUSTED_BENEFICIARY = "trusted_beneficiary"
    TRANSACTION_RISK_ANALYSIS = "transaction_risk_analysis"


_FAILED: Final = frozenset({ThreeDSecureStatus.FAILED, ThreeDSecureStatus.CHALLENGE_INCOMPLETE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeDSecureResult:
    """The result of an authentication, as the gateway reports it. Empty means not given."""

    status: ThreeDSecureStatus
    gateway_status: str = ""
    liability_shifted: bool = False
    liability_shift_possible: bool = False
    eci: str = ""
    version: str = ""
    enrolled: str = ""
    directory_server_transaction_id: str = ""
    authentication_id: str = ""

    @property
    def has_failed(self) -> bool:
        """The cardholder was asked, and is not authenticated. An unknown status counts where liability could have
        shifted and did not.
        """
        if self.liability_shifted:
            return False
        is_unknown = self.status is ThreeDSecureStatus.UNSPECIFIED
        return self.status in _FAILED or (is_unknown and self.liability_shift_possible)


def is_acceptable(policy: ThreeDSecurePolicy, result: ThreeDSecureResult | None) -> bool:
    """Whether a payment with this result may stand. The gateway itself enforces that REQUIRED has a liability shift."""
    return policy is ThreeDSecurePolicy.NOT_WANTED or result is None or not result.has_failed


_AUTHENTICATED_ECIS: Final = frozenset({"01", "02", "05", "06"})
_POSITIVE_RESPONSES: Final = frozenset("YA")
_NEGATIVE_RESPONSES: Final = frozenset("NR")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalAuthentication:
    """The result of an authentication by another provider. Empty means not given."""

    eci: str
    version: str
    cavv: str = field(default="", repr=False)
    xid: str = ""
    directory_server_transaction_id: str = ""
    authentication_response: str = ""
    directory_response: str = ""
    cavv_algorithm: str = ""

    @property
    def is_authenticated(self) -> bool:
        """Whether the indicator says that the cardholder was authenticated, or that it was attempted."""
        return self.eci in _AUTHENTICATED_ECIS

    @property
    def has_failed(self) -> bool:
        return self.authentication_response in _NEGATIVE_RESPONSES

    @property
    def contradicts_itself(self) -> bool:
        """Whether the indicator and the response say the contrary of each other."""
        response = self.authentication_response
        return (self.is_authenticated and response in _NEGATIVE_RESPONSES) or (
            not self.is_authenticated and response in _POSITIVE_RESPONSES
        )


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """The policy from an amount upwards, in the amount's currency."""

    minimum: Money
    policy: ThreeDSecurePolicy


@dataclass(frozen=True, slots=True)
class ThreeDSecureRules:
    """The policies of payments whose request names none, by currency and amount."""

    otherwise: ThreeDSecurePolicy = ThreeDSecurePolicy.IF_OFFERED
    by_currency: Mapping[str, tuple[PolicyRule, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def policy_for(self, amount: Money) -> ThreeDSecurePolicy:
        """The rule of the currency with the highest minimum that the amount reaches."""
        reached = [rule for rule in self.by_currency.get(amount.currency_code, ()) if rule.minimum <= amount]
        return max(reached, key=lambda rule: rule.minimum.minor_units).policy if reached else self.otherwise
