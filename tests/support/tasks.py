"""The tasks of a support desk. Each is explained in docs/operate/support.md, and done by command line and console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Task:
    """title: its heading in the document. rights: the fewest that an operator needs for it."""

    title: str
    rights: str = "read"


# By the name of its test: `test_<name>` in tests/support/test_command_line.py and tests/console/test_support_tasks.py.
TASKS: Final = {
    "find_by_name_and_amount": Task("Find a payment by name and amount"),
    "find_by_gateway_id": Task("Find a payment by the gateway's id"),
    "explain_a_decline": Task("Explain a decline"),
    "explain_an_authentication_that_was_not_completed": Task("Explain 3-D Secure that was not completed"),
    "help_after_an_expired_card": Task("Help after an expired card", "read,methods"),
    "give_back_a_double_charge": Task("Give back a double charge", "read,refund"),
    "refund_half": Task("Refund a part", "read,refund"),
    "tell_where_a_refund_is": Task("Tell where a refund is"),
    "verify_whether_the_money_came": Task("Verify whether the money came"),
    "capture_a_part": Task("Capture a part of a hold", "read,capture"),
    "adjust_a_hold": Task("Change the amount of a hold", "read,adjust"),
    "void_a_hold": Task("Release a hold", "read,void"),
    "fight_a_dispute": Task("Fight a dispute to the end", "read,disputes"),
    "lift_a_block": Task("Lift a block", "read,lift-blocks"),
    "resolve_an_unknown_outcome": Task("Resolve an unknown outcome", "read,resolve"),
    "mend_a_difference": Task("Mend a difference with the gateway", "read,reconcile"),
    "send_a_webhook_again": Task("Send a webhook again", "read,redeliver"),
    "erase_a_customer": Task("Erase a customer", "read,customers"),
    "tell_who_did_it": Task("Tell who did it"),
    "export_the_month": Task("Export the month"),
}
