"""Validates what a request says about 3-D Secure."""

import re
from dataclasses import dataclass, field, fields
from typing import Final

from application.common.errors import AuthenticationRequired, Rule
from application.common.validator import MAX_TEXT, Validator
from domain.three_d_secure import ExternalAuthentication, ScaExemption, ThreeDSecurePolicy

_PATH: Final = "three_d_secure"
_EXTERNAL: Final = f"{_PATH}.external"
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


def check_three_d_secure(validator: Validator, raw: RawThreeDSecure, *, of_card: bool) -> None:
    """Adds the violations. `of_card`: the source is a card as typed."""
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
        if of_card:
            validator.add(path, Rule.NEEDS_NONCE_OR_METHOD)
    if raw.external is not None:
        _check_external(validator, raw.external)


def check_for_verification(validator: Validator, raw: RawThreeDSecure, *, verify: bool) -> None:
    """Adds the violations that only a payment method's request can have."""
    if raw.exemption is not None:
        validator.add(f"{_PATH}.exemption", Rule.ONLY_FOR_PAYMENTS)
    if raw.external is not None:
        for name in ("authentication_response", "directory_response", "cavv_algorithm"):
            if getattr(raw.external, name):
                validator.add(f"{_EXTERNAL}.{name}", Rule.ONLY_FOR_PAYMENTS)
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
        given |= {f"{_EXTERNAL}.{one.name}": getattr(raw.external, one.name) for one in fields(raw.external)}
    return given


def _check_external(validator: Validator, external: ExternalAuthentication) -> None:
    if not external.eci:
        validator.add(f"{_EXTERNAL}.eci", Rule.REQUIRED)
    elif not _ECI.fullmatch(external.eci):
        validator.add(f"{_EXTERNAL}.eci", Rule.ECI)
    elif external.contradicts_itself:
        validator.add(f"{_EXTERNAL}.eci", Rule.CONTRADICTS, "authentication_response")
    if not external.version:
        validator.add(f"{_EXTERNAL}.version", Rule.REQUIRED)
    elif not _VERSION.fullmatch(external.version):
        validator.add(f"{_EXTERNAL}.version", Rule.THREE_D_SECURE_VERSION)
    _token(validator, f"{_EXTERNAL}.cavv", external.cavv, required=True)
    _token(validator, f"{_EXTERNAL}.xid", external.xid, required=external.version.startswith("1"))
    directory_server_id = external.directory_server_transaction_id
    _token(validator, f"{_EXTERNAL}.directory_server_transaction_id", directory_server_id)
    for name, allowed in (
        ("authentication_response", _RESPONSES),
        ("directory_response", _RESPONSES),
        ("cavv_algorithm", _ALGORITHMS),
    ):
        value = getattr(external, name)
        if value and (len(value) != 1 or value not in allowed):
            validator.add(f"{_EXTERNAL}.{name}", Rule.ONE_OF, " ".join(allowed))


def _token(validator: Validator, path: str, value: str, *, required: bool = False) -> None:
    """Text of another system, which is sent on unchanged and never stored."""
    if required and not value:
        validator.add(path, Rule.REQUIRED)
    if len(value) > MAX_TEXT:
        validator.add(path, Rule.MAX_CHARACTERS, MAX_TEXT)
    if not _PRINTABLE_ASCII.fullmatch(value):
        validator.add(path, Rule.PRINTABLE_ASCII)
    validator.no_card(path, value)
