"""Permanent refusals of idempotent requests; voids that carry out a refund; operations of other senders."""

import sqlalchemy as sa

from adapters.persistence.migrations import online

revision = "0014"
down_revision = "0013"

# Refunds under way as a void during the upgrade: until now only their request recorded that.
_VOIDS_FOR_REFUNDS = (
    "state IN ('scheduled', 'started') AND kind = 'void' AND NOT for_refund AND EXISTS ("
    "SELECT 1 FROM payments, requests WHERE payments.payment_id = operations.payment_id "
    "AND requests.request_id = operations.request_id AND requests.method = 'RefundPayment' "
    "AND requests.caller_id IN (payments.caller_id, payments.caller_id || '/' || payments.customer_id))"
)


def upgrade() -> None:
    online.add_column("requests", sa.Column("refusal", sa.JSON(none_as_null=True), nullable=True))
    online.add_column(
        "operations", sa.Column("for_refund", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    online.add_column("operations", sa.Column("origin", sa.Text(), nullable=False, server_default=sa.text("'service'")))
    online.update("operations", "operation_id", {"for_refund": "true"}, _VOIDS_FOR_REFUNDS)
