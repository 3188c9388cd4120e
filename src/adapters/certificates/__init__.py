"""Mutual TLS authentication: maps client certificates to callers."""
