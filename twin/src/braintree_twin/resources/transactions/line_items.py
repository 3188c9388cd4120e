"""The line items of a transaction. The transaction's own answer does not contain them."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.resources.transactions.common import load
from braintree_twin.rules.line_items import FIELDS
from braintree_twin.xml_writer import Elements


def find_line_items(call: Call) -> Answer:
    items = [{name: item.get(name) for name in FIELDS} for item in load(call).line_items]
    return Answer("line_items", Elements("line_item", items))
