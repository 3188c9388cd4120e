"""Idempotent execution of requests."""
