"""The table of Braintree's validation codes: the subject of each, from which a refusal's remedy follows.

Codes about the card, the nonce, the wallet or the amount are declines, and are in declines.py. No other code is one.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from braintree import ErrorCodes

from adapters.braintree.codes.validation_names import name_of
from application.ports.gateway import RefusalCause

_C = RefusalCause

# By the SDK's group of the code. A code of no group here is about this service's own request.
CAUSE_BY_GROUP: Final[Mapping[str, RefusalCause]] = MappingProxyType(
    {
        "Address": _C.BILLING_ADDRESS,
        "AuthorizationFingerprint": _C.MERCHANT_ACCOUNT,
        "Customer": _C.CUSTOMER_DETAILS,
        "Merchant": _C.MERCHANT_ACCOUNT,
        "MerchantAccount": _C.MERCHANT_ACCOUNT,
        "OAuth": _C.MERCHANT_ACCOUNT,
        "Transaction.LineItem": _C.ORDER_DETAILS,
    }
)

_CODES_BY_CAUSE: Final[Mapping[RefusalCause, str]] = MappingProxyType(
    {
        # The gateway has no such customer (any more).
        _C.CUSTOMER_UNKNOWN: "91510 91705 92804 93105 93528 87116",
        # Address codes in other groups than their own.
        _C.BILLING_ADDRESS: "915206 91702 91744 93312 93529",
        # Features that the merchant's accounts or its processor lack, in general or for this case.
        _C.MERCHANT_ACCOUNT: (
            "91513 91514 91525 91538 91545 91546 91547 91557 91558 91559 91572 91584 915102 915104 "
            "915107 915108 915130 915131 915180 915185 915186 915195 915220 915221 915222 91728 91730 91742 "
            "91743 91758 81718 91901 91930 92203 92807 93513 93514 93516 93533 93540 93541 93543 "
            "942169 942185 94204 94205 94206 94284 97510 97511"
        ),
        # The network transaction id, or the status of another vault.
        _C.EXTERNAL_VAULT: "915175 915176 915177 915178 915179 915278 915279",
        _C.SHIPPING_ADDRESS: "915203 915204 91581",
        # Level 2 and level 3 data.
        _C.ORDER_DETAILS: (
            "81534 81535 81536 91537 91548 915157 915158 915159 915160 915161 915162 915163 915164 915165 915166 915167"
        ),
        # Codes of these groups about the request: a missing part cannot be left out, and ids are this service's own.
        _C.REQUEST: "81808 81811 81828 91609 91610 91611 91612 91613 81606 92805 83603 93615",
    }
)
CAUSE_BY_CODE: Final[Mapping[str, RefusalCause]] = MappingProxyType(
    {code: cause for cause, codes in _CODES_BY_CAUSE.items() for code in codes.split()}
)

# The precedence among several causes in one refusal. A refused request is not sent again in any case.
_BY_WEIGHT: Final = (
    _C.MERCHANT_ACCOUNT,
    _C.REQUEST,
    _C.METHOD_UNKNOWN,
    _C.CUSTOMER_UNKNOWN,
    _C.CUSTOMER_DETAILS,
    _C.BILLING_ADDRESS,
    _C.SHIPPING_ADDRESS,
    _C.ORDER_DETAILS,
    _C.EXTERNAL_VAULT,
)

_NOT_ADJUSTABLE: Final = ["915219", "915220", "915221", "915222"]
_MISSING_ADDRESS: Final = ["81808", "81811", "81828"]
# The remedies, for the people who run the shop.
_REMEDIES: Final[Mapping[RefusalCause, str]] = MappingProxyType(
    {
        _C.REQUEST: "",
        _C.CUSTOMER_UNKNOWN: "the gateway does not know the customer",
        _C.CUSTOMER_DETAILS: "the gateway refuses the customer's details: correct them with UpdateCustomer",
        _C.BILLING_ADDRESS: "the gateway refuses the billing address: correct it or leave it out",
        _C.SHIPPING_ADDRESS: "the gateway refuses the shipping address: correct it or leave it out",
        _C.ORDER_DETAILS: "the gateway refuses the order details: correct them or leave them out",
        _C.EXTERNAL_VAULT: "the gateway refuses the network transaction id: check external_vault",
        _C.METHOD_UNKNOWN: "the gateway does not keep this payment method any more: use another one",
        _C.MERCHANT_ACCOUNT: "the merchant account is not set up for this: check BAYAR_BRAINTREE_MERCHANT_ACCOUNTS and "
        "the gateway's control panel",
    }
)


def cause_of(codes: Sequence[str]) -> tuple[RefusalCause, str]:
    """The cause of a refusal with these codes, and the code that decided it."""
    causes = {_cause(code): code for code in reversed(codes)}
    for cause in _BY_WEIGHT:
        if cause in causes:
            return cause, causes[cause]
    return _C.REQUEST, ""


def describe(codes: Sequence[str], cause: RefusalCause | None = None) -> str:
    """The refusal in words that repeat nothing of the request, with the remedy if there is one.

    The cause is that of the codes, unless it is known better.
    """
    named = ", ".join(name_of(code) for code in codes) or "refused without a code"
    remedy = _REMEDIES[cause or cause_of(codes)[0]]
    if set(codes) & set(_NOT_ADJUSTABLE):
        remedy = "the account, processor or payment method cannot change authorized amounts"
    if cause is None and set(codes) & set(_MISSING_ADDRESS):
        remedy = "the merchant's rules need more of the address: send billing_address with street and postal code"
    return f"{named}; {remedy}" if remedy else named


def _cause(code: str) -> RefusalCause:
    group = groups().get(code, "").rpartition(".")[0]
    return CAUSE_BY_CODE.get(code) or CAUSE_BY_GROUP.get(group) or CAUSE_BY_GROUP.get(group.split(".")[0], _C.REQUEST)


@cache
def groups() -> Mapping[str, str]:
    """Every code of the SDK, with its group and name, such as "Customer.EmailFormatIsInvalid"."""
    return MappingProxyType(dict(_walk(ErrorCodes, "")))


def _walk(group: Any, path: str) -> Iterator[tuple[str, str]]:
    for name, value in vars(group).items():
        if isinstance(value, type):
            yield from _walk(value, f"{path}{name}.")
        elif isinstance(value, str) and value.isdecimal():
            yield value, f"{path}{name}"
