"""The inbound HTTP adapter: the gateway's webhooks, health and metrics."""
