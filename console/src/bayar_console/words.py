"""Words of states, kinds and reasons for people, in their language; and the catalogues of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bayar import (
    AbuseScope,
    DeclineReason,
    DisputeAction,
    DisputeKind,
    DisputeReason,
    DisputeState,
    FailureReason,
    FindingKind,
    OpenEnum,
    OperationKind,
    OperationState,
    PaymentEventType,
    PaymentFunds,
    PaymentInitiator,
    PaymentMethodState,
    PaymentState,
    SettlementDifferenceKind,
    SettlementStage,
    ThreeDSecureStatus,
    WebhookNotificationState,
)


def compile_catalogues(folder: Path) -> None:
    """Writes the .mo file that Django reads beside each .po file, unless it is there and newer."""
    for source in folder.glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file)
        with compiled.open("wb") as file:
            write_mo(file, catalogue)


def word(value: OpenEnum) -> str | Promise:
    """The word for a value; its name for one that this version does not know."""
    return _WORDS.get((type(value), value.name), value.name.replace("_", " ").capitalize())


_PAIRS: Final[tuple[tuple[OpenEnum, str | Promise], ...]] = (
    (PaymentState.PENDING, _("Outcome not known yet")),
    (PaymentState.AUTHORIZED, _("Authorized")),
    (PaymentState.CAPTURED, _("Paid, on its way")),
    (PaymentState.SETTLED, _("Paid and settled")),
    (PaymentState.DECLINED, _("Declined")),
    (PaymentState.FAILED, _("Failed")),
    (PaymentState.VOIDED, _("Voided")),
    (PaymentState.EXPIRED, _("Authorization expired")),
    (PaymentState.SETTLEMENT_DECLINED, _("Declined at settlement")),
    (PaymentFunds.NONE, _("Nothing was taken")),
    (PaymentFunds.HELD, _("Held on the customer's account")),
    (PaymentFunds.CAPTURED, _("Captured, waiting for settlement")),
    (PaymentFunds.SETTLED, _("Settled with the gateway")),
    (PaymentFunds.DISBURSED, _("Paid out to the shop's bank account")),
    (PaymentFunds.RETURNED, _("Given back to the customer")),
    (PaymentFunds.DISPUTED, _("Claimed back by the customer's bank")),
    (PaymentFunds.UNKNOWN, _("Not known yet: the gateway has not answered")),
    (OperationKind.AUTHORIZE, _("Payment")),
    (OperationKind.CAPTURE, _("Capture")),
    (OperationKind.VOID, _("Void")),
    (OperationKind.REFUND, _("Refund")),
    (OperationKind.ADJUST, _("Change of the authorized amount")),
    (OperationState.SCHEDULED, _("Scheduled")),
    (OperationState.STARTED, _("Under way")),
    (OperationState.SUCCEEDED, _("Done")),
    (OperationState.DECLINED, _("Declined")),
    (OperationState.FAILED, _("Failed")),
    (FailureReason.GATEWAY_UNREACHABLE, _("The gateway could not be reached. Nothing was sent.")),
    (FailureReason.GATEWAY_REFUSED_REQUEST, _("The gateway refused the request.")),
    (FailureReason.NOT_FOUND_AT_GATEWAY, _("No answer came, and the gateway does not have it. Nothing was charged.")),
    (FailureReason.GATEWAY_REFUSED_CREDENTIALS, _("The gateway refused the shop's own credentials.")),
    (FailureReason.NO_LONGER_POSSIBLE, _("It became impossible meanwhile.")),
    (FailureReason.CLOSED_BY_ADMINISTRATOR, _("An administrator closed it by hand.")),
    (DeclineReason.DECLINED, _("No reason given")),
    (DeclineReason.INSUFFICIENT_FUNDS, _("Not enough money")),
    (DeclineReason.LIMIT_EXCEEDED, _("A limit is reached")),
    (DeclineReason.CARD_EXPIRED, _("Card expired")),
    (DeclineReason.INVALID_CARD, _("No such card")),
    (DeclineReason.INCORRECT_CVV, _("Wrong security code")),
    (DeclineReason.INCORRECT_ADDRESS, _("Wrong address")),
    (DeclineReason.CALL_ISSUER, _("The customer must call the bank")),
    (DeclineReason.SUSPECTED_FRAUD, _("Suspected fraud")),
    (DeclineReason.LOST_OR_STOLEN, _("Card lost or stolen")),
    (DeclineReason.NOT_PERMITTED, _("Not permitted for this card")),
    (DeclineReason.AUTHENTICATION_REQUIRED, _("Authentication required")),
    (DeclineReason.STOPPED_BY_CUSTOMER, _("Stopped by the customer")),
    (DeclineReason.ACCOUNT_CLOSED, _("Account closed")),
    (DeclineReason.NETWORK_UNAVAILABLE, _("The bank was out of reach")),
    (DeclineReason.DUPLICATE, _("Sent twice")),
    (DeclineReason.TOO_MANY_ATTEMPTS, _("Too many attempts")),
    (DeclineReason.MERCHANT_SETUP, _("The shop's own setup")),
    (DeclineReason.METHOD_NOT_SUPPORTED, _("Payment method not supported")),
    (DeclineReason.INVALID_AMOUNT, _("The amount is not accepted")),
    (DeclineReason.WALLET_ACCOUNT, _("A problem of the wallet account")),
    (DeclineReason.INVALID_DATA, _("Data not accepted")),
    (DeclineReason.SETTLEMENT_DECLINED, _("Declined at settlement")),
    (DeclineReason.REFUND_REFUSED, _("Refund refused")),
    (DeclineReason.METHOD_REMOVED, _("Payment method removed")),
    (DisputeState.OPEN, _("Open")),
    (DisputeState.UNDER_REVIEW, _("With the bank")),
    (DisputeState.WON, _("Won")),
    (DisputeState.LOST, _("Lost")),
    (DisputeState.ACCEPTED, _("Accepted")),
    (DisputeState.EXPIRED, _("Not answered in time")),
    (DisputeKind.CHARGEBACK, _("Chargeback")),
    (DisputeKind.PRE_ARBITRATION, _("Pre-arbitration")),
    (DisputeKind.RETRIEVAL, _("Request for information")),
    (DisputeReason.FRAUD, _("The cardholder says it was not them")),
    (DisputeReason.PRODUCT_NOT_RECEIVED, _("The goods did not arrive")),
    (DisputeReason.PRODUCT_UNSATISFACTORY, _("The goods are not as described")),
    (DisputeReason.CREDIT_NOT_PROCESSED, _("A refund did not arrive")),
    (DisputeReason.DUPLICATE, _("Charged twice")),
    (DisputeReason.CANCELLED_RECURRING, _("A membership was cancelled")),
    (DisputeReason.NOT_RECOGNIZED, _("The cardholder does not recognize it")),
    (DisputeReason.PROCESSING_ERROR, _("An error in processing")),
    (DisputeReason.RETRIEVAL, _("The bank asks for information")),
    (DisputeReason.OTHER, _("Another reason")),
    (DisputeAction.ACCEPT, _("The acceptance is on its way to the bank")),
    (DisputeAction.ADD_TEXT, _("A text is on its way to the gateway")),
    (DisputeAction.ADD_FILE, _("A file is on its way to the gateway")),
    (DisputeAction.FINALIZE, _("The evidence is on its way to the bank")),
    (PaymentMethodState.PENDING, _("Not known yet")),
    (PaymentMethodState.ACTIVE, _("Ready to use")),
    (PaymentMethodState.DECLINED, _("Declined")),
    (PaymentMethodState.FAILED, _("Not stored")),
    (PaymentMethodState.DELETED, _("Deleted")),
    (PaymentInitiator.CUSTOMER, _("The customer, in the shop")),
    (PaymentInitiator.MAIL_OR_TELEPHONE, _("The customer, by mail or telephone")),
    (PaymentInitiator.MERCHANT_RECURRING, _("The shop, at fixed intervals")),
    (PaymentInitiator.MERCHANT_INSTALLMENT, _("The shop, in installments")),
    (PaymentInitiator.MERCHANT_UNSCHEDULED, _("The shop, without a fixed time")),
    (WebhookNotificationState.PENDING, _("To be processed")),
    (WebhookNotificationState.DONE, _("Processed")),
    (WebhookNotificationState.DEAD, _("Given up")),
    (PaymentEventType.CREATED, _("Asked for")),
    (PaymentEventType.OPERATION_SCHEDULED, _("Scheduled")),
    (PaymentEventType.OPERATION_STARTED, _("Sent")),
    (PaymentEventType.OPERATION_SUCCEEDED, _("Done")),
    (PaymentEventType.OPERATION_DECLINED, _("Declined")),
    (PaymentEventType.OPERATION_FAILED, _("Failed")),
    (PaymentEventType.OUTCOME_UNKNOWN, _("No answer: the outcome is not known yet")),
    (PaymentEventType.GATEWAY_STATUS_CHANGED, _("News from the gateway")),
    (PaymentEventType.DIFFERENCE_REPAIRED, _("Corrected")),
    (PaymentEventType.DISPUTE_CHANGED, _("Dispute")),
    (PaymentEventType.OUTSIDE_OPERATION_RECORDED, _("Done by somebody else at the gateway")),
    (AbuseScope.CARD, _("Card")),
    (AbuseScope.CUSTOMER, _("Customer")),
    (AbuseScope.CLIENT_ADDRESS, _("Network address")),
    (AbuseScope.CALLER, _("Caller")),
    (FindingKind.ORPHAN, _("Money at the gateway without a record")),
    (FindingKind.MISSING_AT_GATEWAY, _("The gateway does not know it")),
    (FindingKind.MISMATCH, _("Both have it, and disagree")),
    (FindingKind.ORPHAN_REVERSED, _("Given back")),
    (FindingKind.FOREIGN, _("Somebody else's")),
    (FindingKind.UNREADABLE, _("Cannot be read")),
    (SettlementStage.SETTLEMENT, _("Settlement")),
    (SettlementStage.PAYOUT, _("Payout")),
    (SettlementDifferenceKind.NOT_RECORDED_YET, _("Not recorded here yet")),
    (SettlementDifferenceKind.OTHER_DAY, _("Recorded under another day")),
    (SettlementDifferenceKind.AMOUNT_DIFFERS, _("The amounts differ")),
    (SettlementDifferenceKind.OTHER_MERCHANT_ACCOUNT, _("Under another merchant account")),
    (SettlementDifferenceKind.UNKNOWN_HERE, _("Money at the gateway without a record")),
    (SettlementDifferenceKind.FOREIGN, _("Somebody else's")),
    (SettlementDifferenceKind.UNKNOWN_AT_GATEWAY, _("The gateway does not know it")),
    (SettlementDifferenceKind.NOT_AT_GATEWAY, _("The gateway has not moved this money")),
    (SettlementDifferenceKind.UNREADABLE, _("Cannot be read")),
    (SettlementDifferenceKind.UNEXPLAINED, _("No transaction explains it: compare again later")),
    (ThreeDSecureStatus.AUTHENTICATED, _("The customer was authenticated")),
    (ThreeDSecureStatus.ATTEMPTED, _("Authentication was attempted")),
    (ThreeDSecureStatus.FAILED, _("Authentication failed")),
)
# Members of different enums are equal as numbers.
_WORDS: Final = {(type(value), value.name): text for value, text in _PAIRS}

_RIGHTS: Final = {
    "read": _("to look at payments"),
    "read_customers": _("to look at customers"),
    "read_disputes": _("to look at disputes"),
    "read_work": _("to look at open work"),
    "read_books": _("to export the books"),
    "refund": _("to give money back"),
    "void": _("to void payments"),
    "capture": _("to capture held money"),
    "adjust": _("to change holds"),
    "methods": _("to delete payment methods"),
    "customers": _("to erase customers"),
    "disputes": _("to answer disputes"),
    "lift_blocks": _("to lift blocks"),
    "resolve": _("to settle unknown outcomes"),
    "redeliver": _("to send events again"),
    "reconcile": _("to compare with the gateway"),
}


def right_word(name: str) -> str | Promise:
    """The words for a right of the console."""
    return _RIGHTS.get(name, name)
