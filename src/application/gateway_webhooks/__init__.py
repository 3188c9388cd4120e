"""The inbox of gateway webhooks."""
