"""Translates the ports' values into SDK parameters. Each dict is new, because the SDK modifies its arguments."""

from types import MappingProxyType
from typing import Any, Final, TypeAlias

from application.ports.gateway import (
    NO_RISK_INPUT,
    UNASKED,
    Authorization,
    Capture,
    MethodChange,
    NewMethod,
    Nonce,
    StoredMethod,
    ThreeDSecureRequest,
)
from domain.address import Address, StatementDescriptor
from domain.customer import NO_CONTACT, Customer, GuestContact
from domain.initiator import Initiator, SeriesPosition
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.order_details import LINE_DECIMALS, LineItem, OrderDetails
from domain.payment_check import PaymentCheck
from domain.three_d_secure import ExternalAuthentication

Params: TypeAlias = dict[str, Any]

NO_ADDRESS: Final = Address()


def sale(asked: Authorization, merchant_account_id: str, *, names_token: bool = True) -> Params:
    """`names_token`: whether the stored method gets our token, or one of the gateway's."""
    params: Params = {
        "amount": asked.amount.to_decimal(),
        "merchant_account_id": merchant_account_id,
        "options": {"submit_for_settlement": asked.captures},
    }
    match asked.source:
        case Card() as card:
            params["credit_card"] = _card(card)
        case Nonce(value):
            params["payment_method_nonce"] = value
        case StoredMethod(token):
            params["payment_method_token"] = token
    if asked.store_as is not None:
        params["options"]["store_in_vault_on_success"] = True
        if names_token:
            params.setdefault("credit_card", {})["token"] = asked.store_as
    if asked.customer is not None:
        if asked.customer.is_at_gateway or asked.store_as is not None:
            params["customer_id"] = asked.customer.customer_id
        elif not isinstance(asked.source, StoredMethod):
            params |= _filled(customer=person(asked.customer))
    if asked.guest != NO_CONTACT:
        params["customer"] = person(asked.guest) | _filled(company=asked.guest.company)
    if asked.three_d_secure is not UNASKED:
        _add_three_d_secure(params, asked.three_d_secure)
    if asked.initiator is not Initiator.CUSTOMER or asked.external_vault is not None:
        params |= _initiation(asked)
    if asked.risk is not NO_RISK_INPUT:
        params |= _filled(
            device_data=asked.risk.device_data, risk_data=_filled(customer_ip=asked.risk.customer_address)
        )
        params["options"] |= {_SKIPPING[check]: True for check in asked.risk.skipped_checks}
    if asked.order_details is not None:
        params |= order_details(asked.order_details)
    if asked.shipping_address != NO_ADDRESS or asked.shipping_method is not None:
        params["shipping"] = address(asked.shipping_address) | _filled(
            shipping_method=asked.shipping_method.value if asked.shipping_method else None
        )
    return params | _filled(billing=address(asked.billing_address), descriptor=_descriptor(asked.descriptor))


def capture(asked: Capture) -> Params:
    """The parts of a capture that are the same for a whole and for a partial one."""
    details = order_details(asked.order_details) if asked.order_details is not None else {}
    return details | _filled(shipping=address(asked.shipping_address))


def order_details(given: OrderDetails) -> Params:
    """Level 2 and level 3 data. A zero is said, for networks tell it from nothing."""
    amounts = {name: _decimal(getattr(given, name)) for name in _ORDER_AMOUNTS}
    return _filled(
        tax_exempt=given.tax_exempt,
        purchase_order_number=given.purchase_order_number,
        ships_from_postal_code=given.ships_from_postal_code,
        line_items=[_line_item(item) for item in given.line_items],
        **amounts,
    )


_ORDER_AMOUNTS: Final = ("tax_amount", "shipping_amount", "shipping_tax_amount", "discount_amount")
_LINE_AMOUNTS: Final = ("total_amount", "unit_tax_amount", "tax_amount", "discount_amount")
_LINE_TEXTS: Final = (
    "name",
    "quantity",
    "unit_amount",
    "unit_of_measure",
    "product_code",
    "commodity_code",
    "description",
    "upc_code",
    "upc_type",
    "url",
    "image_url",
)


def _line_item(item: LineItem) -> Params:
    texts = {name: getattr(item, name) for name in _LINE_TEXTS}
    amounts = {name: _line_decimal(getattr(item, name)) for name in _LINE_AMOUNTS}
    return _filled(kind=item.kind.value, **texts, **amounts)


def _decimal(amount: Money | None) -> str:
    return amount.to_decimal() if amount is not None else ""


def _line_decimal(amount: Money | None) -> str:
    """With two decimals at most: of KWD, the third is a zero."""
    text = _decimal(amount)
    return text[:-1] if amount is not None and amount.exponent > LINE_DECIMALS else text


_SKIPPING: Final = MappingProxyType(
    {
        PaymentCheck.ADVANCED_FRAUD: "skip_advanced_fraud_checking",
        PaymentCheck.AVS: "skip_avs",
        PaymentCheck.CVV: "skip_cvv",
    }
)


def _add_three_d_secure(params: Params, asked: ThreeDSecureRequest) -> None:
    if asked.is_required is not None:
        params["options"]["three_d_secure"] = {"required": asked.is_required}
    params |= _filled(
        three_d_secure_authentication_id=asked.authentication_id,
        three_d_secure_pass_thru=pass_through(asked.external) if asked.external else None,
        sca_exemption=asked.exemption.value if asked.exemption else None,
    )


# By initiator: the sources of the first payment and of later ones. Without a source, a customer pays in the shop.
_SOURCES: Final = MappingProxyType(
    {
        Initiator.MAIL_OR_TELEPHONE: ("moto", "moto"),
        Initiator.MERCHANT_RECURRING: ("recurring_first", "recurring"),
        Initiator.MERCHANT_INSTALLMENT: ("installment_first", "installment"),
        Initiator.MERCHANT_UNSCHEDULED: ("", "unscheduled"),
    }
)


def _initiation(asked: Authorization) -> Params:
    first, later = _SOURCES.get(asked.initiator, ("", ""))
    source = later if asked.series_position is SeriesPosition.LATER else first
    vault = asked.external_vault
    return _filled(
        transaction_source=source,
        external_vault=_filled(
            status="will_vault" if vault.will_vault else "vaulted",
            previous_network_transaction_id=vault.previous_network_transaction_id,
            previous_mastercard_transaction_link_id=vault.previous_mastercard_transaction_link_id,
        )
        if vault is not None
        else None,
    )


def pass_through(external: ExternalAuthentication) -> Params:
    """Another provider's authentication."""
    return _filled(
        eci_flag=external.eci,
        cavv=external.cavv,
        xid=external.xid,
        ds_transaction_id=external.directory_server_transaction_id,
        three_d_secure_version=external.version,
        authentication_response=external.authentication_response,
        directory_response=external.directory_response,
        cavv_algorithm=external.cavv_algorithm,
    )


def new_card(asked: NewMethod, card: Card) -> Params:
    return _new_method(asked) | _card(card)


def new_wallet(asked: NewMethod, nonce: Nonce) -> Params:
    return _new_method(asked) | {"payment_method_nonce": nonce.value}


def _new_method(asked: NewMethod) -> Params:
    amount = asked.verification_amount
    verification = _filled(
        verification_amount=amount.to_decimal() if amount is not None else None,
        verification_merchant_account_id=asked.verification_account_id,
    )
    params: Params = {
        "customer_id": asked.customer_id,
        "token": asked.payment_method_id,
        "options": {"verify_card": asked.verify} | _filled(make_default=asked.make_default) | verification,
    }
    params["options"] |= {_SKIPPING[check]: True for check in asked.skipped_checks}
    external = asked.external_authentication
    return params | _filled(
        billing_address=address(asked.billing_address),
        device_data=asked.device_data,
        three_d_secure_pass_thru=pass_through(external) if external is not None else None,
    )


def method_change(asked: MethodChange) -> Params:
    params: Params = {}
    if asked.expiry is not None:
        params |= _expiry(asked.expiry)
    if asked.cardholder_name is not None:
        params["cardholder_name"] = asked.cardholder_name
    if asked.billing_address is not None:
        params["billing_address"] = address(asked.billing_address) | {"options": {"update_existing": True}}
    if asked.make_default:
        params["options"] = {"make_default": True}
    return params


def person(customer: Customer | GuestContact) -> Params:
    return _filled(
        first_name=customer.given_name, last_name=customer.family_name, email=customer.email, phone=customer.phone
    )


def whole_person(customer: Customer) -> Params:
    """Includes empty values: a removed detail is removed at the gateway as well."""
    return {
        "first_name": customer.given_name,
        "last_name": customer.family_name,
        "email": customer.email,
        "phone": customer.phone,
    }


def address(given: Address) -> Params:
    return _filled(
        first_name=given.given_name,
        last_name=given.family_name,
        company=given.company,
        street_address=given.street_address,
        extended_address=given.extended_address,
        locality=given.locality,
        region=given.region,
        postal_code=given.postal_code,
        country_code_alpha2=given.country_code,
        phone_number=given.phone,
    )


def _card(card: Card) -> Params:
    return {"number": card.number} | _expiry(card.expiry) | _filled(cvv=card.cvv, cardholder_name=card.cardholder_name)


def _expiry(expiry: CardExpiry) -> Params:
    return {"expiration_month": f"{expiry.month:02}", "expiration_year": f"{expiry.year:04}"}


def _descriptor(given: StatementDescriptor) -> Params:
    return _filled(name=given.name, phone=given.phone, url=given.url)


def _filled(**values: Any) -> Params:
    """Omits empty values."""
    return {name: value for name, value in values.items() if value}
