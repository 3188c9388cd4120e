"""Processor response codes with their texts, and the response that a transaction's amount triggers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

APPROVED, SOFT, HARD = "approved", "soft_declined", "hard_declined"

TEXTS: dict[str, str] = {
    "1000": "Approved",
    "1001": "Approved, check customer ID",
    "1002": "Processed",
    "1003": "Approved with Risk",
    "1004": "Approved for Partial Amount",
    "1005": "Approved with Override",
    "2000": "Do Not Honor",
    "2001": "Insufficient Funds",
    "2002": "Limit Exceeded",
    "2003": "Cardholder's Activity Limit Exceeded",
    "2004": "Expired Card",
    "2005": "Invalid Credit Card Number",
    "2006": "Invalid Expiration Date",
    "2007": "No Account",
    "2008": "Card Account Length Error",
    "2009": "No Such Issuer",
    "2010": "Card Issuer Declined CVV",
    "2011": "Voice Authorization Required",
    "2012": "Processor Declined - Possible Lost Card",
    "2013": "Processor Declined - Possible Stolen Card",
    "2014": "Processor Declined - Fraud Suspected",
    "2015": "Transaction Not Allowed",
    "2016": "Duplicate Transaction",
    "2017": "Cardholder Stopped Billing",
    "2018": "Cardholder Stopped All Billing",
    "2019": "Invalid Transaction",
    "2020": "Violation",
    "2021": "Security Violation",
    "2022": "Declined - Updated Cardholder Available",
    "2023": "Processor Does Not Support This Feature",
    "2024": "Card Type Not Enabled",
    "2025": "Set Up Error - Merchant",
    "2026": "Invalid Merchant ID",
    "2027": "Set Up Error - Amount",
    "2028": "Set Up Error - Hierarchy",
    "2029": "Set Up Error - Card",
    "2030": "Set Up Error - Terminal",
    "2031": "Encryption Error",
    "2032": "Surcharge Not Permitted",
    "2033": "Inconsistent Data",
    "2034": "No Action Taken",
    "2035": "Partial Approval For Amount In Group III Version",
    "2036": "Authorization could not be found",
    "2037": "Already Reversed",
    "2038": "Processor Declined",
    "2039": "Invalid Authorization Code",
    "2040": "Invalid Store",
    "2041": "Declined - Call For Approval",
    "2042": "Invalid Client ID",
    "2043": "Error - Do Not Retry, Call Issuer",
    "2044": "Declined - Call Issuer",
    "2045": "Invalid Merchant Number",
    "2046": "Declined",
    "2047": "Call Issuer. Pick Up Card",
    "2048": "Invalid Amount",
    "2049": "Invalid SKU Number",
    "2050": "Invalid Credit Plan",
    "2051": "Credit Card Number does not match method of payment",
    "2053": "Card reported as lost or stolen",
    "2054": "Reversal amount does not match authorization amount",
    "2055": "Invalid Transaction Division Number",
    "2056": "Transaction amount exceeds the transaction division limit",
    "2057": "Issuer or Cardholder has put a restriction on the card",
    "2058": "Merchant not Mastercard SecureCode enabled",
    "2059": "Address Verification Failed",
    "2060": "Address Verification and Card Security Code Failed",
    "2061": "Invalid Transaction Data",
    "2062": "Invalid Tax Amount",
    "2063": "PayPal Business Account preference resulted in the transaction failing",
    "2064": "Invalid Currency Code",
    "2065": "Refund Time Limit Exceeded",
    "2066": "PayPal Business Account Restricted",
    "2067": "Authorization Expired",
    "2068": "PayPal Business Account Locked or Closed",
    "2069": "PayPal Blocking Duplicate Order IDs",
    "2070": "PayPal Buyer Revoked Pre-Approved Payment Authorization",
    "2071": "PayPal Payee Account Invalid Or Does Not Have a Confirmed Email",
    "2072": "PayPal Payee Email Incorrectly Formatted",
    "2073": "PayPal Validation Error",
    "2074": "Funding Instrument In The PayPal Account Was Declined By The Processor Or Bank, Or It Can't Be Used",
    "2075": "Payer Account Is Locked Or Closed",
    "2076": "Payer Cannot Pay For This Transaction With PayPal",
    "2077": "Transaction Refused Due To PayPal Risk Model",
    "2079": "PayPal Merchant Account Configuration Error",
    "2081": "PayPal pending payments are not supported",
    "2082": "PayPal Domestic Transaction Required",
    "2083": "PayPal Phone Number Required",
    "2084": "PayPal Tax Info Required",
    "2085": "PayPal Payee Blocked Transaction",
    "2086": "PayPal Transaction Limit Exceeded",
    "2087": "PayPal reference transactions not enabled for your account",
    "2088": "Currency not enabled for your PayPal seller account",
    "2089": "PayPal payee email permission denied for this request",
    "2090": "PayPal or Venmo account not configured to refund more than settled amount",
    "2091": "Currency of this transaction must match currency of your PayPal account",
    "2092": "No Data Found - Try Another Verification Method",
    "2093": "PayPal payment method is invalid",
    "2094": "PayPal payment has already been completed",
    "2095": "PayPal refund is not allowed after partial refund",
    "2096": "PayPal buyer account can't be the same as the seller account",
    "2097": "PayPal authorization amount limit exceeded",
    "2098": "PayPal authorization count limit exceeded",
    "2099": "Cardholder Authentication Required",
    "2100": "PayPal channel initiated billing not enabled for your account",
    "2101": "Additional authorization required",
    "2102": "Incorrect PIN",
    "2103": "PIN try exceeded",
    "2104": "Offline Issuer Declined",
    "2105": "Cannot Authorize at this time (Life cycle)",
    "2106": "Cannot Authorize at this time (Policy)",
    "2107": "Card Not Activated",
    "2108": "Closed Card",
    "3000": "Processor Network Unavailable - Try Again",
}
UNLISTED_DECLINE = "Processor Declined"
SETTLEMENT_TEXTS = {"4000": "Settled", "4001": "Settlement Declined", "4002": "Settlement Pending"}

# Mastercard's advice about a declined payment.
ADVICE_TEXTS = {
    "01": "New account information available",
    "02": "Cannot approve at this time, try again later",
    "03": "Do not try again",
    "04": "Token not supported",
    "21": "Stop recurring payment",
    "24": "Retry after 1 hour",
    "25": "Retry after 24 hours",
    "26": "Retry after 2 days",
    "27": "Retry after 4 days",
    "28": "Retry after 6 days",
    "29": "Retry after 8 days",
    "30": "Retry after 10 days",
    "40": "Consumer non-reloadable prepaid card",
    "41": "Consumer single-use virtual card number",
    "43": "Consumer multi-use virtual card number",
}
# Processor response code -> advice; the others go by whether another attempt may succeed (inferred).
_ADVICE = {"2000": "01", "2004": "01", "2006": "01", "2017": "21", "2018": "21", "2022": "01"}

_SOFT_CODES = frozenset(
    {2000, 2001, 2002, 2003, 2016, 2025, 2026, 2034, 2035, 2038, 2040, 2042, 2046, 2048, 2057, 2062, 2078, 2080, 2092}
    | {2099, *range(2101, 2107), *range(2109, 3001)}
)


def text_of(code: str) -> str:
    return TEXTS.get(code, UNLISTED_DECLINE)


def kind_of(code: str) -> str:
    """The response type: approved, soft_declined or hard_declined."""
    if code.startswith("1"):
        return APPROVED
    return SOFT if int(code) in _SOFT_CODES else HARD


def advice_of(code: str, card_type: str) -> str | None:
    """The merchant advice code of a decline, which only Mastercard's cards have."""
    if card_type != "MasterCard" or kind_of(code) == APPROVED:
        return None
    return _ADVICE.get(code, "02" if kind_of(code) == SOFT else "03")


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of a new transaction: status, processor response code, gateway rejection reason."""

    status: str
    processor_response_code: str | None = None
    gateway_rejection_reason: str | None = None

    @property
    def approved(self) -> bool:
        return self.status == "authorized"


AUTHORIZED = Decision("authorized", "1000")
# The issuer asks for an authentication of the cardholder. It approves the same payment with one (inferred).
ASKING_FOR_AUTHENTICATION = frozenset({"2099", "2101"})


def decide_by_amount(amount: Decimal, kind: str, *, authenticated: bool = False) -> Decision:
    """The outcome by the sandbox's table of amounts, for this kind of instrument. `authenticated`: by 3-D Secure."""
    if Decimal(2000) <= amount < Decimal(3000):
        code = str(int(amount))
        if authenticated and code in ASKING_FOR_AUTHENTICATION:
            return AUTHORIZED
        return Decision("processor_declined", code)
    if Decimal(3000) <= amount < Decimal(3001):
        return Decision("failed", "3000")
    if amount == Decimal("5001.00"):
        return Decision("gateway_rejected", gateway_rejection_reason="application_incomplete")
    if amount == Decimal("5001.01") and kind == "paypal_account":
        return Decision("processor_declined", "2038")
    return AUTHORIZED


def settlement_of(amount: Decimal, kind: str) -> tuple[str, str]:
    """The outcome of settlement by amount: status and settlement response code."""
    if Decimal(4001) <= amount < Decimal(4002):
        return "settlement_declined", "4001"
    if Decimal(4002) <= amount < Decimal(4003) and kind == "paypal_account":
        return "settlement_pending", "4002"
    if Decimal(4003) <= amount < Decimal(5001):
        return "settlement_declined", "4001"
    return "settled", "4000"
