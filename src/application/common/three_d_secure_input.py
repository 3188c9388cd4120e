"""Validates what a request says about 3-D Secure."""

import re
from dataclasses import dataclass, field, fields
from typing import Final

from application.common.caller import Caller
from application.common.errors import AuthenticationRequired, Rule
from application.common.paid_with import PaidWith, check_authenticable
from application.common.validator import MAX_TEXT, Validator
from domain.card_brands import CardBrand
from domain.money import Money
from domain.three_d_secure import (
    ExternalAuthentication,
    ScaExemption,
    ThreeDSecurePolicy,
    exemption_limit,
    indicators_of,
)

_PATH: Final = "three_d_secure"
EXTERNAL: Final = f"{_PATH}.external"
_ECI: Final = re.compile("0[0-7]")
_VERSION: Final = re.compile(r"[12](\.[0-9]{1,3}){1,2}")
_PRINTABLE_ASCII: Final = re.compile("[!-~]*")
_RESPONSES: Final = "YNUACR"
_ALGORITHMS: Final = "0123A"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawThreeDSecure:
    """A request's 3-D Secure part, unchecked. No policy: the service's rule applies."""

    policy: ThreeDSecurePolicy | None = None
    authentication_id: str = field(default="", repr=False)
    external: ExternalAuthentication | None = None
    exemption: ScaExemption | None = None
    # The names of the fields with a value that the contract does not list.
    unknown_values: tuple[str, ...] = ()

    @property
    def has_authentication(self) -> bool:
        """The request itself carries an authentication. A nonce may carry one besides."""
        return bool(self.authentication_id) or self.external is not None


# A request without that part. Most requests are such, so what depends on it looks for this object first.
NOTHING_SAID: Final = RawThreeDSecure()


def check_three_d_secure(validator: Validator, raw: RawThreeDSecure, paid_with: PaidWith) -> None:
    """Adds the violations."""
    if raw is NOTHING_SAID:
        return
    for name in raw.unknown_values:
        validator.add(f"{_PATH}.{name}", Rule.KNOWN_VALUE)
    if raw.policy is ThreeDSecurePolicy.NOT_WANTED and raw.has_authentication:
        validator.add(f"{_PATH}.policy", Rule.CONTRADICTS, "the authentication of the same request")
    if raw.policy is ThreeDSecurePolicy.REQUIRED and raw.exemption is not None:
        validator.add(f"{_PATH}.exemption", Rule.CONTRADICTS, "the policy REQUIRED of the same request")
    if raw.authentication_id:
        path = f"{_PATH}.authentication_id"
        _token(validator, path, raw.authentication_id)
        if paid_with.is_typed:
            validator.add(path, Rule.NEEDS_NONCE_OR_METHOD)
        check_authenticable(validator, path, paid_with)
    if raw.external is not None:
        _check_external(validator, raw.external)
        check_external_method(validator, raw.external, paid_with)


def check_external_method(validator: Validator, external: ExternalAuthentication, paid_with: PaidWith) -> None:
    """Adds the violations of another provider's result that is not one of this method."""
    check_authenticable(validator, EXTERNAL, paid_with)
    brand = paid_with.brand
    if brand is not None and _ECI.fullmatch(external.eci) and external.eci not in indicators_of(brand):
        validator.add(f"{EXTERNAL}.eci", Rule.ECI_OF_BRAND, f"{brand.value}: {', '.join(indicators_of(brand))}")
    if brand is CardBrand.MASTERCARD and external.is_version_2 and not external.directory_server_transaction_id:
        validator.add(f"{EXTERNAL}.directory_server_transaction_id", Rule.NEEDED_FOR_MASTERCARD)


def check_left_to_the_shop(
    validator: Validator, raw: RawThreeDSecure, caller: Caller, rule: ThreeDSecurePolicy
) -> None:
    """Adds the violations of a credential of one customer, who must not weaken the shop's rule."""
    if raw is NOTHING_SAID or caller.customer_id is None:
        return
    if raw.policy is not None and raw.policy.is_weaker_than(rule):
        weaker = f"{raw.policy.name}, which is weaker than the shop's rule {rule.name},"
        validator.add(f"{_PATH}.policy", Rule.NOT_FOR_CUSTOMERS, weaker)
    if raw.external is not None:
        validator.add(EXTERNAL, Rule.NOT_FOR_CUSTOMERS, "another provider's result")
    if raw.exemption is not None:
        validator.add(f"{_PATH}.exemption", Rule.NOT_FOR_CUSTOMERS, "an exemption")


def check_exemption(
    validator: Validator, raw: RawThreeDSecure, amount: Money | None, paid_with: PaidWith, *, is_absent: bool
) -> None:
    """Adds the violations of an exemption. `is_absent`: no customer is there to authenticate."""
    if raw.exemption is None:
        return
    path = f"{_PATH}.exemption"
    check_authenticable(validator, path, paid_with)
    if is_absent:
        validator.add(path, Rule.CONTRADICTS, "the initiator: no authentication applies in the customer's absence")
    if raw.external is not None and raw.external.is_authenticated:
        validator.add(path, Rule.CONTRADICTS, "the authentication in external")
    limit = exemption_limit(raw.exemption, amount.currency_code) if amount is not None else None
    if amount is not None and limit is not None and amount > limit:
        most = f"{limit.to_decimal()} {limit.currency_code}"
        validator.add(path, Rule.CONTRADICTS, f"the amount: {raw.exemption.name} is for {most} at most")


def check_nobody_authenticated(validator: Validator, raw: RawThreeDSecure) -> None:
    """Adds the violations of an authentication in the customer's absence."""
    for name in ("external", "authentication_id"):
        if getattr(raw, name):
            validator.add(f"{_PATH}.{name}", Rule.CONTRADICTS, "the initiator: the customer is absent")


def check_for_verification(validator: Validator, raw: RawThreeDSecure, *, verify: bool) -> None:
    """Adds the violations that only a payment method's request can have."""
    if raw.exemption is not None:
        validator.add(f"{_PATH}.exemption", Rule.ONLY_FOR_PAYMENTS)
    if raw.external is not None:
        for name in ("authentication_response", "directory_response", "cavv_algorithm"):
            if getattr(raw.external, name):
                validator.add(f"{EXTERNAL}.{name}", Rule.ONLY_FOR_PAYMENTS)
    if not verify and (raw.has_authentication or raw.policy is ThreeDSecurePolicy.REQUIRED):
        # Without a verification, the gateway drops the authentication.
        validator.add("verify", Rule.NEEDED_FOR_AUTHENTICATION)


def require_authentication(raw: RawThreeDSecure, policy: ThreeDSecurePolicy, *, may_be_in_source: bool) -> None:
    """Raises AuthenticationRequired where the gateway's answer is not needed to know that the policy is not met.

    `may_be_in_source`: the source is a nonce, which may carry an authentication.
    """
    if raw.external is not None and raw.external.has_failed:
        raise AuthenticationRequired(has_failed=True)
    if policy is not ThreeDSecurePolicy.REQUIRED or raw.exemption is not None:
        return
    if raw.external is not None:
        if not raw.external.is_authenticated:
            raise AuthenticationRequired(has_failed=True)
    elif not raw.authentication_id and not may_be_in_source:
        raise AuthenticationRequired


def three_d_secure_fields(raw: RawThreeDSecure) -> dict[str, object]:
    """The fields that replays must match."""
    if raw is NOTHING_SAID:
        return {}
    given: dict[str, object] = {
        f"{_PATH}.policy": raw.policy.value if raw.policy else None,
        f"{_PATH}.authentication_id": raw.authentication_id,
        f"{_PATH}.exemption": raw.exemption.value if raw.exemption else None,
    }
    if raw.external is not None:
        given |= {f"{EXTERNAL}.{one.name}": getattr(raw.external, one.name) for one in fields(raw.external)}
    return given


def _check_external(validator: Validator, external: ExternalAuthentication) -> None:
    if not external.eci:
        validator.add(f"{EXTERNAL}.eci", Rule.REQUIRED)
    elif not _ECI.fullmatch(external.eci):
        validator.add(f"{EXTERNAL}.eci", Rule.ECI)
    elif external.contradicting_response:
        validator.add(f"{EXTERNAL}.eci", Rule.CONTRADICTS, external.contradicting_response)
    if not external.version:
        validator.add(f"{EXTERNAL}.version", Rule.REQUIRED)
    elif not _VERSION.fullmatch(external.version):
        validator.add(f"{EXTERNAL}.version", Rule.THREE_D_SECURE_VERSION)
    _token(validator, f"{EXTERNAL}.cavv", external.cavv, required=True)
    _token(validator, f"{EXTERNAL}.xid", external.xid, required=external.is_version_1)
    directory_server_id = external.directory_server_transaction_id
    _token(validator, f"{EXTERNAL}.directory_server_transaction_id", directory_server_id)
    if external.is_version_1 and directory_server_id:
        path = f"{EXTERNAL}.directory_server_transaction_id"
        validator.add(path, Rule.CONTRADICTS, "version 1, which has an xid in its place")
    if external.response_of_later_version:
        path = f"{EXTERNAL}.{external.response_of_later_version}"
        validator.add(path, Rule.CONTRADICTS, "version 1, which has no such response")
    for name, allowed in (
        ("authentication_response", _RESPONSES),
        ("directory_response", _RESPONSES),
        ("cavv_algorithm", _ALGORITHMS),
    ):
        value = getattr(external, name)
        if value and (len(value) != 1 or value not in allowed):
            validator.add(f"{EXTERNAL}.{name}", Rule.ONE_OF, " ".join(allowed))


def _token(validator: Validator, path: str, value: str, *, required: bool = False) -> None:
    """Text of another system, which is sent on unchanged and never stored."""
    if required and not value:
        validator.add(path, Rule.REQUIRED)
    if len(value) > MAX_TEXT:
        validator.add(path, Rule.MAX_CHARACTERS, MAX_TEXT)
    if not _PRINTABLE_ASCII.fullmatch(value):
        validator.add(path, Rule.PRINTABLE_ASCII)
    validator.no_card(path, value)
