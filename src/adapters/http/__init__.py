"""What is served over HTTP: the gateway's webhooks, health and metrics."""
