"""The products of the shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Product:
    """price: in minor units of CURRENCY."""

    id: str
    name: str
    description: str
    price: int
    colour: str


PRODUCTS: Final = {
    product.id: product
    for product in (
        Product("gayo", "Gayo, 250 g", "Aceh. Dark chocolate, cedar, low acidity.", 1450, "#6f4e37"),
        Product("kintamani", "Kintamani, 250 g", "Bali. Orange, honey, a light body.", 1600, "#b5651d"),
        Product("toraja", "Toraja, 250 g", "Sulawesi. Ripe fruit, spice, a long finish.", 1550, "#7b3f00"),
        Product("dripper", "Dripper", "Ceramic, for one to two cups.", 2200, "#3d5a6c"),
    )
}


def price_text(minor_units: int) -> str:
    """An amount for people, such as $14.50."""
    return f"${minor_units / 100:,.2f}"
