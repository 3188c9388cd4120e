"""The order behind a payment, as `bayar payments show` prints it: level 2 and level 3 data, and where the goods go."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from bayar.messages import Address, GuestContact, LineItem, LineItemKind, OrderDetails, Payment, ShippingMethod
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.tables import facts, small_table


def print_order(out: Console, payment: Payment) -> None:
    """Nothing for a payment without any of it."""
    method = payment.shipping_method
    shipping: list[tuple[str, str | Text]] = [
        ("guest", words.plain(_contact(payment.guest))),
        ("ships to", words.plain(address_line(payment.shipping_address))),
        ("ships by", words.phrase(ShippingMethod, method) if method else ""),
    ]
    if payment.HasField("order_details"):
        _print_details(out, "Order", payment.order_details, shipping)
    elif payment.HasField("guest") or payment.HasField("shipping_address") or method:
        out.print()
        out.print(facts(shipping))
    for operation in payment.operations:
        if operation.HasField("order_details"):
            _print_details(out, f"Order of the capture {operation.operation_id}", operation.order_details)


def _print_details(
    out: Console, heading: str, details: OrderDetails, more: Sequence[tuple[str, str | Text]] = ()
) -> None:
    def amount(name: str) -> str:
        return words.amount(getattr(details, name)) if details.HasField(name) else ""  # type: ignore[arg-type]

    out.print()
    out.print(Text(heading, "bold"))
    out.print(
        facts(
            [
                ("purchase order", words.plain(details.purchase_order_number)),
                ("tax", "exempt" if details.tax_exempt else amount("tax_amount")),
                ("shipping", amount("shipping_amount")),
                ("tax on shipping", amount("shipping_tax_amount")),
                ("discount", amount("discount_amount")),
                ("ships from", words.plain(details.ships_from_postal_code)),
                *more,
            ]
        )
    )
    if details.line_items:
        table = small_table("line item", "quantity", "total", "tax", right=["total", "tax"], wrapped=["line item"])
        for item in details.line_items:
            table.add_row(*_row(item))
        out.print(table)


def _row(item: LineItem) -> list[str | Text]:
    name = f"{item.name} ({item.product_code})" if item.product_code else item.name
    unit = f" {item.unit_of_measure}" if item.unit_of_measure else ""
    sign = "-" if item.kind == LineItemKind.LINE_ITEM_KIND_CREDIT else ""
    return [
        words.plain(name),
        words.plain(f"{item.quantity} x {item.unit_amount}{unit}"),
        sign + words.amount(item.total_amount),
        words.amount(item.tax_amount) if item.HasField("tax_amount") else "",
    ]


def _contact(guest: GuestContact) -> str:
    person = f"{guest.given_name} {guest.family_name}".strip()
    return ", ".join(part for part in (person, guest.company, guest.email, guest.phone) if part)


def address_line(address: Address) -> str:
    """The address in one line. Empty for none."""
    person = f"{address.given_name} {address.family_name}".strip()
    place = f"{address.postal_code} {address.locality}".strip()
    parts = (
        person,
        address.company,
        address.street_address,
        address.extended_address,
        place,
        address.region,
        address.country_code,
        address.phone,
    )
    return ", ".join(part for part in parts if part)
