"""Outgoing webhooks: events as signed HTTP requests."""
