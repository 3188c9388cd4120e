"""The outcomes of 3-D Secure, and the sandbox's test numbers that lead to each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """A published status, with the issuer's answer (transaction status) and the shift of liability."""

    status: str
    # Y: enrolled. N: not enrolled. U: unknown. B: bypassed.
    enrolled: str
    # Y authenticated, A attempted, N not authenticated, U unable, R rejected, C challenge, I informational.
    trans_status: str | None
    shifted: bool = False
    shift_possible: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """The outcome of the look-up, and that of the challenge which follows it, if one does."""

    lookup: Outcome
    challenge: Outcome | None = None


CHALLENGE_REQUIRED = Outcome("challenge_required", "Y", "C", shift_possible=True)
SUCCESSFUL = Outcome("authenticate_successful", "Y", "Y", shifted=True, shift_possible=True)
FAILED = Outcome("authenticate_failed", "Y", "N", shift_possible=True)
UNABLE = Outcome("authenticate_unable_to_authenticate", "Y", "U", shift_possible=True)
NOT_ENROLLED = Outcome("lookup_not_enrolled", "N", None)
# Outcomes that a request asks for, of a card that would authenticate without a challenge (inferred).
DATA_ONLY = Outcome("data_only_successful", "Y", "I")
EXEMPTIONS = {
    "low_value": Outcome("exemption_low_value_successful", "Y", "I"),
    "transaction_risk_analysis": Outcome("exemption_tra_successful", "Y", "I"),
}

SUCCEEDS = "successful"
CHALLENGED = "challenge_successful"
SCENARIOS: dict[str, Scenario] = {
    SUCCEEDS: Scenario(SUCCESSFUL),
    "failed": Scenario(Outcome("authenticate_frictionless_failed", "Y", "N", shift_possible=True)),
    "attempted": Scenario(Outcome("authenticate_attempt_successful", "Y", "A", shifted=True, shift_possible=True)),
    "unavailable": Scenario(UNABLE),
    "rejected": Scenario(Outcome("authenticate_rejected", "Y", "R", shift_possible=True)),
    "not_available": Scenario(Outcome("authentication_unavailable", "U", None)),
    "lookup_error": Scenario(Outcome("lookup_error", "U", None)),
    "lookup_timeout": Scenario(Outcome("lookup_failed_acs_error", "U", None)),
    "bypassed": Scenario(Outcome("lookup_bypassed", "B", None)),
    CHALLENGED: Scenario(CHALLENGE_REQUIRED, SUCCESSFUL),
    "challenge_failed": Scenario(CHALLENGE_REQUIRED, FAILED),
    "challenge_unavailable": Scenario(CHALLENGE_REQUIRED, UNABLE),
    "challenge_error": Scenario(CHALLENGE_REQUIRED, Outcome("authenticate_error", "Y", "U", shift_possible=True)),
    # Of version 1, whose numbers are still published.
    "signature_failed": Scenario(
        CHALLENGE_REQUIRED, Outcome("authenticate_signature_verification_failed", "Y", "N", shift_possible=True)
    ),
    "not_enrolled": Scenario(NOT_ENROLLED),
}


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A test number's scenario, and the version of the protocol that its issuer speaks."""

    scenario: str
    version: str


# The first set of each brand: these digits, 100 to 112 in the order of the scenarios, and a check digit.
_FIRST_SET = ("400000000000", "520000000000", "34000000000", "601100000000")
# The second set, and the numbers of version 1.
_SECOND_SET = {
    SUCCEEDS: "4000000000002701 5200000000002235 340000000002708 6011000000002117 6505290000002000 6277800000002390",
    "failed": "4000000000002925 5200000000002276 340000000002096 6011000000002364 6505290000002018 6277800000002457",
    "attempted": "4000000000002719 5200000000002482 340000000002872 6011000000002646 6505290000002026",
    "unavailable": "4000000000002313 5200000000002268 340000000002922",
    "rejected": "4000000000002537 5200000000002185 340000000002062",
    "not_available": "4000000000002990 5200000000002409 340000000002468",
    "lookup_error": "4000000000002446 5200000000002037 340000000002732",
    "lookup_timeout": "4000000000002354 5200000000002326",
    "bypassed": "4000000000002560 5200000000002508 340000000002948",
    CHALLENGED: "4000000000002503 5200000000002151 340000000002534 6505290000002190",
    "challenge_failed": "4000000000002370 5200000000002490 340000000002237 6505290000002208",
    "challenge_unavailable": "4000000000002420 5200000000002664 340000000002484 6505290000002257",
    "challenge_error": "4000000000002644 5200000000002656 6505290000002265",
}
_VERSION_1 = {
    CHALLENGED: "4000000000000002 5200000000000007",
    "signature_failed": "4000000000000010 5200000000000015",
    "challenge_failed": "4000000000000028 5200000000000023",
    "lookup_error": "4000000000000044 5200000000000049",
    "not_enrolled": "4000000000000051 5200000000000056",
    "unavailable": "4000000000000069 5200000000000064",
}


def with_check_digit(digits: str) -> str:
    """The digits with the last one that makes them pass the Luhn check."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return f"{digits}{-total % 10}"


def _numbers() -> Iterator[tuple[str, Enrollment]]:
    first_names = [name for name in SCENARIOS if name in _SECOND_SET]
    for prefix in _FIRST_SET:
        for place, name in enumerate(first_names, start=100):
            yield with_check_digit(f"{prefix}{place}"), Enrollment(name, "2.1.0")
    for version, sets in (("2.2.0", _SECOND_SET), ("1.0.2", _VERSION_1)):
        for name, numbers in sets.items():
            for number in numbers.split():
                yield number, Enrollment(name, version)


# Test number -> its enrollment. Every other card is not enrolled (inferred).
ENROLLMENTS: dict[str, Enrollment] = dict(_numbers())

# Brand -> the indicator of a full authentication, of an attempt, and of none.
_MASTERCARD_ECI, _OTHER_ECI = ("02", "01", "00"), ("05", "06", "07")


def eci_flag(outcome: Outcome, brand: str) -> str | None:
    """The electronic commerce indicator that the card's brand gives the outcome; None before there is one."""
    full, attempt, none = _MASTERCARD_ECI if brand == "MasterCard" else _OTHER_ECI
    known = {"Y": full, "A": attempt, "C": None}
    return known.get(outcome.trans_status or "", none)
