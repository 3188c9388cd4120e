"""The lifecycle of transactions and disputes: statuses, expiry, settlement."""
