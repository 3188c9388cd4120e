"""3-D Secure: the policy of a payment, the result of an authentication, and whether the one permits the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from domain.card_brands import CardBrand
from domain.money import Money


class ThreeDSecurePolicy(Enum):
    """Whether a payment needs authentication. The strictest comes first."""

    # Liability for fraud has to shift to the bank.
    REQUIRED = "required"
    # An authentication may be missing, but must not have failed.
    IF_OFFERED = "if_offered"
    # The result does not matter.
    NOT_WANTED = "not_wanted"

    def is_weaker_than(self, other: "ThreeDSecurePolicy") -> bool:
        by_strictness = list(ThreeDSecurePolicy)
        return by_strictness.index(self) > by_strictness.index(other)


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


# The highest amounts of the exemptions with a limit, in the European regulation (EU 2018/389) and the British one. The
# acquirer's fraud rate may set a lower one.
_EXEMPTION_LIMITS: Final = MappingProxyType(
    {
        ScaExemption.LOW_VALUE: (Money(30_00, "EUR"), Money(25_00, "GBP")),
        ScaExemption.TRANSACTION_RISK_ANALYSIS: (Money(500_00, "EUR"), Money(440_00, "GBP")),
    }
)


def exemption_limit(exemption: ScaExemption, currency_code: str) -> Money | None:
    """The highest amount that the exemption is for. None: no limit, or no known one in this currency."""
    limits = _EXEMPTION_LIMITS.get(exemption, ())
    return next((limit for limit in limits if limit.currency_code == currency_code), None)


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


_FULL_ECIS: Final = frozenset({"02", "05"})
_ATTEMPT_ECIS: Final = frozenset({"01", "06"})
_ECIS_OF_MASTERCARD: Final = ("00", "01", "02", "04")
_ECIS_OF_OTHERS: Final = ("05", "06", "07")
# No, rejected, and a challenge that nobody completed.
_FAILED_RESPONSES: Final = frozenset("NRC")
# Responses that version 1 does not know.
_NEW_RESPONSES: Final = frozenset("CR")
_NEW_DIRECTORY_RESPONSES: Final = frozenset("ACR")


def indicators_of(brand: CardBrand) -> tuple[str, ...]:
    """The electronic commerce indicators (ECI) that the brand gives."""
    return _ECIS_OF_MASTERCARD if brand is CardBrand.MASTERCARD else _ECIS_OF_OTHERS


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
        return self.eci in _FULL_ECIS or self.eci in _ATTEMPT_ECIS

    @property
    def is_version_1(self) -> bool:
        return self.version.startswith("1")

    @property
    def is_version_2(self) -> bool:
        return self.version.startswith("2")

    @property
    def has_failed(self) -> bool:
        # From version 2 on, the directory's response is the result where no challenge followed.
        decided = self.authentication_response or ("" if self.is_version_1 else self.directory_response)
        return decided in _FAILED_RESPONSES and not self.is_authenticated

    @property
    def contradicting_response(self) -> str:
        """The name of the response that says the contrary of the indicator; empty if none does."""
        if self.authentication_response in self._contradicting_responses:
            return "authentication_response"
        return "directory_response" if self.directory_response in self._contradicting_directory_responses else ""

    @property
    def response_of_later_version(self) -> str:
        """The name of a response that version 1 does not know; empty if there is none."""
        if not self.is_version_1:
            return ""
        if self.authentication_response in _NEW_RESPONSES:
            return "authentication_response"
        return "directory_response" if self.directory_response in _NEW_DIRECTORY_RESPONSES else ""

    @property
    def _contradicting_responses(self) -> frozenset[str]:
        if self.eci in _FULL_ECIS:
            return frozenset("ANURC")
        return frozenset("YNURC" if self.eci in _ATTEMPT_ECIS else "YA")

    @property
    def _contradicting_directory_responses(self) -> frozenset[str]:
        """Version 1: whether the card is enrolled. From version 2 on: the result before a challenge."""
        if self.eci in _FULL_ECIS:
            return frozenset("NUAR")
        if self.eci in _ATTEMPT_ECIS:
            return frozenset() if self.is_version_1 else frozenset("NUR")
        return frozenset("A")


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
