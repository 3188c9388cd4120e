"""Translates the order behind a payment, from and into messages."""

from typing import Any, Final

from adapters.grpc.translate import enums
from application.common.order_details_input import RawLineItem, RawOrderDetails
from application.common.validator import RawMoney
from bayar.payments.v1 import money_pb2, order_details_pb2
from domain.money import Money
from domain.order_details import LineItem, OrderDetails

_ORDER_AMOUNTS: Final = ("tax_amount", "shipping_amount", "shipping_tax_amount", "discount_amount")
_ORDER_PLAIN: Final = ("tax_exempt", "purchase_order_number", "ships_from_postal_code")
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


def raw_order_details(sent: order_details_pb2.OrderDetails) -> RawOrderDetails:
    return RawOrderDetails(
        line_items=tuple(_raw_line_item(item) for item in sent.line_items),
        **{name: getattr(sent, name) for name in _ORDER_PLAIN},
        **_amounts(sent, _ORDER_AMOUNTS),
    )


def order_details(details: OrderDetails, *, with_line_items: bool) -> order_details_pb2.OrderDetails:
    message = order_details_pb2.OrderDetails(**{name: getattr(details, name) for name in _ORDER_PLAIN})
    _set_amounts(message, details, _ORDER_AMOUNTS)
    if with_line_items:
        message.line_items.extend(_line_item(item) for item in details.line_items)
    return message


def _raw_line_item(sent: order_details_pb2.LineItem) -> RawLineItem:
    return RawLineItem(
        kind=enums.line_item_kind_from(sent.kind),
        **{name: getattr(sent, name) for name in _LINE_TEXTS},
        **_amounts(sent, _LINE_AMOUNTS),
    )


def _line_item(item: LineItem) -> order_details_pb2.LineItem:
    texts = {name: getattr(item, name) for name in _LINE_TEXTS}
    message = order_details_pb2.LineItem(kind=enums.LINE_ITEM_KIND[item.kind], **texts)
    _set_amounts(message, item, _LINE_AMOUNTS)
    return message


def _amounts(
    sent: order_details_pb2.OrderDetails | order_details_pb2.LineItem, names: tuple[str, ...]
) -> dict[str, Any]:
    """The amounts by name; None for those that are absent. A zero is present."""
    return {name: _raw_money(getattr(sent, name)) if sent.HasField(name) else None for name in names}  # type: ignore[arg-type]


def _raw_money(sent: money_pb2.Money) -> RawMoney:
    return RawMoney(sent.minor_units, sent.currency_code)


def _set_amounts(
    message: order_details_pb2.OrderDetails | order_details_pb2.LineItem,
    source: OrderDetails | LineItem,
    names: tuple[str, ...],
) -> None:
    for name in names:
        amount: Money | None = getattr(source, name)
        if amount is not None:
            getattr(message, name).CopyFrom(
                money_pb2.Money(minor_units=amount.minor_units, currency_code=amount.currency_code)
            )
