"""Dispute evidence: categories, the form of each, and the evidence that finalizing requires."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

MAX_TEXT_LENGTH = 500
MAX_ARN_LENGTH = 23
MAX_PHONE_LENGTH = 15
TEXT_ONLY, DOCUMENT_ONLY, WRONG_REASON = "95711", "95712", "95713"

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DATES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y")

# Category -> the form of its text.
_TEXTS = {
    "CARRIER_NAME": "text",
    "DEVICE_ID": "text",
    "DEVICE_NAME": "text",
    "DOWNLOAD_DATE_TIME": "date",
    "GEOGRAPHICAL_LOCATION": "text",
    "PRIOR_DIGITAL_GOODS_TRANSACTION_ARN": "arn",
    "PRIOR_DIGITAL_GOODS_TRANSACTION_DATE_TIME": "date",
    "PRIOR_DIGITAL_GOODS_TRANSACTION_ID": "text",
    "PRIOR_NON_DISPUTED_TRANSACTION_ARN": "arn",
    "PRIOR_NON_DISPUTED_TRANSACTION_DATE_TIME": "date",
    "PRIOR_NON_DISPUTED_TRANSACTION_EMAIL_ADDRESS": "email",
    "PRIOR_NON_DISPUTED_TRANSACTION_ID": "text",
    "PRIOR_NON_DISPUTED_TRANSACTION_IP_ADDRESS": "text",
    "PRIOR_NON_DISPUTED_TRANSACTION_PHONE_NUMBER": "phone",
    "PRIOR_NON_DISPUTED_TRANSACTION_PHYSICAL_ADDRESS": "text",
    "PURCHASER_EMAIL_ADDRESS": "email",
    "PURCHASER_IP_ADDRESS": "text",
    "PURCHASER_NAME": "text",
    "RECURRING_TRANSACTION_ARN": "arn",
    "RECURRING_TRANSACTION_DATE_TIME": "date",
    "RECURRING_TRANSACTION_ID": "text",
    "REFUND_ID": "text",
    "TRACKING_NUMBER": "text",
    "TRACKING_URL": "text",
}
# Categories that take documents only.
_DOCUMENTS = frozenset(
    {
        "LEGIT_PAYMENTS_FOR_SAME_MERCHANDISE",
        "MERCHANT_WEBSITE_OR_APP_ACCESS",
        "PROFILE_SETUP_OR_APP_ACCESS",
        "PROOF_OF_AUTHORIZED_SIGNER",
        "PROOF_OF_DELIVERY",
        "PROOF_OF_DELIVERY_EMP_ADDRESS",
        "PROOF_OF_POSSESSION_OR_USAGE",
        "SIGNED_DELIVERY_FORM",
        "SIGNED_ORDER_FORM",
        "TICKET_PROOF",
    }
)
_EITHER = frozenset({"GENERAL"})
CATEGORIES = frozenset(_TEXTS) | _DOCUMENTS | _EITHER
# Categories for the reason `fraud` only.
_FRAUD_ONLY = frozenset(
    name for name in _TEXTS if name.startswith(("DEVICE_", "DOWNLOAD_", "PRIOR_", "RECURRING_", "GEOGRAPHICAL_"))
)
_DIGITAL_GOODS = frozenset(
    {
        "DEVICE_ID",
        "DEVICE_NAME",
        "GEOGRAPHICAL_LOCATION",
        "MERCHANT_WEBSITE_OR_APP_ACCESS",
        "PRIOR_DIGITAL_GOODS_TRANSACTION_ARN",
        "PRIOR_DIGITAL_GOODS_TRANSACTION_DATE_TIME",
        "PRIOR_DIGITAL_GOODS_TRANSACTION_ID",
        "PROFILE_SETUP_OR_APP_ACCESS",
        "PURCHASER_EMAIL_ADDRESS",
        "PURCHASER_IP_ADDRESS",
        "PURCHASER_NAME",
    }
)
# Category -> the category that it requires, and the error code if that is missing.
_PAIRS = {
    "PRIOR_NON_DISPUTED_TRANSACTION_DATE_TIME": ("PRIOR_NON_DISPUTED_TRANSACTION_ARN", "95722"),
    "PRIOR_NON_DISPUTED_TRANSACTION_ARN": ("PRIOR_NON_DISPUTED_TRANSACTION_DATE_TIME", "95723"),
    "RECURRING_TRANSACTION_ARN": ("RECURRING_TRANSACTION_DATE_TIME", "95724"),
    "RECURRING_TRANSACTION_DATE_TIME": ("RECURRING_TRANSACTION_ARN", "95725"),
}


@dataclass(frozen=True, slots=True)
class SubmittedEvidence:
    """A piece of evidence in a request: a text (`comments`) or a document (None)."""

    text: str | None
    category: str | None
    sequence_number: int | None


def evidence_error(offered: SubmittedEvidence, reason: str) -> str | None:
    """The error code of invalid evidence, or None. Does not look at earlier evidence."""
    category = offered.category
    if category is not None and category not in CATEGORIES:
        return "95706"
    if category in _FRAUD_ONLY and reason != "fraud":
        return WRONG_REASON
    if offered.text is None:
        return TEXT_ONLY if category in _TEXTS else None
    if category in _DOCUMENTS:
        return DOCUMENT_ONLY
    return _text_error(offered.text, _TEXTS.get(category or "", "any"))


def _text_error(text: str, kind: str) -> str | None:
    if kind == "date":
        return None if _is_date(text) else "95707"
    if kind == "email":
        return None if _EMAIL.fullmatch(text) and len(text) <= MAX_TEXT_LENGTH else "95715"
    longest, code = {"arn": (MAX_ARN_LENGTH, "95709"), "phone": (MAX_PHONE_LENGTH, "95710")}.get(
        kind, (MAX_TEXT_LENGTH, "95708")
    )
    # Without a category, the text may be longer.
    return code if kind != "any" and len(text) > longest else None


def _is_date(text: str) -> bool:
    for form in _DATES:
        try:
            datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
        return True
    return False


def is_repeatable(category: str | None) -> bool:
    """Whether a category may have several pieces of evidence with one sequence number."""
    return category not in _TEXTS


def missing_evidence(categories: Collection[str | None]) -> list[str]:
    """The error codes of evidence that finalizing requires and that is missing."""
    codes: list[str] = []
    digital = _DIGITAL_GOODS.intersection(filter(None, categories))
    if digital or "DOWNLOAD_DATE_TIME" in categories:
        if len(digital) < 2:
            codes.append("95720")
        if "DOWNLOAD_DATE_TIME" not in categories:
            codes.append("95721")
    codes.extend(code for name, (partner, code) in _PAIRS.items() if name in categories and partner not in categories)
    return codes
