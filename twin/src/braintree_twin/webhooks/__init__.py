"""Webhooks: what merchants are told of, signed, and carried to their servers."""
