"""Hosted checkouts and payment links."""
