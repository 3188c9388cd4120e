"""Card data for the service, which its repr hides."""

from dataclasses import dataclass, fields

from bayar.payments.v1.card_pb2 import Card


@dataclass(frozen=True, slots=True, repr=False)
class CardInput:
    """A card as its holder typed it. Unlike the message it becomes, it never prints what it holds.

    Raises TypeError for a value of the wrong type. Everything else (digits, date) is for the service to judge, which
    names every fault at once.
    """

    number: str
    expiration_month: int
    expiration_year: int
    cvv: str = ""
    cardholder_name: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            wanted = int if field.name.startswith("expiration_") else str
            if type(getattr(self, field.name)) is not wanted:
                raise TypeError(f"A card's {field.name} is {wanted.__name__}.")

    def __repr__(self) -> str:
        return "CardInput(hidden)"

    def to_message(self) -> Card:
        """The protobuf message. Do not print it: protobuf does not hide the card data."""
        return Card(
            number=self.number,
            expiration_month=self.expiration_month,
            expiration_year=self.expiration_year,
            cvv=self.cvv,
            cardholder_name=self.cardholder_name,
        )


def card(
    *, number: str, expiration_month: int, expiration_year: int, cvv: str = "", cardholder_name: str = ""
) -> CardInput:
    """A card as its holder typed it, to pay with or to store. The year has four digits."""
    return CardInput(number, expiration_month, expiration_year, cvv, cardholder_name)
