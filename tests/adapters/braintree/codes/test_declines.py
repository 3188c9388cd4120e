"""The table of declines: whole, consistent, and read as meant."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import braintree
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.braintree.codes import declines
from adapters.braintree.codes.declines import CodeKind, ProcessorAnswer
from adapters.braintree.codes.validation_names import name_of
from domain.decline import CATALOGUE, Decline, DeclineReason, Fixer, RetryAdvice

PROCESSOR = declines.PUBLISHED[CodeKind.PROCESSOR]
REJECTIONS = declines.PUBLISHED[CodeKind.REJECTION]
VALIDATION = declines.PUBLISHED[CodeKind.VALIDATION]


@pytest.fixture(autouse=True)
def _nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declines, "_unknown", declines._UnknownCodes())


def declined(code: str, **changes: Any) -> Decline:
    return declines.processor_decline(ProcessorAnswer(code=code, **changes))


def test_every_published_processor_code_is_in_the_table() -> None:
    assert [row for row in PROCESSOR if row.isdecimal()] == [*(str(code) for code in range(2000, 2109)), "3000"]
    assert "2109-2999" in PROCESSOR


def test_every_rejection_reason_that_the_sdk_knows_is_in_the_table() -> None:
    reasons = vars(braintree.Transaction.GatewayRejectionReason)
    known = {value for name, value in reasons.items() if not name.startswith("_")}
    assert len(known) >= 10
    assert known <= set(REJECTIONS)


def test_settlement_codes_are_in_the_table() -> None:
    assert {"4001", "4003", "4004"} <= set(declines.PUBLISHED[CodeKind.SETTLEMENT])


def test_every_validation_code_is_one_that_the_sdk_knows() -> None:
    assert [code for code in VALIDATION if name_of(code) == code] == []


def test_no_code_stands_in_two_rows() -> None:
    codes = [code for rows in declines.PUBLISHED.values() for code in rows]
    assert len(codes) == len(set(codes))


def test_every_reason_is_reached_by_some_code() -> None:
    assert [reason for reason, codes in declines.codes_by_reason().items() if not codes] == []


def test_the_codes_of_all_reasons_are_the_whole_table() -> None:
    listed = sorted(code for codes in declines.codes_by_reason().values() for code in codes)
    assert listed == sorted(code for rows in declines.PUBLISHED.values() for code in rows)


@pytest.mark.parametrize("code", ["2009", "2012", "2019", "2047", "2053"])
def test_a_retry_that_mastercard_forbids_is_never_advised(code: str) -> None:
    assert declined(code).retry_advice in (RetryAdvice.DO_NOT_RETRY, RetryAdvice.USE_ANOTHER_METHOD)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("2000", DeclineReason.DECLINED),
        ("2001", DeclineReason.INSUFFICIENT_FUNDS),
        ("2004", DeclineReason.CARD_EXPIRED),
        ("2010", DeclineReason.INCORRECT_CVV),
        ("2014", DeclineReason.SUSPECTED_FRAUD),
        ("2053", DeclineReason.LOST_OR_STOLEN),
        ("2099", DeclineReason.AUTHENTICATION_REQUIRED),
        ("2108", DeclineReason.ACCOUNT_CLOSED),
        ("3000", DeclineReason.NETWORK_UNAVAILABLE),
    ],
)
def test_a_code_has_its_reason(code: str, reason: DeclineReason) -> None:
    assert declined(code).reason is reason


@pytest.mark.parametrize("code", ["2109", "2500", "2999", "2042x", "5000", "", "١٢٣٤"])
def test_an_unknown_code_is_a_generic_decline_and_logged_once(code: str, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert declined(code).reason is DeclineReason.DECLINED
    assert len(caplog.records) == 1


def test_an_unknown_code_is_logged_once_however_many_threads_meet_it(caplog: pytest.LogCaptureFixture) -> None:
    threads = [threading.Thread(target=declined, args=("2777",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(caplog.records) == 1


def test_a_known_code_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    declined("2000")
    assert caplog.records == []


def test_an_unknown_code_is_tried_again_later_only_if_the_answer_calls_it_soft() -> None:
    assert declined("5000", response_type="soft_declined").retry_after == timedelta(days=1)
    assert declined("5000", response_type="hard_declined") == CATALOGUE[DeclineReason.DECLINED]


@pytest.mark.parametrize(
    ("advice", "expected", "wait"),
    [
        ("01", RetryAdvice.CORRECT_AND_RETRY, None),
        ("02", RetryAdvice.RETRY_LATER, timedelta(hours=72)),
        ("03", RetryAdvice.DO_NOT_RETRY, None),
        ("21", RetryAdvice.DO_NOT_RETRY, None),
        ("24", RetryAdvice.RETRY_LATER, timedelta(hours=1)),
        ("25", RetryAdvice.RETRY_LATER, timedelta(days=1)),
        ("30", RetryAdvice.RETRY_LATER, timedelta(days=10)),
        ("99", RetryAdvice.DO_NOT_RETRY, None),
    ],
)
def test_the_issuers_advice_comes_before_everything(advice: str, expected: RetryAdvice, wait: timedelta | None) -> None:
    for response_type in ("", "soft_declined", "hard_declined"):
        told = declined("2001", response_type=response_type, merchant_advice_code=advice)
        assert (told.retry_advice, told.retry_after) == (expected, wait)
        assert told.reason is DeclineReason.INSUFFICIENT_FUNDS


@pytest.mark.parametrize("advice", ["01", "02", "03", "24", "25", "99"])
@pytest.mark.parametrize("code", ["2099", "2101"])
def test_no_advice_hides_that_the_customer_has_to_authenticate(code: str, advice: str) -> None:
    told = declined(code, response_type="soft_declined", merchant_advice_code=advice)
    assert (told.retry_advice, told.retry_after) == (RetryAdvice.AFTER_CUSTOMER_ACTION, None)


@pytest.mark.parametrize("code", ["2004", "2010", "2012", "2014", "2016", "2017", "2031", "2053", "2059", "2108"])
def test_an_advice_to_wait_is_not_passed_on_where_waiting_helps_nobody(code: str) -> None:
    assert declined(code, response_type="soft_declined", merchant_advice_code="24").retry_after is None


@pytest.mark.parametrize("code", ["2012", "2014", "2017", "2053", "2108"])
def test_no_advice_makes_a_card_that_must_not_be_used_worth_another_try(code: str) -> None:
    for advice in declines.ADVICE:
        told = declined(code, response_type="soft_declined", merchant_advice_code=advice)
        assert told.retry_advice in (RetryAdvice.DO_NOT_RETRY, RetryAdvice.USE_ANOTHER_METHOD)


@pytest.mark.parametrize(
    ("code", "pause"),
    [
        ("2000", timedelta(days=2)),
        ("2001", timedelta(days=2)),
        ("2002", timedelta(days=2)),
        ("2046", timedelta(days=2)),
        ("2106", timedelta(days=2)),
    ],
)
def test_a_soft_decline_of_a_merchant_initiated_payment_says_when_to_charge_again(code: str, pause: timedelta) -> None:
    told = declined(code, response_type="soft_declined")
    absent = told.of_merchant_initiated_payment()
    assert (absent.retry_advice, absent.retry_after) == (RetryAdvice.RETRY_LATER, pause)
    assert absent.reason is told.reason


@pytest.mark.parametrize("code", ["2004", "2010", "2012", "2016", "2099", "2108"])
def test_other_declines_of_merchant_initiated_payments_are_not_charged_again(code: str) -> None:
    for response_type in ("soft_declined", "hard_declined"):
        told = declined(code, response_type=response_type)
        assert told.of_merchant_initiated_payment() == told
    assert declined("2001", response_type="hard_declined").of_merchant_initiated_payment().retry_after is None


def test_the_issuers_advice_stands_for_a_merchant_initiated_payment() -> None:
    told = declined("2001", response_type="soft_declined", merchant_advice_code="24")
    assert told.of_merchant_initiated_payment().retry_after == timedelta(hours=1)


def test_an_advice_without_a_verb_changes_nothing() -> None:
    assert declined("2001", merchant_advice_code="43") == declined("2001")


def test_the_class_of_the_answer_corrects_the_table() -> None:
    assert declined("2105").retry_advice is RetryAdvice.RETRY_LATER
    assert declined("2105", response_type="hard_declined").retry_advice is RetryAdvice.USE_ANOTHER_METHOD
    assert declined("2045").retry_advice is RetryAdvice.DO_NOT_RETRY
    assert declined("2045", response_type="soft_declined").retry_advice is RetryAdvice.RETRY_LATER


@pytest.mark.parametrize("code", ["2012", "2014", "2053"])
def test_no_class_makes_a_card_that_must_not_be_used_worth_another_try(code: str) -> None:
    assert declined(code, response_type="soft_declined").retry_advice is RetryAdvice.DO_NOT_RETRY


def test_a_refund_that_is_declined_may_be_tried_again_if_soft() -> None:
    assert declined("2046", is_refund=True).retry_advice is RetryAdvice.RETRY_LATER
    assert declined("2004", is_refund=True) == CATALOGUE[DeclineReason.REFUND_REFUSED]
    assert declined("3000", is_refund=True).reason is DeclineReason.NETWORK_UNAVAILABLE


def test_a_refund_refused_at_settlement_is_a_refused_refund() -> None:
    assert declines.settlement_decline("4001", is_refund=True).reason is DeclineReason.REFUND_REFUSED
    assert declines.settlement_decline("4022", is_refund=True).retry_advice is RetryAdvice.CORRECT_AND_RETRY
    assert declines.settlement_decline("").reason is DeclineReason.SETTLEMENT_DECLINED


def test_an_unknown_settlement_code_or_rejection_is_answered_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        assert declines.settlement_decline("4999").reason is DeclineReason.SETTLEMENT_DECLINED
        assert declines.rejection_decline("moon_phase").fixer is Fixer.MERCHANT
    assert len(caplog.records) == 2


def test_a_validation_code_that_no_caller_can_cause_is_no_decline() -> None:
    assert declines.validation_decline(["91513", "915230"]) is None
    assert declines.validation_decline([]) is None


@given(
    code=st.text(max_size=6) | st.integers(1900, 5100).map(str),
    response_type=st.sampled_from(["", "soft_declined", "hard_declined", "approved", "?"]),
    advice=st.sampled_from(["", *declines.ADVICE, "77"]),
    is_refund=st.booleans(),
)
def test_every_answer_becomes_a_decline(code: str, response_type: str, advice: str, is_refund: bool) -> None:
    declined(code, response_type=response_type, merchant_advice_code=advice, is_refund=is_refund)
