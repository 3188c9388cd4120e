"""The order ids of transactions at the gateway: this deployment's mark and the operation's id."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from application.ports.gateway import Transaction
from domain import ids
from domain.ids import OPERATION, OperationId

# The mark before the operation id, after any prefix.
_MARKED: Final = re.compile(r"(?:.*[^0-9A-Za-z])?([0-9a-hjkmnp-tv-z]{10})-", re.DOTALL)
# In characters. The gateway takes 255, and passes order ids on to PayPal as invoice numbers of 127 at most.
_LONGEST: Final = 127
_ID_LENGTH: Final = len(f"{OPERATION}_") + 26


@dataclass(frozen=True)
class OrderIds:
    """Several deployments may share a merchant account, and each must recognize its own transactions.

    An order id is `mark-op_...`. The merchant's reference may stand in front, or another prefix of which no letter or
    digit touches the mark. Versions before the mark sent the operation id alone.
    """

    read_mark: Callable[[], str]
    # Whether the merchant's own order stands in front, so that it is found in the gateway's control panel.
    shows_reference: bool = False

    @cached_property
    def mark(self) -> str:
        return self.read_mark()

    def of(self, operation_id: OperationId, reference: str = "") -> str:
        if not self.mark:
            return operation_id
        own = f"{self.mark}-{operation_id}"
        return f"{reference[: _LONGEST - len(own) - 1]}-{own}" if self.shows_reference and reference else own

    def named(self, transaction: Transaction) -> Transaction:
        """The transaction with its order id in the application's terms."""
        order_id, is_marked = self.read(transaction.order_id)
        if (order_id, is_marked) == (transaction.order_id, transaction.is_marked):
            return transaction
        return replace(transaction, order_id=order_id, is_marked=is_marked)

    def read(self, order_id: str) -> tuple[str, bool]:
        """The operation that the order id names, else the order id unchanged; and whether it carries this mark.

        An operation id names one operation under any mark: a database that was given another mark still recognizes its
        own.
        """
        head, operation_id = order_id[:-_ID_LENGTH], order_id[-_ID_LENGTH:]
        marked = _MARKED.fullmatch(head)
        if marked is None or not ids.is_id(operation_id, OPERATION):
            return order_id, False
        return operation_id, marked[1] == self.mark


# For a gateway that no other deployment uses.
UNMARKED: Final = OrderIds(lambda: "")
