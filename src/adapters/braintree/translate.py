"""Translates the SDK's objects into values. Unexpected content raises; the gateway turns that into "unknown"."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final

import braintree
from braintree.error_result import ErrorResult
from braintree.successful_result import SuccessfulResult

from adapters.braintree import authentication
from adapters.braintree.codes import declines, refusals
from adapters.braintree.codes.validation_names import name_of
from application.ports.gateway import (
    Adjustment,
    Approved,
    Claim,
    Declined,
    MethodNonce,
    NonceDetails,
    NotStored,
    Outcome,
    RefusalCause,
    Rejected,
    Stored,
    StoredInstrument,
    StoreOutcome,
    Transaction,
    TransactionKind,
    Unknown,
)
from domain.card_detector import without_card_numbers
from domain.decline import Decline
from domain.instrument import CardExpiry, Instrument, InstrumentKind
from domain.money import InexactAmount, Money, UnknownCurrency
from domain.payment_method import CheckResult, Verification
from domain.transaction import GatewayDetails, RiskCheck, TransactionSnapshot, TransactionStatus

_STATUSES: Final[Mapping[str, TransactionStatus]] = MappingProxyType(
    {
        "authorizing": TransactionStatus.AUTHORIZING,
        "authorized": TransactionStatus.AUTHORIZED,
        "authorization_expired": TransactionStatus.EXPIRED,
        "submitted_for_settlement": TransactionStatus.SUBMITTED,
        "settling": TransactionStatus.SETTLING,
        # Also the status of the parent of partial settlements: see _status.
        "settlement_pending": TransactionStatus.SETTLEMENT_PENDING,
        "settlement_confirmed": TransactionStatus.SETTLEMENT_CONFIRMED,
        "settled": TransactionStatus.SETTLED,
        "settlement_declined": TransactionStatus.SETTLEMENT_DECLINED,
        "settlement_failed": TransactionStatus.SETTLEMENT_DECLINED,
        "processor_declined": TransactionStatus.DECLINED,
        "gateway_rejected": TransactionStatus.DECLINED,
        "failed": TransactionStatus.FAILED,
        "voided": TransactionStatus.VOIDED,
    }
)

# A request with the same api_request_key is in flight, or the first one with it failed: its effect is unknown.
_UNSETTLED_KEYS: Final = frozenset({"915233", "915234", "915235"})
REQUEST_KEY_NOT_ALLOWED: Final = "915231"


# Answers -------------------------------------------------------------------------------------------------------------


def outcome(result: object) -> Outcome:
    """The outcome of a call that moves money. Raises TypeError for an unknown result."""
    if isinstance(result, SuccessfulResult):
        return _outcome_of(transaction(result.transaction))
    refusal = _refusal(result)
    codes = error_codes(refusal)
    if codes:
        return _about_shipping(refusal, _refused(codes))
    if refusal.transaction is not None:
        return _outcome_of(transaction(refusal.transaction), refused=True)
    if refusal.credit_card_verification is not None:
        return _unverified(verification(refusal.credit_card_verification))
    return Rejected(detail="refused without a code")


# The bank refused to change the authorized amount: for good, or for now. The refusal carries the transaction.
_ADJUSTMENT_DECLINED: Final = frozenset({"95602", "95603"})
# Nothing to change: the transaction has the amount already.
SAME_AMOUNT: Final = "95606"


def adjust_outcome(result: object) -> Outcome:
    """The outcome of a change of an authorized amount. Raises TypeError for an unknown result."""
    codes = error_codes(result)
    declined = _ADJUSTMENT_DECLINED.intersection(codes)
    if not declined:
        return outcome(result)
    refused = _refusal(result).transaction
    attempts = transaction(refused).adjustments if refused is not None else ()
    last = attempts[-1] if attempts else None
    code = min(declined)
    if last is not None and last.decline is not None:
        return Declined(decline=last.decline, details=replace(last.details, validation_code=code))
    is_soft = code == "95603"
    answer = declines.ProcessorAnswer(code="2000", response_type="soft_declined" if is_soft else "hard_declined")
    return Declined(decline=declines.processor_decline(answer), details=GatewayDetails(validation_code=code))


def store_outcome(result: object) -> StoreOutcome:
    """The outcome of a call that stores a method. Raises TypeError for an unknown result."""
    if isinstance(result, SuccessfulResult):
        kept = getattr(result, "credit_card", None) or result.payment_method
        return Stored(stored_instrument(kept))
    refusal = _refusal(result)
    codes = error_codes(refusal)
    caused = declines.validation_decline(codes)
    if refusal.credit_card_verification is not None and not codes:
        return NotStored(verification(refusal.credit_card_verification))
    if caused is not None:
        return NotStored(Verification(approved=False, decline=caused[1]))
    return _rejected(codes)


def error_codes(result: object) -> list[str]:
    """The validation codes of a refusal; none for any other answer."""
    return [str(error.code) for error in result.errors.deep_errors] if isinstance(result, ErrorResult) else []


# The gateway's names of a customer's details, and the names here.
_CUSTOMER_FIELDS: Final = MappingProxyType(
    {"first_name": "given_name", "last_name": "family_name", "email": "email", "phone": "phone"}
)


def refused_details(result: object) -> dict[str, str]:
    """The refused details of a customer, each with the code's name; none for any other answer."""
    if not isinstance(result, ErrorResult):
        return {}
    errors = result.errors.deep_errors
    return {_CUSTOMER_FIELDS[e.attribute]: name_of(str(e.code)) for e in errors if e.attribute in _CUSTOMER_FIELDS}


def refusal_text(result: object) -> str:
    """The refusal in words that repeat nothing of the request."""
    return refusals.describe(error_codes(_refusal(result)))


def _refusal(result: object) -> ErrorResult:
    if not isinstance(result, ErrorResult):
        raise TypeError(f"{type(result).__name__} is no answer")
    return result


def _outcome_of(found: Transaction, *, refused: bool = False) -> Outcome:
    if found.decline is not None:
        return Declined(decline=found.decline, details=found.details, instrument=found.instrument)
    if found.standing.status is TransactionStatus.AUTHORIZING:
        return Unknown("the gateway is still working on it")
    if refused:
        return Unknown(f"refused, and yet {found.standing.status.value}")
    return Approved(found)


def _refused(codes: list[str]) -> Outcome:
    unsettled = _UNSETTLED_KEYS.intersection(codes)
    if unsettled:
        return Unknown(refusals.describe(sorted(unsettled)))
    caused = declines.validation_decline(codes)
    if caused is not None:
        code, decline = caused
        return Declined(decline=decline, details=GatewayDetails(validation_code=code))
    return _rejected(codes)


def _rejected(codes: list[str]) -> Rejected:
    cause, code = refusals.cause_of(codes)
    return Rejected(detail=refusals.describe(codes), details=GatewayDetails(validation_code=code), cause=cause)


def _about_shipping(refusal: ErrorResult, outcome: Outcome) -> Outcome:
    """The refusal, with the shipping address as its cause where the billing address is without fault: one set of codes
    is about both.
    """
    if not (isinstance(outcome, Rejected) and outcome.cause is RefusalCause.BILLING_ADDRESS):
        return outcome
    errors = refusal.errors.for_object("transaction")
    if errors.for_object("billing").deep_errors or not errors.for_object("shipping").deep_errors:
        return outcome
    codes = [str(error.code) for error in errors.for_object("shipping").deep_errors]
    detail = refusals.describe(codes, RefusalCause.SHIPPING_ADDRESS)
    return replace(outcome, cause=RefusalCause.SHIPPING_ADDRESS, detail=detail)


def _unverified(checked: Verification) -> Outcome:
    """The merchant requires verification of cards before a charge, and this card was not verified."""
    decline = checked.decline or declines.processor_decline(
        declines.ProcessorAnswer(code=checked.processor_response_code)
    )
    details = GatewayDetails(processor_response_code=checked.processor_response_code)
    return Declined(decline=decline, details=details)


# Transactions --------------------------------------------------------------------------------------------------------


def transaction(found: braintree.Transaction) -> Transaction:
    kind = TransactionKind(found.type)
    currency_code = str(found.currency_iso_code)
    instrument, token = _paid_with(found)
    # Nearly always there are none.
    adjustments = _adjustments(found) if getattr(found, "authorization_adjustments", None) else ()
    return Transaction(
        transaction_id=required(found, "id"),
        order_id=text(found, "order_id"),
        kind=kind,
        amount=Money.from_decimal(str(found.amount), currency_code),
        standing=_standing(found, adjustments),
        create_time=_time(found.created_at),
        details=_details(found),
        instrument=instrument,
        decline=_decline(found, kind),
        token=token,
        refunded_transaction_id=text(found, "refunded_transaction_id"),
        authorized_transaction_id=text(found, "authorized_transaction_id"),
        refund_ids=_ids(found, "refund_ids"),
        partial_settlement_ids=_ids(found, "partial_settlement_transaction_ids"),
        claims=_claims(found),
        adjustments=adjustments,
        merchant_account_id=text(found, "merchant_account_id"),
    )


def described(found: object, failure: Exception) -> str:
    """The safe description of an unreadable transaction."""
    shown = ", ".join(filter(None, (text(found, name) for name in ("type", "amount", "currency_iso_code", "status"))))
    return f"{shown or 'no details'} ({type(failure).__name__})"


def _adjustments(found: braintree.Transaction) -> tuple[Adjustment, ...]:
    return tuple(_adjustment(one, str(found.currency_iso_code)) for one in found.authorization_adjustments)


def _adjustment(shown: Any, currency_code: str) -> Adjustment:
    succeeded = getattr(shown, "success", None) is True
    decline = None
    if not succeeded:
        decline = declines.processor_decline(
            declines.ProcessorAnswer(
                code=text(shown, "processor_response_code"), response_type=text(shown, "processor_response_type")
            )
        )
    return Adjustment(
        change=Money.from_decimal(str(shown.amount), currency_code),
        succeeded=succeeded,
        decline=decline,
        details=GatewayDetails(
            processor_response_code=text(shown, "processor_response_code"),
            processor_response_text=text(shown, "processor_response_text"),
        ),
    )


_CLAIMING: Final = ("chargeback", "pre_arbitration")


def _standing(found: braintree.Transaction, adjustments: tuple[Adjustment, ...]) -> TransactionSnapshot:
    disbursement = getattr(found, "disbursement_details", None)
    expiry = getattr(found, "authorization_expires_at", None)
    status = _status(found)
    captured, settled, ended = _times(found, status)
    return TransactionSnapshot(
        status=status,
        settle_time=settled,
        disburse_date=_date(getattr(disbursement, "disbursement_date", None)),
        settlement_amount=_settlement_amount(disbursement),
        authorization_expire_time=_time(expiry) if expiry else None,
        disputed_amount=_disputed_amount(found),
        adjustment_count=sum([one.succeeded for one in adjustments]) if adjustments else 0,
        capture_time=captured,
        end_time=ended,
        settlement_batch_id=text(found, "settlement_batch_id"),
    )


def _claims(found: braintree.Transaction) -> tuple[Claim, ...]:
    """The amount that each dispute takes: nothing once it is won. A retrieval takes nothing."""
    return tuple(
        Claim(
            required(dispute, "id"),
            _claimed(dispute) if _is_claiming(dispute) else Money.zero(str(dispute.currency_iso_code)),
            _time(getattr(dispute, "updated_at", None) or found.updated_at or found.created_at),
        )
        for dispute in getattr(found, "disputes", None) or ()
    )


def _is_claiming(dispute: Any) -> bool:
    return dispute.kind in _CLAIMING and dispute.status != "won"


def _claimed(dispute: Any) -> Money:
    return Money.from_decimal(str(dispute.amount_disputed), str(dispute.currency_iso_code))


def _disputed_amount(found: braintree.Transaction) -> Money | None:
    """The disputed amount, unless it was won back. A retrieval only asks for documents."""
    claims = [_claimed(dispute) for dispute in getattr(found, "disputes", None) or () if _is_claiming(dispute)]
    claims = [claim for claim in claims if claim.currency_code == found.currency_iso_code]
    return Money.total(claims, str(found.currency_iso_code)) if claims else None


def _status(found: braintree.Transaction) -> TransactionStatus:
    status = _STATUSES[found.status]
    if status.is_captured and _ids(found, "partial_settlement_transaction_ids"):
        # The money is in the partial settlements. The parent only holds the rest, and "settles" once nothing is left.
        is_held = status is TransactionStatus.SETTLEMENT_PENDING
        return TransactionStatus.PARTIALLY_CAPTURED if is_held else TransactionStatus.RELEASED
    return status


def _decline(found: braintree.Transaction, kind: TransactionKind) -> Decline | None:
    is_refund = kind is TransactionKind.CREDIT
    match found.status:
        case "processor_declined" | "failed":
            return declines.processor_decline(
                declines.ProcessorAnswer(
                    code=text(found, "processor_response_code"),
                    response_type=text(found, "processor_response_type"),
                    merchant_advice_code=text(found, "merchant_advice_code"),
                    is_refund=is_refund,
                )
            )
        case "gateway_rejected":
            return declines.rejection_decline(text(found, "gateway_rejection_reason"))
        case "settlement_declined" | "settlement_failed":
            return declines.settlement_decline(text(found, "processor_settlement_response_code"), is_refund=is_refund)
        case _:
            return None


def _details(found: braintree.Transaction) -> GatewayDetails:
    settlement_code = text(found, "processor_settlement_response_code")
    if found.status in ("settlement_declined", "settlement_failed") and settlement_code:
        response_code, response_text = settlement_code, text(found, "processor_settlement_response_text")
    else:
        response_code, response_text = text(found, "processor_response_code"), text(found, "processor_response_text")
    return GatewayDetails(
        transaction_id=text(found, "id"),
        status=text(found, "status"),
        processor_response_code=response_code,
        processor_response_text=response_text,
        additional_processor_response=written(found, "additional_processor_response"),
        gateway_rejection_reason=text(found, "gateway_rejection_reason"),
        avs_postal_code_response=text(found, "avs_postal_code_response_code"),
        avs_street_address_response=text(found, "avs_street_address_response_code"),
        cvv_response=text(found, "cvv_response_code"),
        merchant_advice_code=text(found, "merchant_advice_code"),
        network_transaction_id=text(found, "network_transaction_id"),
        three_d_secure=authentication.result(getattr(found, "three_d_secure_info", None)),
        risk_check=_risk_check(getattr(found, "risk_data", None)),
        mastercard_transaction_link_id=text(found, "mastercard_transaction_link_id"),
    )


def _risk_check(data: Any) -> RiskCheck | None:
    """The risk check of an answer. None where it had no device data and did not object: that says nothing."""
    captured = getattr(data, "device_data_captured", None) is True
    if data is None or not (captured or text(data, "decision") in _OBJECTIONS):
        return None
    score = text(data, "transaction_risk_score")
    return RiskCheck(
        risk_check_id=text(data, "id"),
        decision=text(data, "decision"),
        device_data_captured=captured,
        score=int(score) if score.isdecimal() else None,
        decision_reasons=_ids(data, "decision_reasons"),
        provider=text(data, "fraud_service_provider"),
    )


_OBJECTIONS: Final = frozenset({"Decline", "Review"})


_CAPTURED: Final = frozenset(name for name, status in _STATUSES.items() if status.is_captured)


def _times(
    found: braintree.Transaction, status: TransactionStatus
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """When it was captured, settled, and voided or refused at settlement after its capture. None: not, or not known."""
    captured = settled = ended = None
    for event in getattr(found, "status_history", []):
        if captured is None and event.status in _CAPTURED:
            captured = event.timestamp
        if event.status == "settled":
            settled = event.timestamp
        ended = event.timestamp
    if captured is None or status.is_open or status.is_captured:
        ended = None
    return _time_or_none(captured), _time_or_none(settled), _time_or_none(ended)


def _settlement_amount(disbursement: Any) -> Money | None:
    """The amount paid out."""
    return _amount_or_none(getattr(disbursement, "settlement_amount", None), text(disbursement, _SETTLEMENT_CURRENCY))


def _amount_or_none(amount: object, currency_code: str) -> Money | None:
    """The amount, or None if it is absent or malformed. That is never a reason for an unknown outcome."""
    try:
        return None if amount is None else Money.from_decimal(str(amount), currency_code)
    except (InexactAmount, UnknownCurrency):
        return None


_SETTLEMENT_CURRENCY: Final = "settlement_currency_iso_code"


# Instruments ---------------------------------------------------------------------------------------------------------

_WALLETS_PREFIX: Final = "Apple Pay - "


def _paid_with(found: braintree.Transaction) -> tuple[Instrument | None, str]:
    """The instrument that paid, and its token at the gateway."""
    match text(found, "payment_instrument_type"):
        case "credit_card":
            shown: Any = found.credit_card_details
            return _card(shown), text(shown, "token")
        case "paypal_account":
            shown = found.paypal_details
            return _paypal(shown), text(shown, "token")
        case "apple_pay_card":
            shown = found.apple_pay_details
            return _apple_pay(shown), text(shown, "token")
        case "android_pay_card":
            shown = found.android_pay_card_details
            return _google_pay(shown), text(shown, "token")
        case "venmo_account":
            shown = found.venmo_account_details
            return _venmo(shown), text(shown, "token")
        case "":
            return None, ""
        case _:
            return Instrument(InstrumentKind.OTHER), ""


def stored_instrument(kept: object) -> StoredInstrument:
    match kept:
        case braintree.CreditCard():
            instrument = _card(kept)
        case braintree.PayPalAccount():
            instrument = _paypal(kept)
        case braintree.ApplePayCard():
            instrument = _apple_pay(kept)
        case braintree.AndroidPayCard():
            instrument = _google_pay(kept)
        case braintree.VenmoAccount():
            instrument = _venmo(kept)
        case _:
            instrument = Instrument(InstrumentKind.OTHER)
    latest = getattr(kept, "verification", None)
    return StoredInstrument(
        token=required(kept, "token"),
        customer_id=text(kept, "customer_id"),
        instrument=instrument,
        is_default=getattr(kept, "default", False) is True,
        verification=verification(latest) if latest is not None else None,
        is_revoked=bool(text(kept, "revoked_at")),
        network_transaction_id=text(latest, "network_transaction_id"),
        mastercard_transaction_link_id=text(latest, "mastercard_transaction_link_id"),
    )


def _card(shown: Any) -> Instrument:
    return Instrument(
        InstrumentKind.CARD,
        brand=_known(shown, "card_type"),
        last_four=text(shown, "last_4"),
        expiry=_expiry(shown),
        cardholder_name=written(shown, "cardholder_name"),
        issuer_country=_known(shown, "country_of_issuance"),
        issuer=_known(shown, "issuing_bank"),
        unique_number_identifier=text(shown, "unique_number_identifier"),
    )


def _apple_pay(shown: Any) -> Instrument:
    return Instrument(
        InstrumentKind.APPLE_PAY,
        brand=_known(shown, "card_type").removeprefix(_WALLETS_PREFIX),
        last_four=text(shown, "last_4"),
        expiry=_expiry(shown),
        cardholder_name=written(shown, "cardholder_name"),
        issuer_country=_known(shown, "country_of_issuance"),
        issuer=_known(shown, "issuing_bank"),
    )


def _google_pay(shown: Any) -> Instrument:
    """The customer's own card, rather than the device number (DPAN) that stands in for it."""
    return Instrument(
        InstrumentKind.GOOGLE_PAY,
        brand=_known(shown, "source_card_type") or _known(shown, "virtual_card_type"),
        last_four=text(shown, "source_card_last_4") or text(shown, "virtual_card_last_4"),
        expiry=_expiry(shown),
        issuer_country=_known(shown, "country_of_issuance"),
        issuer=_known(shown, "issuing_bank"),
    )


def _paypal(shown: Any) -> Instrument:
    return Instrument(InstrumentKind.PAYPAL, account=written(shown, "payer_email") or written(shown, "email"))


def _venmo(shown: Any) -> Instrument:
    return Instrument(InstrumentKind.VENMO, account=written(shown, "username"))


def _expiry(shown: Any) -> CardExpiry | None:
    month, year = text(shown, "expiration_month"), text(shown, "expiration_year")
    if not (month.isdecimal() and year.isdecimal() and 1 <= int(month) <= 12):
        return None
    return CardExpiry(int(year), int(month))


# Verifications -------------------------------------------------------------------------------------------------------


def verification(checked: Any) -> Verification:
    status = text(checked, "status")
    decline = None
    if status == "gateway_rejected":
        decline = declines.rejection_decline(text(checked, "gateway_rejection_reason"))
    elif status != "verified":
        decline = declines.processor_decline(
            declines.ProcessorAnswer(
                code=text(checked, "processor_response_code"),
                response_type=text(checked, "processor_response_type"),
                merchant_advice_code=text(checked, "merchant_advice_code"),
            )
        )
    # S and E are about the whole address.
    whole = declines.check_result(text(checked, "avs_error_response_code"))
    return Verification(
        approved=decline is None,
        cvv=declines.check_result(text(checked, "cvv_response_code")),
        postal_code=_checked(checked, "avs_postal_code_response_code", whole),
        street_address=_checked(checked, "avs_street_address_response_code", whole),
        decline=decline,
        processor_response_code=text(checked, "processor_response_code"),
        three_d_secure=authentication.result(getattr(checked, "three_d_secure_info", None)),
        amount=_amount_or_none(getattr(checked, "amount", None), text(checked, "currency_iso_code")),
        merchant_account_id=text(checked, "merchant_account_id"),
    )


def _checked(checked: Any, name: str, whole: CheckResult | None) -> CheckResult | None:
    return whole or declines.check_result(text(checked, name))


# Plain values --------------------------------------------------------------------------------------------------------


def text(shown: object, name: str) -> str:
    """Absent and empty elements are the same: the SDK gives None, "" or no attribute."""
    value = getattr(shown, name, None)
    return "" if value is None else str(value)


def written(shown: object, name: str) -> str:
    """Text that people wrote elsewhere, such as a shopper in a form of the gateway: this service did not validate it.

    It is kept without card numbers.
    """
    return without_card_numbers(text(shown, name), "[removed]")


def _known(shown: object, name: str) -> str:
    value = text(shown, name)
    return "" if value == "Unknown" else value


def required(shown: object, name: str) -> str:
    value = text(shown, name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _ids(shown: object, name: str) -> tuple[str, ...]:
    return tuple(str(value) for value in getattr(shown, name, None) or ())


def _time(value: datetime) -> datetime:
    """The SDK's times are UTC without a zone."""
    return value.replace(tzinfo=UTC)


def _time_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else _time(value)


def _date(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str) and value:
        return date.fromisoformat(value)
    return value if isinstance(value, date) else None


_NONCE_KINDS: Final[Mapping[str, InstrumentKind]] = MappingProxyType(
    {
        "CreditCard": InstrumentKind.CARD,
        "PayPalAccount": InstrumentKind.PAYPAL,
        "ApplePayCard": InstrumentKind.APPLE_PAY,
        "AndroidPayCard": InstrumentKind.GOOGLE_PAY,
        "VenmoAccount": InstrumentKind.VENMO,
    }
)


def nonce_details(found: Any) -> NonceDetails:
    details = getattr(found, "details", None) or {}
    return NonceDetails(
        kind=_NONCE_KINDS.get(text(found, "type"), InstrumentKind.OTHER),
        brand=str(details.get("card_type") or ""),
        three_d_secure=authentication.result(getattr(found, "three_d_secure_info", None)),
    )


def method_nonce(made: Any) -> MethodNonce:
    """The SDK keeps the details of a card as a dict."""
    details = getattr(made, "details", None) or {}
    return MethodNonce(made.nonce, str(details.get("bin") or ""))
