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
    """A moment to the microsecond, in UTC. Refuses a time without a zone: nobody knows when that is."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        # SQLite keeps no zone.
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

# The conditions of partial indexes. Statements repeat them word for word: with a parameter in its place, a database
# cannot tell that the index fits.
IS_LIVE: Final = text("is_live")
# Of a payment that a customer made with a credential of their own. Its columns, and not a flag: a version that knows
# nothing of such references keeps them up to date, too.
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
IS_UNPLACED: Final = text("position IS NULL")
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
    # What reference_contains looks at: databases differ in what they call upper and lower case.
    Column("reference_folded", Text, nullable=False),
    Column("customer_id", Text),
    Column("minor_units", BigInteger, nullable=False),
    Column("currency_code", Text, nullable=False),
    Column("capture_mode", Text, nullable=False),
    Column("terms", _Json, nullable=False),
    # The customer, where the reference is unique among their own payments. None: among those of the back end.
    Column("reference_space", Text),
    # Derived from the operations and written with them, so that lists can filter and the unique rule can hold.
    Column("state", Text, nullable=False),
    Column("funds", Text, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("brand", Text, nullable=False),
    Column("last_four", Text, nullable=False),
    Column("instrument", _Json),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    # When to ask the gateway next how the money moves on; none once it rests.
    Column("follow_time", UtcTime),
    Column("event_count", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
# Pages run backwards over these: newest first.
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
    # The place in the feed, once it was given one.
    Column("position", BigInteger),
    UniqueConstraint("payment_id", "sequence"),
)

Index(
    "ix_payment_events_unplaced",
    payment_events.c.time,
    payment_events.c.event_id,
    sqlite_where=IS_UNPLACED,
    postgresql_where=IS_UNPLACED,
)

# Histories of payments that have long been at rest. Their events are here and not among the others.
payment_archives: Final = Table(
    "payment_archives",
    metadata,
    Column("payment_id", Text, ForeignKey("payments.payment_id"), primary_key=True),
    # What comes later in the history is among the others.
    Column("event_count", Integer, nullable=False),
    # All events, compressed, then sealed as a whole.
    Column("events", Text, nullable=False),
)

# Every change in one order. Of payments only where it stands in their history; the payload of others is what changed.
feed_events: Final = Table(
    "feed_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    # The place. The relay gives it after the commit.
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
Index("ix_feed_events_unplaced", feed_events.c.event_id, sqlite_where=IS_UNPLACED, postgresql_where=IS_UNPLACED)

# How far each configured endpoint of events is.
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

# Events out of the lines: given up, or asked for again.
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
    # The refusal that is the answer to it, for ever. None where it was not refused.
    Column("refusal", _Json),
)

customers: Final = Table(
    "customers",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("caller_id", Text, nullable=False),
    # Sealed, as are the names, the address and the number. What is looked up by has a digest beside it.
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

# Claims on payments. One row for each dispute of the gateway.
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

# The inbox of what the gateway tells: ids only, nothing else of what was sent.
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

# What shows whether a key is the one that values of this database were sealed with.
encryption_keys: Final = Table(
    "encryption_keys", metadata, Column("key_id", Text, primary_key=True), Column("proof", Text, nullable=False)
)

# One row: what is true of this database as a whole. A restored backup has it, too.
deployment: Final = Table(
    "deployment",
    metadata,
    Column("deployment_id", Integer, primary_key=True, autoincrement=False),
    # What its transactions carry at the gateway, so that another deployment's are told apart.
    Column("mark", Text, nullable=False),
    # What is held until an administrator releases it: nothing, the background's work, or callers' changes as well.
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
    # SHA-256 of the secret, which is 256 random bits. The key itself is nowhere.
    Column("secret_hash", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("expire_time", UtcTime),
    Column("revoke_time", UtcTime),
    Column("last_use_time", UtcTime),
)
# Declines and verifications in pieces of time. Keys and cards are keyed hashes, and deleted once they no longer count.
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
# A link for each entry: its hash, and under a key what says that this service wrote it.
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
