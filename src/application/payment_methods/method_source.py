"""The fields of a request that a card or nonce adds: replays are compared by them."""

from application.common.validator import RawCard
from application.ports.gateway import Nonce


def new_source_fields(source: RawCard | Nonce | None) -> dict[str, object]:
    """Of a card only what may be stored: its last four digits and its expiry."""
    match source:
        case RawCard():
            return {
                "card.number": source.last_four,
                "card.expiration_month": source.expiration_month,
                "card.expiration_year": source.expiration_year,
            }
        case Nonce(value):
            return {"payment_method_nonce": value}
        case None:
            return {}
