"""3-D Secure: which result a policy permits, and which policy an amount has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.three_d_secure import (
    ExternalAuthentication,
    PolicyRule,
    ScaExemption,
    ThreeDSecurePolicy,
    ThreeDSecureResult,
    ThreeDSecureRules,
    ThreeDSecureStatus,
    exemption_limit,
    is_acceptable,
)

POLICIES = st.sampled_from(ThreeDSecurePolicy)
RESULTS = st.builds(
    ThreeDSecureResult,
    status=st.sampled_from(ThreeDSecureStatus),
    liability_shifted=st.booleans(),
    liability_shift_possible=st.booleans(),
)
FAILED = ThreeDSecureResult(status=ThreeDSecureStatus.FAILED, liability_shift_possible=True)


@given(RESULTS)
def test_a_shifted_liability_is_never_refused(result: ThreeDSecureResult) -> None:
    if result.liability_shifted:
        assert all(is_acceptable(policy, result) for policy in ThreeDSecurePolicy)


@given(RESULTS)
def test_a_failed_authentication_is_refused_unless_it_is_not_wanted(result: ThreeDSecureResult) -> None:
    failed = result.status in (ThreeDSecureStatus.FAILED, ThreeDSecureStatus.CHALLENGE_INCOMPLETE)
    if failed and not result.liability_shifted:
        assert not is_acceptable(ThreeDSecurePolicy.IF_OFFERED, result)
        assert not is_acceptable(ThreeDSecurePolicy.REQUIRED, result)
    assert is_acceptable(ThreeDSecurePolicy.NOT_WANTED, result)


@given(POLICIES)
def test_a_payment_without_any_result_is_left_to_the_gateway(policy: ThreeDSecurePolicy) -> None:
    assert is_acceptable(policy, None)


@pytest.mark.parametrize(
    ("possible", "acceptable"), [pytest.param(True, False, id="possible"), pytest.param(False, True, id="impossible")]
)
def test_an_unknown_status_counts_as_failed_where_the_liability_could_have_shifted(
    possible: bool, acceptable: bool
) -> None:
    result = ThreeDSecureResult(status=ThreeDSecureStatus.UNSPECIFIED, liability_shift_possible=possible)
    assert is_acceptable(ThreeDSecurePolicy.IF_OFFERED, result) is acceptable


@pytest.mark.parametrize(
    "status",
    [
        ThreeDSecureStatus.NOT_ENROLLED,
        ThreeDSecureStatus.UNAVAILABLE,
        ThreeDSecureStatus.BYPASSED,
        ThreeDSecureStatus.EXEMPTED,
        ThreeDSecureStatus.DATA_ONLY,
        ThreeDSecureStatus.ATTEMPTED,
    ],
)
def test_an_authentication_that_never_took_place_has_not_failed(status: ThreeDSecureStatus) -> None:
    result = ThreeDSecureResult(status=status, liability_shift_possible=True)
    assert is_acceptable(ThreeDSecurePolicy.IF_OFFERED, result)


# Another provider's result


def external(eci: str, response: str = "") -> ExternalAuthentication:
    return ExternalAuthentication(eci=eci, version="2.2.0", cavv="AAAB", authentication_response=response)


@pytest.mark.parametrize("eci", ["01", "02", "05", "06"])
def test_these_indicators_say_that_the_cardholder_was_authenticated(eci: str) -> None:
    assert external(eci).is_authenticated
    assert not external(eci).contradicting_response
    own = "Y" if eci in ("02", "05") else "A"
    for response in "YANURC":
        assert bool(external(eci, response).contradicting_response) is (response != own)


@pytest.mark.parametrize("eci", ["00", "03", "04", "07"])
def test_these_indicators_say_that_it_was_not(eci: str) -> None:
    assert not external(eci).is_authenticated
    for response in "YANURC":
        assert bool(external(eci, response).contradicting_response) is (response in "YA")


@pytest.mark.parametrize(
    ("version", "eci", "contradicting"),
    [
        ("2.2.0", "05", "NUAR"),
        ("2.2.0", "02", "NUAR"),
        ("2.2.0", "06", "NUR"),
        ("2.2.0", "07", "A"),
        ("1.0.2", "05", "NUAR"),
        # A merchant's attempt at a card that is not enrolled.
        ("1.0.2", "06", ""),
    ],
)
def test_the_directorys_response_agrees_with_the_indicator(version: str, eci: str, contradicting: str) -> None:
    for response in "YANURC":
        result = replace(external(eci), version=version, directory_response=response)
        assert (result.contradicting_response == "directory_response") is (response in contradicting)


def test_version_1_knows_neither_rejections_nor_challenges() -> None:
    old = replace(external("07"), version="1.0.2")
    for response in "CR":
        assert replace(old, authentication_response=response).response_of_later_version == "authentication_response"
        assert replace(old, directory_response=response).response_of_later_version == "directory_response"
    assert replace(old, authentication_response="N", directory_response="Y").response_of_later_version == ""
    assert external("07", "R").response_of_later_version == ""


def test_a_negative_response_is_a_failed_authentication() -> None:
    assert external("07", "N").has_failed
    assert external("07", "R").has_failed
    assert external("07", "C").has_failed
    assert not external("07", "U").has_failed
    assert replace(external("07"), directory_response="N").has_failed
    assert not replace(external("07", "U"), directory_response="C").has_failed
    assert not replace(external("05"), directory_response="C").has_failed
    assert not replace(external("07"), version="1.0.2", directory_response="N").has_failed
    assert not external("05").has_failed


def test_the_cavv_does_not_show() -> None:
    assert "AAAB" not in repr(external("05"))


# Exemptions


def test_an_exemption_has_the_limit_of_its_law() -> None:
    assert exemption_limit(ScaExemption.LOW_VALUE, "EUR") == Money(30_00, "EUR")
    assert exemption_limit(ScaExemption.LOW_VALUE, "GBP") == Money(25_00, "GBP")
    assert exemption_limit(ScaExemption.TRANSACTION_RISK_ANALYSIS, "EUR") == Money(500_00, "EUR")
    assert exemption_limit(ScaExemption.LOW_VALUE, "USD") is None
    assert exemption_limit(ScaExemption.TRUSTED_BENEFICIARY, "EUR") is None


# Policies by currency and amount


@given(
    st.lists(st.tuples(st.integers(0, 10**6), POLICIES), max_size=5, unique_by=lambda rule: rule[0]),
    st.integers(0, 10**6),
    POLICIES,
)
def test_the_highest_minimum_that_is_reached_decides(
    rules: list[tuple[int, ThreeDSecurePolicy]], amount: int, otherwise: ThreeDSecurePolicy
) -> None:
    by_currency = {"EUR": tuple(PolicyRule(Money(minimum, "EUR"), policy) for minimum, policy in rules)}
    found = ThreeDSecureRules(otherwise, by_currency).policy_for(Money(amount, "EUR"))
    expected = otherwise
    for minimum, policy in sorted(rules, key=lambda rule: rule[0]):
        if minimum <= amount:
            expected = policy
    assert found is expected


@given(POLICIES, st.integers(1, 10**9))
def test_another_currency_has_the_general_policy(otherwise: ThreeDSecurePolicy, amount: int) -> None:
    rules = ThreeDSecureRules(otherwise, {"EUR": (PolicyRule(Money(0, "EUR"), ThreeDSecurePolicy.REQUIRED),)})
    assert rules.policy_for(Money(amount, "USD")) is otherwise
