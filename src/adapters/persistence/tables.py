"""The table definitions, with the constraints that the database enforces."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa


class UtcTime(sa.TypeDecorator[datetime]):
    """An instant in UTC with microseconds. Refuses a time without a zone, which is ambiguous.

    SQLite stores it as text. The conversions of that are written out here, since those of SQLAlchemy take several calls
    for each value; a test compares them.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        # SQLite stores no zone.
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
        return _to_sqlite if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _from_sqlite if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _to_sqlite(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:_SQLITE_TIME]


def _from_sqlite(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored).replace(tzinfo=UTC)


# Without the offset, which is that of UTC.
_SQLITE_TIME: Final = len("2026-03-01 10:00:00.000000")


class EpochMicroseconds(sa.TypeDecorator[datetime]):
    """An instant as the number of microseconds since 1970: eight bytes, also in SQLite."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + value * _MICROSECOND


def microseconds(time: datetime) -> int:
    """The microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_Json: Final = sa.JSON(none_as_null=True)

metadata: Final = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _where(condition: sa.TextClause) -> dict[str, Any]:
    """The options of a partial index."""
    return {"sqlite_where": condition, "postgresql_where": condition}


# The conditions of partial indexes. Statements repeat them literally: a planner cannot match an index with a parameter.
IS_LIVE: Final = sa.text("is_live")
# A payment that a customer made with a credential of their own. The condition uses its columns, not a flag: a version
# that knows nothing of such references maintains them, too.
IS_LIVE_IN_SPACE: Final = sa.text(
    "reference_space IS NOT NULL AND funds <> 'returned' AND state IN ('pending', 'authorized', 'captured', 'settled')"
)
IS_EXTERNAL_ID_HELD: Final = sa.text("external_id_digest <> '' AND delete_time IS NULL")
IS_DEFAULT: Final = sa.text("is_default")
IS_OPEN: Final = sa.text("state IN ('scheduled', 'started')")
IS_FOLLOWED: Final = sa.text("follow_time IS NOT NULL")
IS_PENDING: Final = sa.text("state = 'pending'")
IS_WATCHED: Final = sa.text("next_check_time IS NOT NULL")
IS_OPEN_CHECKOUT: Final = sa.text("state = 'open'")
IS_BEING_PAID: Final = sa.text("state = 'paying'")
IS_DONE: Final = sa.text("state = 'done'")
IS_UNFINISHED: Final = sa.text("state IN ('pending', 'dead')")
HAS_TRANSACTION: Final = sa.text("transaction_id <> ''")
IS_UNPUBLISHED: Final = sa.text("position IS NULL")
HAS_CUSTOMER: Final = sa.text("customer_id <> ''")
HAS_EMAIL: Final = sa.text("email_digest <> ''")
IS_CUSTOMERS: Final = sa.text("customer_id IS NOT NULL")
HAS_LOGIN: Final = sa.text("login <> '' AND revoke_time IS NULL")
HAS_LAST_FOUR: Final = sa.text("last_four <> ''")
# Not yet in the ledger of movements, or written since by a version that does not know it.
IS_PAYMENT_UNBOOKED: Final = sa.text("booked_event_count IS NULL OR booked_event_count <> event_count")
HAS_NO_PAYMENT_TIME: Final = sa.text("payment_time IS NULL")
IS_DISPUTE_UNBOOKED: Final = sa.text("booked_time IS NULL OR booked_time <> update_time")
IS_DISPUTES: Final = sa.text("dispute_id <> ''")
IS_STALE: Final = sa.text("is_stale")
IS_NOT_DELETED: Final = sa.text("delete_time IS NULL")

payments: Final = sa.Table(
    "payments",
    metadata,
    sa.Column("payment_id", sa.Text, primary_key=True),
    sa.Column("caller_id", sa.Text, nullable=False),
    sa.Column("creator", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    # The column of reference_contains: databases differ in their notion of case.
    sa.Column("reference_folded", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text),
    sa.Column("minor_units", sa.BigInteger, nullable=False),
    sa.Column("currency_code", sa.Text, nullable=False),
    sa.Column("capture_mode", sa.Text, nullable=False),
    sa.Column("terms", _Json, nullable=False),
    # The customer within whose payments the reference is unique. None: within those of the back end.
    sa.Column("reference_space", sa.Text),
    # Derived from the operations and written with them, for list filters and for the unique constraint.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("funds", sa.Text, nullable=False),
    sa.Column("is_live", sa.Boolean, nullable=False),
    sa.Column("brand", sa.Text, nullable=False),
    sa.Column("last_four", sa.Text, nullable=False),
    sa.Column("instrument", _Json),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("update_time", UtcTime, nullable=False),
    # The next settlement poll; none once the payment is final.
    sa.Column("follow_time", UtcTime),
    sa.Column("event_count", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # The number of events whose movements are booked: all, unless another version wrote the payment.
    sa.Column("booked_event_count", sa.Integer),
    # Pages scan these backwards: newest first.
    sa.Index("ix_payments_time", "create_time", "payment_id"),
    sa.Index("ix_payments_caller", "caller_id", "create_time", "payment_id"),
    sa.Index("ix_payments_state", "caller_id", "state", "create_time", "payment_id"),
    sa.Index("ix_payments_funds", "caller_id", "funds", "create_time", "payment_id"),
    sa.Index("ix_payments_reference", "caller_id", "reference", "create_time", "payment_id"),
    sa.Index("ix_payments_customer", "customer_id", "create_time", "payment_id", **_where(IS_CUSTOMERS)),
    sa.Index("ix_payments_last_four", "caller_id", "last_four", "create_time", "payment_id", **_where(HAS_LAST_FOUR)),
    sa.Index("ix_payments_follow", "follow_time", **_where(IS_FOLLOWED)),
    # Queries ask for its order, which no other index has: a planner believes that the condition holds for nearly all.
    sa.Index("ix_payments_unbooked", "event_count", "payment_id", **_where(IS_PAYMENT_UNBOOKED)),
    sa.Index("uq_payments_live_reference", "caller_id", "reference", unique=True, **_where(IS_LIVE)),
    sa.Index(
        "uq_payments_live_reference_in_space",
        "caller_id",
        "reference_space",
        "reference",
        unique=True,
        **_where(IS_LIVE_IN_SPACE),
    ),
)

operations: Final = sa.Table(
    "operations",
    metadata,
    sa.Column("operation_id", sa.Text, primary_key=True),
    sa.Column("payment_id", sa.Text, sa.ForeignKey("payments.payment_id"), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("minor_units", sa.BigInteger, nullable=False),
    sa.Column("currency_code", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("target_transaction_id", sa.Text, nullable=False),
    sa.Column("for_refund", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("origin", sa.Text, nullable=False, server_default=sa.text("'service'")),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("next_check_time", UtcTime),
    sa.Column("check_count", sa.Integer, nullable=False),
    sa.Column("rest", _Json, nullable=False),
    # The traceparent of the call that started it (W3C Trace Context). None: it had none.
    sa.Column("trace_context", sa.Text),
    sa.UniqueConstraint("payment_id", "sequence"),
    sa.Index("ix_operations_open", "next_check_time", **_where(IS_OPEN)),
    sa.Index("ix_operations_time", "create_time", "operation_id"),
    sa.Index("ix_operations_transaction", "transaction_id", **_where(HAS_TRANSACTION)),
)

payment_events: Final = sa.Table(
    "payment_events",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("payment_id", sa.Text, sa.ForeignKey("payments.payment_id"), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("time", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("payload", _Json, nullable=False),
    # The position in the feed, once it is sequenced.
    sa.Column("position", sa.BigInteger),
    sa.UniqueConstraint("payment_id", "sequence"),
    sa.Index("ix_payment_events_unplaced", "time", "event_id", **_where(IS_UNPUBLISHED)),
)


# Archived histories of payments that have long been final. Their events are here and not among the others.
payment_archives: Final = sa.Table(
    "payment_archives",
    metadata,
    sa.Column("payment_id", sa.Text, sa.ForeignKey("payments.payment_id"), primary_key=True),
    # Later events of the history are among the others.
    sa.Column("event_count", sa.Integer, nullable=False),
    # All events, compressed, then sealed as a whole.
    sa.Column("events", sa.Text, nullable=False),
)

# The outbox: every change in one order. A payment's row points into its history; other payloads hold the new state.
feed_events: Final = sa.Table(
    "feed_events",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    # The feed position. The relay assigns it after the commit.
    sa.Column("position", sa.BigInteger),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("caller_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("payment_id", sa.Text, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("time", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    # Sealed as a whole.
    sa.Column("payload", sa.Text, nullable=False),
    sa.Index("uq_feed_events_position", "position", unique=True),
    sa.Index("ix_feed_events_caller", "caller_id", "position"),
    sa.Index("ix_feed_events_customer", "customer_id", "position", **_where(HAS_CUSTOMER)),
    sa.Index("ix_feed_events_unplaced", "event_id", **_where(IS_UNPUBLISHED)),
)

# The delivery cursor of each configured webhook endpoint.
event_lines: Final = sa.Table(
    "event_lines",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("attempt_count", sa.Integer, nullable=False),
    sa.Column("failing_since", UtcTime),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("next_attempt_time", UtcTime, nullable=False),
    sa.Column("success_time", UtcTime),
)

# Events outside the cursor's order: dead letters, and events to be resent.
event_deliveries: Final = sa.Table(
    "event_deliveries",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("time", UtcTime, nullable=False),
    sa.Index("ix_event_deliveries_position", "endpoint", "position"),
)

requests: Final = sa.Table(
    "requests",
    metadata,
    sa.Column("caller_id", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("resource_id", sa.Text, nullable=False),
    sa.Column("fingerprint", _Json, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    # The permanent refusal of the request. None if it was not refused.
    sa.Column("refusal", _Json),
)

customers: Final = sa.Table(
    "customers",
    metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("caller_id", sa.Text, nullable=False),
    # Sealed, as are the names, the address and the number. Lookup columns have a digest beside them.
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("external_id_digest", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("given_name", sa.Text, nullable=False),
    sa.Column("family_name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("email_digest", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("language_code", sa.Text, nullable=False),
    sa.Column("is_at_gateway", sa.Boolean, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("update_time", UtcTime, nullable=False),
    sa.Column("delete_time", UtcTime),
    sa.Index("ix_customers_listed", "caller_id", "create_time", "customer_id", **_where(IS_NOT_DELETED)),
    sa.Index("ix_customers_time", "create_time", "customer_id", **_where(IS_NOT_DELETED)),
    sa.Index("ix_customers_email", "caller_id", "email_digest", "create_time", "customer_id", **_where(HAS_EMAIL)),
    sa.Index("uq_customers_external_id", "caller_id", "external_id_digest", unique=True, **_where(IS_EXTERNAL_ID_HELD)),
)

# Disputes of payments: one row for each of the gateway's.
disputes: Final = sa.Table(
    "disputes",
    metadata,
    sa.Column("dispute_id", sa.Text, primary_key=True),
    sa.Column("caller_id", sa.Text, nullable=False),
    sa.Column("payment_id", sa.Text, sa.ForeignKey("payments.payment_id"), nullable=False),
    sa.Column("customer_id", sa.Text),
    sa.Column("gateway_dispute_id", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reply_by_time", UtcTime),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("update_time", UtcTime, nullable=False),
    sa.Column("next_check_time", UtcTime),
    sa.Column("check_count", sa.Integer, nullable=False),
    sa.Column("report", _Json, nullable=False),
    sa.Column("actions", _Json, nullable=False),
    # The traceparent of the call that started the last action (W3C Trace Context). None: it had none.
    sa.Column("trace_context", sa.Text),
    # Its update_time when its movements were booked.
    sa.Column("booked_time", UtcTime),
    # The create_time of its payment, by which filters of payments page. None: a version that did not know it added the
    # dispute, and the next booking of its movements writes it.
    sa.Column("payment_time", UtcTime),
    sa.UniqueConstraint("gateway_dispute_id"),
    sa.Index("ix_disputes_caller", "caller_id", "create_time", "dispute_id"),
    sa.Index("ix_disputes_time", "create_time", "dispute_id"),
    sa.Index("ix_disputes_payment", "payment_id"),
    sa.Index("ix_disputes_transaction", "transaction_id"),
    sa.Index("ix_disputes_check", "next_check_time", **_where(IS_WATCHED)),
    # Filters of payments by their disputes scan these backwards.
    sa.Index("ix_disputes_of_payments", "caller_id", "state", "payment_time", "payment_id"),
    sa.Index("ix_disputes_of_all_payments", "state", "payment_time", "payment_id"),
    sa.Index("ix_disputes_without_payment_time", "dispute_id", **_where(HAS_NO_PAYMENT_TIME)),
    sa.Index("ix_disputes_unbooked", "update_time", "dispute_id", **_where(IS_DISPUTE_UNBOOKED)),
)

# The ledger: every movement of money once, at its own time. Rows are never changed.
movements: Final = sa.Table(
    "movements",
    metadata,
    sa.Column("movement_id", sa.Text, primary_key=True),
    sa.Column("time", UtcTime, nullable=False),
    sa.Column("record_time", UtcTime, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payment_id", sa.Text, nullable=False),
    sa.Column("operation_id", sa.Text, nullable=False),
    sa.Column("dispute_id", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("minor_units", sa.BigInteger, nullable=False),
    sa.Column("currency_code", sa.Text, nullable=False),
    sa.Column("payout_minor_units", sa.BigInteger),
    sa.Column("payout_currency_code", sa.Text),
    sa.Column("settlement_batch_id", sa.Text, nullable=False),
    sa.Index("ix_movements_time", "time", "movement_id"),
    sa.Index("ix_movements_payment", "payment_id"),
    sa.Index("ix_movements_dispute", "dispute_id", **_where(IS_DISPUTES)),
)

# Hosted checkouts and payment links.
checkouts: Final = sa.Table(
    "checkouts",
    metadata,
    sa.Column("checkout_id", sa.Text, primary_key=True),
    sa.Column("caller_id", sa.Text, nullable=False),
    # The secret part of the address, sealed, and its digest for lookups.
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("token_digest", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("terms", _Json, nullable=False),
    sa.Column("is_link", sa.Boolean, nullable=False),
    sa.Column("session_count", sa.Integer, nullable=False),
    sa.Column("taken_uses", sa.Integer, nullable=False),
    sa.Column("completed_uses", sa.Integer, nullable=False),
    sa.Column("payment_id", sa.Text),
    sa.Column("expire_time", UtcTime, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("update_time", UtcTime, nullable=False),
    sa.Column("end_time", UtcTime),
    sa.UniqueConstraint("token_digest"),
    sa.Index("ix_checkouts_time", "create_time", "checkout_id"),
    sa.Index("ix_checkouts_caller", "caller_id", "create_time", "checkout_id"),
    sa.Index("ix_checkouts_reference", "caller_id", "reference", "create_time", "checkout_id"),
    sa.Index("ix_checkouts_customer", "customer_id", "create_time", "checkout_id", **_where(IS_CUSTOMERS)),
    sa.Index("ix_checkouts_expiry", "expire_time", **_where(IS_OPEN_CHECKOUT)),
)

# The shoppers' uses of checkouts: one of a checkout, or one for each browser of a payment link.
checkout_uses: Final = sa.Table(
    "checkout_uses",
    metadata,
    sa.Column("checkout_id", sa.Text, sa.ForeignKey("checkouts.checkout_id"), primary_key=True),
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("payment_id", sa.Text),
    sa.Column("start_time", UtcTime),
    sa.Column("next_check_time", UtcTime),
    sa.UniqueConstraint("checkout_id", "ordinal"),
    sa.Index("ix_checkout_uses_check", "next_check_time", **_where(IS_BEING_PAID)),
)

# The inbox of the gateway's webhooks: ids only, no other content.
webhook_notifications: Final = sa.Table(
    "webhook_notifications",
    metadata,
    sa.Column("notification_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("event_time", UtcTime),
    sa.Column("receive_time", UtcTime, nullable=False),
    sa.Column("finish_time", UtcTime),
    sa.Column("attempt_count", sa.Integer, nullable=False),
    sa.Column("next_attempt_time", UtcTime),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("subject", _Json, nullable=False),
    sa.Index("ix_webhook_notifications_time", "receive_time", "notification_id"),
    sa.Index("ix_webhook_notifications_finished", "finish_time", **_where(IS_DONE)),
    sa.Index("ix_webhook_notifications_unfinished", "state", "next_attempt_time", **_where(IS_UNFINISHED)),
)

payment_methods: Final = sa.Table(
    "payment_methods",
    metadata,
    sa.Column("payment_method_id", sa.Text, primary_key=True),
    sa.Column("caller_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("gateway_token", sa.Text, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("update_time", UtcTime, nullable=False),
    sa.Column("next_check_time", UtcTime),
    sa.Column("rest", _Json, nullable=False),
    # The traceparent of the call that stored it (W3C Trace Context). None: it had none.
    sa.Column("trace_context", sa.Text),
    sa.Index("ix_payment_methods_customer", "customer_id", "create_time", "payment_method_id"),
    sa.Index("ix_payment_methods_pending", "next_check_time", **_where(IS_PENDING)),
    sa.Index("uq_payment_methods_default", "customer_id", unique=True, **_where(IS_DEFAULT)),
)

# The proofs of the keys that sealed this database's values.
encryption_keys: Final = sa.Table(
    "encryption_keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("proof", sa.Text, nullable=False),
)

# One row: facts about the database as a whole, which a restored backup has, too.
deployment: Final = sa.Table(
    "deployment",
    metadata,
    sa.Column("deployment_id", sa.Integer, primary_key=True, autoincrement=False),
    # The mark on this deployment's transactions at the gateway, which separates them from those of other deployments.
    sa.Column("mark", sa.Text, nullable=False),
    # The hold, until an administrator releases it: nothing, background work, or callers' changes as well.
    sa.Column("hold", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("hold_reason", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("hold_time", UtcTime),
)

# One row: the oldest version that may run on this schema.
schema_compatibility: Final = sa.Table(
    "schema_compatibility",
    metadata,
    sa.Column("row_id", sa.Integer, primary_key=True, autoincrement=False),
    # The last migration that that version's code knows.
    sa.Column("oldest_revision", sa.Text, nullable=False),
)

api_keys: Final = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("caller_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text),
    sa.Column("scopes", _Json, nullable=False),
    # SHA-256 of the secret, which has 256 random bits. The key itself is not stored.
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("expire_time", UtcTime),
    sa.Column("revoke_time", UtcTime),
    sa.Column("last_use_time", UtcTime),
)

# The people who act on behalf of callers. Their API keys have the operator's id as caller.
operators: Final = sa.Table(
    "operators",
    metadata,
    sa.Column("operator_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # The person's name in tokens, or empty.
    sa.Column("login", sa.Text, nullable=False),
    sa.Column("rights", _Json, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("revoke_time", UtcTime),
    sa.Index("uq_operators_login", "login", unique=True, **_where(HAS_LOGIN)),
)

# Declines and verifications by time window. Keys and cards are keyed hashes, deleted once they no longer count.
attempt_counts: Final = sa.Table(
    "attempt_counts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("bucket", UtcTime, primary_key=True),
    sa.Column("card", sa.Text, primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Index("ix_attempt_counts_bucket", "bucket"),
)

attempt_blocks: Final = sa.Table(
    "attempt_blocks",
    metadata,
    sa.Column("block_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("caller_id", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("counts_cards", sa.Boolean, nullable=False),
    sa.Column("limit", sa.Integer, nullable=False),
    sa.Column("create_time", UtcTime, nullable=False),
    sa.Column("end_time", UtcTime, nullable=False),
    sa.Column("other_key", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.UniqueConstraint("key", "counts_cards", "end_time"),
    sa.Index("ix_attempt_blocks_time", "create_time", "block_id"),
)

# Append only: triggers refuse to change or delete an entry (migration 0007).
audit_entries: Final = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("time", UtcTime, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("details", _Json, nullable=False),
    sa.Index("ix_audit_entries_time", "time", "entry_id"),
)
# A link for each entry: its hash, and a keyed signature that proves that this service wrote it.
audit_chain: Final = sa.Table(
    "audit_chain",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry_id", sa.Text, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("proof", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

# The inverted index of the search: a keyed digest of a term, and a payment that has it.
search_entries: Final = sa.Table(
    "search_entries",
    metadata,
    sa.Column("digest", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("caller_id", sa.Text, primary_key=True),
    sa.Column("create_time", EpochMicroseconds, primary_key=True),
    sa.Column("payment_id", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
# The digests that the index has of each payment, eight bytes each: what an erasure removes.
search_documents: Final = sa.Table(
    "search_documents",
    metadata,
    sa.Column("payment_id", sa.Text, primary_key=True),
    sa.Column("digests", sa.LargeBinary, nullable=False),
    sa.Column("is_stale", sa.Boolean, nullable=False),
    sa.Index("ix_search_documents_stale", "payment_id", **_where(IS_STALE)),
)
# One row: the progress of the index.
search_progress: Final = sa.Table(
    "search_progress",
    metadata,
    sa.Column("row_id", sa.Integer, primary_key=True, autoincrement=False),
    # The version of the terms, and a proof of the key of their digests.
    sa.Column("version", sa.Text, nullable=False),
    # The feed position up to which changes are indexed.
    sa.Column("position", sa.BigInteger, nullable=False),
    # Older payments than this one are still to be indexed. None: all are.
    sa.Column("backfill_time", UtcTime),
    sa.Column("backfill_id", sa.Text),
)

# Hourly rollups of the statistics. An empty caller stands for every caller, hour -1 for all hours together.
statistics_rollups: Final = sa.Table(
    "statistics_rollups",
    metadata,
    # Of the rollups: those of an earlier one are ignored, and removed by and by.
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("caller_id", sa.Text, primary_key=True),
    # Since 1970, in UTC.
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("currency_code", sa.Text, primary_key=True),
    sa.Column("measure", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("minor_units", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
# The facts of each payment that are in the rollups of the generation.
statistics_facts: Final = sa.Table(
    "statistics_facts",
    metadata,
    sa.Column("payment_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)
# One row: the progress of the statistics.
statistics_progress: Final = sa.Table(
    "statistics_progress",
    metadata,
    sa.Column("row_id", sa.Integer, primary_key=True, autoincrement=False),
    # The version of the facts.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    # The feed position up to which changes are counted.
    sa.Column("position", sa.BigInteger, nullable=False),
    # Older payments than this one are still to be counted. None: all are.
    sa.Column("backfill_time", UtcTime),
    sa.Column("backfill_id", sa.Text),
)
