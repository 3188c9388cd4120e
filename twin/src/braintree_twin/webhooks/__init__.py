"""Webhooks: notifications, their signatures, and their delivery to merchants' servers."""
