"""Shared parts of the use cases: caller, errors, validation, leases, page tokens, backoff."""
