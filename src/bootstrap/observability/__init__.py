"""Metrics, logs of calls, and traces: implementations of the adapters' observers."""
