"""Small real implementations of the ports, held to the same contracts as the adapters."""
