"""The table definitions, with the constraints that the database enforces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class UtcTime(TypeDecorator[datetime]):
    """An instant in UTC with microseconds. Refuses a time without a zone, which is ambiguous."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        # SQLite stores no zone.
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_Json: Final = JSON(none_as_null=True)

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# The conditions of partial indexes. Statements repeat them literally: a planner cannot match an index with a parameter.
IS_LIVE: Final = text("is_live")
# A payment that a customer made with a credential of their own. The condition uses its columns, not a flag: a version
# that knows nothing of such references maintains them, too.
IS_LIVE_IN_SPACE: Final = text(
    "reference_space IS NOT NULL AND funds <> 'returned' AND state IN ('pending', 'authorized', 'captured', 'settled')"
)
IS_EXTERNAL_ID_HELD: Final = text("external_id_digest <> '' AND delete_time IS NULL")
IS_DEFAULT: Final = text("is_default")
IS_OPEN: Final = text("state IN ('scheduled', 'started')")
IS_FOLLOWED: Final = text("follow_time IS NOT NULL")
IS_PENDING: Final = text("state = 'pending'")
IS_WATCHED: Final = text("next_check_time IS NOT NULL")
IS_UNFINISHED: Final = text("state IN ('pending', 'dead')")
HAS_TRANSACTION: Final = text("transaction_id <> ''")
IS_UNPUBLISHED: Final = text("position IS NULL")
HAS_CUSTOMER: Final = text("customer_id <> ''")
HAS_EMAIL: Final = text("email_digest <> ''")
IS_CUSTOMERS: Final = text("customer_id IS NOT NULL")
HAS_LAST_FOUR: Final = text("last_four <> ''")
IS_NOT_DELETED: Final = text("delete_time IS NULL")

payments: Final = Table(
    "payments",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("caller_id", Text, nullable=False),
    Column("creator", Text, nullable=False),
    Column("reference", Text, nullable=False),
    # The column of reference_contains: databases differ in their notion of case.
    Column("reference_folded", Text, nullable=False),
    Column("customer_id", Text),
    Column("minor_units", BigInteger, nullable=False),
    Column("currency_code", Text, nullable=False),
    Column("capture_mode", Text, nullable=False),
    Column("terms", _Json, nullable=False),
    # The customer within whose payments the reference is unique. None: within those of the back end.
    Column("reference_space", Text),
    # Derived from the operations and written with them, for list filters and for the unique constraint.
    Column("state", Text, nullable=False),
    Column("funds", Text, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("brand", Text, nullable=False),
    Column("last_four", Text, nullable=False),
    Column("instrument", _Json),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    # The next settlement poll; none once the payment is final.
    Column("follow_time", UtcTime),
    Column("event_count", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
# Pages scan these backwards: newest first.
Index("ix_payments_time", payments.c.create_time, payments.c.payment_id)
Index("ix_payments_caller", payments.c.caller_id, payments.c.create_time, payments.c.payment_id)
Index("ix_payments_state", payments.c.caller_id, payments.c.state, payments.c.create_time, payments.c.payment_id)
Index(
    "ix_payments_reference", payments.c.caller_id, payments.c.reference, payments.c.create_time, payments.c.payment_id
)
Index(
    "ix_payments_customer",
    payments.c.customer_id,
    payments.c.create_time,
    payments.c.payment_id,
    sqlite_where=IS_CUSTOMERS,
    postgresql_where=IS_CUSTOMERS,
)
Index(
    "ix_payments_last_four",
    payments.c.caller_id,
    payments.c.last_four,
    payments.c.create_time,
    payments.c.payment_id,
    sqlite_where=HAS_LAST_FOUR,
    postgresql_where=HAS_LAST_FOUR,
)
Index("ix_payments_follow", payments.c.follow_time, sqlite_where=IS_FOLLOWED, postgresql_where=IS_FOLLOWED)
Index(
    "uq_payments_live_reference",
    payments.c.caller_id,
    payments.c.reference,
    unique=True,
    sqlite_where=IS_LIVE,
    postgresql_where=IS_LIVE,
)
Index(
    "uq_payments_live_reference_in_space",
    payments.c.caller_id,
    payments.c.reference_space,
    payments.c.reference,
    unique=True,
    sqlite_where=IS_LIVE_IN_SPACE,
    postgresql_where=IS_LIVE_IN_SPACE,
)

operations: Final = Table(
    "operations",
    metadata,
    Column("operation_id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.payment_id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("minor_units", BigInteger, nullable=False),
    Column("currency_code", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("target_transaction_id", Text, nullable=False),
    Column("for_refund", Boolean, nullable=False, server_default=text("false")),
    Column("origin", Text, nullable=False, server_default=text("'service'")),
    Column("transaction_id", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("next_check_time", UtcTime),
    Column("check_count", Integer, nullable=False),
    Column("rest", _Json, nullable=False),
    UniqueConstraint("payment_id", "sequence"),
)
Index("ix_operations_open", operations.c.next_check_time, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
Index("ix_operations_time", operations.c.create_time, operations.c.operation_id)
Index(
    "ix_operations_transaction",
    operations.c.transaction_id,
    sqlite_where=HAS_TRANSACTION,
    postgresql_where=HAS_TRANSACTION,
)

payment_events: Final = Table(
    "payment_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.payment_id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("payload", _Json, nullable=False),
    # The position in the feed, once it is sequenced.
    Column("position", BigInteger),
    UniqueConstraint("payment_id", "sequence"),
)

Index(
    "ix_payment_events_unplaced",
    payment_events.c.time,
    payment_events.c.event_id,
    sqlite_where=IS_UNPUBLISHED,
    postgresql_where=IS_UNPUBLISHED,
)

# Archived histories of payments that have long been final. Their events are here and not among the others.
payment_archives: Final = Table(
    "payment_archives",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.payment_id"), primary_key=True),
    # Later events of the history are among the others.
    Column("event_count", Integer, nullable=False),
    # All events, compressed, then sealed as a whole.
    Column("events", Text, nullable=False),
)

# The outbox: every change in one order. A payment's row points into its history; other payloads hold the new state.
feed_events: Final = Table(
    "feed_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    # The feed position. The relay assigns it after the commit.
    Column("position", BigInteger),
    Column("kind", Text, nullable=False),
    Column("caller_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    # Sealed as a whole.
    Column("payload", Text, nullable=False),
)
Index("uq_feed_events_position", feed_events.c.position, unique=True)
Index("ix_feed_events_caller", feed_events.c.caller_id, feed_events.c.position)
Index(
    "ix_feed_events_customer",
    feed_events.c.customer_id,
    feed_events.c.position,
    sqlite_where=HAS_CUSTOMER,
    postgresql_where=HAS_CUSTOMER,
)
Index("ix_feed_events_unplaced", feed_events.c.event_id, sqlite_where=IS_UNPUBLISHED, postgresql_where=IS_UNPUBLISHED)

# The delivery cursor of each configured webhook endpoint.
event_lines: Final = Table(
    "event_lines",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("failing_since", UtcTime),
    Column("last_error", Text, nullable=False),
    Column("next_attempt_time", UtcTime, nullable=False),
    Column("success_time", UtcTime),
)

# Events outside the cursor's order: dead letters, and events to be resent.
event_deliveries: Final = Table(
    "event_deliveries",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time", UtcTime, nullable=False),
)
Index("ix_event_deliveries_position", event_deliveries.c.endpoint, event_deliveries.c.position)

requests: Final = Table(
    "requests",
    metadata,
    Column("caller_id", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("method", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("fingerprint", _Json, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    # The permanent refusal of the request. None if it was not refused.
    Column("refusal", _Json),
)

customers: Final = Table(
    "customers",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("caller_id", Text, nullable=False),
    # Sealed, as are the names, the address and the number. Lookup columns have a digest beside them.
    Column("external_id", Text, nullable=False),
    Column("external_id_digest", Text, nullable=False, server_default=text("''")),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_digest", Text, nullable=False, server_default=text("''")),
    Column("phone", Text, nullable=False),
    Column("language_code", Text, nullable=False),
    Column("is_at_gateway", Boolean, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("delete_time", UtcTime),
)
Index(
    "ix_customers_listed",
    customers.c.caller_id,
    customers.c.create_time,
    customers.c.customer_id,
    sqlite_where=IS_NOT_DELETED,
    postgresql_where=IS_NOT_DELETED,
)
Index(
    "ix_customers_time",
    customers.c.create_time,
    customers.c.customer_id,
    sqlite_where=IS_NOT_DELETED,
    postgresql_where=IS_NOT_DELETED,
)
Index(
    "ix_customers_email",
    customers.c.caller_id,
    customers.c.email_digest,
    customers.c.create_time,
    customers.c.customer_id,
    sqlite_where=HAS_EMAIL,
    postgresql_where=HAS_EMAIL,
)
Index(
    "uq_customers_external_id",
    customers.c.caller_id,
    customers.c.external_id_digest,
    unique=True,
    sqlite_where=IS_EXTERNAL_ID_HELD,
    postgresql_where=IS_EXTERNAL_ID_HELD,
)

# Disputes of payments: one row for each of the gateway's.
disputes: Final = Table(
    "disputes",
    metadata,
    Column("dispute_id", Text, primary_key=True),
    Column("caller_id", Text, nullable=False),
    Column("payment_id", Text, ForeignKey("payments.payment_id"), nullable=False),
    Column("customer_id", Text),
    Column("gateway_dispute_id", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reply_by_time", UtcTime),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("next_check_time", UtcTime),
    Column("check_count", Integer, nullable=False),
    Column("report", _Json, nullable=False),
    Column("actions", _Json, nullable=False),
    UniqueConstraint("gateway_dispute_id"),
)
Index("ix_disputes_caller", disputes.c.caller_id, disputes.c.create_time, disputes.c.dispute_id)
Index("ix_disputes_time", disputes.c.create_time, disputes.c.dispute_id)
Index("ix_disputes_payment", disputes.c.payment_id)
Index("ix_disputes_transaction", disputes.c.transaction_id)
Index("ix_disputes_check", disputes.c.next_check_time, sqlite_where=IS_WATCHED, postgresql_where=IS_WATCHED)

# The inbox of the gateway's webhooks: ids only, no other content.
webhook_notifications: Final = Table(
    "webhook_notifications",
    metadata,
    Column("notification_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("event_time", UtcTime),
    Column("receive_time", UtcTime, nullable=False),
    Column("finish_time", UtcTime),
    Column("attempt_count", Integer, nullable=False),
    Column("next_attempt_time", UtcTime),
    Column("last_error", Text, nullable=False),
    Column("subject", _Json, nullable=False),
)
Index("ix_webhook_notifications_time", webhook_notifications.c.receive_time, webhook_notifications.c.notification_id)
Index(
    "ix_webhook_notifications_unfinished",
    webhook_notifications.c.state,
    webhook_notifications.c.next_attempt_time,
    sqlite_where=IS_UNFINISHED,
    postgresql_where=IS_UNFINISHED,
)

payment_methods: Final = Table(
    "payment_methods",
    metadata,
    Column("payment_method_id", Text, primary_key=True),
    Column("caller_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("gateway_token", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("next_check_time", UtcTime),
    Column("rest", _Json, nullable=False),
)
Index(
    "ix_payment_methods_customer",
    payment_methods.c.customer_id,
    payment_methods.c.create_time,
    payment_methods.c.payment_method_id,
)
Index(
    "ix_payment_methods_pending",
    payment_methods.c.next_check_time,
    sqlite_where=IS_PENDING,
    postgresql_where=IS_PENDING,
)
Index(
    "uq_payment_methods_default",
    payment_methods.c.customer_id,
    unique=True,
    sqlite_where=IS_DEFAULT,
    postgresql_where=IS_DEFAULT,
)

# The proofs of the keys that sealed this database's values.
encryption_keys: Final = Table(
    "encryption_keys", metadata, Column("key_id", Text, primary_key=True), Column("proof", Text, nullable=False)
)

# One row: facts about the database as a whole, which a restored backup has, too.
deployment: Final = Table(
    "deployment",
    metadata,
    Column("deployment_id", Integer, primary_key=True, autoincrement=False),
    # The mark on this deployment's transactions at the gateway, which separates them from those of other deployments.
    Column("mark", Text, nullable=False),
    # The hold, until an administrator releases it: nothing, background work, or callers' changes as well.
    Column("hold", Text, nullable=False, server_default=text("''")),
    Column("hold_reason", Text, nullable=False, server_default=text("''")),
    Column("hold_time", UtcTime),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("caller_id", Text, nullable=False),
    Column("customer_id", Text),
    Column("scopes", _Json, nullable=False),
    # SHA-256 of the secret, which has 256 random bits. The key itself is not stored.
    Column("secret_hash", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("expire_time", UtcTime),
    Column("revoke_time", UtcTime),
    Column("last_use_time", UtcTime),
)
# Declines and verifications by time window. Keys and cards are keyed hashes, deleted once they no longer count.
attempt_counts: Final = Table(
    "attempt_counts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("bucket", UtcTime, primary_key=True),
    Column("card", Text, primary_key=True),
    Column("total", Integer, nullable=False),
)
Index("ix_attempt_counts_bucket", attempt_counts.c.bucket)

attempt_blocks: Final = Table(
    "attempt_blocks",
    metadata,
    Column("block_id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("caller_id", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("counts_cards", Boolean, nullable=False),
    Column("limit", Integer, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("end_time", UtcTime, nullable=False),
    UniqueConstraint("key", "counts_cards", "end_time"),
)
Index("ix_attempt_blocks_time", attempt_blocks.c.create_time, attempt_blocks.c.block_id)

# Append only: triggers refuse to change or delete an entry (migration 0007).
audit_entries: Final = Table(
    "audit_entries",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("time", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("details", _Json, nullable=False),
)
# A link for each entry: its hash, and a keyed signature that proves that this service wrote it.
audit_chain: Final = Table(
    "audit_chain",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    Column("proof", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_audit_entries_time", audit_entries.c.time, audit_entries.c.entry_id)
